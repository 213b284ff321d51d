"""A witness over HTTP (c2sp.org/tlog-witness).

POST /add-checkpoint                    200 with the cosignature, or why not:
    400   no such request, or its old size is above the checkpoint's
    403   not signed by a key known for that log
    404   a log this witness does not know
    409   the old size is not that of the tree cosigned last, which the answer tells
    422   the new tree is not proven to extend it
GET  /<SHA-256 of the origin, hex>/checkpoint    the checkpoint cosigned last
"""

import logging
import re
from collections.abc import Callable, Sequence

from aiohttp import web

from relais.crypto.signed_note import SignedNote, VerifierKey
from relais.crypto.witness import (
    AddCheckpoint,
    WitnessError,
    judge,
    origin_asked,
    parse_add_checkpoint,
)
from relais.server.witness.memory import Memory, MemoryDamaged

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
STATUS = {
    "request-malformed": 400,
    "old-size-too-large": 400,
    "not-signed": 403,
    "unknown-log": 404,
    "old-size-differs": 409,
    "not-consistent": 422,
}
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Witness:
    """Cosigns what extends what it has cosigned before. `seconds` tells the time, since 1970."""

    def __init__(
        self, memory: Memory, logs: Sequence[VerifierKey], seconds: Callable[[], int]
    ) -> None:
        self._memory = memory
        self._logs = logs
        self._seconds = seconds

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_post("/add-checkpoint", self._add)
        app.router.add_get("/{digest}/checkpoint", self._last)
        return app

    async def _add(self, request: web.Request) -> web.Response:
        try:
            asked = parse_add_checkpoint(await request.read())
            origin = origin_asked(asked)
            keys = [key for key in self._logs if key.name == origin]
            line = self._cosign(asked, origin, keys)
        except WitnessError as error:
            return _refused(error)
        except MemoryDamaged:
            log.critical("cosigns nothing of this log: its memory is damaged", exc_info=True)
            return web.Response(status=500)
        return web.Response(text=line)

    def _cosign(self, asked: AddCheckpoint, origin: str, keys: Sequence[VerifierKey]) -> str:
        """Judge, remember, then answer. Without an await: no other request comes in between."""
        if not keys:
            raise WitnessError("unknown-log")
        signed = judge(asked, keys, self._memory.head(origin))
        known = {(key.name, key.key_id) for key in keys}
        by_log = (one for one in signed.note.signatures if (one.name, one.key_id) in known)
        note = SignedNote(signed.note.text, tuple(by_log))
        cosigned = note.cosigned_by(self._memory.key, at=self._seconds())
        self._memory.keep(origin, cosigned.encode())
        return cosigned.signatures[-1].encode()

    async def _last(self, request: web.Request) -> web.Response:
        digest = request.match_info["digest"]
        note = self._memory.checkpoint(digest) if _DIGEST.fullmatch(digest) else None
        if note is None:
            raise web.HTTPNotFound
        return web.Response(body=note, content_type="text/plain", charset="utf-8")


def _refused(error: WitnessError) -> web.Response:
    status = STATUS[error.reason]
    log.warning("does not cosign", extra={"reason": error.reason})
    if error.size is None:
        return web.Response(status=status, text=f"{error.reason}\n")
    headers = {"Content-Type": "text/x.tlog.size"}
    return web.Response(status=status, body=f"{error.size}\n".encode(), headers=headers)

"""One witness of the log: asked to cosign a tree head, over HTTP (c2sp.org/tlog-witness)."""

import asyncio
import logging
import time
from dataclasses import dataclass

import aiohttp

from relais.crypto.merkle import consistency_proof
from relais.crypto.signed_note import (
    Signature,
    SignedNote,
    SignedNoteError,
    VerifierKey,
    parse_signed_note,
)
from relais.crypto.tiles import tiles_for_consistency
from relais.crypto.witness import AddCheckpoint, cosignature_in
from relais.models.store.audit_head import LogHead
from relais.models.store.errors import StoreError
from relais.server.audit.parts import LogDamaged, LogStores
from relais.server.audit.tree import hashes_of

log = logging.getLogger(__name__)

ANSWER_BYTES = 64 * 1024
SECONDS = 10.0
"""How long one question may take."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
CONFLICT = 409


class Declined(Exception):
    """A witness answered, and did not cosign."""


@dataclass(frozen=True)
class Cosigned:
    """A witness's signature, and the text of the checkpoint it is over."""

    text: str
    signature: Signature


class WitnessClient:
    """Asks one witness, and remembers what it cosigned last."""

    def __init__(self, stores: LogStores, key: VerifierKey, url: str) -> None:
        self.key = key
        self.size = 0
        self.cosigned: Cosigned | None = None
        self._stores = stores
        self._url = url.rstrip("/") + "/add-checkpoint"
        self._busy = False
        self._pause = FIRST_PAUSE
        self._not_before = 0.0

    def is_due(self, head: LogHead) -> bool:
        """Whether it is time to ask it about this head: not while it is asked, nor at once after it failed."""
        has_it = self.signature_of(head) is not None
        return not (has_it or self._busy) and time.monotonic() >= self._not_before

    def signature_of(self, head: LogHead) -> Signature | None:
        """Its cosignature of exactly this head."""
        text = parse_signed_note(head.checkpoint).text
        return self.cosigned.signature if self.cosigned and self.cosigned.text == text else None

    async def ask(self, session: aiohttp.ClientSession, head: LogHead) -> None:
        """Ask for a cosignature of a head, and keep it. What fails is logged, and tried again later."""
        self._busy = True
        try:
            async with asyncio.timeout(SECONDS):
                await self._ask(session, head)
            self._pause = FIRST_PAUSE
        except (aiohttp.ClientError, TimeoutError, SignedNoteError, Declined, StoreError) as error:
            self._not_before = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            told = str(error) or type(error).__name__
            log.warning("a witness did not cosign: %s", told, extra={"witness": self.key.name})
        except LogDamaged:
            self._not_before = time.monotonic() + LONGEST_PAUSE
            log.critical("the audit log was changed past this program", exc_info=True)
        finally:
            self._busy = False

    async def _ask(self, session: aiohttp.ClientSession, head: LogHead) -> None:
        note = parse_signed_note(head.checkpoint)
        answer = await self._submit(session, head, note)
        if isinstance(
            answer, int
        ):  # it has cosigned another size than we knew: once more from there
            self._learn(answer, head)
            answer = await self._submit(session, head, note)
        if isinstance(answer, int):
            raise Declined(f"it says to have cosigned {answer} entries, and then does not")
        self.cosigned = Cosigned(note.text, cosignature_in(answer, note, self.key))
        self.size = head.size

    def _learn(self, size: int, head: LogHead) -> None:
        if size > head.size:
            raise Declined(f"it has cosigned {size} entries, and this log has {head.size}")
        self.size = size

    async def _submit(
        self, session: aiohttp.ClientSession, head: LogHead, note: SignedNote
    ) -> bytes | int:
        """Its signature lines, or the size it has cosigned last where that is another than we thought."""
        hash_at = await hashes_of(self._stores, head, tiles_for_consistency(self.size, head.size))
        proof = consistency_proof(hash_at, old_size=self.size, new_size=head.size)
        request = AddCheckpoint(self.size, proof, note.encode())
        async with session.post(self._url, data=request.encode(), allow_redirects=False) as answer:
            body = await answer.content.read(ANSWER_BYTES)
            if answer.status == CONFLICT:
                return _size(body)
            if answer.status != 200:
                raise Declined(f"it answered {answer.status}")
            return body


def _size(body: bytes) -> int:
    text = body.removesuffix(b"\n")
    if not text.isdigit() or len(text) > 15:
        raise Declined("it answered 409 without a size")
    return int(text)

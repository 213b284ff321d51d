"""``GET /audit/export?format=…``: the entries that match, as a file, for auditors.

A query is that of ``audit.search``: account, circle, organisation, action, outcome, since, until (milliseconds), all optional. Formats are those of
`formats`; ``proof`` is one file instead of lines, and takes ``from_size``: the size of an earlier tree, which the bundle then continues.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from relais.models.refusal import Code, Refusal
from relais.models.store.audit_head import LogHead
from relais.models.store.audit_log import LogEntry
from relais.models.store.audit_search import Places, Wanted
from relais.models.wire import codec
from relais.models.wire.audit import SearchAudit
from relais.server import authorize
from relais.server.audit.answers import places_of, subject_of, wanted_of
from relais.server.audit.formats import FORMATS, PROOF, Format
from relais.server.audit.parts import LogStores
from relais.server.audit.proofs import MOST_PROVEN, bundle_of
from relais.server.audit.record import Act, Recorder
from relais.server.http import Gate

log = logging.getLogger(__name__)

TEXTS = ("account", "circle", "organisation", "action", "outcome")
TIMES = ("since", "until")
AT_ONCE = 256
PROOF_TYPE, PROOF_NAME = "application/json", "audit-proof.json"


@dataclass(frozen=True)
class Asked:
    """Which entries, in which format; `older`: the size of the tree that a proof bundle is to continue."""

    wanted: Wanted
    format: str
    older: int | None = None

    @property
    def act(self) -> Act:
        subject = {"format": self.format, **subject_of(self.wanted)}
        if self.older is not None:
            subject["size_from"] = self.older
        return Act("audit.export", self.wanted.circle, subject)


class ExportRoute:
    """Answers ``/audit/export``."""

    def __init__(self, stores: LogStores, recorder: Recorder, gate: Gate) -> None:
        self._stores = stores
        self._recorder = recorder
        self._gate = gate

    async def answer(self, request: web.Request) -> web.StreamResponse:
        caller = await self._gate.caller(request)
        authorize.is_auditor(caller.roles)
        asked = asked_of(request.query)
        await self._recorder.record(caller, asked.act)
        if asked.format == PROOF:
            body = await proof_of(self._stores, asked)
            return web.Response(body=body, content_type=PROOF_TYPE, headers=_headers(PROOF_NAME))
        return await self._stream(request, asked)

    async def _stream(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        kind = FORMATS[asked.format]
        response = web.StreamResponse(headers=_headers(f"audit-log.{kind.suffix}"))
        response.content_type, response.charset = kind.media_type, "utf-8"
        await response.prepare(request)
        try:
            async for piece in pieces_of(self._stores, asked.wanted, kind):
                await response.write(piece)
            await response.write_eof()
        except Exception:  # the answer has begun: it must not look whole
            log.exception("an export ended early")
            if request.transport is not None:
                request.transport.abort()
        return response


async def pieces_of(stores: LogStores, wanted: Wanted, kind: Format) -> AsyncIterator[bytes]:
    """The file of a format, some hundred entries at a time."""
    head = await stores.heads.published()
    lines = kind.lines(head)
    yield kind.head()
    some: list[LogEntry] = []
    async with aclosing(_found(stores, wanted, await places_of(stores, wanted))) as found:
        async for entry in found:
            some.append(entry)
            if len(some) == AT_ONCE:
                yield lines(some)
                some = []
    yield lines(some)


async def proof_of(stores: LogStores, asked: Asked) -> bytes:
    """The proof bundle. Raises ``too_large`` for more than `MOST_PROVEN` entries, ``not_found`` for an older tree the log never had."""
    head = await stores.heads.published()
    entries = await _matching(stores, asked.wanted, head)
    bundle = await bundle_of(stores, head, entries, older=asked.older)
    return bundle.encode()


async def _matching(stores: LogStores, wanted: Wanted, head: LogHead) -> list[LogEntry]:
    """Those that are in the published tree."""
    places = await places_of(stores, wanted)
    below = Places(min(places.start, head.size), min(places.end, head.size))
    some: list[LogEntry] = []
    async with aclosing(_found(stores, wanted, below)) as found:
        async for entry in found:
            if len(some) == MOST_PROVEN:
                raise Refusal(Code.TOO_LARGE, most=MOST_PROVEN)
            some.append(entry)
    return some


def _found(stores: LogStores, wanted: Wanted, places: Places) -> Any:
    return stores.search.find(wanted, places, newest_first=False, page=AT_ONCE)


def _headers(name: str) -> dict[str, str]:
    disposition = f'attachment; filename="{name}"'
    return {"Cache-Control": "private, no-store", "Content-Disposition": disposition}


def asked_of(query: Mapping[str, str]) -> Asked:
    """The query as the wire has it. Raises ``malformed`` with the name of what is wrong."""
    kind = query.get("format", "")
    known = {"format", *TEXTS, *TIMES, *(("from_size",) if kind == PROOF else ())}
    unknown = set(query) - known
    if unknown or kind not in (*FORMATS, PROOF):
        raise Refusal(Code.MALFORMED, field=min(unknown, default="format"))
    asked: dict[str, Any] = {name: query.get(name) for name in TEXTS}
    asked |= {name: _number(query.get(name), name) for name in TIMES}
    wanted = wanted_of(codec.decode(SearchAudit, {**asked, "before": 0, "limit": 1}))
    return Asked(wanted, kind, _number(query.get("from_size"), "from_size"))


def _number(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise Refusal(Code.MALFORMED, field=field)
    return int(text)

"""The log over HTTP.

    GET /log/checkpoint              the newest published checkpoint        everybody
    GET /log/vkey                    the key it is signed with              everybody
    GET /log/tile/<L>/<N>[.p/<W>]    hashes (c2sp.org/tlog-tiles)           everybody
    GET /log/tile/entries/<N>[…]     entries                                auditors, recorded
    GET /audit/export?format=…       entries that match, as a file          auditors, recorded

An export's query is that of ``audit.search``: account, circle, organisation, action, outcome, since, until (milliseconds), all optional.
"""

import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from relais.crypto.tiles import TILE_WIDTH, Tile, TileError, parse_path
from relais.models.refusal import Code, Refusal
from relais.models.store.audit_log import LogEntry
from relais.models.store.audit_search import Wanted
from relais.models.wire import codec
from relais.models.wire.audit import SearchAudit
from relais.server import authorize
from relais.server.audit.answers import places_of, subject_of, wanted_of
from relais.server.audit.parts import LogStores
from relais.server.audit.record import Act, Recorder
from relais.server.audit.sheets import Lines, csv_head, csv_lines, ndjson_lines
from relais.server.audit.tree import tile_bytes
from relais.server.http import Gate, guarded

log = logging.getLogger(__name__)

TEXTS = ("account", "circle", "organisation", "action", "outcome")
TIMES = ("since", "until")
AT_ONCE = 256
FOREVER = "public, max-age=31536000, immutable"
CSV, NDJSON = "text/csv", "application/x-ndjson"


@dataclass(frozen=True)
class RouteParts:
    """What the log is served with."""

    stores: LogStores
    recorder: Recorder
    gate: Gate


class LogRoutes:
    """Serves ``/log`` and ``/audit/export``."""

    def __init__(self, parts: RouteParts) -> None:
        self._parts = parts
        self._stores = parts.stores

    def add_routes(self, app: web.Application) -> None:
        acts = {
            "/log/checkpoint": (Act("log.checkpoint"), self._checkpoint),
            "/log/vkey": (Act("log.vkey"), self._vkey),
            "/log/tile/{path:.+}": (Act("log.tile"), self._tile),
            "/audit/export": (Act("audit.export"), self._export),
        }
        for path, (act, handler) in acts.items():
            app.router.add_get(path, guarded(self._parts.gate, _always(act), handler))

    async def _checkpoint(self, request: web.Request) -> web.StreamResponse:
        await self._enter(request)
        head = await self._stores.heads.published()
        return _text(head.checkpoint)

    async def _vkey(self, request: web.Request) -> web.StreamResponse:
        await self._enter(request)
        head = await self._stores.heads.read()
        return _text(f"{head.vkey}\n".encode())

    async def _tile(self, request: web.Request) -> web.StreamResponse:
        try:
            tile = parse_path(f"tile/{request.match_info['path']}")
        except TileError as error:
            raise web.HTTPNotFound from error
        caching = FOREVER
        if tile.level == "entries":
            caching = "private, no-store"
            await self._enter_as_auditor(request, tile)
        else:
            await self._enter(request)
        data = await tile_bytes(self._stores, tile)
        if data is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": caching}
        return web.Response(body=data, content_type="application/octet-stream", headers=headers)

    async def _enter(self, request: web.Request) -> None:
        """Everybody may, at the pace of their device, or of their address."""
        if "Authorization" in request.headers:
            await self._parts.gate.caller(request)
        else:
            self._parts.gate.stranger(request)

    async def _enter_as_auditor(self, request: web.Request, tile: Tile) -> None:
        caller = await self._parts.gate.caller(request)
        authorize.is_auditor(caller.roles)
        start = tile.index * TILE_WIDTH
        subject = {"index_from": start, "index_to": start + tile.width - 1}
        await self._parts.recorder.record(caller, Act("log.entries", subject=subject))

    async def _export(self, request: web.Request) -> web.StreamResponse:
        caller = await self._parts.gate.caller(request)
        authorize.is_auditor(caller.roles)
        wanted, kind = _asked(request.query)
        subject = {"format": "csv" if kind == CSV else "ndjson", **subject_of(wanted)}
        await self._parts.recorder.record(caller, Act("audit.export", wanted.circle, subject))
        response = web.StreamResponse(headers={"Cache-Control": "private, no-store"})
        response.content_type, response.charset = kind, "utf-8"
        name = f"audit-log.{subject['format']}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        await response.prepare(request)
        try:
            await self._send(response, wanted, csv_lines if kind == CSV else ndjson_lines)
        except Exception:  # the answer has begun: it must not look whole
            log.exception("an export ended early")
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _send(self, response: web.StreamResponse, wanted: Wanted, lines: Lines) -> None:
        if lines is csv_lines:
            await response.write(csv_head())
        places = await places_of(self._stores, wanted)
        finding = self._stores.search.find(wanted, places, newest_first=False, page=AT_ONCE)
        some: list[LogEntry] = []
        async with aclosing(finding) as found:
            async for entry in found:
                some.append(entry)
                if len(some) == AT_ONCE:
                    await response.write(lines(some))
                    some = []
        await response.write(lines(some))
        await response.write_eof()


def _always(act: Act) -> Any:
    return lambda _: act


def _text(body: bytes) -> web.Response:
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=body, content_type="text/plain", charset="utf-8", headers=headers)


def _asked(query: Mapping[str, str]) -> tuple[Wanted, str]:
    """The query as the wire has it. Raises ``malformed`` with the name of what is wrong."""
    unknown = set(query) - {"format", *TEXTS, *TIMES}
    kind = {"csv": CSV, "ndjson": NDJSON}.get(query.get("format", ""))
    if unknown or kind is None:
        raise Refusal(Code.MALFORMED, field=min(unknown, default="format"))
    asked: dict[str, Any] = {name: query.get(name) for name in TEXTS}
    asked |= {name: _time(query.get(name), name) for name in TIMES}
    return wanted_of(codec.decode(SearchAudit, {**asked, "before": 0, "limit": 1})), kind


def _time(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise Refusal(Code.MALFORMED, field=field)
    return int(text)

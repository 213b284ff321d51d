"""The log over HTTP.

GET /log/checkpoint              the newest published checkpoint        everybody
GET /log/vkey                    the key it is signed with              everybody
GET /log/tile/<L>/<N>[.p/<W>]    hashes (c2sp.org/tlog-tiles)           everybody
GET /log/tile/entries/<N>[…]     entries                                auditors, recorded
GET /log/relais_verify.py        the program that checks proofs         everybody
GET /audit/export?format=…       entries that match, as a file          auditors, recorded (`exports`)
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from aiohttp import web

from relais.crypto.tiles import TILE_WIDTH, Tile, TileError, parse_path
from relais.server import authorize
from relais.server.audit.exports import ExportRoute
from relais.server.audit.parts import LogStores
from relais.server.audit.record import Act, Recorder
from relais.server.audit.tree import tile_bytes
from relais.server.http import Gate, guarded

FOREVER = "public, max-age=31536000, immutable"


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
        exports = ExportRoute(self._stores, self._parts.recorder, self._parts.gate)
        acts = {
            "/log/checkpoint": (Act("log.checkpoint"), self._checkpoint),
            "/log/vkey": (Act("log.vkey"), self._vkey),
            "/log/tile/{path:.+}": (Act("log.tile"), self._tile),
            "/log/relais_verify.py": (Act("log.verifier"), self._verifier),
            "/audit/export": (Act("audit.export"), exports.answer),
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

    async def _verifier(self, request: web.Request) -> web.StreamResponse:
        await self._enter(request)
        return _text(files("relais.verifier").joinpath("relais_verify.py").read_bytes())

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


def _always(act: Act) -> Any:
    return lambda _: act


def _text(body: bytes) -> web.Response:
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=body, content_type="text/plain", charset="utf-8", headers=headers)

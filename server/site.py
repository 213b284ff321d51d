"""The web client's files, and the headers that keep strangers out of it."""

import gzip
import logging
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

log = logging.getLogger(__name__)

PAGES = ("/", "/enrol", "/join", "/restore", "/circle/{rest:.*}", "/audit", "/settings")
COMPRESSED = (".js", ".css", ".html", ".svg", ".webmanifest", ".json", ".map")
IMMUTABLE = "public, max-age=31536000, immutable"
HASHED = re.compile(r"^assets/.+-[A-Z0-9]{8}\.[a-z0-9.]+$")
HOST = re.compile(r"^[A-Za-z0-9.\-\[\]:]{1,255}$")
TYPES = {".webmanifest": "application/manifest+json", ".js": "text/javascript"}

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
}
HSTS = "max-age=63072000; includeSubDomains"


def find_web(chosen: Path | None) -> Path | None:
    """The folder of the built web client: as chosen, as installed, or as built in the source tree."""
    room = Path(__file__).parent
    candidates = (chosen, room.parent / "web_client", room.resolve().parent / "web_client" / "dist")
    return next((path for path in candidates if path and (path / "index.html").is_file()), None)


def content_policy(host: str) -> str:
    """Nothing but our own files; sockets to the host the page came from (older Safari needs it named)."""
    sockets = f" ws://{host} wss://{host}" if HOST.match(host) else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "font-src 'self'",
            f"connect-src 'self'{sockets}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "frame-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types lit-html relais",
        )
    )


@dataclass(frozen=True)
class Asset:
    """One file as it is sent."""

    content: bytes
    packed: bytes | None
    media_type: str
    caching: str


class Site:
    """Serves the folder from memory; read again when its page changed on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built = 0
        self._assets: Mapping[str, Asset] = {}

    def add_routes(self, app: web.Application) -> None:
        for path in PAGES:
            app.router.add_get(path, self._page)
        app.router.add_get("/{name:assets/.+|icons/.+|[^/]+\\.[a-z]+}", self._file)

    async def _page(self, request: web.Request) -> web.Response:
        return self._send(request, "index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return self._send(request, request.match_info["name"])

    def _send(self, request: web.Request, name: str) -> web.Response:
        asset = self._current().get(name)
        if asset is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": asset.caching, "Vary": "Accept-Encoding"}
        if name.endswith(".html") or name == "sw.js":
            headers["Content-Security-Policy"] = content_policy(request.host)
        body = asset.content
        if asset.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = asset.packed
        return web.Response(body=body, content_type=asset.media_type, headers=headers)

    def _current(self) -> Mapping[str, Asset]:
        try:
            built = (self._folder / "index.html").stat().st_mtime_ns
        except FileNotFoundError:  # it is being built again: what was read still stands
            return self._assets
        if built != self._built:
            self._assets = {name: asset for name, asset in _read(self._folder)}
            self._built = built
        return self._assets


def _read(folder: Path) -> list[tuple[str, Asset]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(path.relative_to(folder).as_posix(), _asset(path, folder)) for path in files]


def _asset(path: Path, folder: Path) -> Asset:
    content = path.read_bytes()
    name = path.relative_to(folder).as_posix()
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(content, 9, mtime=0) if path.suffix in COMPRESSED else None
    return Asset(content, packed, kind, IMMUTABLE if HASHED.match(name) else "no-cache")

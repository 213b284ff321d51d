"""Everything a browser sent and received, and a search through it for what must never be there."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote_from_bytes

from playwright.async_api import BrowserContext, Page, Request, WebSocket


@dataclass
class Traffic:
    """Pieces of what went over the network, each with where it was: a header, a body, a frame."""

    pieces: list[tuple[str, bytes]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    def hear(self, context: BrowserContext) -> None:
        """Record this context from now on, its service worker included."""
        context.on("request", self._request)
        context.on("page", self._page)

    def _page(self, page: Page) -> None:
        page.on("websocket", self._socket)

    def _request(self, request: Request) -> None:
        self.urls.append(request.url)
        self.pieces.append((f"address of {request.method}", request.url.encode()))
        for name, value in request.headers.items():
            self.pieces.append((f"header {name}", value.encode()))
        if body := request.post_data_buffer:
            self.pieces.append((f"body to {request.url}", body))

    def _socket(self, socket: WebSocket) -> None:
        self.urls.append(socket.url)
        self.pieces.append(("address of a socket", socket.url.encode()))
        socket.on("framesent", lambda frame: self._frame("frame sent", frame))
        socket.on("framereceived", lambda frame: self._frame("frame received", frame))

    def _frame(self, where: str, frame: str | bytes) -> None:
        self.pieces.append((where, frame.encode() if isinstance(frame, str) else frame))

    def places_of(self, secret: bytes) -> list[str]:
        """Where `secret` went by, as it is or in a usual disguise."""
        disguises = set(written(secret))
        return [where for where, piece in self.pieces if any(form in piece for form in disguises)]


def written(secret: bytes) -> Iterator[bytes]:
    """The ways these bytes are usually written: raw, hexadecimal, in addresses, in JSON, in base 64 at any offset."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield quote_from_bytes(secret).encode()
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + secret)
        inner = coded[(0, 2, 3)[shift] : len(coded) // 4 * 4 - 4]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))
    try:
        text = secret.decode("utf-8")
    except UnicodeDecodeError:
        return
    yield text.encode("unicode_escape")
    yield text.encode("utf-16-le")

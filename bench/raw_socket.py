"""The thinnest Socket.IO 5 client that can drive a server hard: one WebSocket, msgpack packets, no tasks of its own.

It shares the machine with the server it measures, so what it takes is missing there. It reads the server's frames (RFC 6455 §5.2) out of
what the kernel gives in one piece, and masks with zeros: the server undoes any mask alike.
"""

import asyncio
import base64
import os
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import msgpack

_CONNECT, _EVENT, _ACK = 0, 2, 3
_EVENT_STARTS = msgpack.packb("type") + bytes((_EVENT,))
_OPEN, _PING, _PONG = b"0", b"2", b"3"
_TEXT, _BINARY, _CLOSE = 0x81, 0x82, 0x88
_MASKED, _NO_MASK = 0x80, bytes(4)
_PATH = "/socket.io/?EIO=4&transport=websocket"
Hear = Callable[[bytes], None]


class RawSocket(asyncio.Protocol):
    """``hear`` gets every event's frame undecoded: decoding is the reader's cost, not the relay's."""

    def __init__(self, token: str, hear: Hear) -> None:
        self._token = token
        self._hear = hear
        self._transport: asyncio.Transport | None = None
        self._left = b""
        self._is_upgraded = False
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        self._connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()

    @classmethod
    async def open(cls, origin: str, token: str, hear: Hear) -> "RawSocket":
        """Raises ConnectionError where the server does not let the token in."""
        address = urlsplit(origin)
        loop = asyncio.get_running_loop()
        _, opened = await loop.create_connection(
            lambda: cls(token, hear), address.hostname or "", address.port or 80
        )
        opened._write(_upgrade(address.netloc))
        await opened._connected
        return opened

    async def call(self, event: str, request: dict[str, Any]) -> Any:
        """Send a request; returns what its acknowledgement holds. Raises ConnectionError if it is refused."""
        number = self._next = self._next + 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        packet = {"type": _EVENT, "nsp": "/", "data": [event, request], "id": number}
        self._send(_BINARY, msgpack.packb(packet))
        body = await answer
        if "ok" not in body:
            raise ConnectionError(str(body))
        return body["ok"]

    async def close(self) -> None:
        self._send(_CLOSE, b"")
        await self._ended.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own

    def connection_lost(self, error: Exception | None) -> None:
        self._ended.set()
        for answer in (self._connected, *self._waiting.values()):
            if not answer.done():
                answer.set_exception(ConnectionError("the server ended the connection"))

    def data_received(self, data: bytes) -> None:
        data = self._left + data if self._left else data
        if not self._is_upgraded:
            data = self._after_headers(data)
        at = 0
        while self._is_upgraded and (payload := _payload(data, at)) is not None:
            start, stop = payload
            self._take(data[at], data[start:stop])
            at = stop
        self._left = data[at:]

    def _after_headers(self, data: bytes) -> bytes:
        headers, blank, rest = data.partition(b"\r\n\r\n")
        if not blank:
            return data
        if b" 101 " not in headers.partition(b"\r\n")[0]:
            raise ConnectionError(headers.decode(errors="replace"))
        self._is_upgraded = True
        return rest

    def _take(self, kind: int, payload: bytes) -> None:
        """The packet's type stands first (python-socketio writes it so): events are not decoded."""
        if kind == _BINARY and payload.startswith(_EVENT_STARTS, 1):
            self._hear(payload)
        elif kind == _BINARY:
            self._answered(msgpack.unpackb(payload))
        elif kind == _TEXT and payload == _PING:
            self._send(_TEXT, _PONG)
        elif kind == _TEXT and payload.startswith(_OPEN):
            packet = {"type": _CONNECT, "nsp": "/", "data": {"token": self._token}}
            self._send(_BINARY, msgpack.packb(packet))
        elif kind == _CLOSE and self._transport is not None:
            self._transport.close()

    def _answered(self, packet: dict[str, Any]) -> None:
        if packet["type"] == _ACK:
            self._waiting.pop(packet["id"]).set_result(packet["data"][0])
        elif packet["type"] == _CONNECT:
            self._connected.set_result(None)
        else:
            self._connected.set_exception(ConnectionError(str(packet.get("data"))))

    def _send(self, kind: int, payload: bytes) -> None:
        self._write(_head(kind, len(payload)) + _NO_MASK + payload)

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


def _upgrade(host: str) -> bytes:
    """RFC 6455 §4.1."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {_PATH} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _head(kind: int, length: int) -> bytes:
    if length < 126:
        return bytes((kind, _MASKED | length))
    if length < 65536:
        return bytes((kind, _MASKED | 126)) + length.to_bytes(2)
    return bytes((kind, _MASKED | 127)) + length.to_bytes(8)


def _payload(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame at ``at`` begins and ends; None while it is not whole."""
    if len(data) < at + 2:
        return None
    length, start = data[at + 1], at + 2
    if length > 125:
        start += 2 if length == 126 else 8
        length = int.from_bytes(data[at + 2 : start])
    return (start, start + length) if len(data) >= start + length else None

"""The thinnest Socket.IO 5 client that can drive a server hard: one WebSocket, msgpack packets, no tasks of its own."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import msgpack

_CONNECT, _EVENT, _ACK = 0, 2, 3
_TYPE = msgpack.packb("type")
Hear = Callable[[bytes], None]


class RawSocket:
    """``hear`` gets every event's frame undecoded: decoding is the reader's cost, not the relay's."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, hear: Hear) -> None:
        self._socket = socket
        self._hear = hear
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        self.closed = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls, http: aiohttp.ClientSession, origin: str, token: str, hear: Hear
    ) -> "RawSocket":
        url = origin.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        socket = await http.ws_connect(url, compress=0, max_msg_size=0)
        await socket.receive()
        await socket.send_bytes(
            msgpack.packb({"type": _CONNECT, "nsp": "/", "data": {"token": token}})
        )
        answer = await cls._first_packet(socket)
        if answer["type"] != _CONNECT:
            raise ConnectionError(str(answer.get("data")))
        return cls(socket, hear)

    @staticmethod
    async def _first_packet(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                packet: dict[str, Any] = msgpack.unpackb(message.data)
                return packet
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionError("closed while connecting")
            if message.data == "2":
                await socket.send_str("3")

    async def call(self, event: str, request: dict[str, Any]) -> Any:
        """Send a request; returns what its acknowledgement holds. Raises ConnectionError if it is refused."""
        number = self._next = self._next + 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        packet = {"type": _EVENT, "nsp": "/", "data": [event, request], "id": number}
        await self._socket.send_bytes(msgpack.packb(packet))
        body = await answer
        if "ok" not in body:
            raise ConnectionError(str(body))
        return body["ok"]

    async def close(self) -> None:
        await self._socket.close()
        await self.closed

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                if message.data == "2":
                    await self._socket.send_str("3")
            elif message.type is aiohttp.WSMsgType.BINARY:
                self._take(message.data)
        for answer in self._waiting.values():
            answer.cancel()

    def _take(self, frame: bytes) -> None:
        """The packet's type stands first (python-socketio writes it so): events are not decoded."""
        if frame[1 : len(_TYPE) + 1] != _TYPE or frame[len(_TYPE) + 1] != _ACK:
            self._hear(frame)
            return
        packet = msgpack.unpackb(frame)
        self._waiting.pop(packet["id"]).set_result(packet["data"][0])

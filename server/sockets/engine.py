"""python-socketio, made to fit: no compression, one encoding for all recipients, bad frames harmless.

Everything here leans on inner seams of python-socketio 5 and python-engineio 4; `tests/server/test_engine.py`
holds them to it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import socketio
from aiohttp import web
from engineio import packet as engine_packet
from engineio.async_drivers import aiohttp as engine_driver
from socketio import packet as socket_packet
from socketio.msgpack_packet import MsgPackPacket

log = logging.getLogger(__name__)
log.setLevel(logging.ERROR)  # below that, both libraries log what they carry

NAMESPACE = "/"
MESSAGE_BYTES = 8 * 1024 * 1024
CONTROL_FRAME_CHARACTERS = 64
QUEUED_PACKETS = 2_000
"""A member that lets more than this wait is cut off: it comes back and pulls what it missed."""

Answerer = Callable[[str, Any], Awaitable[dict[str, Any] | None]]
Control = Callable[[Any], Awaitable[None]]


class PlainWebSocket(engine_driver.WebSocket):  # type: ignore[misc]
    """A WebSocket without permessage-deflate: ciphertext does not shrink, and deflate costs four times the rest."""

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        self._sock = web.WebSocketResponse(max_msg_size=MESSAGE_BYTES, compress=False)
        await self._sock.prepare(environ["aiohttp.request"])
        self.environ = environ
        await self.handler(self)
        return self._sock

    async def wait(self) -> bytes | str:
        """The next frame. Text carries Engine.IO's own short packets only; OSError ends the socket."""
        data = (await self._sock.receive()).data
        if isinstance(data, bytes) and data:
            return data
        is_short = isinstance(data, str) and 1 <= len(data) <= CONTROL_FRAME_CHARACTERS
        if is_short and data[0] in "123456":
            return str(data)
        raise OSError("end of the socket, or a frame that is none of ours")


class Packet(MsgPackPacket):  # type: ignore[misc]
    """As socket.io-msgpack-parser has it: what is absent is left out, not null."""

    def _to_dict(self) -> dict[str, Any]:
        whole: dict[str, Any] = super()._to_dict()
        if whole["data"] is None:
            del whole["data"]
        return whole

    def decode(self, encoded_packet: bytes) -> None:
        super().decode(encoded_packet)
        if not isinstance(self.namespace, str) or not isinstance(self.id, int | None):
            raise TypeError("not a packet")


class FanOut(socketio.AsyncManager):  # type: ignore[misc]
    """Encode a packet once and queue that one object for every recipient, without a task each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.controls: dict[str, Control] = {}

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: str | list[str] | None = None,
        **_: Any,
    ) -> None:
        """Deliver on this node. An event named in `controls` is for the nodes themselves."""
        if control := self.controls.get(event):
            return await control(data)
        recipients = set(self._recipients(room))
        if not recipients:
            return
        encoded = self.server.packet_class(
            socket_packet.EVENT, namespace=namespace, data=[event, data]
        ).encode()
        prepared = engine_packet.Packet(engine_packet.MESSAGE, encoded)
        for engine_sid in recipients:
            self._enqueue(engine_sid, prepared)

    def _recipients(self, room: str | list[str] | None) -> Iterator[str]:
        """Engine ids of the sockets in one room or several."""
        rooms = self.rooms.get(NAMESPACE, {})
        for name in [room] if isinstance(room, str) else room or ():
            yield from rooms[name].values() if name in rooms else ()

    def _enqueue(self, engine_sid: str, prepared: engine_packet.Packet) -> None:
        socket = self.server.eio.sockets.get(engine_sid)
        if socket is None or socket.closing or socket.closed:
            return
        if socket.queue.qsize() >= QUEUED_PACKETS:
            self.server.cut_off(engine_sid)
        else:
            socket.queue.put_nowait(prepared)


class SocketServer(socketio.AsyncServer):  # type: ignore[misc]
    """A Socket.IO server whose every event is answered by one function, `answer(sid, data)`."""

    def __init__(self, manager: FanOut, answer: Answerer, **kwargs: Any) -> None:
        super().__init__(
            client_manager=manager,
            serializer=Packet,
            async_mode="aiohttp",
            async_handlers=False,
            transports=["websocket"],
            max_http_buffer_size=MESSAGE_BYTES,
            ping_interval=25,
            ping_timeout=30,
            namespaces=[NAMESPACE],
            logger=log,
            engineio_logger=log,
            **kwargs,
        )
        self.eio._async = {**self.eio._async, "websocket": PlainWebSocket}
        self._answer = answer
        self._cuts: set[asyncio.Task[None]] = set()

    async def end(self, sid: str) -> None:
        """Tell a member that this is over, then end the transport, whatever the member does."""
        engine_sid = self.manager.eio_sid_from_sid(sid, NAMESPACE)
        await self.disconnect(sid, ignore_queue=True)
        if engine_sid is not None:
            await self.end_transport(engine_sid)

    async def end_transport(self, engine_sid: str) -> None:
        """Close a socket after what is queued for it, without waiting for a member that does not read."""
        socket = self.eio.sockets.get(engine_sid)
        if socket is not None:
            await socket.close(wait=False, reason=self.reason.SERVER_DISCONNECT)
            socket.queue.put_nowait(None)  # ends the writer, which closes the WebSocket

    def cut_off(self, engine_sid: str) -> None:
        """End one transport from code that cannot wait."""
        task = asyncio.get_running_loop().create_task(self.end_transport(engine_sid))
        self._cuts.add(task)
        task.add_done_callback(self._cuts.discard)

    async def close(self) -> None:
        """End every transport and stop watching them. May be repeated."""
        for engine_sid in list(self.eio.sockets):
            await self.end_transport(engine_sid)
        if self.eio.service_task_handle is not None:
            await self.shutdown()

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        try:
            packet = self.packet_class(encoded_packet=data)
        except Exception:  # noqa: BLE001 (whatever a decoder raises, the member sent it)
            return await self._answer_nothing(eio_sid)
        if packet.packet_type == socket_packet.EVENT:
            await self._handle_event(eio_sid, packet.namespace, packet.id, packet.data)
        elif packet.packet_type == socket_packet.CONNECT:
            await self._handle_connect(eio_sid, packet.namespace, packet.data)
        elif packet.packet_type == socket_packet.DISCONNECT:
            await self._handle_disconnect(eio_sid, packet.namespace, self.reason.CLIENT_DISCONNECT)
        else:
            await self._answer_nothing(eio_sid)

    async def _answer_nothing(self, eio_sid: str) -> None:
        """A packet that cannot be read has no id to answer; it is counted as malformed all the same."""
        sid = self.manager.sid_from_eio_sid(eio_sid, NAMESPACE)
        if self.manager.is_connected(sid, NAMESPACE):
            await self._answer(sid, None)

    async def _handle_event(self, eio_sid: str, namespace: str, id: int | None, data: Any) -> None:
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        if not self.manager.is_connected(sid, namespace):
            return
        answer = await self._answer(sid, data)
        if id is not None:
            packet = self.packet_class(socket_packet.ACK, namespace=namespace, id=id, data=[answer])
            await self._send_packet(eio_sid, packet)


def make_manager(redis_url: str | None) -> FanOut:
    """The fan-out of one node, or of many through Redis (extra `cluster`)."""
    if redis_url is None:
        return FanOut()

    class ClusterFanOut(socketio.AsyncRedisManager, FanOut):  # type: ignore[misc]
        """Publishes to the other nodes; each delivers with `FanOut.emit`."""

    return ClusterFanOut(redis_url, channel="relais")

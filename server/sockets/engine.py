"""python-socketio, made to fit: no compression, one encoding for all recipients, bad frames harmless.

Everything here leans on inner seams of python-socketio 5 and python-engineio 4; `tests/server/test_sockets.py` and `test_fan_out.py`
hold them to it.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import socketio
from socketio import packet as socket_packet
from socketio.msgpack_packet import MsgPackPacket

from relais.server.sockets.line import MESSAGE_BYTES, Line, LineServer, frame

log = logging.getLogger(__name__)
log.setLevel(logging.ERROR)  # below that, both libraries log what they carry

NAMESPACE = "/"
Answerer = Callable[[str, Any], Awaitable[dict[str, Any] | None]]
Control = Callable[[Any], Awaitable[None]]


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
    """Encode and frame a packet once, and hand those bytes to every recipient's line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.controls: dict[str, Control] = {}
        self._lines: dict[str, set[Line]] = {}

    def join(self, line: Line, names: Iterable[str]) -> None:
        """Let a line hear what is told to these accounts and devices, until `leave`."""
        for name in names:
            self._lines.setdefault(name, set()).add(line)

    def leave(self, line: Line, names: Iterable[str]) -> None:
        for name in names:
            listening = self._lines.get(name, set())
            listening.discard(line)
            if not listening:
                self._lines.pop(name, None)

    def basic_enter_room(
        self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None
    ) -> None:
        """Keep the list of all sockets only: a room of its own for each makes every end a search through all."""
        if room is None:
            super().basic_enter_room(sid, namespace, room, eio_sid=eio_sid)

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
        recipients = self._recipients(room)
        if not recipients:
            return
        packet = self.server.packet_class(
            socket_packet.EVENT, namespace=namespace, data=[event, data]
        )
        framed = frame(packet.encode())
        for line in recipients:
            line.write(framed)

    def _recipients(self, room: str | list[str] | None) -> set[Line]:
        names = [room] if isinstance(room, str) else room or ()
        return set().union(*(self._lines.get(name, ()) for name in names))


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
            namespaces=[NAMESPACE],
            logger=log,
            engineio_logger=log,
            **kwargs,
        )
        self._answer = answer

    def _engineio_server_class(self) -> type[LineServer]:
        return LineServer

    def line_of(self, sid: str) -> Line | None:
        line: Line | None = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, NAMESPACE))
        return line

    async def end(self, sid: str) -> None:
        """Tell a member that this is over, then end its line, whatever the member does."""
        line = self.line_of(sid)
        await self.disconnect(sid, ignore_queue=True)
        if line is not None:
            await line.close()

    async def close(self) -> None:
        """End every line. May be repeated."""
        for line in list(self.eio.sockets.values()):
            await line.close()
        listening = getattr(self.manager, "thread", None)  # to the other nodes
        if listening is not None:
            listening.cancel()

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
        line = self.eio.sockets.get(eio_sid)
        if id is not None and line is not None:
            packet = self.packet_class(socket_packet.ACK, namespace=namespace, id=id, data=[answer])
            line.write(frame(packet.encode()))


def make_manager(redis_url: str | None) -> FanOut:
    """The fan-out of one node, or of many through Redis (extra `cluster`)."""
    if redis_url is None:
        return FanOut()
    return across_nodes(socketio.AsyncRedisManager)(redis_url, channel="relais")


def across_nodes(publisher: type) -> type[FanOut]:
    """A fan-out that publishes with `publisher`, an `AsyncPubSubManager`; each node delivers as `FanOut` does."""
    return type("ClusterFanOut", (publisher, FanOut), {})

"""One member's WebSocket under Engine.IO 4, without a queue and without a task that empties it.

    receive → message handler, one after the other       answers wait for the member to take them
    write   → the transport, when the turn ends          all a turn of the loop has for one member in one system call
    ping    → one timer: a PING, then a PONG in time     or the line is dead

A line stands where python-engineio has its `AsyncSocket`, whose every frame is queued, woken for, encoded and framed by itself: half
of what delivering a note costs. Here one frame, made once, is handed to the transports of all who get it. What a member does not
take waits in its transport, `MOST_WAITING` bytes at most: beyond that the line is cut. It comes back and pulls what it missed.
"""

import asyncio
import logging
from typing import Any

import engineio
from aiohttp import WSMsgType, web
from engineio import packet

log = logging.getLogger(__name__)

MESSAGE_BYTES = 8 * 1024 * 1024
MOST_WAITING = 8 * 1024 * 1024
PING_SECONDS = 25
PONG_SECONDS = 30
CLOSE_SECONDS = 10
CONTROL_FRAME_CHARACTERS = 64
STRANGER_SECONDS = 10
STRANGER_BYTES = 8_192
"""Who has not shown a token yet gets this long, and is read this far: a token is shorter."""
BINARY, TEXT = 0x82, 0x81  # first byte of a whole frame (RFC 6455 §5.2)


def frame(payload: bytes, kind: int = BINARY) -> bytes:
    """A WebSocket frame from a server: whole, unmasked (RFC 6455 §5.2)."""
    length = len(payload)
    if length < 126:
        return bytes((kind, length)) + payload
    if length < 65536:
        return bytes((kind, 126)) + length.to_bytes(2) + payload
    return bytes((kind, 127)) + length.to_bytes(8) + payload


PING = frame(b"2", TEXT)


class Line:
    """The open socket of one member. `closing`: the rooms above have been told; `closed`: so has the member."""

    connected = upgraded = True  # Engine.IO asks, for the polling it could have begun with

    def __init__(self, server: "LineServer", request: web.Request) -> None:
        self.server = server
        self.sid: str = server.generate_id()
        self.session: dict[str, Any] = {}
        self.closing = self.closed = False
        self._request = request
        # No permessage-deflate: ciphertext does not shrink, and deflate costs four times the rest.
        self._socket = web.WebSocketResponse(max_msg_size=MESSAGE_BYTES, compress=False)
        self._transport: asyncio.Transport | None = None
        self._frames: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._is_stranger = True
        self._hanging_up: asyncio.Task[None] | None = None

    async def serve(self, opening: packet.Packet) -> web.WebSocketResponse:
        """Answer what the member sends, until one side ends it."""
        await self._socket.prepare(self._request)
        self._transport = self._request.transport
        await self.send(opening)
        self._ping_later()
        self._patience = asyncio.get_running_loop().call_later(STRANGER_SECONDS, self._die)
        try:
            await self._receive()
        finally:
            self._set_timer(None)
            self._patience.cancel()
            await self.close(abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
            await self._hang_up()
        return self._socket

    def admit(self) -> None:
        """Somebody with a token is here."""
        self._is_stranger = False
        if self._patience is not None:
            self._patience.cancel()

    def write(self, framed: bytes) -> None:
        """Send a frame, behind those sent before; returns before the member has taken it."""
        if self.closed:
            return
        if not self._frames:
            self.server.flush_soon(self)
        self._frames.append(framed)

    def flush(self) -> None:
        """Hand what was sent to the transport. A line whose member does not read is cut."""
        frames, self._frames = self._frames, []
        transport = self._transport
        if not frames or transport is None or transport.is_closing():
            return
        transport.writelines(frames) if len(frames) > 1 else transport.write(frames[0])
        if transport.get_write_buffer_size() > MOST_WAITING:
            transport.abort()

    async def send(self, pkt: packet.Packet) -> None:
        """Send an Engine.IO packet; returns before the member has taken it."""
        payload = pkt.encode()
        is_text = isinstance(payload, str)
        self.write(frame(payload.encode(), TEXT) if is_text else frame(payload))

    async def taken(self) -> None:
        """Wait until the member has taken most of what was sent."""
        await self._request.writer.drain()

    async def close(
        self, wait: bool = False, abort: bool = False, reason: str | None = None
    ) -> None:
        """End the line: tell the rooms above, then (unless `abort`) the member. `wait` is Engine.IO's: nobody waits here."""
        if self.closing:
            return
        self.closing = True
        ended = reason or self.server.reason.SERVER_DISCONNECT
        await self.server._trigger_event("disconnect", self.sid, ended)
        if not abort:
            await self.send(packet.Packet(packet.CLOSE))
        self.closed = True
        self._hang_up()

    def _hang_up(self) -> "asyncio.Task[None]":
        """Close the WebSocket behind what was sent. A member that does not read holds up nobody."""
        if self._hanging_up is None:
            self._hanging_up = asyncio.create_task(self._close_socket())
        return self._hanging_up

    async def _close_socket(self) -> None:
        self.flush()
        # `close` waits until what is queued was read, and a member may never do that.
        if self._transport is not None:
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.abort)
        await self._socket.close()

    async def _receive(self) -> None:
        while not self.closed:
            message = await self._socket.receive()
            if message.type is WSMsgType.BINARY:
                await self._take(message.data)
            elif message.type is not WSMsgType.TEXT or not await self._control(message.data):
                return

    async def _take(self, data: Any) -> None:
        if self._is_stranger and len(data) > STRANGER_BYTES:
            return self._die()
        try:
            await self.server.handlers["message"](self.sid, data)
            await self.taken()
        except ConnectionError:
            return  # the next `receive` says so
        except Exception:
            log.exception("a frame was not answered")

    async def _control(self, text: str) -> bool:
        """Text carries Engine.IO's own short packets only. False ends the line."""
        if not 1 <= len(text) <= CONTROL_FRAME_CHARACTERS or text[0] not in "123456":
            return False
        kind = int(text[0])
        if kind == packet.PONG:
            self._ping_later()
        elif kind == packet.MESSAGE:
            await self._take(text)
        return kind != int(packet.CLOSE)

    def _ping_later(self) -> None:
        self._set_timer(PING_SECONDS)

    def _set_timer(self, seconds: float | None, *, due: Any = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if seconds is None else loop.call_later(seconds, due or self._ping)

    def _ping(self) -> None:
        self.write(PING)
        self._set_timer(PONG_SECONDS, due=self._die)

    def _die(self) -> None:
        """Nobody is there, or nobody who has a token."""
        if self._transport is not None:
            self._transport.abort()


class LineServer(engineio.AsyncServer):  # type: ignore[misc]
    """An Engine.IO server whose sockets are lines."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._to_flush: list[Line] = []

    def flush_soon(self, line: Line) -> None:
        """Flush a line when everything that is due in this turn of the loop has been sent.

        Notes that were stored together are told together: the system call costs more than all else about a delivery.
        """
        if not self._to_flush:
            asyncio.get_running_loop().call_soon(self._flush)
        self._to_flush.append(line)

    def _flush(self) -> None:
        lines, self._to_flush = self._to_flush, []
        for line in lines:
            line.flush()

    async def _handle_connect(
        self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None
    ) -> web.WebSocketResponse:
        request: web.Request = environ["aiohttp.request"]
        line = Line(self, request)
        self.sockets[line.sid] = line
        try:
            await self._trigger_event("connect", line.sid, {"aiohttp.request": request})
            return await line.serve(self._opening(line.sid))
        finally:
            self.sockets.pop(line.sid, None)

    def _opening(self, sid: str) -> packet.Packet:
        facts = {
            "sid": sid,
            "upgrades": [],
            "pingTimeout": PONG_SECONDS * 1000,
            "pingInterval": PING_SECONDS * 1000,
            "maxPayload": MESSAGE_BYTES,
        }
        return packet.Packet(packet.OPEN, facts)

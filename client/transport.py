"""The one road to the server: Socket.IO over WebSocket for requests and events, HTTP for logins and blobs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

import aiohttp
import socketio
from socketio.exceptions import ConnectionError as SocketConnectionError
from socketio.exceptions import SocketIOError

from relais.client.errors import BadAnswer, BadLink, ServerUnreachable
from relais.client.stated import stated
from relais.models import wire
from relais.models.refusal import Code, Refusal
from relais.models.wire.codec import decode, encode

_log = logging.getLogger(__name__)
_CONNECT_SECONDS = 10
_CALL_SECONDS = 30
_FILE_BYTES = 65_536
_HTTP_SECONDS = 60

Told = tuple[type[Any], Any]


def origin_of(url: str) -> str:
    """``scheme://host[:port]`` of a link. Raises `BadLink`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadLink
    return f"{parts.scheme}://{parts.netloc}"


class Transport:
    """One device's connection. ``events`` yields what the server tells, in order, until the socket is closed."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._stated = stated()
        self._http: aiohttp.ClientSession | None = None
        self._socket: socketio.AsyncClient | None = None
        self._told: asyncio.Queue[Any | None] = asyncio.Queue()
        self._unanswered: set[asyncio.Future[Any]] = set()

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_SECONDS, sock_read=_HTTP_SECONDS
        )
        self._http = aiohttp.ClientSession(
            timeout=timeout,
            connector=aiohttp.TCPConnector(limit=0),
            headers=self._stated.headers,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.disconnect()
        await self.http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("use `async with Transport(...)`")
        return self._http

    @property
    def connected(self) -> bool:
        return self._socket is not None and self._socket.connected

    async def exchange(self, request: Any) -> Any:
        """POST one of ``wire.EXCHANGES``. Raises `Refusal`, `ServerUnreachable`."""
        try:
            async with self.http.post(
                self.origin + request.PATH, json=encode(request, json=True)
            ) as answer:
                body = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ServerUnreachable from error
        return _answer(wire.EXCHANGES[type(request)], body, json=True, http=True)

    async def file(self, path: str) -> bytes:
        """GET what everybody may have. Raises `ServerUnreachable`, also where there is no such file."""
        try:
            async with self.http.get(self.origin + path, raise_for_status=True) as answer:
                return await answer.content.read(_FILE_BYTES)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServerUnreachable from error

    async def connect(self, token: Callable[[], Any]) -> None:
        """Open the socket with a token; ``token`` is an async function. Raises `Refusal`, `ServerUnreachable`."""
        await self.disconnect()
        socket = socketio.AsyncClient(reconnection=False, serializer="msgpack")
        for event in wire.EVENTS:
            socket.on(event.EVENT, self._listener(event))
        socket.on("disconnect", self._closed)
        said: list[Any] = []  # with what the server turned the socket away
        socket.on("connect_error", said.append)
        try:
            await socket.connect(
                self.origin,
                auth={"token": await token(), **self._stated.fields},
                transports=["websocket"],
                wait_timeout=_CONNECT_SECONDS,
            )
        except SocketConnectionError as error:
            await socket.shutdown()
            raise _refused_connection(said) from error
        self._socket = socket

    async def disconnect(self) -> None:
        if self._socket is not None:
            await self._socket.shutdown()
            self._socket = None

    async def call(self, request: Any) -> Any:
        """Send one of ``wire.REQUESTS`` and wait for its answer. Raises `Refusal`, `ServerUnreachable`."""
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                answer = await self._asked(request)
        except (TimeoutError, SocketIOError) as error:
            raise ServerUnreachable from error
        return _answer(wire.REQUESTS[type(request)], answer, json=False, http=False)

    async def _asked(self, request: Any) -> Any:
        """The acknowledgement as it came. Unlike the library's own ``call``, it does not outwait a lost socket."""
        if self._socket is None or not self._socket.connected:
            raise ServerUnreachable
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._unanswered.add(answer)

        def hear(said: Any = None, *_: Any) -> None:
            if not answer.done():
                answer.set_result(said)

        try:
            await self._socket.emit(request.EVENT, encode(request), callback=hear)
            return await answer
        finally:
            self._unanswered.discard(answer)

    async def events(self) -> AsyncIterator[Any]:
        """What the server tells (instances of ``wire.EVENTS``); ends when the socket closes."""
        while (told := await self._told.get()) is not None:
            yield told

    def _listener(self, event: type[Any]) -> Callable[[Any], None]:
        def hear(data: Any) -> None:
            try:
                self._told.put_nowait(decode(event, data))
            except Refusal as refusal:  # the server told what is no event: nothing to act on, and no reason to stop
                _log.warning("%s does not decode: %s", event.EVENT, refusal.facts.get("field"))

        return hear

    def _closed(self, _reason: str | None = None) -> None:
        self._told.put_nowait(None)
        for answer in self._unanswered:
            if not answer.done():
                answer.set_exception(ServerUnreachable())


def _refused_connection(said: Sequence[Any]) -> Exception:
    for facts in said:
        if isinstance(facts, dict) and isinstance(facts.get("data"), dict):
            return Refusal.from_wire(facts["data"])
    return ServerUnreachable()


def _answer(message: type[Any], body: Any, *, json: bool, http: bool) -> Any:
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        raise Refusal.from_wire(cast(dict[str, Any], body["error"]))
    shape = body if http else body.get("ok") if isinstance(body, dict) else None
    try:
        return decode(message, shape, json=json)
    except Refusal as refusal:
        if refusal.code is Code.MALFORMED:
            raise BadAnswer(str(refusal.facts.get("field"))) from refusal
        raise

"""One device at a real server's door: its socket, its HTTP, and everything it heard, in the wire's own words."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import socketio
from patience import PATIENCE

from relais.crypto import login
from relais.crypto.device import DeviceKeys
from relais.models import wire
from relais.models.refusal import Refusal
from relais.models.wire import auth, codec


def now() -> int:
    return time.time_ns() // 1_000_000


def new_keys() -> DeviceKeys:
    return DeviceKeys.from_random(secrets.token_bytes(64))


class Connection:
    """One device's socket and HTTP, and what the server told it; `turned_away`: why it may not connect."""

    def __init__(self, origin: str, keys: DeviceKeys) -> None:
        self.origin = origin
        self.keys = keys
        self.token: auth.Token | None = None
        self.http = aiohttp.ClientSession()
        self.socket = socketio.AsyncClient(reconnection=False, serializer="msgpack")
        self.heard: list[Any] = []
        self.turned_away: Any = None
        self._changed = asyncio.Condition()
        for kind in list[Any](wire.EVENTS):
            self.socket.on(kind.EVENT, self._listener(kind))
        self.socket.on("disconnect", self._on_disconnect)
        self.socket.on("connect_error", self._on_connect_error)

    async def exchange(self, message: Any) -> Any:
        """POST one of `wire.EXCHANGES`. Raises `Refusal`."""
        body = codec.encode(message, json=True)
        async with self.http.post(self.origin + message.PATH, json=body) as response:
            answer = await response.json()
        if "error" in answer:
            raise Refusal.from_wire(answer["error"])
        return codec.decode(list[Any]([wire.EXCHANGES[type(message)]])[0], answer, json=True)

    async def login(self, *, origin: str | None = None) -> auth.Token:
        """Answer a challenge. Raises `Refusal`."""
        challenge = await self.exchange(auth.AskChallenge(self.keys.id))
        answered = login.answer(
            self.keys, challenge.challenge, origin=origin or self.origin, at=now()
        )
        self.token = await self.exchange(auth.AskToken(answered))
        return self.token

    async def connect(self, token: str | None = None) -> None:
        token = token or (self.token or await self.login()).token
        await self.socket.connect(
            self.origin, auth={"token": token}, transports=["websocket"], wait_timeout=PATIENCE
        )

    async def raw(self, *data: Any) -> dict[str, Any]:
        """Emit an event with these arguments and return the acknowledgement as it is."""
        event, *arguments = data
        answer: dict[str, Any] = await self.socket.call(
            event, tuple(arguments) if len(arguments) != 1 else arguments[0], timeout=PATIENCE
        )
        return answer

    async def call(self, message: Any) -> Any:
        """One request of `wire.REQUESTS`. Raises `Refusal`."""
        answer = await self.raw(message.EVENT, codec.encode(message))
        if "error" in answer:
            raise Refusal.from_wire(answer["error"])
        return codec.decode(list[Any]([wire.REQUESTS[type(message)]])[0], answer["ok"])

    async def hear(self, kind: type, where: Callable[[Any], bool] = lambda _: True) -> Any:
        """Wait for an event, or find it among those heard."""
        found: Any = None

        def there() -> bool:
            nonlocal found
            found = next((one for one in self.heard if isinstance(one, kind) and where(one)), None)
            return found is not None

        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(there)
        return found

    async def cut_off(self) -> None:
        """Wait until the server has ended this socket."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: not self.socket.connected)

    async def close(self) -> None:
        await self.socket.disconnect()
        await self.socket.shutdown()
        await self.http.close()

    def _listener(self, kind: Any) -> Any:
        async def listen(data: Any) -> None:
            async with self._changed:
                self.heard.append(codec.decode(kind, data))
                self._changed.notify_all()

        return listen

    async def _on_connect_error(self, said: Any) -> None:
        self.turned_away = said

    async def _on_disconnect(self, *_: Any) -> None:
        async with self._changed:
            self._changed.notify_all()

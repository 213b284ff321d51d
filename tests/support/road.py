"""A member's road to a node on which anything can go wrong between any two steps, over sockets or straight into its rooms.

Straight: what a member asks is encoded, decoded and answered by `Sockets.answer`, as what comes over a socket is; only
the socket is left out, so that many days pass in no time. Time is the test's, for members and server alike.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp

from relais.client import transport
from relais.client.errors import ServerUnreachable
from relais.client.home import Home
from relais.crypto import login
from relais.models import wire
from relais.models.refusal import Code, Refusal
from relais.models.wire.auth import AskToken, Token
from relais.models.wire.codec import decode, encode
from relais.server import clock
from relais.server.app import Node
from relais.server.callers import Caller, Stranger
from relais.server.errors import as_refusal
from relais.server.sockets.serve import Session as OpenSocket

ORIGIN = "http://relais.test"
HOST = "relais.test"


class Killed(BaseException):
    """The member's process ended here. Not an `Exception`: nothing of it may go on."""


class SimulatedTime:
    """Stands where the modules named `clock` have `time`: goes on when told to, and a millisecond at each look."""

    def __init__(self, start: int) -> None:
        self.ms = start

    def time_ns(self) -> int:
        self.ms += 1
        return self.ms * 1_000_000

    def monotonic_ns(self) -> int:
        """The same time: nobody sets a clock here."""
        return self.ms * 1_000_000

    def pass_by(self, ms: int) -> None:
        self.ms += ms


@dataclass(frozen=True)
class Trouble:
    """What goes wrong at step `step` of one action. A step is a request to the server, or a write to the folder.

    killed    the process ends before the step       unheard   the server does it, and its answer is lost
    lost      the request never arrives              refused   the server has no time
    rival     another member acts in between (`rival`)
    """

    kind: str
    step: int
    rival: Callable[[], Awaitable[None]] | None = None


class Steps:
    """Counts the steps of one device's action, and lets its trouble come."""

    def __init__(self) -> None:
        self.trouble: Trouble | None = None
        self.came = False
        self.count = 0
        self._task: asyncio.Task[Any] | None = None

    def expect(self, trouble: Trouble | None) -> None:
        """The next steps of the task that calls this are counted; what runs beside it is not its action."""
        self.trouble, self.came, self.count = trouble, False, 0
        self._task = asyncio.current_task()

    async def before_request(self) -> None:
        """Raises `Killed`, `ServerUnreachable`, `Refusal`; or lets a rival act first."""
        self._next()
        if self._is("rival") and self.trouble is not None and self.trouble.rival is not None:
            await self.trouble.rival()
        elif self._is("killed"):
            raise Killed
        elif self._is("lost"):
            raise ServerUnreachable
        elif self._is("refused"):
            raise Refusal(Code.UNAVAILABLE)

    def after_request(self) -> None:
        if self._is("unheard"):
            raise ServerUnreachable

    def before_write(self) -> None:
        """A process can be killed here, and nothing else can happen."""
        self._next()
        if self._is("killed"):
            raise Killed

    def _next(self) -> None:
        if self._is_acting():
            self.count += 1

    def _is_acting(self) -> bool:
        return self._task is asyncio.current_task()

    def _is(self, kind: str) -> bool:
        trouble = self.trouble
        now = (
            self._is_acting()
            and trouble is not None
            and (trouble.kind, trouble.step) == (kind, self.count)
        )
        self.came = self.came or now
        return now


class WatchedHome(Home):
    """A folder whose owner can be killed before any write."""

    def __init__(self, path: Path, key: bytes, steps: Steps) -> None:
        super().__init__(path, key)
        self._steps = steps

    def write(self, name: str, value: Any) -> None:
        self._steps.before_write()
        super().write(name, value)

    def remove(self, name: str) -> None:
        self._steps.before_write()
        super().remove(name)


class Road:
    """The way to `node`; `witness(request, answer)` is told all that the server did, heard or not."""

    def __init__(self, node: Node, *, over_sockets: bool) -> None:
        self.node = node
        self.origin = node.origin if over_sockets else ORIGIN
        self.witness: Callable[[Any, Any], None] = lambda request, answer: None
        self.steps = Steps()
        """Those of the device whose transport is made next."""
        self.over_sockets = over_sockets
        self._numbers = itertools.count(1)

    def transport(self, origin: str) -> transport.Transport:
        """What the client makes instead of a `Transport`."""
        kind = SocketTransport if self.over_sockets else DirectTransport
        return kind(self, self.steps)

    def sid(self) -> str:
        return f"direct-{next(self._numbers)}"


class SocketTransport(transport.Transport):
    """The client's own transport, with steps."""

    def __init__(self, road: Road, steps: Steps) -> None:
        super().__init__(road.origin)
        self._road = road
        self._steps = steps

    async def exchange(self, request: Any) -> Any:
        await self._steps.before_request()
        answer = await super().exchange(request)
        self._road.witness(request, answer)
        self._steps.after_request()
        return answer

    async def call(self, request: Any) -> Any:
        await self._steps.before_request()
        answer = await super().call(request)
        self._road.witness(request, answer)
        self._steps.after_request()
        return answer


class DirectTransport(transport.Transport):
    """Straight into the rooms."""

    def __init__(self, road: Road, steps: Steps) -> None:
        super().__init__(road.origin)
        self._road = road
        self._steps = steps
        self._sid = ""
        self._caller: Caller | None = None
        self._expires_at = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.disconnect()

    @property
    def connected(self) -> bool:
        held = self._open.get(self._sid)
        return held is not None and held.expires_at > clock.now_ms()

    @property
    def _open(self) -> dict[str, OpenSocket]:
        return self._road.node.sockets._sessions

    async def exchange(self, request: Any) -> Any:
        await self._steps.before_request()
        kind = type(request)
        asked = decode(kind, encode(request, json=True), json=True)
        try:
            answer = await self._road.node.exchanges[kind](Stranger(), asked, HOST)
        except Exception as error:
            raise as_refusal(error) from error
        self._road.witness(request, answer)
        self._steps.after_request()
        if isinstance(request, AskToken):
            self._logged_in(request, answer)
        return decode(wire.EXCHANGES[kind], encode(answer, json=True), json=True)

    def _logged_in(self, request: AskToken, token: Token) -> None:
        device = login.peek(request.login).device
        self._caller = Caller(token.account, device, token.roles)
        self._expires_at = token.expires_at

    async def connect(self, token: Callable[[], Any]) -> None:
        await self.disconnect()
        await token()
        assert self._caller is not None
        self._sid = self._road.sid()
        self._open[self._sid] = OpenSocket(self._caller, HOST, self._expires_at)

    async def disconnect(self) -> None:
        self._open.pop(self._sid, None)

    async def call(self, request: Any) -> Any:
        await self._steps.before_request()
        if not self.connected:
            raise ServerUnreachable
        answer = await self._road.node.sockets.answer(self._sid, [request.EVENT, encode(request)])
        kind = wire.REQUESTS[type(request)]
        if "ok" in answer:
            self._road.witness(request, decode(kind, answer["ok"]))
        self._steps.after_request()
        return transport._answer(kind, answer, json=False, http=False)

    async def file(self, path: str) -> bytes:
        """What is there for everybody comes over HTTP all the same."""
        async with aiohttp.request("GET", self._road.node.origin + path) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def events(self) -> AsyncIterator[Any]:
        """Nobody is told anything: who wants to know asks."""
        for nothing in ():
            yield nothing

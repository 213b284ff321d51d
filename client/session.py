"""One device, logged in: its keys, its connection, the clock, the accounts it knows."""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from relais.client import clock
from relais.client.accounts import AccountBook
from relais.client.acknowledged import AcknowledgedBook
from relais.client.alarms import Alarm, Alarms
from relais.client.errors import BadAnswer, ServerUnreachable
from relais.client.home import Home
from relais.client.identity import Identity
from relais.client.log_watch import LogWatch
from relais.client.pins import Pins
from relais.client.places import PlaceBook
from relais.client.transport import Transport
from relais.crypto import login
from relais.crypto.envelope import Origin
from relais.models.ids import CircleId, Digest, Millis, NoteId
from relais.models.refusal import Refusal
from relais.models.wire.auth import AskChallenge, AskToken, Challenge, Token

_RENEW_BEFORE = 60
_LAST_WORD_SECONDS = 5
_BACKOFF_SECONDS = (1, 2, 5, 10, 30)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reconnected:
    """The socket was lost and is open again: what happened meanwhile was not told."""


class Session:
    """``async with Session(home)``: connected and kept so; requests go through ``call``.

    ``watches_log``: compare the ledgers it is shown with the audit log, which takes a folder that remembers.
    """

    def __init__(self, home: Home, *, watches_log: bool = True) -> None:
        self.home = home
        self._watches_log = watches_log
        self.identity = Identity.load(home)
        self.clock = clock.of_folder(home)
        self.alarms = Alarms(home, self.clock.now)
        self.transport = Transport(self.identity.origin)
        self.log = LogWatch(self)
        self.pins = Pins(home, met=self.log.met)
        self.accounts = AccountBook(self, self.pins, self.alarms)
        self.order = PlaceBook(home)
        self.acknowledged = AcknowledgedBook(home)
        self.roles: tuple[str, ...] = ()
        self.token = ""
        self.places: dict[tuple[CircleId, NoteId, int], tuple[int, Digest]] = {}
        """Where each version was seen: (circle, note, version) → (seq, hash). It stays there."""
        self.origins: dict[tuple[CircleId, NoteId], Origin] = {}
        """Who wrote each note for whom, by its first version that this member may read: so are all its versions."""
        self._expires_at = 0.0
        self._connecting = asyncio.Lock()
        self._beside: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self.transport.__aenter__()
        try:
            await self.transport.connect(self.log_in)
            await self.accounts.load([self.identity.account], fresh=True)
        except BaseException:
            await self._report_alarms()
            await self.transport.__aexit__(None, None, None)
            raise
        self._beside = [
            asyncio.create_task(self._keep_renewing(), name="token renewal"),
            asyncio.create_task(self.alarms.run(self.call), name="alarms"),
        ]
        if self._watches_log:
            self._beside.append(asyncio.create_task(self.log.run(), name="audit log"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._beside:
            task.cancel()
        for ended in await asyncio.gather(*self._beside, return_exceptions=True):
            if isinstance(ended, Exception):
                _log.error("something beside the session failed", exc_info=ended)
        await self._report_alarms()
        await self.transport.__aexit__(kind, error, trace)

    async def log_in(self) -> str:
        """A fresh token over HTTP (docs/protocol.md §3). Raises `Refusal`, `ServerUnreachable`."""
        challenge: Challenge = await self.transport.exchange(AskChallenge(self.identity.device))
        token: Token = await self.transport.exchange(self._answer(challenge))
        return self._accept(token)

    def _answer(self, challenge: Challenge) -> AskToken:
        signed = login.answer(
            self.identity.keys,
            challenge.challenge,
            origin=self.identity.origin,
            at=self.clock.now(),
        )
        return AskToken(signed)

    def _accept(self, token: Token) -> str:
        self._hear_clock(token.now)
        self.roles, self.token = token.roles, token.token
        self._expires_at = time.monotonic() + (token.expires_at - token.now) / 1_000
        return token.token

    def _hear_clock(self, server: Millis) -> None:
        """The server's clock, as far as it is to be believed; whose is off, somebody is told."""
        if fault := self.clock.heard(server):
            shown = (
                datetime.fromtimestamp(at / 1_000).astimezone() for at in (clock.wall(), server)
            )
            here, there = (f"{at:%Y-%m-%d %H:%M:%S %Z}" for at in shown)
            self.alarms.sound(Alarm(fault), f"Here it is {here}, there {there}.")
        clock.keep(self.home, self.clock)

    async def call(self, request: Any) -> Any:
        """Ask over the socket, opening it again first if it was lost. Raises `Refusal`, `ServerUnreachable`."""
        if not self.transport.connected:
            await self.reconnect()
        return await self.transport.call(request)

    async def file(self, path: str) -> bytes:
        """A file that everybody may have. Raises `ServerUnreachable`."""
        return await self.transport.file(path)

    async def _report_alarms(self) -> None:
        """What was found just now is told before the connection goes; where that cannot be, the next run does."""
        if not self.transport.connected or not self.alarms.untold():
            return
        try:
            async with asyncio.timeout(_LAST_WORD_SECONDS):
                await self.alarms.report(self.transport.call)
        except (TimeoutError, ServerUnreachable, BadAnswer, Refusal) as error:
            _log.info("an alarm is not reported yet: %s", error)

    async def reconnect(self) -> None:
        async with self._connecting:
            if not self.transport.connected:
                await self.transport.connect(self.log_in)

    async def events(self) -> AsyncIterator[Any]:
        """What the server tells, for ever; `Reconnected` after every gap, so that the listener catches up."""
        while True:
            async for event in self.transport.events():
                yield event
            await self._reconnect_patiently()
            yield Reconnected()

    async def _reconnect_patiently(self) -> None:
        for wait in itertools.chain(_BACKOFF_SECONDS, itertools.repeat(_BACKOFF_SECONDS[-1])):
            try:
                return await self.reconnect()
            except ServerUnreachable:
                _log.info("server unreachable, next try in %s s", wait)
                await asyncio.sleep(wait * random.uniform(0.5, 1))

    async def _keep_renewing(self) -> None:
        while True:
            wait = self._expires_at - _RENEW_BEFORE - time.monotonic()
            await asyncio.sleep(max(wait, 1))
            if self.transport.connected:
                await self._renew()

    async def _renew(self) -> None:
        try:
            challenge: Challenge = await self.transport.call(AskChallenge(self.identity.device))
            self._accept(await self.transport.call(self._answer(challenge)))
        except ServerUnreachable:
            _log.info("renewal failed, the socket will be opened anew")

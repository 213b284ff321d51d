"""A few people with phones, some circles, and a relay: the world one schedule of days happens in."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from people import ODETTE
from road import Killed, Road, SimulatedTime, Steps, Trouble, WatchedHome
from schedule import Event, Setback
from truth import CircleTruth, Truth

from relais.client import enrolment
from relais.client.enrolment import NewDevice
from relais.client.errors import ClientError, RefusedHere, ServerUnreachable
from relais.client.identity import Identity
from relais.client.sdk import Client
from relais.client.session import Session
from relais.crypto.account import Profile
from relais.crypto.errors import ProtocolError
from relais.models.refusal import Code, Refusal
from relais.models.store.invitations import InvitationRow
from relais.models.wire.auth import RequestJoin
from relais.server.accounts import make_invitation
from relais.server.callers import Stranger

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
TOKEN_LASTS = 5 * MINUTE
NAMES = ("Nadia", "Denis", "Paule", "Olga", "Rémi", "Camille")
T = TypeVar("T")


@dataclass
class Phone:
    """A device of somebody. `lost`: nobody has it in hand any more, but for a thief."""

    owner: str
    home: WatchedHome
    steps: Steps
    identity: Identity
    offline_until: int = 0
    lost: bool = False
    client: Client | None = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)


@dataclass
class Human:
    """Somebody, what they hold, and the words of their kit. `former`: accounts that were reset."""

    name: str
    account: str
    phones: list[Phone] = field(default_factory=list)
    kit: list[str] | None = None
    is_bot: bool = False
    former: list[str] = field(default_factory=list)


class Surprise(AssertionError):
    """Something happened that must not."""


class World:
    """People and circles that no other world knows, on a relay that it may share."""

    def __init__(self, road: Road, time: SimulatedTime, folder: Path) -> None:
        self.road = road
        self.time = time
        self.folder = folder
        self.truth = Truth()
        self.humans: list[Human] = []
        self.told: list[str] = []
        """What happened, in words, for whoever reads a failure."""
        self.events: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.texts: dict[tuple[str, int], str] = {}
        self.written = 0
        self.requested: asyncio.Future[RequestJoin] | None = None
        self._start = time.ms - time.ms % DAY

    # --- people -------------------------------------------------------------------------------

    async def populate(self) -> None:
        for name in NAMES:
            await self._enrol(name, "professional")
        await self._enrol("Labo", "bot")
        nadia = self.humans[0].phones[0]
        circle = await (await self.client(nadia)).create_circle(ODETTE)
        for human in self.humans[1:3]:
            await circle.add(human.account)

    async def _enrol(self, name: str, role: str) -> None:
        phone = await self.new_account(name, role)
        human = Human(name, phone.identity.account, is_bot=role == "bot")
        human.phones.append(phone)
        self.humans.append(human)

    async def new_account(self, name: str, role: str, *, resets: str | None = None) -> Phone:
        """By an invitation of the console; `resets`: in the place of an account whose devices are all lost."""
        row = InvitationRow((role,), "", self.time.ms + HOUR, resets)
        stores = self.road.node.base.stores
        token = await make_invitation(stores.invitations, row, Stranger("console"))
        self.road.steps = steps = Steps()
        home = WatchedHome(self.folder_of_its_own(), secrets.token_bytes(32), steps)
        identity = await enrolment.enrol_into(
            home,
            NewDevice(home.path, "telephone"),
            f"{self.road.origin}/enrol#{token}",
            Profile(name, role, "Sud"),
        )
        return Phone(name, home, steps, identity)

    def folder_of_its_own(self) -> Path:
        path = self.folder / secrets.token_hex(6)
        path.mkdir(mode=0o700)
        return path

    def witness(self, request: Any, answer: Any) -> None:
        self.truth.witness(request, answer, self.time.ms)
        if isinstance(request, RequestJoin) and self.requested is not None:
            self.requested.set_result(request)

    async def client(self, phone: Phone) -> Client:
        """The running program of a phone; started if it is not."""
        if phone.client is None:
            self.road.steps = phone.steps
            session = await phone.stack.enter_async_context(Session(phone.home))
            phone.client = Client(session)
        return phone.client

    async def end(self, phone: Phone) -> None:
        """Its program ends, or is ended."""
        phone.client = None
        await phone.stack.aclose()

    async def close(self) -> None:
        for human in self.humans:
            for phone in human.phones:
                await self.end(phone)

    def phones(self, *, bots: bool = False) -> list[Phone]:
        """Those that are in somebody's hand, online and in force."""
        return [
            phone
            for human in self.humans
            if human.is_bot == bots
            for phone in human.phones
            if self.is_online(phone)
        ]

    def is_online(self, phone: Phone) -> bool:
        in_force = phone.identity.device in self.truth.devices[phone.identity.account]
        return in_force and not phone.lost and phone.offline_until <= self.today

    @property
    def today(self) -> int:
        return (self.time.ms - self._start) // DAY

    def circles(self, who: str) -> list[CircleTruth]:
        """Those somebody is in now."""
        return [
            circle
            for circle in self.truth.circles.values()
            if who in circle.stays and circle.stays[who].active(self.time.ms) and not circle.closed
        ]

    def owner(self, account: str) -> Human:
        return next(one for one in self.humans if account in (one.account, *one.former))

    def name_of(self, account: str) -> str:
        return self.owner(account).name

    def human(self, phone: Phone) -> Human:
        return self.owner(phone.identity.account)

    async def until_morning(self, day: int) -> None:
        """Seven o'clock of a day; a long event before may have gone past it."""
        morning = self._start + day * DAY + 7 * HOUR
        await self.wait(max(0, morning - self.time.ms))

    async def wait(self, ms: int) -> None:
        """Time passes. Over real sockets nobody's program runs meanwhile: its token would end."""
        if self.road.over_sockets and ms > TOKEN_LASTS:
            await self.close()
        self.time.pass_by(ms)

    # --- what happens -------------------------------------------------------------------------

    async def happen(self, event: Event) -> None:
        """One event, whatever gets in its way. Raises `Surprise`."""
        await self.wait(event.minutes * MINUTE)
        phones = self._able(event)
        if not phones:
            return
        await self.by(phones[event.who % len(phones)], event)

    def _able(self, event: Event) -> list[Phone]:
        """Whoever has something to do with it: most events are for people in a circle."""
        phones = self.phones(bots=event.what == "bot-post")
        if event.what in ("open-circle", "join", "kit", "restore", "revoke", "lose", "go-offline"):
            return phones
        return [phone for phone in phones if self.circles(phone.identity.account)]

    async def by(self, phone: Phone, event: Event) -> None:
        """The event, by this phone."""
        act: Callable[[Phone, Event], Awaitable[str]] = getattr(
            self, "_" + event.what.replace("-", "_")
        )
        said, came = await self._outcome(phone, event.setback, act(phone, event))
        self.events[event.what] += 1
        self.told.append(
            f"day {event.day} {phone.owner}'s {phone.identity.device[:4]} {event.what}: {said}"
            + (f" [{came}]" if came else "")
        )

    async def _outcome(
        self, phone: Phone, setback: Setback | None, action: Awaitable[str]
    ) -> tuple[str, str]:
        phone.steps.expect(self._trouble(phone, setback))
        try:
            said = await action
        except Killed:
            said = "killed"
            await self.end(phone)
        except ServerUnreachable:
            said = "unreachable"
            self._must_have_come(phone)
        except (Refusal, ProtocolError, ClientError) as error:
            said = self._expected(phone, error)
        came = f"{setback.kind} at {setback.step}" if setback and phone.steps.came else ""
        if setback and came:
            self.troubles[setback.kind] += 1
        phone.steps.expect(None)
        return said, came

    def _trouble(self, phone: Phone, setback: Setback | None) -> Trouble | None:
        if setback is None:
            return None
        rival = setback.rival
        if rival is None:
            return Trouble(setback.kind, setback.step)
        return Trouble("rival", setback.step, lambda: self._rival(phone, rival))

    async def _rival(self, phone: Phone, event: Event) -> None:
        """Any other phone; what it may not do after all is no surprise."""
        others = [one for one in self._able(event) if one is not phone]
        if others:
            await self.by(others[event.who % len(others)], event)

    def _must_have_come(self, phone: Phone) -> None:
        if not phone.steps.came:
            raise Surprise("unreachable, and nothing was in the way")

    def _expected(self, phone: Phone, error: Exception) -> str:
        """What people are told when they try what they may not, or at a bad moment."""
        rule = error.rule if isinstance(error, RefusedHere) else None
        reason = rule or getattr(error, "reason", None) or str(error)
        code = error.code if isinstance(error, Refusal) else None
        harmless = {
            *("not-allowed", "not-a-member", "last-lead", "last-device", "circle-closed"),
            *("already-a-member", "too-many-devices", "locked", "unknown-circle", "bad-audience"),
            *("nobody-waits", "superseded", "not-the-author"),
        }
        passing = phone.steps.came and (
            code in (Code.UNAVAILABLE, Code.CONFLICT, Code.STALE_EPOCH, Code.UNAUTHENTICATED)
            or reason in ("revoked-device", "wrong-account", "not-a-device", "wrong-version")
        )
        waits = (
            code is Code.STALE_EPOCH and self.human(phone).is_bot
        )  # for a person to turn the key
        if reason in harmless or passing or waits:
            return f"no: {reason}"
        raise Surprise(f"{type(error).__name__} {code} {reason}") from error

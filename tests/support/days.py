"""Living through schedules: a node of one's own, its clock in hand, one world after another; a failure is made small."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory

import keyring
import pytest
from evening import Evening, come_home
from happenings import Happenings
from keyring.backend import KeyringBackend
from road import Road, SimulatedTime
from schedule import Schedule, random_schedule, smallest, written

from relais.client import clock as client_clock
from relais.client import enrolment, session, transport
from relais.models.store import database as store
from relais.server import clock as server_clock
from relais.server.app import running
from relais.server.config import Settings
from relais.server.sockets import line

PATIENCE = 300.0
"""Seconds: a machine that stands still for a while is nothing that went wrong."""
DEADLINES = (
    (store, "TRANSACTION_SECONDS"),
    (transport, "_CONNECT_SECONDS"),
    (transport, "_CALL_SECONDS"),
    (line, "STRANGER_SECONDS"),
)
ROOM = 2**30
"""Bytes: the nodes of a few processes."""
FAR_AHEAD = 4_102_444_800_000
"""Milliseconds: the year 2100. Nothing expires by the database's own clock, which deletes what is over as others look."""


class KeyringInMemory(KeyringBackend):
    """Where new folders keep their keys: nobody types a passphrase."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self._kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self._kept.get((service, username))


@dataclass
class Lived:
    """What a schedule came to. `failure`: the first thing that must not be, None if all was well."""

    days: int = 0
    circles: int = 0
    read: int = 0
    """Times that somebody entitled opened a version."""
    by_own_key: int = 0
    """Of those, by the key of a single version: a history that begins on a date."""
    excused: int = 0
    """Times that a version was locked while everybody who could have unlocked it was away."""
    events: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    failure: str | None = None
    story: list[str] = field(default_factory=list, repr=False)

    def add(self, other: "Lived") -> None:
        self.days += other.days
        self.circles += other.circles
        self.read += other.read
        self.by_own_key += other.by_own_key
        self.excused += other.excused
        self.events += other.events
        self.troubles += other.troubles
        self.failure = self.failure or other.failure


class Life:
    """A node whose clock, and that of everybody who comes to it, is in the test's hand."""

    def __init__(self, road: Road, time: SimulatedTime, folder: Path) -> None:
        self._road = road
        self._time = time
        self._folder = folder
        self._worlds = 0

    @asynccontextmanager
    async def world(self) -> AsyncIterator[Happenings]:
        """One more world, with nobody in it yet."""
        self._worlds += 1
        folder = self._folder / f"world-{self._worlds}"
        folder.mkdir()
        world = Happenings(self._road, self._time, folder)
        self._road.witness = world.witness
        try:
            yield world
        finally:
            await world.close()

    async def live(self, schedule: Schedule) -> Lived:
        """Go through a schedule in a world of its own, until its end or the first thing that must not be."""
        lived = Lived()
        async with self.world() as world:
            evening = Evening(world)
            try:
                await world.populate()
                for day in sorted({event.day for event in schedule}):
                    await world.until_morning(day)
                    for event in schedule:
                        if event.day == day:
                            await world.happen(event)
                    await come_home(world)
                    await evening.check()
                    lived.days += 1
            except Exception as error:  # noqa: BLE001 (whatever it is, it is what is looked for)
                lived.failure = f"{type(error).__name__}: {error}"
        lived.circles = len(world.truth.circles)
        lived.read, lived.excused = evening.read, evening.excused
        lived.by_own_key = evening.by_own_key
        lived.events, lived.troubles, lived.story = world.events, world.troubles, world.told
        return lived

    async def live_seed(self, seed: int, *, days: int) -> Lived:
        """A random schedule. A failure says its seed, and the smallest part of the schedule that fails as well."""
        schedule = random_schedule(seed, days=days)
        lived = await self.live(schedule)
        if lived.failure is not None:
            print(f"seed {seed}: {lived.failure}; being made small …", flush=True)
            lived.failure = await self._explained(seed, schedule, lived)
        return lived

    async def _explained(self, seed: int, schedule: Schedule, lived: Lived) -> str:
        async def fails(part: Schedule) -> bool:
            return _same_kind((await self.live(part)).failure, lived.failure)

        least = await smallest(schedule, fails)
        again = await self.live(least)
        told = again if again.failure else lived
        return (
            f"seed {seed}: {lived.failure}\n{len(least)} of {len(schedule)} events are enough:\n"
            f"{written(least)}\nwhich went:\n  "
            + "\n  ".join([*told.story[-40:], str(told.failure)])
        )


def _same_kind(failure: str | None, other: str | None) -> bool:
    """Whether two failures are likely one: they begin alike but for whom it hit."""
    words = [[word for word in str(one).split() if word.islower()][:3] for one in (failure, other)]
    return failure is not None and words[0] == words[1]


@asynccontextmanager
async def life(*, over_sockets: bool = False) -> AsyncIterator[Life]:
    """A node on an embedded database of its own, for as long as it takes."""
    time = SimulatedTime(FAR_AHEAD)
    with (
        TemporaryDirectory(prefix="relais-days-", dir=_quick_folder()) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        before = keyring.get_keyring()
        keyring.set_keyring(KeyringInMemory())
        for module in (client_clock, server_clock):
            patch.setattr(module, "time", time)
        for room, name in DEADLINES:
            patch.setattr(room, name, PATIENCE)
        patient = partial(store.Limits, answer_seconds=PATIENCE, find_server_seconds=PATIENCE)
        patch.setattr(store, "Limits", patient)
        try:
            async with running(_settings(Path(folder))) as node:
                road = Road(node, over_sockets=over_sockets)
                for user in (session, enrolment):
                    patch.setattr(user, "Transport", road.transport)
                yield Life(road, time, Path(folder))
        finally:
            keyring.set_keyring(before)


def _quick_folder() -> str | None:
    """Where nothing waits for a disk, if this machine has such a place: what a power cut loses is not what is tested."""
    memory = "/dev/shm"
    return memory if os.access(memory, os.W_OK) and disk_usage(memory).free > ROOM else None


def _settings(folder: Path) -> Settings:
    plenty = 1_000_000
    return Settings(
        port=0,
        data=folder / "relay",
        drain_seconds=1,
        requests_per_second=plenty,
        request_burst=plenty,
        logins_per_minute=plenty,
        login_burst=plenty,
    )


def live_all(seeds: Iterable[int], days: int) -> Lived:
    """Every seed in turn, up to the first that fails. For a process of its own."""

    async def run() -> Lived:
        total = Lived()
        async with life() as alive:
            for seed in seeds:
                total.add(await alive.live_seed(seed, days=days))
                if total.failure:
                    break
        return total

    return asyncio.run(run())

"""The group writer: what waits to be stored is stored together, durably, before anybody is told.

    async with GroupWriter(database) as writer:
        await writer.append([("accounts", {…}), ("entries", {…})])
        numbering = Numbering("notes", "circle", circle)
        seq = await writer.append_next(numbering, lambda seq: [("notes", {…, "seq": seq}), ("entries", {…})])

A **unit** is what one call gives: all its documents are stored or none is. A call returns when its unit is durable, and
raises otherwise. Units are stored in the order of the calls, and numbered in that order. One that breaks a unique index
fails alone, with `DuplicateKey`. `Unavailable` says that the outcome is unknown, or that too much waits already: give the
same unit again, with the same identifiers. Why so: docs/decisions/0010-group-commit.md.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from relais.models.store.database import Database
from relais.models.store.errors import Unavailable
from relais.models.store.group import Build, Entry, GroupStore, Unit
from relais.models.store.numbering import Numbering


@dataclass(frozen=True)
class GroupLimits:
    """At most `units` are stored in one group, and at most `waiting` wait: further callers are turned away."""

    units: int = 256
    waiting: int = 4096


class GroupWriter:
    """Stores units in groups. One for each process and database, in `async with`: its end stores what still waits."""

    def __init__(self, database: Database, *, limits: GroupLimits | None = None) -> None:
        self._store = GroupStore(database)
        self._limits = limits or GroupLimits()
        self._waiting: deque[Unit] = deque()
        self._wake = asyncio.Event()
        self._closing = True
        self._writing: asyncio.Task[None] | None = None

    async def append(self, documents: Sequence[Entry]) -> None:
        """Store a unit: (collection, document) pairs. Raises `DuplicateKey`, `DocumentRefused`, `Unavailable`."""
        await self._enqueue(lambda _: documents, numbering=None)

    async def append_next(self, numbering: Numbering, build: Build) -> int:
        """Store a unit under the next number of `numbering`, and answer that number.

        `build` makes the unit's documents for a number: one of them, in the numbering's collection, holds it in `seq` beside
        the numbering's field. It is pure, for it is called again when another node took that number. Errors as in `append`.
        """
        return await self._enqueue(build, numbering=numbering)

    @property
    def waiting(self) -> int:
        """How many units have not yet been taken into a group."""
        return len(self._waiting)

    async def __aenter__(self) -> Self:
        self._closing = False
        self._writing = asyncio.create_task(self._run(), name="group writer")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        self._wake.set()
        if self._writing:
            await self._writing

    def _enqueue(self, build: Build, *, numbering: Numbering | None) -> asyncio.Future[int]:
        if self._closing:
            raise Unavailable("the group writer is closed")
        if len(self._waiting) >= self._limits.waiting:
            raise Unavailable("too many units wait to be stored")
        unit = Unit(build, numbering, asyncio.get_running_loop().create_future())
        self._waiting.append(unit)
        self._wake.set()
        return unit.stored

    async def _run(self) -> None:
        try:
            while await self._something_waits():
                await self._store_group()
        finally:
            self._closing = True
            _refuse(self._waiting, "the group writer has ended")

    async def _store_group(self) -> None:
        size = min(self._limits.units, len(self._waiting))
        units = [self._waiting.popleft() for _ in range(size)]
        try:
            await self._store.store(units)
        finally:
            _refuse(units, "the group writer was cut short")  # those that have no answer yet

    async def _something_waits(self) -> bool:
        """Wait for a unit; False when none waits and none will come."""
        while not self._waiting:
            if self._closing:
                return False
            self._wake.clear()
            await self._wake.wait()
        await asyncio.sleep(0)  # whoever calls in the same turn of the loop is stored with it
        return True


def _refuse(units: Iterable[Unit], reason: str) -> None:
    for unit in units:
        unit.refuse(Unavailable(reason))

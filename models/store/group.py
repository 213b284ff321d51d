"""A group of units and how it is stored: together, each whole or not at all, none failing for another's fault."""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from relais.models.store.database import Database, Document, Session
from relais.models.store.errors import DocumentRefused, DuplicateKey, StoreError, Unavailable
from relais.models.store.numbering import LastNumbers, Numbering

Entry = tuple[str, Document]
Build = Callable[[int], Sequence[Entry]]
RIVALS = 20  # times another node may be faster before a unit gives up
TOGETHER = 3  # attempts to store the rest together before its units are stored one by one


@dataclass(eq=False)
class Unit:
    """Documents that are stored all or not at all, and the future that says so: it holds the unit's number, or 0."""

    build: Build
    numbering: Numbering | None
    stored: asyncio.Future[int]
    number: int = 0

    def acknowledge(self) -> None:
        if not self.stored.done():  # its caller may have gone away
            self.stored.set_result(self.number)

    def refuse(self, error: BaseException) -> None:
        if not self.stored.done():
            self.stored.set_exception(error)


@dataclass
class _Write:
    """The documents of units by collection, in the order in which they are written."""

    units: list[Unit] = field(default_factory=list)
    documents: dict[str, list[Document]] = field(default_factory=dict)
    owners: dict[str, list[Unit]] = field(default_factory=dict)
    current: str = ""  # the collection being written: it says whose document an error's index means

    def add(self, unit: Unit, entries: Sequence[Entry]) -> None:
        self.units.append(unit)
        for collection, document in entries:
            self.documents.setdefault(collection, []).append(document)
            self.owners.setdefault(collection, []).append(unit)

    def is_plain(self) -> bool:
        """Whether each unit is one document and all go to one collection: then no transaction is needed."""
        return len(self.documents) == 1 and sum(map(len, self.documents.values())) == len(
            self.units
        )

    def blame(self, index: int) -> Unit:
        return self.owners[self.current][index]


class GroupStore:
    """Stores groups of units one after the other, and answers each unit's caller."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers = LastNumbers(database)

    async def store(self, units: list[Unit]) -> None:
        """Store a group. Each unit has its answer when this returns, the stored ones after they are durable."""
        for _ in range(TOGETHER):
            units = await self._store_until_one_fails(units)
            if not units:
                return
        for unit in units:
            while await self._store_until_one_fails([unit]):
                continue

    async def _store_until_one_fails(self, units: list[Unit]) -> list[Unit]:
        """Store units; at the first that fails alone, answer it and return those still to store."""
        for attempt in range(RIVALS):
            try:
                write = await self._prepare(units)
                await self._write(write)
            except (DuplicateKey, DocumentRefused) as error:
                guilty = write.blame(error.index)
                units = self._not_yet_stored(write, guilty)
                if not _is_rival(error, guilty):
                    guilty.refuse(_at(error, write.current))
                    return [unit for unit in units if unit is not guilty]
                await self._catch_up(guilty, attempt)
            except Exception as error:  # noqa: BLE001 (each caller gets it)
                return self._fail(units, error)
            else:
                self._acknowledge(write.units)
                return []
        return (
            units if len(units) > 1 else self._fail(units, Unavailable("other nodes were faster"))
        )

    async def _prepare(self, units: Iterable[Unit]) -> _Write:
        """Number the units from what is known to be stored, and build their documents."""
        write, last = _Write(), dict[Numbering, int]()
        units = [unit for unit in units if not unit.stored.done()]
        for unit in units:
            if unit.numbering and unit.numbering not in last:
                known = self._numbers.known(unit.numbering)
                last[unit.numbering] = (
                    await self._numbers.find(unit.numbering) if known is None else known
                )
        for unit in units:
            number = last[unit.numbering] + 1 if unit.numbering else 0
            try:
                entries = unit.build(number)
            except Exception as error:  # noqa: BLE001 (its caller gets it, not the others)
                unit.refuse(error)
                continue
            unit.number = number
            if unit.numbering:
                last[unit.numbering] = number
            write.add(unit, entries)
        return write

    async def _write(self, write: _Write) -> None:
        if write.is_plain():
            await self._insert(write, session=None)
        elif write.documents:
            await self._database.transaction(lambda session: self._insert(write, session=session))

    async def _insert(self, write: _Write, *, session: Session | None) -> None:
        for name, documents in write.documents.items():
            write.current = name
            await self._database.collection(name).insert_many(documents, session=session)

    def _not_yet_stored(self, write: _Write, guilty: Unit) -> list[Unit]:
        """After a transaction all units. Without one, the units before the guilty one are stored: tell them."""
        if not write.is_plain():
            return write.units
        done = write.units.index(guilty)
        self._acknowledge(write.units[:done])
        return write.units[done:]

    def _acknowledge(self, units: Sequence[Unit]) -> None:
        for unit in units:
            if unit.numbering:
                self._numbers.learn(unit.numbering, unit.number)
            unit.acknowledge()

    async def _catch_up(self, unit: Unit, attempt: int) -> None:
        """Another node took the number: see how far it went. It may not be visible yet."""
        assert unit.numbering is not None
        if await self._numbers.find(unit.numbering) < unit.number:
            await asyncio.sleep(random.random() * 0.005 * 2 ** min(attempt, 6))

    def _fail(self, units: list[Unit], error: Exception) -> list[Unit]:
        """Nobody knows what is stored. An error that may be one unit's own is found by storing one by one."""
        for unit in units:
            if unit.numbering:
                self._numbers.forget(unit.numbering)
        if len(units) > 1 and not isinstance(error, Unavailable):
            return units
        for unit in units:
            unit.refuse(error)
        return []


def _at(error: StoreError, collection: str) -> StoreError:
    """The error as one unit's own: a position in the group says nothing to its caller."""
    if isinstance(error, DuplicateKey):
        return DuplicateKey(error.pattern, collection=collection)
    return error


def _is_rival(error: DuplicateKey | DocumentRefused, unit: Unit) -> bool:
    return (
        isinstance(error, DuplicateKey)
        and unit.numbering is not None
        and error.pattern == unit.numbering.pattern
    )

"""Follows the log: entries that have their place are looked at in order, each once, whichever node does it."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from relais.models.store.audit_watch import (
    EVERYBODY,
    FindingRow,
    StepTaken,
    WatchStep,
    WatchStore,
)
from relais.models.store.errors import StoreError, Unavailable
from relais.models.store.settings import SettingStore
from relais.models.wire.watch import Rules
from relais.server.audit.parts import LogStores
from relais.server.audit.watch import person as people
from relais.server.audit.watch import rules
from relais.server.audit.watch.facts import Facts
from relais.server.audit.watch.judge import Found, judge
from relais.server.audit.watch.person import Person
from relais.server.audit.watch.seen import HOUR_MS, NOTHING, Known, Seen, seen

log = logging.getLogger(__name__)

BATCH = 1_000
AT_ONCE = 100
"""So many are looked at in one turn of the loop."""
NOBODY = Person()
"""Of whom nothing is remembered."""


@dataclass(frozen=True)
class WatcherParts:
    """What the watcher reads and writes."""

    log: LogStores
    store: WatchStore
    settings: SettingStore
    facts: Facts


class Watcher:
    """`run` it on every node: a step that another node takes first is left to it."""

    def __init__(
        self, parts: WatcherParts, *, look: float = 1.0, retry: float = 5.0, batch: int = BATCH
    ) -> None:
        self._parts = parts
        self._look = look
        self._retry = retry
        self._batch = batch

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                looked_at = await self.step()
                await asyncio.sleep(0 if looked_at == self._batch else self._look)
            except StepTaken:
                await asyncio.sleep(self._retry)
            except Unavailable as error:
                log.warning("the rules wait for the database: %s", error)
                await asyncio.sleep(self._retry)
            except StoreError:
                log.exception("the rules could not be kept")
                await asyncio.sleep(self._retry)

    async def step(self) -> int:
        """Look at some entries; answers how many places further the rules are. Raises `StepTaken`, `Unavailable`."""
        start = await self._parts.store.next()
        size = (await self._parts.log.heads.pulse()).size
        end = min(size, start + self._batch)
        if end <= start:
            return 0
        now = rules.from_stored(await self._parts.settings.get(rules.NAME))
        entries = await self._read(start, end, ZoneInfo(now.zone))
        known = await self._parts.facts.of(entries)
        stored = await self._parts.store.people(sorted({one.actor for one in entries if one.actor}))
        before = {actor: people.from_stored(state) for actor, state in stored.items()}
        judged = Judged(now, before)
        for some in _parts(entries):
            judged.add(some, known)
            await asyncio.sleep(0)  # notes are posted meanwhile
        await self._parts.store.take(judged.step(start, end))
        return end - start

    async def _read(self, start: int, end: int, zone: ZoneInfo) -> list[Seen]:
        """Those that can be read: bytes that are no entry, and entries whose content is gone, tell the rules nothing."""
        read: list[Seen] = []
        for at in range(start, end, AT_ONCE):
            stored = await self._parts.log.entries.between(at, min(end, at + AT_ONCE))
            found = (seen(one.index, one.at, one.entry, zone) for one in stored)
            read += [one for one in found if one is not None]
        return read


class Judged:
    """What the rules in force make of entries, from what is remembered of the actors."""

    def __init__(self, rules: Rules, people: Mapping[str, Person]) -> None:
        self._rules = rules
        self._before = people
        self._people = dict(people)
        self._hours: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
        self._findings: list[FindingRow] = []

    def add(self, entries: Iterable[Seen], known: Mapping[int, Known]) -> None:
        """Judge some more, in their order."""
        for one in entries:
            hour, is_refused = one.at // HOUR_MS, not one.ok
            self._hours[EVERYBODY, hour][is_refused] += 1
            if one.entry.account:
                self._hours[one.entry.account, hour][is_refused] += 1
            if (actor := one.actor) is not None:
                past, beside = self._people.get(actor, NOBODY), known.get(one.index, NOTHING)
                found, self._people[actor] = judge(past, one, beside, self._rules)
                self._findings += [_row(one, what) for what in found]

    def step(self, start: int, end: int) -> WatchStep:
        """All of it, to be stored: the entries were those in the places start ≤ index < end."""
        changed = {who: one for who, one in self._people.items() if one != self._before.get(who)}
        return WatchStep(
            start,
            end,
            people={who: people.as_stored(one) for who, one in changed.items()},
            hours={which: (ok, refused) for which, (ok, refused) in self._hours.items()},
            findings=self._findings,
        )


def _parts(entries: Sequence[Seen]) -> Iterator[Sequence[Seen]]:
    return (entries[at : at + AT_ONCE] for at in range(0, len(entries), AT_ONCE))


def _row(one: Seen, found: Found) -> FindingRow:
    return FindingRow(
        rule=found.rule,
        index=one.index,
        at=one.at,
        account=one.entry.account,
        circle=one.entry.circle,
        about=found.about,
        kind=found.kind,
        due=found.due,
        count=found.count,
        minutes=found.minutes,
    )

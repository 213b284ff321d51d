"""Follows the log: entries that have their place are looked at in order, each once, whichever node does it."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from relais.crypto.audit_entry import AuditEntryError, decode_audit_entry
from relais.models.store.audit_log import LogEntry
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
        entries = _read(await self._parts.log.entries.between(start, end), ZoneInfo(now.zone))
        known = await self._parts.facts.of(entries)
        stored = await self._parts.store.people(sorted({one.actor for one in entries if one.actor}))
        before = {actor: people.from_stored(state) for actor, state in stored.items()}
        await self._parts.store.take(_step(Span(start, end), entries, known, Past(now, before)))
        return end - start


@dataclass(frozen=True)
class Span:
    """The places start ≤ index < end."""

    start: int
    end: int


@dataclass(frozen=True)
class Past:
    """The rules in force, and what is remembered of the actors."""

    rules: Rules
    people: Mapping[str, Person]


def _step(span: Span, entries: Sequence[Seen], known: Mapping[int, Known], past: Past) -> WatchStep:
    states = dict(past.people)
    findings: list[FindingRow] = []
    hours: defaultdict[tuple[str, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in entries:
        for account in filter(None, (EVERYBODY, one.entry.account)):
            ok, refused = hours[account, one.at // HOUR_MS]
            hours[account, one.at // HOUR_MS] = (ok + one.ok, refused + (not one.ok))
        if one.actor is None:
            continue
        state = states.get(one.actor, Person())
        found, states[one.actor] = judge(state, one, known.get(one.index, NOTHING), past.rules)
        findings += [_row(one, what) for what in found]
    changed = {who: one for who, one in states.items() if one != past.people.get(who)}
    stored = {who: people.as_stored(one) for who, one in changed.items()}
    return WatchStep(span.start, span.end, stored, hours, findings)


def _read(entries: Sequence[LogEntry], zone: ZoneInfo) -> list[Seen]:
    """Those that can be read: bytes that are no entry, and entries whose content is gone, tell the rules nothing."""
    read: list[Seen] = []
    for one in entries:
        try:
            read.append(seen(one.index, one.at, decode_audit_entry(one.entry), zone))
        except AuditEntryError:
            continue
    return read


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

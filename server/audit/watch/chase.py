"""Chases findings that nobody reviewed in time: an entry of the log a day, and a word to whoever should look."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge

from relais.crypto.audit_entry import SubjectValue
from relais.models.ids import AccountId, Millis
from relais.models.store.accounts import AccountRow, AccountStore
from relais.models.store.audit_watch import DAY_MS, FindingRow, WatchStore
from relais.models.store.errors import StoreError
from relais.models.wire.watch import ReviewsDue
from relais.server.audit.record import Act, entry_of
from relais.server.callers import Stranger
from relais.server.clock import now_ms
from relais.server.hub import Hub

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
ITSELF = Stranger()


class ReviewGauge:
    """What the operator sees of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        said = "Findings that nobody reviewed by the time they were due"
        self.overdue = Gauge("relais_reviews_overdue", said, registry=registry)


@dataclass(frozen=True)
class ChaseParts:
    """What chasing takes."""

    store: WatchStore
    people: AccountStore
    gauge: ReviewGauge
    hub: Hub


class Chaser:
    """`run` it on every node: each finding is chased once a day, by whichever is first."""

    def __init__(self, parts: ChaseParts) -> None:
        self._parts = parts

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look(now_ms())
            except StoreError:
                log.exception("overdue findings were not chased")

    async def look(self, now: Millis) -> int:
        """Chase what is overdue and was not chased within the day; answers how many."""
        overdue = await self._parts.store.overdue(now)
        self._parts.gauge.overdue.set(len(overdue))
        chased = [row for row in overdue if await self._chase(row, now)]
        if chased:
            await self._tell(chased, overdue, now)
        return len(chased)

    async def _chase(self, row: FindingRow, now: Millis) -> bool:
        subject: dict[str, SubjectValue] = {"finding": row.rule, "index": row.index}
        act = Act("audit.chase", row.circle, subject | {"days": _days(row, now)})
        return await self._parts.store.chase(row, now, audit=entry_of(ITSELF, act))

    async def _tell(self, chased: list[FindingRow], overdue: list[FindingRow], now: Millis) -> None:
        """Each organisation hears how many of its own are overdue; one that is nobody's is everybody's."""
        owners = await self._parts.people.rows([row.account for row in overdue if row.account])
        counts, late = defaultdict[str, int](int), set[str]()
        for row in overdue:
            organisation = _organisation(owners, row)
            counts[organisation] += 1
            if _days(row, now) >= 1:
                late.add(organisation)
        auditors = await self._parts.people.with_role("auditor")
        administrators = await self._parts.people.with_role("administrator")
        for organisation in {_organisation(owners, row) for row in chased}:
            told = _of(auditors, organisation)
            told |= _of(administrators, organisation) if organisation in late else set()
            await self._parts.hub.tell_accounts(ReviewsDue(counts[organisation]), told)


def _days(row: FindingRow, now: Millis) -> int:
    return (now - (row.due or now)) // DAY_MS


def _organisation(owners: dict[AccountId, AccountRow], row: FindingRow) -> str:
    """Of the account that the finding is at."""
    owner = owners.get(row.account) if row.account else None
    return owner.organisation if owner else ""


def _of(people: Iterable[AccountRow], organisation: str) -> set[AccountId]:
    """Those of an organisation; all where it has none."""
    every = list(people)
    own = {row.account for row in every if organisation and row.organisation == organisation}
    return own or {row.account for row in every}

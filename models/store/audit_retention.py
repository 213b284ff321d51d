"""How long entries of the audit log are kept, what holds them longer, and what was pruned.

audit_periods   {_id: organisation ("" for all others), days}
audit_holds     {_id: the hold's id, circle, account, since, until, at}      what matches one is not pruned
audit_pruned    {_id: tile, count, done}, and {_id: -1, count: the place of the log from which on prunings are to be carried out}
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from relais.models.ids import AccountId, CircleId, Millis
from relais.models.store.audit_log import LogEntry
from relais.models.store.database import Database, Document, Session

_NEXT = -1
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Hold:
    """What must be kept: all that is given matches. Times: since ≤ at < until."""

    id: str
    circle: CircleId | None = None
    account: AccountId | None = None
    since: Millis | None = None
    until: Millis | None = None

    def holds(self, entry: LogEntry) -> bool:
        return (
            (self.circle is None or entry.circle == self.circle)
            and (self.account is None or entry.account == self.account)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


@dataclass(frozen=True)
class Retention:
    """What is kept: days by organisation ("" for those without a period of their own, and entries of none), and holds."""

    days: dict[str, int]
    holds: tuple[Hold, ...]

    def has_expired(self, entry: LogEntry, now: Millis) -> bool:
        """Whether its time is over and nothing holds it. What has no period is kept for ever."""
        days = self.days.get(entry.organisation or "", self.days.get(""))
        is_over = days is not None and entry.at < now - days * DAY_MS
        return is_over and not any(hold.holds(entry) for hold in self.holds)

    def shortest(self) -> int | None:
        return min(self.days.values(), default=None)


class RetentionStore:
    """Collections `audit_periods`, `audit_holds`, `audit_pruned`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._periods = database.collection("audit_periods")
        self._holds = database.collection("audit_holds")
        self._pruned = database.collection("audit_pruned")
        self._audit = database.collection("audit_pending")

    async def read(self) -> Retention:
        days = {one["_id"]: one["days"] for one in await self._periods.find({})}
        return Retention(days, tuple(_hold(one) for one in await self._holds.find({})))

    async def set_period(self, organisation: str, days: int | None, *, audit: Document) -> None:
        """None: keep for ever. `audit` goes with it."""

        async def work(session: Session) -> None:
            key = {"_id": organisation}
            if days is None:
                await self._periods.delete(key, session=session)
            else:
                change = {"$set": {"days": days}}
                await self._periods.update(key, change, upsert=True, session=session)
            await self._audit.insert(dict(audit), session=session)

        await self._database.transaction(work)

    async def hold(self, hold: Hold, *, audit: Document) -> None:
        async def work(session: Session) -> None:
            facts = {name: value for name, value in vars(hold).items() if name != "id"}
            await self._holds.insert({"_id": hold.id, **facts}, session=session)
            await self._audit.insert(dict(audit), session=session)

        await self._database.transaction(work)

    async def release(self, hold: str, *, audit: Document) -> bool:
        """False, and nothing stored, where there is none of that id."""

        async def work(session: Session) -> bool:
            is_there = await self._holds.delete({"_id": hold}, session=session)
            if is_there:
                await self._audit.insert(dict(audit), session=session)
            return is_there

        return await self._database.transaction(work)

    async def next_place(self) -> int:
        """From where on entries that prune are still to be carried out."""
        found = await self._pruned.find_one({"_id": _NEXT})
        return found["count"] if found else 0

    async def move_on(self, place: int) -> None:
        change = {"$set": {"count": place, "done": False}}
        await self._pruned.update({"_id": _NEXT}, change, upsert=True)

    async def note_tile(self, tile: int, *, count: int, done: bool) -> None:
        """How many places of a tile are pruned, and whether nothing is left there that could ever be."""
        change = {"$set": {"count": count, "done": done}}
        await self._pruned.update({"_id": tile}, change, upsert=True)

    async def done_tiles(self) -> set[int]:
        return {one["_id"] for one in await self._pruned.find({"done": True}, fields=["_id"])}

    async def count(self, first_tile: int, last_tile: int) -> int:
        """How many places are pruned under these tiles, both included."""
        some: dict[str, Any] = {"_id": {"$gte": max(0, first_tile), "$lte": last_tile}}
        stages: Sequence[dict[str, Any]] = (
            {"$match": some},
            {"$group": {"_id": None, "count": {"$sum": "$count"}}},
        )
        found = await self._pruned.aggregate(stages)
        return int(found[0]["count"]) if found else 0


def _hold(document: Document) -> Hold:
    names = ("circle", "account", "since", "until")
    return Hold(document["_id"], **{name: document[name] for name in names})

"""What the rules made of the log, entry by entry, each looked at exactly once.

    audit_watch      one document: {log, next}: the first entry that was not looked at
    audit_people     {_id: actor, state}                       what is remembered of each actor
    audit_hours      {_id: "<account>/<hour>", account, hour, ok, refused}   accesses by hour since 1970; account "*": everybody
    audit_findings   {_id: "<rule>/<index>", rule, index, at, account, …}

A step changes all four in one transaction that begins with `next`, compare-and-set: so whichever node takes a step, and wherever
one dies, nothing is counted or found twice, and nothing is passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relais.models.ids import AccountId, CircleId, Millis
from relais.models.store.audit_log import IDS_AT_ONCE
from relais.models.store.database import Database, Document, Session
from relais.models.store.errors import DuplicateKey, StoreError

LOG = "audit"
EVERYBODY = "*"
WIDEST = 1_024
DAY_MS: Millis = 86_400_000


class StepTaken(StoreError):
    """Another process looked at these entries first."""


@dataclass(frozen=True)
class FindingRow:
    """A finding as it is stored; `verdict` None as long as nobody has reviewed it; `kind`: the word of an alarm."""

    rule: str
    index: int
    at: Millis
    account: AccountId | None
    circle: CircleId | None
    about: AccountId | None
    count: int
    minutes: int
    kind: str | None = None
    due: Millis | None = None
    reviewed_by: AccountId | None = None
    reviewed_at: Millis | None = None
    verdict: str | None = None


@dataclass(frozen=True)
class HourCount:
    """Accesses within one hour since 1970."""

    hour: int
    ok: int
    refused: int


@dataclass(frozen=True)
class WatchStep:
    """From entry `start` to `end`. `hours`: (account, hour) → (ok, refused) to be added."""

    start: int
    end: int
    people: Mapping[str, Document]
    hours: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    findings: Sequence[FindingRow] = ()


class WatchStore:
    """The four collections above."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watch = database.collection("audit_watch")
        self._people = database.collection("audit_people")
        self._hours = database.collection("audit_hours")
        self._findings = database.collection("audit_findings")
        self._audit = database.collection("audit_pending")

    async def next(self) -> int:
        """The first entry that was not looked at."""
        found = await self._watch.find_one({"log": LOG})
        if found is not None:
            return int(found["next"])
        try:
            await self._watch.insert({"log": LOG, "next": 0})
        except DuplicateKey:
            return await self.next()
        return 0

    async def people(self, actors: Sequence[str]) -> dict[str, Document]:
        """What is remembered of these, where something is."""
        states: dict[str, Document] = {}
        for at in range(0, len(actors), IDS_AT_ONCE):
            some = {"_id": {"$in": list(actors[at : at + IDS_AT_ONCE])}}
            for found in await self._people.find(some):
                states[found["_id"]] = found["state"]
        return states

    async def take(self, step: WatchStep) -> None:
        """Store one step, all or nothing. Raises `StepTaken`."""
        # Together: one by one, these took a seventh of a busy node's time.
        people = [({"_id": who}, {"$set": {"state": state}}) for who, state in step.people.items()]
        hours = [_added(*hour, *counts) for hour, counts in step.hours.items()]

        async def work(session: Session) -> None:
            key = {"log": LOG, "next": step.start}
            further = {"$set": {"next": step.end}}
            if not await self._watch.update(key, further, session=session):
                raise StepTaken(str(StepTaken.__doc__))
            await self._people.upsert_each(people, session=session)
            await self._hours.upsert_each(hours, session=session)
            if step.findings:
                rows = [_document(one) for one in step.findings]
                await self._findings.insert_many(rows, session=session)

        await self._database.transaction(work)

    async def hours(self, account: str, *, start: int, end: int) -> list[HourCount]:
        """Of one account, or of `EVERYBODY`: start ≤ hour < end, in order."""
        some = {"account": account, "hour": {"$gte": start, "$lt": end}}
        found = await self._hours.find(some, sort=[("hour", 1)])
        return [HourCount(one["hour"], one["ok"], one["refused"]) for one in found]

    async def finding(self, rule: str, index: int) -> FindingRow | None:
        found = await self._findings.find_one({"_id": _key(rule, index)})
        return _row(found) if found else None

    async def findings_at(self, index: int) -> list[FindingRow]:
        return [_row(one) for one in await self._findings.find({"index": index})]

    async def findings_between(
        self, account: AccountId, since: Millis, until: Millis
    ) -> list[FindingRow]:
        """Of one account, since ≤ at < until."""
        some = {"account": account, "at": {"$gte": since, "$lt": until}}
        return [_row(one) for one in await self._findings.find(some)]

    async def newest(
        self, *, only_open: bool, account: AccountId | None, before: int, most: int
    ) -> list[FindingRow]:
        """Newest first, of entries below `before`: `most` or more, where there are as many. Reads in windows of places."""
        rows: list[FindingRow] = []
        width, end = WIDEST, before
        while end > 0 and len(rows) < most:
            start = max(0, end - width)
            rows += await self._window(only_open, account, start, end)
            end, width = start, width * 4
        return rows

    async def count_overdue(self, now: Millis) -> int:
        """Of how many findings the time to look at them is over, and nobody has."""
        return len(await self.overdue(now))

    async def overdue(self, now: Millis) -> list[FindingRow]:
        """Those, in no order."""
        some = {"reviewed": False, "due": {"$gt": 0, "$lte": now}}
        return [_row(one) for one in await self._findings.find(some)]

    async def chase(self, row: FindingRow, now: Millis, *, audit: Document) -> bool:
        """Note that an overdue finding was chased; `audit` goes with it. False where somebody reviewed it, or chased it within the day."""
        lately = {"$gt": now - DAY_MS}
        key = {"_id": _key(row.rule, row.index), "reviewed": False, "chased_at": {"$not": lately}}

        async def work(session: Session) -> bool:
            change = {"$set": {"chased_at": now}}
            if not await self._findings.update(key, change, session=session):
                return False
            await self._audit.insert(dict(audit), session=session)
            return True

        return await self._database.transaction(work)

    async def review(self, row: FindingRow, *, audit: Document) -> None:
        """Store who reviewed a finding, and how; `audit` goes with it."""
        facts = {name: getattr(row, name) for name in ("reviewed_by", "reviewed_at", "verdict")}

        async def work(session: Session) -> None:
            key = {"_id": _key(row.rule, row.index)}
            await self._findings.update(key, {"$set": {**facts, "reviewed": True}}, session=session)
            await self._audit.insert(dict(audit), session=session)

        await self._database.transaction(work)

    async def _window(
        self, only_open: bool, account: AccountId | None, start: int, end: int
    ) -> list[FindingRow]:
        places = {"index": {"$gte": start, "$lt": end}}
        key: dict[str, Any] = {"account": account} if account else {}
        key = key or ({"reviewed": False} if only_open else {})
        found = await self._findings.find({**key, **places}, sort=[("index", -1)])
        return [_row(one) for one in found if not (only_open and one["reviewed"])]


def _key(rule: str, index: int) -> str:
    return f"{rule}/{index}"


def _document(row: FindingRow) -> Document:
    return {"_id": _key(row.rule, row.index), **vars(row), "reviewed": row.verdict is not None}


def _row(document: Mapping[str, Any]) -> FindingRow:
    names = FindingRow.__dataclass_fields__
    return FindingRow(**{name: document[name] for name in names if name in document})


def _added(account: str, hour: int, ok: int, refused: int) -> tuple[Document, Document]:
    """Which document of an hour, and what is added to it."""
    new, added = {"account": account, "hour": hour}, {"ok": ok, "refused": refused}
    return {"_id": f"{account}/{hour}"}, {"$inc": added, "$setOnInsert": new}

"""The audit log as it is stored: what waits for its place, the entries in their places, the full tiles over them.

    audit_pending   {_id: the entry's id, at, entry}         durable before the access is answered
    audit_log       {_id: the entry's id, index, at, entry, account, circle, organisation, action, outcome}
    audit_tiles     {_id: "<level>/<index>", hashes, newest}

A place is taken once: `_id` and `index` of `audit_log` are unique, and nothing in it is ever changed but by pruning, which leaves
{_id, index, at, leaf}. So two processes that both
believe to lead can at most mix their entries; there is one entry at each index, and one tree. What the entries are hashed into
is not known here: see `audit_head` for where the log stands, and server/audit for who moves it.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from relais.models.ids import AccountId, CircleId, Millis
from relais.models.store.database import Database, Document
from relais.models.store.errors import DuplicateKey

TILES_AT_ONCE = 64
STORED_AT_ONCE = 100
IDS_AT_ONCE = 100  # the more ids in one filter, the longer the embedded server works on each
MOST_WAITING = 10_000
SEARCHED = ("account", "circle", "organisation", "action", "outcome")


@dataclass(frozen=True)
class PendingEntry:
    """An entry that waits. `at`: milliseconds since 1970; `entry`: its canonical bytes."""

    id: str
    at: Millis
    entry: bytes


@dataclass(frozen=True)
class LogEntry:
    """An entry in its place (from 0), and the fields of it that are searched by.

    `action` is None where the bytes are no entry: somebody wrote past this program. Of a pruned one `leaf`, its hash, is left in
    place of the bytes.
    """

    index: int
    id: str
    at: Millis
    entry: bytes
    account: AccountId | None = None
    circle: CircleId | None = None
    action: str | None = None
    outcome: str | None = None
    organisation: str | None = None
    leaf: bytes | None = None


@dataclass(frozen=True)
class StoredTile:
    """A full tile: its level, its index in that level, and 256 hashes in one.

    `newest`: of level 0, the greatest `at` among all entries up to the tile's last.
    """

    level: int
    index: int
    hashes: bytes
    newest: Millis | None = None


@dataclass(frozen=True)
class Waiting:
    """How many entries wait (counted up to `MOST_WAITING`), and since when the oldest does."""

    count: int
    oldest: Millis | None


class PendingEntries:
    """Collection `audit_pending`, from its far end; `AuditPending` writes to it."""

    def __init__(self, database: Database) -> None:
        self._pending = database.collection("audit_pending")

    async def first(self, most: int) -> list[PendingEntry]:
        """At most `most` of those that wait, in the order (at, id): roughly the oldest."""
        found = await self._some(most, fields=("at", "entry"))
        waiting = [PendingEntry(one["_id"], one["at"], bytes(one["entry"])) for one in found]
        return sorted(waiting, key=lambda one: (one.at, one.id))

    async def drop(self, ids: Iterable[str]) -> None:
        """Forget those that have their place."""
        for some in _parts(list(ids)):
            await self._pending.delete_many({"_id": {"$in": some}})

    async def waiting(self) -> Waiting:
        times = [one["at"] for one in await self._some(MOST_WAITING, fields=("at",))]
        return Waiting(len(times), min(times, default=None))

    async def _some(self, most: int, *, fields: Sequence[str]) -> list[Document]:
        found: list[Document] = []
        async with aclosing(self._pending.stream({}, fields=fields, batch=most)) as stream:
            async for document in stream:
                found.append(document)
                if len(found) == most:
                    break
        return found


class LogEntries:
    """Collection `audit_log`: written once, read by index. `audit_search` reads it by its fields."""

    def __init__(self, database: Database) -> None:
        self._log = database.collection("audit_log")

    async def add(self, entries: Sequence[LogEntry]) -> None:
        """Store entries durably, in order, up to the first whose place or id is taken: then `DuplicateKey`.

        Some at a time: the embedded server lets nobody else write while it stores what it was given at once.
        """
        for at in range(0, len(entries), STORED_AT_ONCE):
            some = entries[at : at + STORED_AT_ONCE]
            await self._log.insert_many([_document(entry) for entry in some])

    async def at(self, index: int) -> LogEntry | None:
        found = await self._log.find_one({"index": index})
        return log_entry(found) if found else None

    async def between(self, start: int, end: int) -> list[LogEntry]:
        """Those with start ≤ index < end, in order; fewer where some are not there."""
        some = {"index": {"$gte": start, "$lt": end}}
        return [log_entry(found) for found in await self._log.find(some, sort=[("index", 1)])]

    async def from_on(self, start: int, most: int) -> list[LogEntry]:
        """At most `most` entries without a gap from `start` on."""
        found = await self.between(start, start + most)
        return [entry for index, entry in enumerate(found, start) if entry.index == index]

    async def every(self, end: int, *, step: int = 1_024) -> AsyncIterator[list[LogEntry]]:
        """All below `end` as they are stored, in order, `step` places at a time."""
        for start in range(0, end, step):
            yield await self.between(start, min(end, start + step))

    async def prune(self, index: int, leaf: bytes) -> None:
        """Let the content of one place go, durably; its place, id, time and leaf hash stay."""
        change = {"$set": {**dict.fromkeys(SEARCHED), "entry": b"", "leaf": leaf}}
        await self._log.update({"index": index}, change)

    async def known(self, ids: Iterable[str]) -> set[str]:
        """Which of these entries have their place."""
        known: set[str] = set()
        for some in _parts(list(ids)):
            found = await self._log.find({"_id": {"$in": some}}, fields=["_id"])
            known |= {document["_id"] for document in found}
        return known


class LogTiles:
    """Collection `audit_tiles`: the full tiles. The unfilled ones are in the log's head."""

    def __init__(self, database: Database) -> None:
        self._tiles = database.collection("audit_tiles")

    async def add(self, tiles: Iterable[StoredTile]) -> None:
        """Store tiles durably. One that is there stays: it was made from the same entries."""
        for tile in tiles:
            facts = {"hashes": tile.hashes, "newest": tile.newest}
            try:
                await self._tiles.insert({"_id": _key(tile.level, tile.index), **facts})
            except DuplicateKey:
                continue

    async def read(self, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """The hashes of those tiles, by (level, index), that are there."""
        keys = {_key(*place): place for place in places}
        found: dict[tuple[int, int], bytes] = {}
        names = list(keys)
        for at in range(0, len(names), TILES_AT_ONCE):
            some = {"_id": {"$in": names[at : at + TILES_AT_ONCE]}}
            for document in await self._tiles.find(some, fields=["hashes"]):
                found[keys[document["_id"]]] = bytes(document["hashes"])
        return found

    async def newest(self, index: int) -> Millis | None:
        """The greatest `at` up to the last entry of a full tile of level 0."""
        found = await self._tiles.find_one({"_id": _key(0, index)}, fields=["newest"])
        return found["newest"] if found else None


def log_entry(document: Mapping[str, Any]) -> LogEntry:
    """An entry of `audit_log` as it is stored."""
    return LogEntry(
        index=document["index"],
        id=document["_id"],
        at=document["at"],
        entry=bytes(document["entry"]),
        account=document["account"],
        circle=document["circle"],
        action=document["action"],
        outcome=document["outcome"],
        organisation=document.get("organisation"),
        leaf=bytes(document["leaf"]) if "leaf" in document else None,
    )


def _document(entry: LogEntry) -> Document:
    return {
        "_id": entry.id,
        "index": entry.index,
        "at": entry.at,
        "entry": entry.entry,
        "account": entry.account,
        "circle": entry.circle,
        "action": entry.action,
        "outcome": entry.outcome,
        "organisation": entry.organisation,
    }


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[at : at + IDS_AT_ONCE] for at in range(0, len(ids), IDS_AT_ONCE)]


def _key(level: int, index: int) -> str:
    return f"{level}/{index}"

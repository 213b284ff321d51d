"""Where in the audit log each value stands: what searches by several fields, and counts, are answered from.

    audit_postings   {_id: "<field>/<block>", field, block, values, ends, places}      one for each searched field
                     {_id: "minute/<block>", field, block, places}                     when each entry was
                     {_id: "filed", block}                                             the first that is not filed

A **block** is 1,024 places. Of each field `values` holds the prints of the values that occur in it (8 bytes of SHA-256 each),
`ends` how many places the values up to each have (uint16, little endian, like the places), `places` where they stand within the
block, value after value, ascending. Of "minute", `places` has the minute since 1970 of each entry (uint32).

So the places of any combination are intersections of short lists, read block by block, however common or rare each value is. A
block is filed once, when it is full; what is not filed yet is looked at entry by entry. All of it can be made again from the log
(empty the collection). Why so: docs/decisions/0016-postings.md.
"""

import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relais.models.store.audit_log import SEARCHED, LogEntry
from relais.models.store.database import Database, Document
from relais.models.store.errors import DuplicateKey

BLOCK = 1_024
MINUTE_MS = 60_000
PRINT = 8
MINUTE = "minute"
FILED = "filed"


@dataclass(frozen=True)
class Blocks:
    """The blocks start ≤ block < end."""

    start: int
    end: int


class PostingStore:
    """Collection `audit_postings`."""

    def __init__(self, database: Database) -> None:
        self._postings = database.collection("audit_postings")

    async def filed(self) -> int:
        """How many blocks are filed, from the first on."""
        found = await self._postings.find_one({"_id": FILED})
        return int(found["block"]) if found else 0

    async def add(self, block: int, entries: Sequence[LogEntry]) -> None:
        """File a block, the next one. What is there of it stays: it was made from the same entries, or later."""
        for one in _documents(block, entries):
            try:
                await self._postings.insert(one)
            except DuplicateKey:
                continue
        further = {"$set": {"field": FILED, "block": block + 1, "places": b""}}
        await self._postings.update({"_id": FILED}, further, upsert=True)

    async def replace(self, block: int, entries: Sequence[LogEntry]) -> None:
        """File a block again, after entries of it lost their content."""
        for one in _documents(block, entries):
            await self._postings.update({"_id": one.pop("_id")}, {"$set": one}, upsert=True)

    async def places(self, fields: Mapping[str, str], blocks: Blocks) -> dict[int, set[int]]:
        """Block → the places within it where all of `fields` (one at least) are so; blocks without any are not there."""
        (name, value), *others = fields.items()
        first = await self._posted(name, value, blocks)
        found = {block: set(places) for block, places in first.items()}
        for name, value in others:
            if found:
                some = Blocks(min(found), max(found) + 1)
                found = _both(found, await self._posted(name, value, some))
        return found

    async def minutes(self, blocks: Blocks) -> dict[int, tuple[int, ...]]:
        """Block → the minute since 1970 of each of its entries."""
        return {
            one["block"]: struct.unpack(f"<{BLOCK}I", one["places"])
            for one in await self._read(MINUTE, blocks)
        }

    async def _posted(self, field: str, value: str, blocks: Blocks) -> dict[int, tuple[int, ...]]:
        wanted = _print(value)
        found = {one["block"]: _places(one, wanted) for one in await self._read(field, blocks)}
        return {block: places for block, places in found.items() if places}

    async def _read(self, field: str, blocks: Blocks) -> list[Document]:
        some = {"field": field, "block": {"$gte": blocks.start, "$lt": blocks.end}}
        return await self._postings.find(some, sort=[("block", 1)])


def _both(
    found: Mapping[int, set[int]], posted: Mapping[int, Sequence[int]]
) -> dict[int, set[int]]:
    both = {block: found[block].intersection(posted[block]) for block in found.keys() & posted}
    return {block: places for block, places in both.items() if places}


def _places(document: Mapping[str, Any], wanted: bytes) -> tuple[int, ...]:
    """Where a value stands within a block."""
    values = document["values"]
    at = values.find(wanted)
    while at % PRINT and at >= 0:
        at = values.find(wanted, at + 1)
    if at < 0:
        return ()
    number = at // PRINT
    (end,) = struct.unpack_from("<H", document["ends"], 2 * number)
    (start,) = struct.unpack_from("<H", document["ends"], 2 * number - 2) if number else (0,)
    return struct.unpack_from(f"<{end - start}H", document["places"], 2 * start)


def _documents(block: int, entries: Sequence[LogEntry]) -> Iterator[Document]:
    """What is filed of a full block."""
    for field in SEARCHED:
        yield {
            "_id": f"{field}/{block}",
            "field": field,
            "block": block,
            **_by_value(field, entries),
        }
    minutes = struct.pack(f"<{BLOCK}I", *map(_minute, entries))
    yield {"_id": f"{MINUTE}/{block}", "field": MINUTE, "block": block, "places": minutes}


def _by_value(field: str, entries: Sequence[LogEntry]) -> Document:
    posted: defaultdict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(entries):
        if (value := getattr(one, field)) is not None:
            posted[value].append(place)
    places = [place for some in posted.values() for place in some]
    ends, end = list[int](), 0
    for some in posted.values():
        end += len(some)
        ends.append(end)
    return {
        "values": b"".join(map(_print, posted)),
        "ends": struct.pack(f"<{len(ends)}H", *ends),
        "places": struct.pack(f"<{len(places)}H", *places),
    }


def _minute(entry: LogEntry) -> int:
    """Since 1970, as far as 32 bits reach."""
    return min(max(0, entry.at // MINUTE_MS), 2**32 - 1)


def _print(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()[:PRINT]

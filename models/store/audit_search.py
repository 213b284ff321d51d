"""Finding entries of the audit log by their fields, page after page, without ever reading all of it.

Everything, a circle, or an account is read by its index, (index), (circle, index) or (account, index), in windows of places bounded
at both ends; a window grows where little is found and shrinks where much is, so that each brings about as many entries as one
page needs. Every other combination is found through the postings (`audit_postings`): their blocks say where all that is asked holds, and
only those entries are read. What is not filed there yet, the last some hundred entries, is looked at entry by entry.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from relais.models.ids import AccountId, CircleId, Millis
from relais.models.store.audit_log import IDS_AT_ONCE, LogEntry, LogTiles, log_entry
from relais.models.store.audit_postings import BLOCK, MINUTE_MS, Blocks, PostingStore
from relais.models.store.database import Database

WIDTH = 256
"""Places under one full tile of level 0."""
NARROWEST, WIDEST = 64, 16_384
_ORDER = ("circle", "account", "action", "organisation", "outcome")
_INDEXED = frozenset({"circle", "account"})
FEWEST_BLOCKS, MOST_BLOCKS = 4, 256


@dataclass(frozen=True)
class Wanted:
    """Which entries: all that is given holds. Times are milliseconds: since ≤ at < until."""

    account: AccountId | None = None
    circle: CircleId | None = None
    organisation: str | None = None
    action: str | None = None
    outcome: str | None = None
    since: Millis | None = None
    until: Millis | None = None

    @property
    def fields(self) -> dict[str, str]:
        """What is given of the fields that are searched by, the one that says most first: refusals are rarer than any action."""
        order = ("outcome", *_ORDER) if self.outcome == "refused" else _ORDER
        given = {name: getattr(self, name) for name in order}
        return {name: value for name, value in given.items() if value is not None}

    def holds(self, entry: LogEntry) -> bool:
        """Whether an entry is one of those."""
        return (
            all(getattr(entry, name) == value for name, value in self.fields.items())
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


@dataclass(frozen=True)
class Places:
    """The places start ≤ index < end."""

    start: int
    end: int


@dataclass(frozen=True)
class Counted:
    """How many were done and refused in one minute, which begins at `at`."""

    at: Millis
    ok: int
    refused: int


class LogSearch:
    """Reads collection `audit_log` by its fields."""

    def __init__(self, database: Database) -> None:
        self._log = database.collection("audit_log")
        self._postings = PostingStore(database)

    async def find(
        self, wanted: Wanted, places: Places, *, newest_first: bool, page: int
    ) -> AsyncGenerator[LogEntry, None]:
        """The wanted entries among those places, in order. `page`: about how many the caller takes.

        Close it (`aclosing`) when leaving it early.
        """
        ways = await self._ways(wanted, places)
        for part, is_filed in ways if newest_first else reversed(ways):
            look = self._filed if is_filed else self._looked_through
            async with aclosing(look(wanted, part, newest_first, page)) as entries:
                async for entry in entries:
                    if wanted.holds(entry):
                        yield entry

    async def count(
        self, wanted: Wanted, places: Places, *, most: int
    ) -> tuple[list[Counted], bool]:
        """How many of the wanted entries there were when; and whether that is all of them.

        Times are those of whole minutes. Of entries that are not filed yet `most` are looked at, the newest; of all, where no
        field is given.
        """
        filed = await self._postings.filed() * BLOCK if wanted.fields else 0
        old = Places(places.start, min(filed, places.end))
        new, looked_at = Places(max(places.start, filed), places.end), 0
        sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        looking = self._looked_through(wanted, new, True, most)
        async with aclosing(looking) as entries:
            async for entry in entries:
                if looked_at == most:
                    return _counted(sums), False
                looked_at += 1
                if wanted.holds(entry):
                    sums[entry.at // MINUTE_MS][entry.outcome != "ok"] += 1
        for blocks in _block_windows(old, newest_first=True):
            await self._count(wanted, old, blocks, sums)
        return _counted(sums), True

    async def _ways(self, wanted: Wanted, places: Places) -> list[tuple[Places, bool]]:
        """The places, newest first: those to be looked through, and those to be found by what is filed."""
        if _has_own_index(wanted):
            return [(places, False)]
        filed = min(places.end, max(places.start, await self._postings.filed() * BLOCK))
        return [(Places(filed, places.end), False), (Places(places.start, filed), True)]

    async def _filed(
        self, wanted: Wanted, places: Places, newest_first: bool, page: int
    ) -> AsyncGenerator[LogEntry, None]:
        """What the postings of all given fields have in common."""
        step = min(IDS_AT_ONCE, page)
        for blocks in _block_windows(places, newest_first=newest_first):
            found = await self._postings.places(wanted.fields, blocks)
            indexes = sorted(_within(found, places), reverse=newest_first)
            for at in range(0, len(indexes), step):
                some = {"index": {"$in": indexes[at : at + step]}}
                documents = await self._log.find(some)  # the embedded server sorts none of these
                documents.sort(key=itemgetter("index"), reverse=newest_first)
                for document in documents:
                    if "leaf" not in document:
                        yield log_entry(document)

    async def _looked_through(
        self, wanted: Wanted, places: Places, newest_first: bool, page: int
    ) -> AsyncGenerator[LogEntry, None]:
        """All that have the one field with an index, in windows that grow where little is found."""
        key = _key(wanted)
        width = _bounded(page * (8 if key else 1))
        rest = places
        while rest.start < rest.end:
            window, rest = _cut(rest, width, from_end=newest_first)
            found = 0
            async with aclosing(self._window(key, window, newest_first, page)) as entries:
                async for entry in entries:
                    found += 1
                    yield entry
            width = _bounded(width * min(8, max(1, 2 * page) / max(1, found)))

    async def _window(
        self, key: dict[str, str], window: Places, newest_first: bool, page: int
    ) -> AsyncGenerator[LogEntry, None]:
        some: dict[str, Any] = {**key, "index": {"$gte": window.start, "$lt": window.end}}
        async with aclosing(
            self._log.stream(some, sort=_order(newest_first), batch=max(2, page))
        ) as stream:
            async for document in stream:
                if "leaf" not in document:  # pruned: nothing is left of it to be found by
                    yield log_entry(document)

    async def _count(
        self, wanted: Wanted, places: Places, blocks: Blocks, sums: dict[int, list[int]]
    ) -> None:
        found = await self._postings.places(wanted.fields, blocks)
        if not found:
            return
        some = Blocks(min(found), max(found) + 1)
        refused = await self._postings.places({"outcome": "refused"}, some)
        minutes = await self._postings.minutes(some)
        first, after = _minutes_of(wanted)
        for block, inside in found.items():
            if not _lies_in(block, places):
                inside = {index % BLOCK for index in _within({block: inside}, places)}
            no, minute_of = inside & refused.get(block, set()), minutes[block]
            for kind, which in enumerate((inside - no, no)):
                for minute, count in Counter(minute_of[place] for place in which).items():
                    if first <= minute < after:
                        sums[minute][kind] += count


async def places_between(
    tiles: LogTiles, size: int, *, since: Millis | None, until: Millis | None, late: Millis
) -> Places:
    """Places outside of which no entry has since ≤ at < until.

    Entries stand nearly in the order of their times: none is more than `late` behind the greatest before it. The full tiles
    say what that is, so two searches by halves find the bounds.
    """
    full = size // WIDTH

    async def first_tile(at_least: Millis) -> int:
        low, high = 0, full
        while low < high:
            middle = (low + high) // 2
            newest = await tiles.newest(middle)
            if newest is not None and newest >= at_least:
                high = middle
            else:
                low = middle + 1
        return low

    start = 0 if since is None else await first_tile(since) * WIDTH
    end = size if until is None else min(size, (await first_tile(until + late) + 1) * WIDTH)
    return Places(start, max(start, end))


def _has_own_index(wanted: Wanted) -> bool:
    """Whether nearly all that is found by the one index is wanted."""
    given = {name for name, value in wanted.fields.items() if (name, value) != ("outcome", "ok")}
    return given <= {"circle"} if wanted.circle else wanted.fields.keys() <= {"account"}


def _key(wanted: Wanted) -> dict[str, str]:
    """The one field to ask the database for."""
    return dict([one for one in wanted.fields.items() if one[0] in _INDEXED][:1])


def _order(newest_first: bool) -> list[tuple[str, int]]:
    return [("index", -1 if newest_first else 1)]


def _within(found: Mapping[int, set[int]], places: Places) -> list[int]:
    """The places of the log, not beyond `places`, of places within blocks."""
    indexes = (block * BLOCK + place for block, inside in found.items() for place in inside)
    return [index for index in indexes if places.start <= index < places.end]


def _lies_in(block: int, places: Places) -> bool:
    return places.start <= block * BLOCK and (block + 1) * BLOCK <= places.end


def _block_windows(places: Places, *, newest_first: bool) -> Iterator[Blocks]:
    """The blocks over filed places, a few at first, then more at a time."""
    first, after = places.start // BLOCK, -(-places.end // BLOCK)
    width = FEWEST_BLOCKS
    while first < after:
        some = min(width, after - first)
        yield Blocks(after - some, after) if newest_first else Blocks(first, first + some)
        first, after = (first, after - some) if newest_first else (first + some, after)
        width = min(MOST_BLOCKS, 4 * width)


def _minutes_of(wanted: Wanted) -> tuple[int, int]:
    """The minutes since 1970 that the wanted time touches: from the first on, before the second."""
    first = 0 if wanted.since is None else wanted.since // MINUTE_MS
    return first, 2**32 if wanted.until is None else -(-wanted.until // MINUTE_MS)


def _counted(sums: Mapping[int, Sequence[int]]) -> list[Counted]:
    return [Counted(minute * MINUTE_MS, ok, no) for minute, (ok, no) in sums.items()]


def _cut(places: Places, width: int, *, from_end: bool) -> tuple[Places, Places]:
    """The next window, and what is left."""
    if from_end:
        middle = max(places.start, places.end - width)
        return Places(middle, places.end), Places(places.start, middle)
    middle = min(places.end, places.start + width)
    return Places(places.start, middle), Places(middle, places.end)


def _bounded(width: float) -> int:
    return int(min(WIDEST, max(NARROWEST, width)))

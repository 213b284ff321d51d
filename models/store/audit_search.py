"""Finding entries of the audit log by their fields, page after page, without ever reading all of it.

A query names one field at most, the one that says most, and a window of places bounded at both ends: (circle, index), (account,
index) and so on are indexes. What else was asked is looked at entry by entry. A window grows where little is found and shrinks
where much is, so that each brings about as many entries as one page needs.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from relais.models.ids import AccountId, CircleId, Millis
from relais.models.store.audit_log import LogEntry, LogTiles, log_entry
from relais.models.store.database import Database

WIDTH = 256
"""Places under one full tile of level 0."""
NARROWEST, WIDEST = 64, 16_384
_ORDER = ("circle", "account", "organisation", "action", "outcome")


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
        """What is given of the fields that have an index, the one that says most first."""
        given = {name: getattr(self, name) for name in _ORDER}
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


class LogSearch:
    """Reads collection `audit_log` by its fields."""

    def __init__(self, database: Database) -> None:
        self._log = database.collection("audit_log")

    async def find(
        self, wanted: Wanted, places: Places, *, newest_first: bool, page: int
    ) -> AsyncGenerator[LogEntry, None]:
        """The wanted entries among those places, in order. `page`: about how many the caller takes.

        Close it (`aclosing`) when leaving it early.
        """
        key = _key(wanted)
        width = _bounded(page * (8 if key else 1))
        rest = places
        while rest.start < rest.end:
            window, rest = _cut(rest, width, from_end=newest_first)
            found = 0
            async with aclosing(self._window(key, window, newest_first, page)) as entries:
                async for entry in entries:
                    found += 1
                    if wanted.holds(entry):
                        yield entry
            width = _bounded(width * min(8, max(1, 2 * page) / max(1, found)))

    async def _window(
        self, key: dict[str, str], window: Places, newest_first: bool, page: int
    ) -> AsyncGenerator[LogEntry, None]:
        some: dict[str, Any] = {**key, "index": {"$gte": window.start, "$lt": window.end}}
        order = [("index", -1 if newest_first else 1)]
        async with aclosing(self._log.stream(some, sort=order, batch=max(2, page))) as stream:
            async for document in stream:
                if "leaf" not in document:  # pruned: nothing is left of it to be found by
                    yield log_entry(document)


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


def _key(wanted: Wanted) -> dict[str, str]:
    """The one field to ask the database for: refusals are rarer than any action."""
    if wanted.outcome == "refused" and not (wanted.circle or wanted.account):
        return {"outcome": "refused"}
    return dict(list(wanted.fields.items())[:1])


def _cut(places: Places, width: int, *, from_end: bool) -> tuple[Places, Places]:
    """The next window, and what is left."""
    if from_end:
        middle = max(places.start, places.end - width)
        return Places(middle, places.end), Places(places.start, middle)
    middle = min(places.end, places.start + width)
    return Places(places.start, middle), Places(middle, places.end)


def _bounded(width: float) -> int:
    return int(min(WIDEST, max(NARROWEST, width)))

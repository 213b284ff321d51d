"""From what waits to the tree, one batch at a time, by the leader of one term.

    1  entries into the first free places            durable, each place taken once
    2  full tiles, and where heads of ledgers are     durable
    3  the head: size, unfilled tiles, checkpoint     one write, compare-and-set on term and size
    4  what has its place no longer waits

A crash after 1 or 2 leaves entries beyond the head. They are in their places for good: the next step, whoever does it, finds
them there and takes them up before anything else. A crash after 3 leaves waiting entries that have a place: their ids are taken.
So the checkpoint never speaks of an entry that is not durable, and nothing is in the tree twice.
"""

import logging
import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import orjson

from relais.crypto.merkle import leaf_hash
from relais.crypto.signed_note import SignerKey
from relais.crypto.tiles import TILE_WIDTH, HashTile, TileEdge
from relais.models.ids import Millis
from relais.models.store.audit_head import LogHead
from relais.models.store.audit_log import LogEntry, PendingEntry, StoredTile
from relais.models.store.errors import DuplicateKey
from relais.server.audit.checkpoints import check_head, signed_head
from relais.server.audit.ledger_heads import places
from relais.server.audit.parts import LogStores

log = logging.getLogger(__name__)

BATCH = 200
READ = 4_000
"""Entries that are read at once, in whole batches: the embedded server looks at all that waits, however little is asked for."""
SEARCHED = ("account", "circle", "organisation", "action", "outcome")


class TermLost(Exception):
    """Another process leads the log."""


class Integrator:
    """Moves the log on as the leader of `term`. `load` it first, and again after any error."""

    def __init__(self, stores: LogStores, key: SignerKey, term: int, *, batch: int = BATCH) -> None:
        self.term = term
        self.shown = (
            0.0  # when the head was last seen to be ours, by the clock that never goes back
        )
        self._stores = stores
        self._key = key
        self._batch = batch
        self._head: LogHead
        self._edge: TileEdge

    @property
    def size(self) -> int:
        return self._head.size

    async def load(self) -> None:
        """Learn where the log stands, and take up what an earlier leader left beyond its head.

        Raises `LogDamaged`, `TermLost`.
        """
        self._head = await self._stores.heads.read()
        self._edge = check_head(self._head, self._key)
        await self.beat()
        while left := await self._stores.entries.from_on(self.size, self._batch):
            await self._take_up(left)

    async def beat(self) -> None:
        """Show that the leader lives. Raises `TermLost`."""
        if not await self._stores.heads.beat(self.term):
            raise TermLost(str(TermLost.__doc__))
        self.shown = time.monotonic()

    async def step(self) -> int:
        """Put some batches of what waits into the tree; answers how many entries it was about. Raises `TermLost`."""
        waiting = await self._stores.pending.first(max(READ, self._batch))
        done = 0
        for at in range(0, len(waiting), self._batch):
            done += await self._put(waiting[at : at + self._batch])
        return done

    async def _put(self, waiting: Sequence[PendingEntry]) -> int:
        entries = [placed(one, index) for index, one in enumerate(waiting, self.size)]
        try:
            await self._stores.entries.add(entries)
        except DuplicateKey:
            return await self._make_way(waiting)
        await self._take_up(entries)
        await self._stores.pending.drop(one.id for one in waiting)
        return len(waiting)

    async def _make_way(self, waiting: Sequence[PendingEntry]) -> int:
        """Some place or id is taken: take up what is there, and let what has its place wait no longer.

        Answers 0 where what was stored cannot be seen yet.
        """
        left = await self._stores.entries.from_on(self.size, 2 * self._batch)
        if left:
            await self._take_up(left)
        known = await self._stores.entries.known(one.id for one in waiting)
        await self._stores.pending.drop(known)
        return len(left) + len(known)

    async def _take_up(self, entries: Sequence[LogEntry]) -> None:
        """Move the head over entries that are durable in the places after it."""
        edge, filled = self._edge.append([leaf_hash(entry.entry) for entry in entries])
        newest, late = self._times(entries)
        await self._stores.tiles.add(self._stored(tile, newest) for tile in filled)
        await self._stores.ledgers.add(places(entries))
        head = signed_head(self._key, edge, newest=newest[-1], late=late)
        if not await self._stores.heads.advance(self.term, size=self.size, head=head):
            raise TermLost(str(TermLost.__doc__))
        self._head, self._edge, self.shown = head, edge, time.monotonic()

    def _times(self, entries: Sequence[LogEntry]) -> tuple[list[Millis], Millis]:
        """The greatest `at` up to each entry, and by how much one lay behind the greatest before it, at most."""
        times = [entry.at for entry in entries]
        newest = list(accumulate(times, max, initial=self._head.newest))
        behind = (before - at for before, at in zip(newest, times, strict=False))
        return newest[1:], max(self._head.late, *behind)

    def _stored(self, filled: HashTile, newest: Sequence[Millis]) -> StoredTile:
        level, index = int(filled.tile.level), filled.tile.index
        last = (index + 1) * TILE_WIDTH - 1 - self.size
        return StoredTile(level, index, filled.encode(), newest[last] if level == 0 else None)


def placed(waiting: PendingEntry, index: int) -> LogEntry:
    """An entry for its place, with what it is searched by. Bytes that are no entry are logged as they are."""
    return LogEntry(index, waiting.id, waiting.at, waiting.entry, **_searched(waiting.entry))


def _searched(entry: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(entry)
    except orjson.JSONDecodeError:
        value = None
    found = {name: value.get(name) for name in SEARCHED} if isinstance(value, dict) else {}
    if not found or not all(isinstance(one, str | None) for one in found.values()):
        log.error("what waited was no entry: it was written past this program")
        return {}
    return found

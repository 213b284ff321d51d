"""Retention: an entry's content goes when its time is over; its place and its leaf hash stay, and every proof still verifies.

    1  an entry `audit.prune` names the places of one tile                 durable, like every entry
    2  it gets its own place, in a tree that is published
    3  the content of the named places goes, but for what is held meanwhile

A crash after 1 or 2 leaves content that may go and is still there; the next sweep carries it out. So no reader ever finds content
gone without the entry that allows it. Only what is under full tiles is pruned, and only while it is what its tile says: what was
tampered with stays, as evidence. What proves the log itself, and the ledgers, is never pruned.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol

from relais.crypto import ledger_heads
from relais.crypto.audit_entry import AuditEntry, AuditEntryError, decode_audit_entry
from relais.crypto.merkle import leaf_hash
from relais.crypto.pruning import ACTION, prune_subject, pruned_by
from relais.crypto.tiles import TILE_WIDTH
from relais.models.ids import Millis, uuid7
from relais.models.store.audit_log import LogEntry
from relais.models.store.audit_postings import BLOCK
from relais.models.store.audit_retention import DAY_MS, Retention
from relais.models.store.audit_search import Places, Wanted
from relais.models.store.errors import StoreError
from relais.server.audit.checkpoints import split_hashes
from relais.server.audit.filing import refile
from relais.server.audit.parts import LogDamaged, LogStores
from relais.server.audit.record import Recorder, rfc3339
from relais.server.clock import now_ms

log = logging.getLogger(__name__)

SWEEP_SECONDS: Final = 3_600.0
TILES_AT_ONCE: Final = 400
"""Of one sweep: some 100,000 entries."""
KEPT: Final = frozenset(
    {ACTION, ledger_heads.ACTION, "audit.retention", "audit.hold", "audit.release"}
)


class Leads(Protocol):
    """Says whether this node leads the log."""

    leads: bool


@dataclass(frozen=True)
class Swept:
    """How many places were named for pruning, and how many lost their content."""

    named: int
    pruned: int


class Pruner:
    """Prunes what has expired."""

    def __init__(self, stores: LogStores, recorder: Recorder) -> None:
        self._stores = stores
        self._retention = stores.retention
        self._recorder = recorder

    async def run(self, leads: Leads) -> None:
        """Sweep every hour while this node leads, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                if leads.leads:
                    await self.sweep(now_ms())
            except (StoreError, LogDamaged):
                log.exception("the audit log was not pruned")

    async def sweep(self, now: Millis) -> Swept:
        """Carry out what was named, then name what has expired since. Raises `LogDamaged`, `Unavailable`."""
        pruned = await self._carry_out()
        return Swept(await self._name(now), pruned)

    async def _carry_out(self) -> int:
        """Prune what entries of the published tree name, from the last one on that was carried out."""
        start, end = await self._retention.next_place(), (await self._stores.heads.published()).size
        finding = self._stores.search.find(
            Wanted(action=ACTION), Places(start, end), newest_first=False, page=TILE_WIDTH
        )
        done = 0
        async with aclosing(finding) as found:
            async for entry in found:
                if named := pruned_by(decode_audit_entry(entry.entry), entry.index):
                    done += await self._prune(*named)
                await self._retention.move_on(entry.index + 1)
        await self._retention.move_on(max(start, end))
        return done

    async def _prune(self, tile: int, places: int) -> int:
        retention, entries = await self._retention.read(), await self._of(tile)
        leaves = await self._leaves(tile)
        due = [
            one
            for one in entries
            if places & 1 << one.index % TILE_WIDTH
            and one.leaf is None
            and not any(hold.holds(one) for hold in retention.holds)
        ]
        for one in due:
            leaf = leaves[one.index % TILE_WIDTH]
            if leaf_hash(one.entry) != leaf:
                raise LogDamaged(f"entry {one.index} is not what its tile says: it is not pruned")
            await self._stores.entries.prune(one.index, leaf)
        if due:
            await refile(self._stores, tile * TILE_WIDTH // BLOCK)
        gone = sum(one.leaf is not None for one in entries) + len(due)
        left = [one for one in entries if one.leaf is None and one not in due]
        await self._retention.note_tile(
            tile, count=gone, done=all(one.action in KEPT for one in left)
        )
        return len(due)

    async def _name(self, now: Millis) -> int:
        """Record an entry for each tile, of some, that has something to prune."""
        retention = await self._retention.read()
        shortest, size = retention.shortest(), (await self._stores.heads.pulse()).size
        if shortest is None:
            return 0
        done, named, tiles = await self._retention.done_tiles(), 0, 0
        for tile in range(size // TILE_WIDTH):
            if tile in done:
                continue
            entries = await self._of(tile)
            if min(one.at for one in entries) >= now - shortest * DAY_MS or tiles == TILES_AT_ONCE:
                break
            places = _expired(entries, retention, now)
            tiles += 1
            if places:
                await self._recorder.store(prune_entry(tile, places, at=now))
                named += places.bit_count()
        return named

    async def _of(self, tile: int) -> list[LogEntry]:
        start = tile * TILE_WIDTH
        entries = await self._stores.entries.between(start, start + TILE_WIDTH)
        if len(entries) != TILE_WIDTH:
            raise LogDamaged(f"entries from {start} on are not all there")
        return entries

    async def _leaves(self, tile: int) -> tuple[bytes, ...]:
        row = (await self._stores.tiles.read([(0, tile)])).get((0, tile))
        if row is None:
            raise LogDamaged(f"tile {tile} is gone")
        return split_hashes(row)


def prune_entry(tile: int, places: int, *, at: Millis) -> dict[str, object]:
    """The pending document that names these places of a tile."""
    entry = AuditEntry(
        id=uuid7(at),
        at=rfc3339(at),
        action=ACTION,
        outcome="ok",
        subject=prune_subject(tile, places),
    )
    return {"_id": entry.id, "at": at, "entry": entry.encode()}


def _expired(entries: Sequence[LogEntry], retention: Retention, now: Millis) -> int:
    """A bit for each place whose content may go. What is no entry is evidence, and stays."""
    may_go = (
        one.leaf is None
        and one.action not in KEPT
        and _is_entry(one)
        and retention.has_expired(one, now)
        for one in entries
    )
    return sum(1 << place for place, goes in enumerate(may_go) if goes)


def _is_entry(one: LogEntry) -> bool:
    try:
        decode_audit_entry(one.entry)
    except AuditEntryError:
        return False
    return True

"""What is asked of the audit log over the socket: searches and proofs.

Each question is an entry itself, durable before it is answered.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, fields
from typing import Any, Protocol

from relais.crypto.audit_entry import SubjectValue
from relais.crypto.merkle import consistency_proof, inclusion_proof, leaf_hash
from relais.crypto.tiles import TILE_WIDTH, tiles_for_consistency, tiles_for_inclusion
from relais.models.ids import CircleId
from relais.models.refusal import Code, Refusal
from relais.models.store.audit_log import LogEntry
from relais.models.store.audit_search import Places, Wanted, places_between
from relais.models.wire import audit as wire
from relais.models.wire import watch
from relais.server import authorize
from relais.server.audit.parts import LogDamaged, LogStores
from relais.server.audit.record import Act, Recorder
from relais.server.audit.tree import hashes_of
from relais.server.callers import Caller
from relais.server.circle_book import CircleView
from relais.server.clock import now_ms

MOST_AT_ONCE = 200
ANSWER_BYTES = 4 * 1024 * 1024


class Circles(Protocol):
    """Finds circles."""

    async def view(self, circle: CircleId) -> CircleView:
        """Raises ``not_found``."""


@dataclass(frozen=True)
class AnswerParts:
    """What questions are answered with."""

    stores: LogStores
    circles: Circles
    recorder: Recorder


@dataclass(frozen=True)
class Page:
    """Entries newest first, below `before` (0: from the newest on), at most `limit`."""

    before: int
    limit: int


class AuditAnswers:
    """Answers ``audit.search``, ``audit.prove``, ``audit.consistency``."""

    def __init__(self, parts: AnswerParts) -> None:
        self._parts = parts
        self._stores = parts.stores

    def actions(self) -> dict[type, Any]:
        return {
            wire.SearchAudit: self.search,
            wire.ProveEntry: self.prove,
            wire.ProveConsistency: self.consistency,
        }

    async def search(self, caller: Caller, ask: wire.SearchAudit) -> wire.AuditFound:
        """What an auditor looks for, a page at a time."""
        authorize.is_auditor(caller.roles)
        wanted = wanted_of(ask)
        rows, more = await page_of(self._stores, wanted, Page(ask.before, ask.limit))
        subject = subject_of(wanted) | shown_of(rows)
        await self._parts.recorder.record(caller, Act("audit.search", ask.circle, subject))
        told = tuple(wire.AuditRow(one.index, one.entry) for one in rows)
        pruned = 0 if ask.before else await pruned_among(self._stores, wanted)
        return wire.AuditFound(told, more, pruned)

    async def prove(self, caller: Caller, ask: wire.ProveEntry) -> wire.Proof:
        """Inclusion of one entry: any for auditors, those of their own circles for members, who see their own entries whole."""
        head = await self._stores.heads.published()
        entry = await self._stores.entries.at(ask.index) if ask.index < head.size else None
        await self._may_see(caller, entry)
        if entry is None:
            if ask.index < head.size:
                raise LogDamaged(f"entry {ask.index} is gone")
            raise Refusal(Code.NOT_FOUND, index=ask.index)
        tiles = tiles_for_inclusion(ask.index, head.size)
        hash_at = await hashes_of(self._stores, head, tiles)
        path = inclusion_proof(hash_at, index=ask.index, size=head.size)
        subject = {"index": ask.index, "size": head.size}
        await self._parts.recorder.record(caller, Act("audit.prove", entry.circle, subject))
        is_whole = "auditor" in caller.roles or entry.account == caller.account
        shown = entry.entry if is_whole and entry.leaf is None else None
        leaf = entry.leaf or leaf_hash(entry.entry)
        return wire.Proof(ask.index, shown, leaf, path, head.checkpoint)

    async def consistency(self, caller: Caller, ask: wire.ProveConsistency) -> wire.Consistency:
        """That the log grew from an older size, for everybody: it tells nothing of any entry."""
        head = await self._stores.heads.published()
        if ask.size > head.size:
            raise Refusal(Code.NOT_FOUND, size=head.size)
        tiles = tiles_for_consistency(ask.size, head.size)
        hash_at = await hashes_of(self._stores, head, tiles)
        path = consistency_proof(hash_at, old_size=ask.size, new_size=head.size)
        subject = {"size_from": ask.size, "size": head.size}
        await self._parts.recorder.record(caller, Act("audit.consistency", subject=subject))
        return wire.Consistency(path, head.checkpoint)

    async def _may_see(self, caller: Caller, entry: LogEntry | None) -> None:
        if "auditor" in caller.roles or entry is None or entry.circle is None:
            return authorize.is_auditor(caller.roles)
        view = await self._parts.circles.view(entry.circle)
        member = authorize.may_read(view.state, caller.account, now_ms())
        if entry.at < member.history:
            raise Refusal(Code.NOT_FOUND, index=entry.index)


async def page_of(stores: LogStores, wanted: Wanted, page: Page) -> tuple[list[LogEntry], bool]:
    """Entries newest first, as many as one answer carries, and whether there are more. Raises ``malformed``."""
    if not 1 <= page.limit <= MOST_AT_ONCE:
        raise Refusal(Code.MALFORMED, field="limit")
    places = await places_of(stores, wanted)
    below = min(places.end, page.before or places.end)
    rows, size = list[LogEntry](), 0
    finding = stores.search.find(
        wanted, Places(places.start, below), newest_first=True, page=page.limit + 1
    )
    async with aclosing(finding) as found:
        async for entry in found:
            size += len(entry.entry)
            if len(rows) == page.limit or (rows and size > ANSWER_BYTES):
                return rows, True
            rows.append(entry)
    return rows, False


async def pruned_among(stores: LogStores, wanted: Wanted) -> int:
    """How many entries among the places of a search are pruned, to the nearest tile: what they were, nobody knows any more."""
    places = await places_of(stores, wanted)
    return await stores.retention.count(places.start // TILE_WIDTH, (places.end - 1) // TILE_WIDTH)


async def places_of(stores: LogStores, wanted: Wanted) -> Places:
    """The places of the log as it stands among which all that is wanted lies."""
    pulse = await stores.heads.pulse()
    return await places_between(
        stores.tiles, pulse.size, since=wanted.since, until=wanted.until, late=pulse.late
    )


def wanted_of(ask: wire.SearchAudit | watch.CountAudit) -> Wanted:
    return Wanted(**{one.name: getattr(ask, one.name) for one in fields(Wanted)})


def subject_of(wanted: Wanted) -> dict[str, SubjectValue]:
    """What was looked for, without the circle, which has its own field in an entry."""
    return {
        name: value
        for name, value in vars(wanted).items()
        if value is not None and name != "circle"
    }


def shown_of(rows: Sequence[LogEntry]) -> dict[str, SubjectValue]:
    """Which entries were shown, newest first: how many, and the places of the newest and the oldest."""
    if not rows:
        return {"entries": 0}
    return {"entries": len(rows), "index_from": rows[-1].index, "index_to": rows[0].index}

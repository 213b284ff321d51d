"""Heads of ledgers in the log: the entry each of them gets, and the proofs that clients ask for (crypto/ledger_heads.py)."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from relais.crypto.audit_entry import AuditEntry, SubjectValue
from relais.crypto.ledger_heads import ACTION
from relais.crypto.merkle import consistency_proof, inclusion_proof
from relais.crypto.tiles import tiles_for_consistency, tiles_for_inclusion
from relais.models.ids import Digest, Millis, uuid7
from relais.models.refusal import Code, Refusal
from relais.models.store.audit_ledgers import LogLedgers
from relais.models.store.audit_log import LogEntry
from relais.models.wire import heads as wire
from relais.server import authorize
from relais.server.audit.answers import AnswerParts
from relais.server.audit.parts import LogDamaged
from relais.server.audit.record import Act, Recorder, rfc3339
from relais.server.audit.tree import hashes_of
from relais.server.callers import Caller
from relais.server.clock import now_ms

log = logging.getLogger(__name__)

MOST_ENTRIES = 100


def head_entry(
    ledger: Digest, *, seq: int, head: Digest, at: Millis | None = None
) -> dict[str, Any]:
    """The pending document that tells a ledger's new head; it goes with the statement or entry it is about."""
    at = now_ms() if at is None else at
    subject: dict[str, SubjectValue] = {"ledger": ledger, "seq": seq, "head": head}
    entry = AuditEntry(id=uuid7(at), at=rfc3339(at), action=ACTION, outcome="ok", subject=subject)
    return {"_id": entry.id, "at": at, "entry": entry.encode()}


def places(entries: Iterable[LogEntry]) -> list[tuple[Digest, int]]:
    """(ledger, index) of those entries that tell a head."""
    return [
        (ledger, one.index)
        for one in entries
        if one.action == ACTION
        and isinstance(ledger := orjson.loads(one.entry)["subject"].get("ledger"), str)
    ]


async def tell_standing(ledgers: LogLedgers, recorder: Recorder) -> None:
    """Tell the heads of what was there before heads were told; once for a database. A head told twice is no contradiction."""
    if await ledgers.are_all_told():
        return
    async for one in ledgers.standing():
        await recorder.store(head_entry(one.ledger, seq=one.seq, head=one.head))
    await ledgers.note_all_told()


class LedgerProofs:
    """Answers ``audit.heads``."""

    def __init__(self, parts: AnswerParts) -> None:
        self._parts = parts
        self._stores = parts.stores

    def actions(self) -> dict[type, Any]:
        return {wire.ProveHeads: self.prove}

    async def prove(self, caller: Caller, ask: wire.ProveHeads) -> wire.HeadsProven:
        """For readers of a circle, and for everybody of an account: whoever meets it has its chain."""
        head = await self._stores.heads.published()
        if ask.size > head.size:
            raise Refusal(Code.NOT_FOUND, size=head.size)
        found = list[int]()
        for one in ask.ledgers:
            await self._may_see(caller, one.ledger)
            found += await self._stores.ledgers.find(one.ledger, one.index, head.size)
        told = sorted(found)[:MOST_ENTRIES]
        needed = {tile for index in told for tile in tiles_for_inclusion(index, head.size)}
        needed |= set(tiles_for_consistency(ask.size, head.size))
        hash_at = await hashes_of(self._stores, head, needed)
        proven = tuple(
            wire.ToldHead(
                one.index, one.entry, inclusion_proof(hash_at, index=one.index, size=head.size)
            )
            for one in await self._entries(told)
        )
        subject = {"ledgers": len(ask.ledgers), "entries": len(told), "size": head.size}
        await self._parts.recorder.record(caller, Act("audit.heads", subject=subject))
        return wire.HeadsProven(
            entries=proven,
            consistency=consistency_proof(hash_at, old_size=ask.size, new_size=head.size),
            checkpoint=head.checkpoint,
            more=len(found) > len(told),
        )

    async def _may_see(self, caller: Caller, ledger: Digest) -> None:
        try:
            view = await self._parts.circles.view(ledger)
        except Refusal as refusal:
            if refusal.code is not Code.NOT_FOUND:
                raise
            return  # an account, or nothing at all
        authorize.may_read(view.state, caller.account, now_ms())

    async def _entries(self, indexes: Sequence[int]) -> list[LogEntry]:
        found = [await self._stores.entries.at(index) for index in indexes]
        if None in found:
            raise LogDamaged("an entry that tells a ledger's head is gone")
        return [one for one in found if one]

"""Where the audit log speaks of the head of a ledger: found by ledger, which no entry is searched by.

audit_ledgers   {_id: "<index>", ledger, index}, and {_id: "all"} once every ledger has been told of
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from relais.models.ids import Digest
from relais.models.store.database import Database
from relais.models.store.errors import DuplicateKey

_ALL = "all"


@dataclass(frozen=True)
class StandingHead:
    """An account or a circle, its newest seq, and the hash at that seq."""

    ledger: Digest
    seq: int
    head: Digest


class LogLedgers:
    """Collection `audit_ledgers`, written with the entries it points to."""

    def __init__(self, database: Database) -> None:
        self._places = database.collection("audit_ledgers")
        self._ledgers = (database.collection("accounts"), database.collection("circles"))

    async def add(self, places: Iterable[tuple[Digest, int]]) -> None:
        """Store (ledger, index) durably. One that is there stays: it was made from the same entry."""
        for ledger, index in places:
            try:
                await self._places.insert({"_id": str(index), "ledger": ledger, "index": index})
            except DuplicateKey:
                continue

    async def find(self, ledger: Digest, start: int, end: int) -> list[int]:
        """The places start ≤ index < end, in order."""
        some = {"ledger": ledger, "index": {"$gte": start, "$lt": end}}
        found = await self._places.find(some, sort=[("index", 1)])
        return [document["index"] for document in found]

    async def standing(self) -> AsyncIterator[StandingHead]:
        """Every account and circle as it stands."""
        for ledgers in self._ledgers:
            async with aclosing(ledgers.stream({}, fields=("seq", "head"))) as found:
                async for one in found:
                    yield StandingHead(one["_id"], one["seq"], one["head"])

    async def are_all_told(self) -> bool:
        """Whether every ledger's head has been given an entry since heads get one."""
        return await self._places.find_one({"_id": _ALL}) is not None

    async def note_all_told(self) -> None:
        await self._places.update({"_id": _ALL}, {"$set": {"ledger": "", "index": -1}}, upsert=True)

"""Receipts: one per device, version and kind, numbered without gaps in their circle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relais.models.ids import AccountId, CircleId, DeviceId, Millis, NoteId
from relais.models.store.database import Database, Document
from relais.models.store.errors import DuplicateKey
from relais.models.store.journal import GroupWriter
from relais.models.store.numbering import LastNumbers, Numbering


@dataclass(frozen=True)
class NewReceipt:
    """What the server knows of a receipt, and the receipt itself."""

    circle: CircleId
    note: NoteId
    version: int
    device: DeviceId
    kind: str
    account: AccountId
    at: Millis
    receipt: bytes


@dataclass(frozen=True)
class NumberedReceipt:
    seq: int
    receipt: bytes


class ReceiptStore:
    """Collection `receipts`."""

    def __init__(self, database: Database, writer: GroupWriter) -> None:
        self._receipts = database.collection("receipts")
        self._writer = writer
        self._last = LastNumbers(database)

    async def append(self, receipt: NewReceipt, *, audit: Document) -> int | None:
        """Store a receipt and its audit entry; answers its number, None when it was there before."""
        facts = dict(vars(receipt))

        def build(seq: int) -> Sequence[tuple[str, Document]]:
            return [("receipts", {**facts, "seq": seq}), ("audit_pending", dict(audit))]

        try:
            return await self._writer.append_next(_numbering(receipt.circle), build)
        except DuplicateKey:
            return None

    async def of_note(self, circle: CircleId, note: NoteId) -> list[NumberedReceipt]:
        """The receipts of every version of one note, in the order they came."""
        found = await self._receipts.find({"circle": circle, "note": note})
        return sorted((_numbered(document) for document in found), key=lambda one: one.seq)

    async def between(self, circle: CircleId, after: int, up_to: int) -> list[NumberedReceipt]:
        some = {"circle": circle, "seq": {"$gt": after, "$lte": up_to}}
        found = await self._receipts.find(some, sort=[("seq", 1)])
        return [_numbered(document) for document in found]

    async def last_seq(self, circle: CircleId) -> int:
        return await self._last.find(_numbering(circle))


def _numbering(circle: CircleId) -> Numbering:
    return Numbering("receipts", "circle", circle)


def _numbered(document: Mapping[str, Any]) -> NumberedReceipt:
    return NumberedReceipt(document["seq"], bytes(document["receipt"]))

"""Notes and receipts (docs/protocol.md §6, §8)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from relais.models.ids import CircleId, Length, Millis, NoteId
from relais.models.wire.circle import Envelope

Receipt = Annotated[bytes, Length(2_048, 1)]


@dataclass(frozen=True)
class PostNote:
    EVENT: ClassVar = "note.post"
    envelope: Envelope


@dataclass(frozen=True)
class NoteStored:
    seq: int
    at: Millis


@dataclass(frozen=True)
class StoredNote:
    """One accepted version: its place in the circle and the server's time."""

    seq: int
    at: Millis
    envelope: Envelope


@dataclass(frozen=True)
class NotePosted:
    """Event to the circle, after the write."""

    EVENT: ClassVar = "note.posted"
    circle: CircleId
    seq: int
    at: Millis
    envelope: Envelope


@dataclass(frozen=True)
class SyncCircle:
    """Versions with seq > ``after``, oldest first, at most ``limit`` (1 to 200)."""

    EVENT: ClassVar = "circle.sync"
    circle: CircleId
    after: int
    limit: int


@dataclass(frozen=True)
class PageCircle:
    """Versions with seq < ``before`` (0: from the newest), oldest first, at most ``limit`` (1 to 200)."""

    EVENT: ClassVar = "circle.page"
    circle: CircleId
    before: int
    limit: int


@dataclass(frozen=True)
class Notes:
    """``last_seq`` is the circle's newest; ``others``: the numbers, between those of ``notes`` and around them, of versions
    that are not for this member: with them a page leaves no number out. Empty for ``note.get``."""

    notes: tuple[StoredNote, ...]
    last_seq: int
    others: tuple[int, ...]


@dataclass(frozen=True)
class GetNote:
    """Every version of one note."""

    EVENT: ClassVar = "note.get"
    circle: CircleId
    note: NoteId


@dataclass(frozen=True)
class DiscloseNote:
    """What the log proves of one version, for a member who hands it out; with ``receipts``, of its receipts too."""

    EVENT: ClassVar = "note.disclose"
    circle: CircleId
    note: NoteId
    version: int
    receipts: bool


@dataclass(frozen=True)
class ProvenEntry:
    """RFC 9162 §2.1.3: ``path`` from the leaf up, 32 bytes each."""

    index: int
    entry: Annotated[bytes, Length(65_535)]
    path: Annotated[tuple[bytes, ...], Length(64)]


@dataclass(frozen=True)
class NoteProven:
    """``vkey``: the log's key, as the log tells it."""

    vkey: Annotated[str, Length(500)]
    checkpoint: Annotated[bytes, Length(262_144)]
    entries: tuple[ProvenEntry, ...]


@dataclass(frozen=True)
class PostReceipts:
    EVENT: ClassVar = "receipt.post"
    circle: CircleId
    receipts: Annotated[tuple[Receipt, ...], Length(200, 1)]


@dataclass(frozen=True)
class ReceiptsStored:
    stored: int


@dataclass(frozen=True)
class SyncReceipts:
    """Receipts with number > ``after``, at most ``limit`` (1 to 1,000)."""

    EVENT: ClassVar = "receipt.sync"
    circle: CircleId
    after: int
    limit: int


@dataclass(frozen=True)
class GetReceipts:
    """The receipts of every version of one note."""

    EVENT: ClassVar = "receipt.get"
    circle: CircleId
    note: NoteId


@dataclass(frozen=True)
class StoredReceipt:
    number: int
    receipt: Receipt


@dataclass(frozen=True)
class Receipts:
    receipts: tuple[StoredReceipt, ...]
    last: int


@dataclass(frozen=True)
class ReceiptPosted:
    """Event to the circle."""

    EVENT: ClassVar = "receipt.posted"
    circle: CircleId
    receipts: tuple[StoredReceipt, ...]

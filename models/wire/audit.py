"""The auditor's questions (docs/audit-log.md)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from relais.models.ids import AccountId, BlobId, CircleId, Length, Millis, NoteId

Outcome = Literal["ok", "refused"]
Organisation = Annotated[str, Length(120)]


@dataclass(frozen=True)
class SearchAudit:
    """Newest first. Filters combine; null is any. ``before``: index to continue below (0: newest)."""

    EVENT: ClassVar = "audit.search"
    account: AccountId | None
    circle: CircleId | None
    organisation: Organisation | None
    action: Annotated[str, Length(40)] | None
    outcome: Outcome | None
    since: Millis | None
    until: Millis | None
    before: int
    limit: int


@dataclass(frozen=True)
class AuditRow:
    """``entry``: the canonical JSON that is the leaf of the tree, byte for byte."""

    index: int
    entry: Annotated[bytes, Length(65_535)]


@dataclass(frozen=True)
class AuditFound:
    """``pruned``: how many entries of the time asked for, of anybody, have expired; told with the first page."""

    rows: tuple[AuditRow, ...]
    more: bool
    pruned: int = 0


@dataclass(frozen=True)
class ProveEntry:
    """Inclusion of entry ``index`` in the newest checkpoint."""

    EVENT: ClassVar = "audit.prove"
    index: int


@dataclass(frozen=True)
class Proof:
    """RFC 9162 §2.1.3: ``path`` from the leaf's hash up, 32 bytes each. ``entry``: null where it is not the asker's to read whole."""

    index: int
    entry: Annotated[bytes, Length(65_535)] | None
    leaf: Annotated[bytes, Length(32, 32)]
    path: Annotated[tuple[bytes, ...], Length(64)]
    checkpoint: Annotated[bytes, Length(65_536)]


@dataclass(frozen=True)
class ProveConsistency:
    """From an older tree size to the newest checkpoint (RFC 9162 §2.1.4)."""

    EVENT: ClassVar = "audit.consistency"
    size: int


@dataclass(frozen=True)
class Consistency:
    path: Annotated[tuple[bytes, ...], Length(64)]
    checkpoint: Annotated[bytes, Length(65_536)]


@dataclass(frozen=True)
class CircleAccesses:
    """A member's part: the entries of one's own circle, newest first, from where one's history begins. Filters combine."""

    EVENT: ClassVar = "audit.circle"
    circle: CircleId
    before: int
    limit: int
    account: AccountId | None = None
    since: Millis | None = None
    until: Millis | None = None


@dataclass(frozen=True)
class Access:
    """``entry``: as it is logged, but for ``source`` and ``request``, which are null unless the entry is the asker's own."""

    index: int
    entry: Annotated[bytes, Length(65_535)]


@dataclass(frozen=True)
class Accesses:
    rows: tuple[Access, ...]
    more: bool


@dataclass(frozen=True)
class NoteAccesses:
    """Who fetched a note from the server, or one of its attachments (``blobs``, by what the note itself says)."""

    EVENT: ClassVar = "audit.note"
    circle: CircleId
    note: NoteId
    blobs: Annotated[tuple[BlobId, ...], Length(100)]


@dataclass(frozen=True)
class NoteAccess:
    """What one account did with it, and when for the first and the last time."""

    account: AccountId
    kind: Literal["fetched", "attachment"]
    first_at: Millis
    last_at: Millis
    times: int


@dataclass(frozen=True)
class NoteAccessed:
    """Not ``complete``: what came later was not looked through."""

    rows: tuple[NoteAccess, ...]
    complete: bool

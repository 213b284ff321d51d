"""The auditor's questions (docs/audit-log.md)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from relais.models.ids import AccountId, CircleId, Length, Millis

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
    rows: tuple[AuditRow, ...]
    more: bool


@dataclass(frozen=True)
class ProveEntry:
    """Inclusion of entry ``index`` in the newest checkpoint."""

    EVENT: ClassVar = "audit.prove"
    index: int


@dataclass(frozen=True)
class Proof:
    """RFC 9162 §2.1.3: ``path`` from the leaf up, 32 bytes each."""

    index: int
    entry: Annotated[bytes, Length(65_535)]
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
    """A member's part: the entries of one's own circle, newest first."""

    EVENT: ClassVar = "audit.circle"
    circle: CircleId
    before: int
    limit: int

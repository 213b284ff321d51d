"""Circles, their ledgers and grants (docs/protocol.md §4, §5)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from relais.models.ids import AccountId, Audience, CircleId, DeviceId, Digest, Length, Millis

Entry = Annotated[bytes, Length(524_288, 1)]
Envelope = Annotated[bytes, Length(262_144, 1)]
Grants = Annotated[tuple[Annotated[bytes, Length(65_536, 1)], ...], Length(1_000)]


@dataclass(frozen=True)
class CreateCircle:
    """Entry 0, grants for the author's own devices, the profile."""

    EVENT: ClassVar = "circle.create"
    entry: Entry
    grants: Grants
    profile: Envelope


@dataclass(frozen=True)
class AppendEntry:
    """The next ledger entry with all that belongs to it: all is stored or nothing.

    An entry that opens epochs comes with a grant for every entitled device and the profile sealed again.
    ``conflict`` {seq} when another entry took the place.
    """

    EVENT: ClassVar = "circle.append"
    circle: CircleId
    entry: Entry
    grants: Grants
    profile: Envelope | None


@dataclass(frozen=True)
class EntryAppended:
    """Answer, and event ``circle.changed`` to everybody in the circle (and to whoever was just added)."""

    EVENT: ClassVar = "circle.changed"
    circle: CircleId
    seq: int
    head: Digest


@dataclass(frozen=True)
class ListCircles:
    """The circles one is or was a member of and that are not closed, or all."""

    EVENT: ClassVar = "circle.list"
    closed: bool


@dataclass(frozen=True)
class CircleRow:
    """``unread``: versions by others after the account's last read one. ``profile`` is null for a bot.

    For whoever left ``ledger_seq``, ``ledger_head`` and ``closed`` are as they were then, ``profile`` is null.
    """

    circle: CircleId
    ledger_seq: int
    ledger_head: Digest
    active: bool
    closed: bool
    profile: Envelope | None
    last_seq: int
    last_at: Millis | None
    unread: int
    urgent: bool
    missing: int
    """Grants still missing for the asking device."""


@dataclass(frozen=True)
class CirclesListed:
    """``returning``: in how many further circles an account that took another's place waits to be let in again."""

    circles: tuple[CircleRow, ...]
    returning: int


@dataclass(frozen=True)
class GetLedger:
    """Entries with seq ≥ ``from_seq`` (0: from the start), at most 500, and the profile.

    Whoever left gets those up to the end of their last period.
    """

    EVENT: ClassVar = "circle.ledger"
    circle: CircleId
    from_seq: int


@dataclass(frozen=True)
class Ledger:
    entries: Annotated[tuple[Entry, ...], Length(500)]
    profile: Envelope | None
    more: bool


@dataclass(frozen=True)
class GetGrants:
    """The grants made to one's own device, in the order they were stored, those after number ``after``."""

    EVENT: ClassVar = "circle.grants"
    circle: CircleId
    after: int


@dataclass(frozen=True)
class GrantsGot:
    grants: Grants
    last: int


@dataclass(frozen=True)
class GiveGrants:
    """Grants that were missing; what the same account granted already is passed over, and who comes after eight others."""

    EVENT: ClassVar = "circle.grant"
    circle: CircleId
    grants: Grants


@dataclass(frozen=True)
class GrantsGiven:
    stored: int


@dataclass(frozen=True)
class ReportGrants:
    """Grants to one's own device, by their hashes, whose seal does not open or holds another key (docs/protocol.md §5).

    Their keys are missing again. What is none of the device's grants, or was reported before, is passed over.
    """

    EVENT: ClassVar = "circle.unopenable"
    circle: CircleId
    grants: Annotated[tuple[Digest, ...], Length(1_000, 1)]


@dataclass(frozen=True)
class GrantsReported:
    """How many of them were noted."""

    noted: int


@dataclass(frozen=True)
class GrantsAdded:
    """Event to a device: there are new grants for it."""

    EVENT: ClassVar = "circle.granted"
    circle: CircleId


@dataclass(frozen=True)
class GetMissing:
    """What is missing in a circle, that the asking device might make. Empty ``circle``: in all its circles."""

    EVENT: ClassVar = "circle.missing"
    circle: CircleId | None


@dataclass(frozen=True)
class MissingGrant:
    circle: CircleId
    account: AccountId
    device: DeviceId
    audience: Audience
    epochs: tuple[int, ...]
    since: Millis


@dataclass(frozen=True)
class MissingNotes:
    """Single versions, by their numbers, whose own keys a device is owed (docs/protocol.md §5)."""

    circle: CircleId
    account: AccountId
    device: DeviceId
    seqs: tuple[int, ...]
    since: Millis


@dataclass(frozen=True)
class Missing:
    missing: tuple[MissingGrant, ...]
    notes: tuple[MissingNotes, ...]


@dataclass(frozen=True)
class AskHelp:
    """Who could give the asking device the keys it waits for in a circle."""

    EVENT: ClassVar = "circle.help"
    circle: CircleId


@dataclass(frozen=True)
class Help:
    """``since`` when a key has been missing, null where none is; the accounts with a device that was given one of these
    keys, and when the last of those devices was seen."""

    since: Millis | None
    accounts: tuple[AccountId, ...]
    last_seen: Millis | None


@dataclass(frozen=True)
class GrantsWanted:
    """Event to a circle: grants are missing, or a rotation is due; ask ``circle.missing``."""

    EVENT: ClassVar = "circle.wanted"
    circle: CircleId
    rotate: bool

"""Accounts, devices, the directory, invitations (docs/protocol.md §3)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from relais.models.ids import AccountId, DeviceId, Digest, Length, Millis, TicketId
from relais.models.wire.auth import Mac, Roles, Signed


@dataclass(frozen=True)
class GetAccounts:
    """The chains of some accounts. Unknown ones are left out of the answer."""

    EVENT: ClassVar = "account.get"
    accounts: Annotated[tuple[AccountId, ...], Length(200, 1)]


@dataclass(frozen=True)
class Chain:
    """``replaced_by``: the account this one was reset to, by the server's word; that account's statement 0 proves it."""

    account: AccountId
    statements: Annotated[tuple[Signed, ...], Length(1_000, 1)]
    replaced_by: AccountId | None


@dataclass(frozen=True)
class Chains:
    chains: tuple[Chain, ...]


@dataclass(frozen=True)
class AppendStatement:
    """The next statement of one's own account."""

    EVENT: ClassVar = "account.append"
    statement: Signed


@dataclass(frozen=True)
class StatementAppended:
    """Answer, and event ``account.changed`` to the account itself and everybody who shares a circle with it.

    The event also tells of a reset: nothing was appended then, and ``account.get`` says ``replaced_by``.
    """

    EVENT: ClassVar = "account.changed"
    account: AccountId
    seq: int
    head: Digest


@dataclass(frozen=True)
class SearchDirectory:
    """Accounts whose name, profession or organisation holds every word of ``text`` (accents and case aside)."""

    EVENT: ClassVar = "directory.search"
    text: Annotated[str, Length(100, 1)]
    limit: int


@dataclass(frozen=True)
class DirectoryEntry:
    account: AccountId
    name: str
    profession: str
    organisation: str
    roles: Roles


@dataclass(frozen=True)
class DirectoryFound:
    entries: tuple[DirectoryEntry, ...]


@dataclass(frozen=True)
class ListDevices:
    """When one's own devices were last seen (names and keys come from the account's chain)."""

    EVENT: ClassVar = "device.list"


@dataclass(frozen=True)
class DeviceSeen:
    device: DeviceId
    last_seen: Millis | None


@dataclass(frozen=True)
class DevicesSeen:
    devices: tuple[DeviceSeen, ...]


@dataclass(frozen=True)
class OfferDevice:
    EVENT: ClassVar = "device.offer"
    ticket: TicketId


@dataclass(frozen=True)
class DeviceOffered:
    expires_at: Millis


@dataclass(frozen=True)
class DeviceRequested:
    """Event to the device that made the offer."""

    EVENT: ClassVar = "device.requested"
    ticket: TicketId
    possession: Signed
    mac: Mac


@dataclass(frozen=True)
class ApproveDevice:
    EVENT: ClassVar = "device.approve"
    ticket: TicketId
    statement: Signed
    mac: Mac


@dataclass(frozen=True)
class Invite:
    """By administrators: a one-time invitation; with ``resets``, for whoever that account belonged to."""

    EVENT: ClassVar = "admin.invite"
    roles: Roles
    organisation: Annotated[str, Length(120)]
    days: int
    resets: AccountId | None = None


@dataclass(frozen=True)
class Invited:
    """``path`` goes behind the origin: ``/enrol#TOKEN`` (a fragment never reaches a log)."""

    path: str
    expires_at: Millis


@dataclass(frozen=True)
class ListAccounts:
    """By administrators: the accounts, by pages of ``limit``, after that account id in order of enrolment."""

    EVENT: ClassVar = "admin.accounts"
    after: int
    limit: int


@dataclass(frozen=True)
class AccountRow:
    number: int
    account: AccountId
    name: str
    profession: str
    organisation: str
    roles: Roles
    enrolled_at: Millis
    last_seen: Millis | None
    replaced_by: AccountId | None


@dataclass(frozen=True)
class AccountsListed:
    rows: tuple[AccountRow, ...]

"""Who may read what, told by somebody who saw everything the server accepted. A second opinion: it shares no rule with the code.

A device may read a version if its account was in one of the note's audiences when it was posted, or came later with a
history that reaches back to it, while the device was in force. A history that begins on a date may begin in the middle of
an epoch: of that one, the versions written since are read, each by its own key, and nothing of before.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from relais.crypto import account, cose, envelope, ledger
from relais.crypto.account_operations import AddDevice, CreateAccount, RevokeDevice
from relais.crypto.ledger import EpochOpen, MemberAdd, MemberChange, MemberReadmit, MemberRemove
from relais.models.wire.account import AppendStatement, ApproveDevice
from relais.models.wire.auth import Enrol
from relais.models.wire.circle import AppendEntry, CreateCircle
from relais.models.wire.note import PostNote


@dataclass
class Stay:
    """Somebody's time in a circle, as it is now."""

    role: str
    audiences: frozenset[str]
    until: int | None
    history: int
    came: int
    ended: bool = False

    def active(self, now: int) -> bool:
        return not self.ended and (self.until is None or now < self.until)

    def reads(self, now: int) -> bool:
        return self.role != "bot" and self.active(now)


@dataclass
class Version:
    """A note's version, written `at`. `allowed`: every device that was ever entitled to it."""

    seq: int
    note: str
    version: int
    author: str
    at: int
    digest: str
    keys: tuple[tuple[str, int], ...]
    allowed: set[str] = field(default_factory=set)


@dataclass
class CircleTruth:
    circle: str
    stays: dict[str, Stay] = field(default_factory=dict)
    epochs: dict[tuple[str, int], int] = field(default_factory=dict)
    """(audience, epoch) → when it opened."""
    versions: list[Version] = field(default_factory=list)
    closed: bool = False

    def current(self, audience: str) -> int:
        return max(number for name, number in self.epochs if name == audience)

    @property
    def audiences(self) -> list[str]:
        return sorted({name for name, _ in self.epochs})

    def may(self, who: str, version: Version, now: int) -> bool:
        stay = self.stays.get(who)
        if stay is None or not stay.reads(now):
            return False
        mine = [(name, number) for name, number in version.keys if name in stay.audiences]
        return any(
            self.epochs[key] >= stay.history or self._is_since(stay, version, key) for key in mine
        )

    def by_own_key(self, who: str, version: Version) -> bool:
        """Whether somebody who may read it was given nothing but this version's own key."""
        stay = self.stays[who]
        mine = [(name, number) for name, number in version.keys if name in stay.audiences]
        return all(self.epochs[key] < stay.history for key in mine)

    def _is_since(self, stay: Stay, version: Version, key: tuple[str, int]) -> bool:
        """Whether the history began on a date in the midst of this epoch, and the version was written after that."""
        name, number = key
        ended = self.epochs.get((name, number + 1))
        is_midst = self.epochs[key] < stay.history and (ended is None or ended >= stay.history)
        return is_midst and stay.history < stay.came and version.at >= stay.history


class Truth:
    """Fed with every request the server answered well; the same one again changes nothing."""

    def __init__(self) -> None:
        self.circles: dict[str, CircleTruth] = {}
        self.devices: dict[str, dict[str, str]] = {}
        """account → its devices in force → their kind."""
        self.revoked: set[str] = set()
        self._seen: set[str] = set()

    def witness(self, request: Any, answer: Any, now: int) -> None:
        match request:
            case Enrol(statement=data) | AppendStatement(statement=data):
                self._statement(data, now)
            case ApproveDevice(statement=data):
                self._statement(data, now)
            case CreateCircle(entry=data) | AppendEntry(entry=data):
                self._entry(data, now)
            case PostNote(envelope=data):
                self._note(data, answer.seq, now)

    def in_force(self, account_id: str) -> Iterator[str]:
        """Devices that read."""
        return (one for one, kind in self.devices[account_id].items() if kind != "bot")

    def readable(self, circle: CircleTruth, account_id: str, now: int) -> list[Version]:
        return [one for one in circle.versions if circle.may(account_id, one, now)]

    def settle(self, circle: CircleTruth, now: int) -> None:
        """Note down who is entitled to what at this moment."""
        for who in circle.stays:
            for version in self.readable(circle, who, now):
                version.allowed.update(self.in_force(who))

    def _is_new(self, data: bytes) -> bool:
        digest = cose.digest(data)
        is_new = digest not in self._seen
        self._seen.add(digest)
        return is_new

    def _statement(self, data: bytes, now: int) -> None:
        if not self._is_new(data):
            return
        statement = account.peek(data)
        owner = statement.account or cose.digest(data)
        mine = self.devices.setdefault(owner, {})
        match statement.operation:
            case CreateAccount(device=device):
                mine[device.id] = device.kind
            case AddDevice(device=device):
                mine[device.id] = device.kind
            case RevokeDevice(device=device):
                del mine[device]
                self.revoked.add(device)
        for circle in self.circles.values():
            self.settle(circle, now)

    def _entry(self, data: bytes, now: int) -> None:
        if not self._is_new(data):
            return
        entry = ledger.peek_entry(data)
        name = entry.circle or entry.digest
        circle = self.circles.setdefault(name, CircleTruth(name))
        for operation in entry.operations:
            self._operation(circle, operation, entry.at)
        self.settle(circle, now)

    def _operation(self, circle: CircleTruth, operation: Any, at: int) -> None:
        match operation:
            case MemberAdd():
                circle.stays[operation.account] = Stay(
                    operation.role,
                    frozenset(operation.audiences),
                    operation.until,
                    operation.history,
                    operation.since,
                )
            case MemberRemove():
                circle.stays[operation.account].ended = True
            case MemberReadmit():
                old = circle.stays[operation.account]
                circle.stays[cose.digest(operation.statements[-1])] = replace(old, came=at)
                old.ended = True
            case MemberChange():
                stay = circle.stays[operation.account]
                stay.role, stay.until = operation.role, operation.until
                stay.audiences = frozenset(operation.audiences)
            case EpochOpen():
                circle.epochs[operation.audience, operation.epoch] = at
            case ledger.Close():
                circle.closed = True

    def _note(self, data: bytes, seq: int, now: int) -> None:
        if not self._is_new(data):
            return
        sealed = envelope.peek(data)
        header = sealed.header
        circle = self.circles[header.circle]
        keys = tuple((key.audience, key.epoch) for key in header.keys)
        circle.versions.append(
            Version(
                seq=seq,
                note=header.note,
                version=header.version,
                author=header.account,
                at=header.at,
                digest=sealed.digest,
                keys=keys,
            )
        )
        circle.versions.sort(key=lambda version: version.seq)
        self.settle(circle, now)

"""A circle as its ledger leaves it (docs/protocol.md §4): members, audiences, epochs, and what follows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from relais.crypto.account import AccountState, DeviceRecord
from relais.crypto.device import BOT as BOT_DEVICE
from relais.crypto.errors import ProtocolError
from relais.models.ids import AccountId, CircleId, DeviceId, Digest, Millis

LEAD: Final = "lead"
PROFESSIONAL: Final = "professional"
CARER: Final = "carer"
BOT: Final = "bot"
ROLES: Final = frozenset({LEAD, PROFESSIONAL, CARER, BOT})
TEAM: Final = "team"
EPOCH_LIFETIME: Final[Millis] = 30 * 24 * 3600 * 1000

Accounts = Mapping[AccountId, AccountState]
Entitlement = tuple[AccountId, DeviceId, str, int]
"""(account, device, audience, epoch)"""


@dataclass(frozen=True)
class Period:
    """A span in which one member had the same role, audiences and `until`.

    `seq` is the entry that began it, `ended_seq` the one that ended it (removal, or a change, which
    begins the next period at once); `removed_at` is the time of that entry.
    """

    since: Millis
    until: Millis | None
    removed_at: Millis | None
    role: str
    audiences: frozenset[str]
    seq: int
    ended_seq: int | None = None

    def covers(self, at: Millis) -> bool:
        """since ≤ at < until, and not ended by an entry."""
        is_before_end = self.until is None or at < self.until
        return self.removed_at is None and self.since <= at and is_before_end

    def reads(self, audience: str) -> bool:
        return self.role != BOT and audience in self.audiences

    def outlives(self, epoch: "Epoch") -> bool:
        """Whether the period reached into the time after the epoch opened."""
        if self.ended_seq is not None and self.ended_seq <= epoch.seq:
            return False
        return self.until is None or self.until > epoch.opened_at


@dataclass(frozen=True)
class Member:
    """An account in a circle. `role` and `audiences` are those of its last period."""

    account: AccountId
    account_head: Digest
    added_by: AccountId
    history: Millis
    periods: tuple[Period, ...]

    @property
    def last(self) -> Period:
        return self.periods[-1]

    @property
    def role(self) -> str:
        return self.last.role

    @property
    def audiences(self) -> frozenset[str]:
        return self.last.audiences

    def active(self, at: Millis) -> bool:
        return self.last.covers(at)

    def reads(self, audience: str, at: Millis) -> bool:
        """Whether the member may hold the audience's current key."""
        return self.active(at) and self.last.reads(audience)

    def has_read(self, audience: str) -> bool:
        """Whether the member may, or might once, hold a key of the audience."""
        return any(period.reads(audience) for period in self.periods)

    @property
    def all_audiences(self) -> frozenset[str]:
        """Every audience it is or was in."""
        return frozenset().union(*(period.audiences for period in self.periods))

    @property
    def came_at(self) -> Millis:
        """When this stay began: a change begins the next period at once."""
        at = len(self.periods) - 1
        while at > 0 and self.periods[at - 1].ended_seq == self.periods[at].seq:
            at -= 1
        return self.periods[at].since

    def period_after(self, seq: int) -> Period | None:
        """The period that entry `seq` left open."""
        for period in reversed(self.periods):
            if period.seq <= seq:
                return period if period.ended_seq is None or period.ended_seq > seq else None
        return None


@dataclass(frozen=True)
class Epoch:
    """`opened_at` and `seq` are the time and place of the entry that opened it."""

    epoch: int
    commitment: bytes
    inbox_key: bytes
    opened_at: Millis
    seq: int


@dataclass(frozen=True)
class AudienceState:
    """An audience, its current epoch and all there were."""

    name: str
    epoch: int
    epochs: Mapping[int, Epoch]

    @property
    def current(self) -> Epoch:
        return self.epochs[self.epoch]

    def epoch_after(self, seq: int) -> int:
        """The epoch that was current after entry `seq`; 0 where there was none."""
        return max((e.epoch for e in self.epochs.values() if e.seq <= seq), default=0)


@dataclass(frozen=True)
class CircleState:
    """A circle after entry `seq`. `heads[n]` is the hash of entry n."""

    circle: CircleId
    seq: int
    head: Digest
    at: Millis
    closed: bool
    members: Mapping[AccountId, Member]
    audiences: Mapping[str, AudienceState]
    heads: tuple[Digest, ...]

    def moment(self, now: Millis) -> Millis:
        """The time to judge by. A clock may be behind whoever wrote the last entry, and that entry holds."""
        return max(now, self.at)

    def member(self, account: AccountId, at: Millis) -> Member:
        """The active member. Raises ProtocolError `not-a-member`."""
        member = self.members.get(account)
        if member is None or not member.active(at):
            raise ProtocolError("not-a-member")
        return member


def active_members(state: CircleState, at: Millis) -> tuple[Member, ...]:
    """In the order they first came."""
    return tuple(member for member in state.members.values() if member.active(at))


def readers(state: CircleState, audience: str, at: Millis) -> tuple[Member, ...]:
    """The active members that may hold the audience's key."""
    return tuple(member for member in state.members.values() if member.reads(audience, at))


def entitled(state: CircleState, accounts: Accounts, at: Millis) -> frozenset[Entitlement]:
    """Which device may hold the key of which epoch (docs/protocol.md §5)."""
    return frozenset(
        (member.account, device, audience, epoch)
        for member in active_members(state, at)
        for device in _reading_devices(accounts[member.account])
        for audience, epoch in _readable_epochs(state, member)
    )


def is_owed_key(
    state: CircleState, member: Member, keys: Iterable[tuple[str, int]], at: Millis
) -> bool:
    """Whether a version's own key is the member's (docs/protocol.md §5): written from its `history` on, under an epoch
    that was current then. `keys`: what the version is sealed under; `at`: when it was written."""
    if not 0 < member.history < member.came_at or at < member.history:
        return False
    mine = [(state.audiences[name], epoch) for name, epoch in keys if member.last.reads(name)]
    return any(_current_at(audience, member.history) == epoch for audience, epoch in mine)


def _current_at(audience: AudienceState, at: Millis) -> int:
    """The epoch that was current just before a moment; 0 where there was none."""
    return max((e.epoch for e in audience.epochs.values() if e.opened_at < at), default=0)


def rotation_due(
    state: CircleState, audience: str, *, at: Millis, accounts: Accounts
) -> Literal["left", "revoked", "old"] | None:
    """Why the audience needs a new epoch before anybody posts under it (docs/protocol.md §4).

    ``left``: somebody who could hold the key no longer may; ``revoked``: so does a device;
    ``old``: the epoch is 30 days old (the server does not refuse for this one).
    """
    epoch, is_revoked = state.audiences[audience].current, False
    for member in state.members.values():  # one pass: this is asked for every note
        if member.reads(audience, at):
            is_revoked = is_revoked or _lost_device(accounts[member.account], epoch)
        elif _has_read_under(member, epoch, audience=audience):
            return "left"
    if is_revoked:
        return "revoked"
    return "old" if at - epoch.opened_at >= EPOCH_LIFETIME else None


def check_head(state: CircleState, seq: int, head: Digest) -> None:
    """Compare a head somebody has seen with this ledger.

    Raises ProtocolError `fork` (two entries for one seq), `rollback` (this ledger ends before it).
    """
    if seq > state.seq:
        raise ProtocolError("rollback")
    if state.heads[seq] != head:
        raise ProtocolError("fork")


def _reading_devices(account: AccountState) -> Iterator[DeviceId]:
    return (device.id for device in account.devices_in_force() if device.kind != BOT_DEVICE)


def _readable_epochs(state: CircleState, member: Member) -> Iterator[tuple[str, int]]:
    for audience in state.audiences.values():
        if member.last.reads(audience.name):
            for epoch in audience.epochs.values():
                if member.history == 0 or epoch.opened_at >= member.history:
                    yield audience.name, epoch.epoch


def _has_read_under(member: Member, epoch: Epoch, *, audience: str) -> bool:
    return any(p.reads(audience) and p.outlives(epoch) for p in member.periods)


def _lost_device(account: AccountState, epoch: Epoch) -> bool:
    return any(_was_lost(record, epoch) for record in account.devices.values())


def _was_lost(record: DeviceRecord, epoch: Epoch) -> bool:
    # Not later than: a revocation in the same millisecond may not have been known to who opened it.
    revoked_at, kind = record.revoked_at, record.device.kind
    return kind != BOT_DEVICE and revoked_at is not None and revoked_at >= epoch.opened_at

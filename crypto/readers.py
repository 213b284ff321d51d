"""Who could read a version, and when: from the circle's ledger and what stands on the envelope (docs/protocol.md §4, §5).

Not who did read it: that is what receipts say.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from relais.crypto.account import AccountState, DeviceRecord
from relais.crypto.device import BOT as BOT_DEVICE
from relais.crypto.envelope_header import Header
from relais.crypto.ledger_state import (
    Accounts,
    CircleState,
    Member,
    Period,
    is_owed_key,
)
from relais.models.ids import AccountId, DeviceId, Millis


@dataclass(frozen=True)
class Reader:
    """A span in which an account's devices could read a version, through one audience; `until` None: it still can.

    What was fetched before `until` may have been kept. `by_own_key`: not by the epoch's key but by the version's own.
    """

    account: AccountId
    audience: str
    epoch: int
    since: Millis
    until: Millis | None
    by_own_key: bool
    devices: tuple[DeviceId, ...]


def readers_of(states: Sequence[CircleState], accounts: Accounts, header: Header) -> list[Reader]:
    """Every span of every member, in the order in which they came to the circle.

    `states`: the ledger after each of its entries, from 0; each stay of a member is judged by the history it came with.
    """
    found: list[Reader] = []
    for seq, state in enumerate(states):
        for member in state.members.values():
            if member.last.seq == seq:
                stay = _Stay(states[-1], member, accounts[member.account])
                found += _spans(stay, header)
    return found


@dataclass(frozen=True)
class _Stay:
    """A member as one entry made it, with the history it came with; `circle` is the ledger as it stands by now."""

    circle: CircleState
    member: Member
    account: AccountState

    @property
    def period(self) -> Period:
        """The one that the entry began, with the end it has by now."""
        periods = self.circle.members[self.member.account].periods
        return next(period for period in periods if period.seq == self.member.last.seq)


def _spans(stay: _Stay, header: Header) -> Iterator[Reader]:
    period, history = stay.period, stay.member.history
    since, until = max(period.since, header.at), _end(period)
    if until is not None and since >= until:
        return
    devices = tuple(_devices(stay.account.devices.values(), since, until))
    for key in header.keys:
        epoch = stay.circle.audiences[key.audience].epochs[key.epoch]
        owed = is_owed_key(stay.circle, stay.member, [(key.audience, key.epoch)], header.at)
        by_epoch = history == 0 or epoch.opened_at >= history
        if period.reads(key.audience) and period.outlives(epoch) and (by_epoch or owed):
            yield Reader(
                account=stay.member.account,
                audience=key.audience,
                epoch=key.epoch,
                since=since,
                until=until,
                by_own_key=not by_epoch,
                devices=devices,
            )


def _end(period: Period) -> Millis | None:
    ends = [at for at in (period.until, period.removed_at) if at is not None]
    return min(ends, default=None)


def _devices(
    records: Iterable[DeviceRecord], since: Millis, until: Millis | None
) -> Iterator[DeviceId]:
    """Those in force at some time of the span, but machines that only write."""
    for record in records:
        came_in_time = until is None or record.added_at < until
        went_before = record.revoked_at is not None and record.revoked_at <= since
        if came_in_time and not went_before and record.device.kind != BOT_DEVICE:
            yield record.device.id

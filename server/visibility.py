"""Which versions a member may read: those sealed for an audience it is in, under an epoch that opened at its `history` or later,
and of the epoch before it those written since.

The ledger decides and not the clock: `history` was signed by a member's clock, and a second of difference would hide notes
the member holds the keys of, or show some that nobody can ever open for it. Epochs only grow, so what a member may read is
to be found from one number on; of what follows, some may be for other audiences.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from relais.crypto import envelope
from relais.crypto.envelope import Header
from relais.crypto.ledger import CircleState, Member, is_owed_key
from relais.crypto.ledger_state import BOT
from relais.models.ids import AccountId, CircleId, Millis
from relais.models.store.notes import NoteStore, StoredVersion
from relais.server.authorize import CLOCK_AHEAD

REMEMBERED = 50_000
Beginning = tuple[CircleId, AccountId, Millis, frozenset[str]]


class Visibility:
    """Finds, and remembers, where the history of a member begins."""

    def __init__(self, notes: NoteStore) -> None:
        self._notes = notes
        self._first: OrderedDict[Beginning, int] = OrderedDict()

    async def first(self, state: CircleState, member: Member) -> int:
        """The number of the first version the member may read (1: all)."""
        if member.history == 0:
            return 1
        key = (state.circle, member.account, member.history, _came_with(member))
        known = self._first.get(key)
        if known is None:
            known = await self._notes.first_where(state.circle, _beginning(state, member))
            if known <= await self._notes.last_seq(state.circle):  # else later versions may move it
                self._remember(key, known)
        return known

    def _remember(self, key: Beginning, first: int) -> None:
        self._first[key] = first
        if len(self._first) > REMEMBERED:
            self._first.popitem(last=False)


def reads_all(state: CircleState, member: Member) -> bool:
    """Whether every version is for the member: it is in every audience, with the whole history."""
    return member.history == 0 and member.role != BOT and state.audiences.keys() <= member.audiences


def may_read(state: CircleState, member: Member, header: Header) -> bool:
    """Whether the member is entitled to one of the keys a version is sealed under, or owed its own."""
    opened = _opened(state, header, member.last.audiences)
    if member.role != BOT and any(at >= member.history for at in opened):
        return True
    keys = [(key.audience, key.epoch) for key in header.keys]
    return is_owed_key(state, member, keys, header.at)


def readable(
    state: CircleState, member: Member, versions: Iterable[StoredVersion]
) -> list[StoredVersion]:
    """Those of these versions that are for the member."""
    if reads_all(state, member):
        return list(versions)
    return [one for one in versions if may_read(state, member, _header(one))]


def readers_of(
    state: CircleState, accounts: Iterable[AccountId], header: Header
) -> list[AccountId]:
    """Those of these members that a version is for."""
    return [one for one in accounts if may_read(state, state.members[one], header)]


def _beginning(state: CircleState, member: Member) -> Callable[[StoredVersion], bool]:
    """For whoever is owed keys of versions written since a moment, by the time of storing, whichever clock was ahead."""
    early = member.history - CLOCK_AHEAD
    if member.history < member.came_at:
        return lambda version: version.at >= early
    return lambda version: _is_after_history(state, member, version)


def _is_after_history(state: CircleState, member: Member, version: StoredVersion) -> bool:
    """By the epochs of the audiences the member came with, which began anew with it; else by the time."""
    opened = _opened(state, _header(version), _came_with(member))
    return max(opened, default=version.at) >= member.history


def _came_with(member: Member) -> frozenset[str]:
    """The audiences of the first period of this stay: a change begins the next period at once."""
    periods = member.periods
    at = len(periods) - 1
    while at > 0 and periods[at - 1].ended_seq == periods[at].seq:
        at -= 1
    return periods[at].audiences


def _opened(state: CircleState, header: Header, audiences: frozenset[str]) -> list[Millis]:
    return [
        state.audiences[key.audience].epochs[key.epoch].opened_at
        for key in header.keys
        if key.audience in audiences
    ]


def _header(version: StoredVersion) -> Header:
    return envelope.peek(version.envelope).header

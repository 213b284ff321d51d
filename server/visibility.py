"""From which version on a member may read: those under epochs that opened at its `history` or later.

The ledger decides and not the clock: `history` was signed by a member's clock, and a second of difference would hide notes
the member holds the keys of, or show some that nobody can ever open for it. Epochs only grow, so what a member may read is
everything from one number on.
"""

from collections import OrderedDict

from relais.crypto import envelope
from relais.crypto.ledger import CircleState, Member
from relais.models.ids import AccountId, CircleId, Millis
from relais.models.store.notes import NoteStore, StoredVersion

REMEMBERED = 50_000


class Visibility:
    """Finds, and remembers, where the history of a member begins."""

    def __init__(self, notes: NoteStore) -> None:
        self._notes = notes
        self._first: OrderedDict[tuple[CircleId, AccountId, Millis], int] = OrderedDict()

    async def first(self, state: CircleState, member: Member) -> int:
        """The number of the first version the member may read (1: all)."""
        if member.history == 0:
            return 1
        key = (state.circle, member.account, member.history)
        known = self._first.get(key)
        if known is None:
            known = await self._notes.first_where(
                state.circle, lambda version: _may_read(state, member, version)
            )
            if known <= await self._notes.last_seq(state.circle):  # else later versions may move it
                self._remember(key, known)
        return known

    def _remember(self, key: tuple[CircleId, AccountId, Millis], first: int) -> None:
        self._first[key] = first
        if len(self._first) > REMEMBERED:
            self._first.popitem(last=False)


def _may_read(state: CircleState, member: Member, version: StoredVersion) -> bool:
    """By the epochs it is sealed under; one that is for other audiences only, by the time."""
    keys = envelope.peek(version.envelope).header.keys
    opened = [
        state.audiences[key.audience].epochs[key.epoch].opened_at
        for key in keys
        if key.audience in member.audiences
    ]
    return max(opened, default=version.at) >= member.history

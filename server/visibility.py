"""From which version on a member may read: those not older than its `history`.

Numbers grow with the server's time, so what a member may read is everything from one number on.
"""

from collections import OrderedDict

from relais.crypto.ledger import CircleState, Member
from relais.models.ids import AccountId, CircleId, Millis
from relais.models.store.notes import NoteStore

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
            known = await self._notes.first_since(state.circle, member.history)
            if known <= await self._notes.last_seq(state.circle):  # else later versions may move it
                self._remember(key, known)
        return known

    def _remember(self, key: tuple[CircleId, AccountId, Millis], first: int) -> None:
        self._first[key] = first
        if len(self._first) > REMEMBERED:
            self._first.popitem(last=False)

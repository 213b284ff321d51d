"""What every note asks of its circle, worked out once for as long as it stays true.

Who is active, and whether a key waits for its rotation, changes with the ledger, with an account's devices, and when
somebody's time ends. So the answers hold for one view of a circle until the next `until` among its members.
"""

from collections.abc import Sequence
from math import inf

from relais.crypto.envelope import Header
from relais.crypto.ledger import CircleState
from relais.models.ids import AccountId, Millis
from relais.server.authorize import Accounts, is_rotation_due, readers_now
from relais.server.visibility import readers_of


class Standing:
    """Of a circle at a time. `due`: the audiences that need a new epoch before anybody posts."""

    def __init__(self, state: CircleState, accounts: Accounts, now: Millis) -> None:
        self._state = state
        self._since = state.moment(now)
        self._until = min(_ends(state, self._since), default=inf)
        self._readers = readers_now(state, now)
        self._readers_of: dict[tuple[tuple[str, int], ...], Sequence[AccountId]] = {}
        self.due = frozenset(
            name for name in state.audiences if is_rotation_due(state, accounts, name, now)
        )

    def holds(self, now: Millis) -> bool:
        """Whether it is still true."""
        return self._since <= self._state.moment(now) < self._until

    def readers_of(self, header: Header) -> Sequence[AccountId]:
        """Who hears of a version that the circle has accepted."""
        sealed_to = tuple((key.audience, key.epoch) for key in header.keys)
        known = self._readers_of.get(sealed_to)
        if known is None:
            known = self._readers_of[sealed_to] = readers_of(self._state, self._readers, header)
        return known


def _ends(state: CircleState, after: Millis) -> list[Millis]:
    """When the time of members ends."""
    ends = (member.last.until for member in state.members.values())
    return [until for until in ends if until is not None and until > after]

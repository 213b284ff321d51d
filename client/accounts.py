"""The accounts one meets, each checked from its first statement."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from relais.client.alarms import Alarms
from relais.client.errors import BadAnswer
from relais.client.pins import Pins
from relais.crypto import account, cose
from relais.crypto.account import AccountState
from relais.crypto.errors import ProtocolError
from relais.models.ids import AccountId
from relais.models.wire.account import Chain, Chains, GetAccounts

_AT_ONCE = 200


class Asks(Protocol):
    """Whoever can ask the server: a session, which opens a lost socket again."""

    async def call(self, request: Any) -> Any: ...


class AccountBook(Mapping[AccountId, AccountState]):
    """Verified chains, fetched when first met and again when the server tells they changed."""

    def __init__(self, road: Asks, pins: Pins, alarms: Alarms) -> None:
        self._road = road
        self._pins = pins
        self._alarms = alarms
        self._states: dict[AccountId, AccountState] = {}
        self._openings: dict[AccountId, bytes] = {}
        """Statement 0 of every account that names an older one."""
        self._replaced_by: dict[AccountId, AccountId] = {}

    def __getitem__(self, account_id: AccountId) -> AccountState:
        return self._states[account_id]

    def __iter__(self) -> Iterator[AccountId]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    async def load(self, accounts: Iterable[AccountId], *, fresh: bool = False) -> None:
        """Fetch and verify what is not known yet, or everything when ``fresh``.

        Raises `BadAnswer` if the server leaves one out, `LedgerAlarm`, `ProtocolError`.
        """
        wanted = sorted({one for one in accounts if fresh or one not in self._states})
        while wanted:
            for start in range(0, len(wanted), _AT_ONCE):
                await self._fetch(wanted[start : start + _AT_ONCE])
            newer = (self._replaced_by.get(one) for one in wanted)
            wanted = sorted({one for one in newer if one and one not in self._states})

    def resets_of(self, account_id: AccountId) -> tuple[bytes, ...]:
        """The statements 0 of the accounts that took its place since, oldest first; each names the one before."""
        found: list[bytes] = []
        while newer := self._replaced_by.get(account_id):
            if self._states[newer].replaces != account_id:
                raise ProtocolError("wrong-account")
            found.append(self._openings[newer])
            account_id = newer
        return tuple(found)

    def successor(self, account_id: AccountId) -> AccountState | None:
        """Whoever stands for an account that was reset, proved by its own chain; None for one that was not.

        Raises ProtocolError `wrong-account` when the server names somebody who does not say so.
        """
        resets = self.resets_of(account_id)
        return self._states[account.account_id(resets[-1])] if resets else None

    def forget(self, account_id: AccountId) -> None:
        self._states.pop(account_id, None)

    def learn(self, chain: Chain) -> AccountState:
        """Check one chain and remember it."""
        state = account.replay(chain.statements)
        if state.account != chain.account:
            raise BadAnswer("another account's chain")
        self._pins.check(chain.account, [cose.digest(statement) for statement in chain.statements])
        self._states[chain.account] = state
        if state.replaces:
            self._openings[chain.account] = chain.statements[0]
        if chain.replaced_by:
            self._replaced_by[chain.account] = chain.replaced_by
        return state

    async def _fetch(self, wanted: list[AccountId]) -> None:
        answer: Chains = await self._road.call(GetAccounts(tuple(wanted)))
        if {chain.account for chain in answer.chains} != set(wanted):
            raise BadAnswer("an account is missing")
        for chain in answer.chains:
            with self._alarms.watching(account=chain.account):
                self.learn(chain)

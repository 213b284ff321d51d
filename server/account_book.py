"""Account chains, replayed once and remembered as long as the stored head is still theirs."""

from collections import OrderedDict
from collections.abc import Iterable

from relais.crypto import account as accounts
from relais.crypto.account import AccountState
from relais.models.ids import AccountId, DeviceId
from relais.models.store.accounts import AccountRow, AccountStore
from relais.server.identity import Holder

REMEMBERED = 20_000


class AccountBook:
    """States of accounts. `alone`: no other node writes, so what is remembered is true."""

    def __init__(self, store: AccountStore, *, alone: bool) -> None:
        self._store = store
        self._alone = alone
        self._states: OrderedDict[AccountId, AccountState] = OrderedDict()
        self._devices: dict[DeviceId, AccountId] = {}

    async def state(self, account: AccountId) -> AccountState | None:
        """The account as its chain leaves it, None when there is none."""
        known = self._states.get(account)
        if known is not None and self._alone:
            return known
        row = await self._store.row(account)
        return None if row is None else await self._of(row)

    async def states(self, named: Iterable[AccountId]) -> dict[AccountId, AccountState]:
        """Those of the accounts that exist."""
        wanted = set(named)
        if self._alone and wanted <= self._states.keys():
            return {account: self._states[account] for account in wanted}
        rows = await self._store.rows(list(wanted))
        return {account: await self._of(row) for account, row in rows.items()}

    def known_key(self, account: AccountId, device: DeviceId) -> bytes | None:
        """The signing key (Ed25519, 32 bytes) of a device, as far as it is remembered: it never gets another."""
        state = self._states.get(account)
        record = state.devices.get(device) if state else None
        return record.device.sign if record else None

    async def holder_of(self, device: DeviceId) -> Holder | None:
        """The account a device is or was in, with its roles."""
        account = self._devices.get(device) or await self._store.account_of(device)
        row = account and await self._store.row(account)
        if not row:
            return None
        self._devices[device] = row.account
        is_superseded = row.replaced_by is not None
        state = await self._of(row)
        return Holder(state, row.roles, is_superseded, row.doors)

    async def is_in_force(self, account: AccountId, device: DeviceId) -> bool:
        state = await self.state(account)
        return state is not None and state.in_force(device)

    def learn(self, state: AccountState) -> None:
        """Remember a state that is stored."""
        self._states[state.account] = state
        self._states.move_to_end(state.account)
        if len(self._states) > REMEMBERED:
            self._states.popitem(last=False)

    def forget(self, account: AccountId) -> None:
        """Read it again when it is next asked for."""
        self._states.pop(account, None)

    async def _of(self, row: AccountRow) -> AccountState:
        known = self._states.get(row.account)
        if known is not None and known.seq >= row.seq:
            return known
        state = accounts.replay(await self._store.statements(row.account))
        self.learn(state)
        return state

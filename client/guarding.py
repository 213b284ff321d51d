"""What a guardian's device holds of an escrow: its share, opened here alone, and handed to its account's other devices
(docs/protocol.md §13)."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from relais.client.errors import NoShareHere
from relais.client.session import Session
from relais.crypto import escrow
from relais.crypto.account import AccountState
from relais.crypto.device import BOT, Device
from relais.crypto.errors import ProtocolError
from relais.crypto.escrow import EscrowStatement, Parts
from relais.models.ids import AccountId, DeviceId
from relais.models.wire.emergency import (
    EscrowRow,
    Escrows,
    EscrowShared,
    ListEscrows,
    ReshareEscrow,
    SealedFor,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Escrow:
    """An escrow, and how the key of its device is shared, by that device's own word. ``mine``: shares of one's own devices."""

    state: AccountState
    statement: EscrowStatement
    mine: Mapping[DeviceId, bytes] = field(default_factory=dict)

    @property
    def account(self) -> AccountId:
        return self.state.account

    def is_guarded_by(self, account: AccountId) -> bool:
        return account in self.statement.guardians


async def known(session: Session) -> list[Escrow]:
    """Those of one's organisation and circles, and those one guards, as their chains are now. Raises `ProtocolError`."""
    answer: Escrows = await session.call(ListEscrows())
    await session.accounts.load({row.account for row in answer.escrows}, fresh=True)
    return [_read(session, row) for row in answer.escrows]


def _read(session: Session, row: EscrowRow) -> Escrow:
    found = verified(session, row.account, row.statement)
    return Escrow(found.state, found.statement, {one.device: one.sealed for one in row.mine})


def verified(session: Session, account: AccountId, data: bytes, *, past: bool = False) -> Escrow:
    """An escrow by its statement; its chain is known here. ``past``: its device may have been revoked since.

    Raises ProtocolError `wrong-account`, `wrong-device`, `bad-signature`, `bad-quorum` and those of the encoding.
    """
    statement = escrow.peek(data)
    escrow.verify(statement, session.accounts[account], past=past)
    return Escrow(session.accounts[account], statement)


def own_parts(session: Session, guarded: Escrow) -> Parts:
    """Raises `NoShareHere`, ProtocolError `cannot-open`, `wrong-share`, `not-a-guardian`."""
    me = session.identity
    sealed = guarded.mine.get(me.device)
    if sealed is None:
        raise NoShareHere
    return escrow.open_share(sealed, me.keys, guarded.statement, guardian=me.account)


def in_order(parts: Parts) -> list[bytes]:
    """As they are sealed: by their numbers."""
    return [parts[number] for number in sorted(parts)]


def devices_of(session: Session, account: AccountId) -> list[Device]:
    """Whatever of an account is sealed to: its devices in force, kits among them."""
    return [one for one in session.accounts[account].devices_in_force() if one.kind != BOT]


async def reshare(session: Session) -> int:
    """Hand this device's shares on to the devices of its account that have none. Returns how many were stored.

    A share that does not hold is logged, and must not keep the others from being handed on.
    """
    if "bot" in session.roles:
        return 0
    me, stored = session.identity, 0
    await session.accounts.load([me.account], fresh=True)
    for one in await known(session):
        if not one.is_guarded_by(me.account) or me.device not in one.mine:
            continue
        try:
            stored += await _hand_on(session, one)
        except ProtocolError as error:
            _log.warning("a share of escrow %s does not hold: %s", one.account[:8], error.reason)
    return stored


async def _hand_on(session: Session, guarded: Escrow) -> int:
    devices = devices_of(session, session.identity.account)
    without = [device for device in devices if device.id not in guarded.mine]
    if not without:
        return 0
    parts = in_order(own_parts(session, guarded))
    shares = tuple(
        SealedFor(device.id, escrow.seal_share(device, parts, guarded.statement))
        for device in without
    )
    ask = ReshareEscrow(guarded.account, guarded.statement.device, shares)
    answer: EscrowShared = await session.call(ask)
    return answer.stored

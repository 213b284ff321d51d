"""Escrows: what guardians' devices hold of their keys, and which are in force (docs/protocol.md §13)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from relais.crypto import account as chains
from relais.crypto import escrow
from relais.crypto.account import AccountState
from relais.crypto.audit_entry import SubjectValue
from relais.crypto.errors import ProtocolError
from relais.crypto.escrow import EscrowStatement
from relais.models.ids import AccountId, DeviceId
from relais.models.refusal import Code, Refusal
from relais.models.store.accounts import AccountStore
from relais.models.store.circles import CircleStore
from relais.models.store.emergency import EscrowRow, EscrowStore, SealedRow
from relais.models.wire import emergency as wire
from relais.server import authorize
from relais.server.account_book import AccountBook
from relais.server.audit.record import Act, Recorder, entry_of
from relais.server.callers import Caller
from relais.server.circle_book import CircleView
from relais.server.clock import now_ms


@dataclass(frozen=True)
class EscrowParts:
    """What escrows are served with."""

    store: EscrowStore
    accounts: AccountBook
    people: AccountStore
    circles: CircleStore
    recorder: Recorder


class Escrows:
    """Answers ``escrow.share``, ``escrow.reshare``, ``escrow.list``."""

    def __init__(self, parts: EscrowParts) -> None:
        self._parts = parts

    def actions(self) -> dict[type, Any]:
        return {
            wire.ShareEscrow: self.share,
            wire.ReshareEscrow: self.reshare,
            wire.ListEscrows: self.known,
        }

    async def share(self, caller: Caller, ask: wire.ShareEscrow) -> wire.EscrowShared:
        """How the key of one of the escrow's devices is shared. Once: other parts would make approvals worthless."""
        authorize.is_escrow(caller.roles)
        statement = await self._checked(caller, ask)
        devices = await self._devices_of(statement.guardians)
        shares = sealed_rows(ask.shares, {one for some in devices for one in some})
        if any(some and some.isdisjoint({one.device for one in shares}) for some in devices):
            raise ProtocolError("parts-missing")
        subject: dict[str, SubjectValue] = {"device": statement.device}
        subject |= {"quorum": statement.quorum}
        subject |= {"guardians": len(statement.guardians), "shares": len(shares)}
        audit = entry_of(caller, Act("escrow.share", subject=subject))
        if not await self._parts.store.keep(_row(statement), shares, audit=audit):
            raise Refusal(Code.CONFLICT, device=statement.device)
        return wire.EscrowShared(len(shares))

    async def reshare(self, caller: Caller, ask: wire.ReshareEscrow) -> wire.EscrowShared:
        """A guardian's further devices get what its others hold."""
        row = await self._parts.store.row(ask.escrow_device)
        if row is None or row.account != ask.escrow:
            raise Refusal(Code.NOT_FOUND)
        authorize.is_guardian(row.guardians, caller.account)
        (devices,) = await self._devices_of([caller.account])
        shares = sealed_rows(ask.shares, devices)
        subject: dict[str, SubjectValue] = {"account": ask.escrow, "device": ask.escrow_device}
        subject |= {"shares": len(shares)}
        audit = entry_of(caller, Act("escrow.reshare", subject=subject))
        await self._parts.store.reshare(ask.escrow_device, shares, audit=audit)
        return wire.EscrowShared(len(shares))

    async def known(self, caller: Caller, ask: wire.ListEscrows) -> wire.Escrows:
        """Those of one's organisation, those one guards, and those in one's circles."""
        current = await self.current(sorted(await self._known_to(caller)))
        mine = await self._parts.accounts.state(caller.account)
        devices = list(mine.devices) if mine else []
        shares = await self._parts.store.shares([one.device for one in current.values()], devices)
        rows = [
            wire.EscrowRow(account, row.statement, sealed(shares.get(row.device, ())))
            for account, row in current.items()
        ]
        await self._parts.recorder.record(caller, Act("escrow.list", subject={"found": len(rows)}))
        return wire.Escrows(tuple(rows))

    async def current(self, accounts: Sequence[AccountId]) -> dict[AccountId, EscrowRow]:
        """Of escrows that have one: the statement of their oldest device in force.

        While an escrow is renewed that is the one that has all keys; a crash in between leaves one that opens its circles.
        """
        states = await self._parts.accounts.states(accounts)
        devices = {account: _in_force(states.get(account)) for account in accounts}
        stored = await self._parts.store.rows([one for some in devices.values() for one in some])
        found: dict[AccountId, EscrowRow] = {}
        for account, some in devices.items():
            held = [stored[one] for one in some if one in stored]
            if held:
                found[account] = held[0]
        return found

    async def in_circle(self, view: CircleView) -> EscrowRow | None:
        """The escrow that can let somebody into a circle: the first one that was added."""
        present = authorize.members_now(view.state, now_ms())
        current = {} if view.state.closed else await self.current(present)
        return next(iter(current.values()), None)

    async def forget_revoked(self) -> None:
        """The shares for devices that are in force no more are worth nothing."""
        for device in await self._parts.store.shared():
            row = await self._parts.store.row(device)
            state = row and await self._parts.accounts.state(row.account)
            if state and device in state.devices and not state.in_force(device):
                await self._parts.store.forget(device)

    async def _checked(self, caller: Caller, ask: wire.ShareEscrow) -> EscrowStatement:
        statement = escrow.peek(ask.statement)
        state = await self._parts.accounts.state(caller.account)
        if state is None or statement.account != caller.account:
            raise ProtocolError("wrong-account")
        if ask.possession is None:
            escrow.verify(statement, state)
        else:
            escrow.verify_by(statement, chains.read_possession(ask.possession, state.account))
        authorize.check_clock(statement.at, now_ms())
        earlier = await self._parts.store.of(caller.account)
        new = set(statement.guardians).difference(*(row.guardians for row in earlier))
        rows = await self._parts.people.rows(sorted(new))
        for guardian in new:  # whoever lost everything since must not keep the others from renewing
            authorize.may_guard(rows.get(guardian))
        return statement

    async def _devices_of(self, accounts: Sequence[AccountId]) -> list[set[DeviceId]]:
        states = await self._parts.accounts.states(accounts)
        return [set(_in_force(states.get(account))) for account in accounts]

    async def _known_to(self, caller: Caller) -> set[AccountId]:
        every = await self._parts.store.accounts()
        rows = await self._parts.people.rows(sorted(every))
        own = {
            row.account
            for row in rows.values()
            if caller.organisation and row.organisation == caller.organisation
        }
        circles = await self._parts.circles.circles_of(caller.account)
        shared = await self._parts.circles.members_among(sorted(every), circles)
        return own | shared | await self._parts.store.guarded_by(caller.account)


def sealed(rows: Iterable[SealedRow]) -> tuple[wire.SealedFor, ...]:
    """As the wire has it."""
    return tuple(wire.SealedFor(row.device, row.sealed) for row in rows)


def sealed_rows(
    given: Sequence[wire.SealedFor], devices: Collection[DeviceId]
) -> tuple[SealedRow, ...]:
    """What was sealed, once to each of some `devices`. Raises ProtocolError `wrong-device`."""
    named = {one.device for one in given}
    if len(named) != len(given) or not named <= set(devices):
        raise ProtocolError("wrong-device")
    return tuple(SealedRow(one.device, one.sealed) for one in given)


def _in_force(state: AccountState | None) -> list[DeviceId]:
    return [device.id for device in state.devices_in_force()] if state else []


def _row(statement: EscrowStatement) -> EscrowRow:
    return EscrowRow(
        device=statement.device,
        account=statement.account,
        guardians=statement.guardians,
        at=statement.at,
        statement=statement.signed.raw,
    )

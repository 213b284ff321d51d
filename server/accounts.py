"""Accounts on an open socket: chains, the next statement, devices, the directory, administration."""

import secrets
from dataclasses import dataclass
from typing import Any

from relais.crypto import account as accounts
from relais.crypto.account import AccountState, AddDevice, RevokeDevice, Statement
from relais.crypto.audit_entry import SubjectValue
from relais.crypto.errors import ProtocolError
from relais.models.ids import AccountId
from relais.models.refusal import Code, Refusal
from relais.models.store.accounts import AccountRow, AccountStore, NextStatement
from relais.models.store.circles import CircleStore
from relais.models.store.errors import DuplicateKey, StoreError
from relais.models.store.invitations import InvitationRow, InvitationStore
from relais.models.wire import account as wire
from relais.models.wire.circle import GrantsWanted
from relais.server import authorize
from relais.server.account_book import AccountBook
from relais.server.audit.ledger_heads import head_entry
from relais.server.audit.record import Act, Recorder, entry_of
from relais.server.callers import Anyone, Caller
from relais.server.circle_book import CircleBook, CircleView
from relais.server.clock import now_ms
from relais.server.directory import Directory
from relais.server.gathering import gathered
from relais.server.hub import Hub
from relais.server.releases import Releases

DAY_MS = 86_400_000
MOST_DAYS = 90
MOST_LISTED = 200
MOST_STATEMENTS = 1_000


@dataclass(frozen=True)
class AccountParts:
    """What accounts are served with."""

    store: AccountStore
    invitations: InvitationStore
    circles: CircleStore
    accounts: AccountBook
    book: CircleBook
    directory: Directory
    recorder: Recorder
    releases: Releases
    hub: Hub


class Accounts:
    """Answers ``account.*``, ``device.list``, ``directory.search``, ``admin.*``."""

    def __init__(self, parts: AccountParts) -> None:
        self._parts = parts

    def actions(self) -> dict[type, Any]:
        return {
            wire.GetAccounts: self.get,
            wire.AppendStatement: self.append,
            wire.SearchDirectory: self.search,
            wire.ListDevices: self.devices,
            wire.Invite: self.invite,
            wire.ListAccounts: self.list_all,
        }

    async def get(self, caller: Caller, ask: wire.GetAccounts) -> wire.Chains:
        """Whole chains: whoever meets an account checks it from statement 0."""
        named = list(dict.fromkeys(ask.accounts))
        found = await gathered(self._parts.store.statements, named)
        act = Act("account.get", subject=_looked_up(named, sum(1 for some in found if some)))
        await self._parts.recorder.record(caller, act)
        rows = await self._parts.store.rows(named)
        chains = [(rows[name], some) for name, some in zip(named, found, strict=True) if some]
        told = (wire.Chain(row.account, tuple(some), row.replaced_by) for row, some in chains)
        return wire.Chains(tuple(told))

    async def append(self, caller: Caller, ask: wire.AppendStatement) -> wire.StatementAppended:
        """The next statement. The same one again gets the same answer; a rival gets ``conflict`` {seq}."""
        statement = own_statement(caller, ask.statement)
        before = await self.state_of(caller.account)
        if statement.seq <= before.seq and before.heads[statement.seq] == statement.digest:
            await self._settle(before, statement)  # the first time may have ended before that
            return wire.StatementAppended(caller.account, statement.seq, statement.digest)
        if statement.seq != before.seq + 1:
            raise Refusal(Code.CONFLICT, seq=before.seq)
        return await self.store(caller, before, statement)

    async def state_of(self, account: AccountId) -> AccountState:
        state = await self._parts.accounts.state(account)
        if state is None:
            raise Refusal(Code.NOT_FOUND, account=account)
        return state

    async def store(
        self, caller: Caller, before: AccountState, statement: Statement
    ) -> wire.StatementAppended:
        """Check a statement, store it, and let everybody concerned know. Raises ProtocolError."""
        after = accounts.apply(before, statement.signed.raw)
        authorize.check_clock(statement.at, now_ms())
        if after.seq >= MOST_STATEMENTS:
            raise Refusal(Code.TOO_LARGE, most=MOST_STATEMENTS)
        change = _change(caller, after, statement)
        try:
            await self._parts.store.append(change)
        except StoreError as error:
            self._parts.accounts.forget(before.account)  # it may be stored all the same
            raise (_taken(error, before) if isinstance(error, DuplicateKey) else error) from error
        self._parts.accounts.learn(after)
        if isinstance(statement.operation, RevokeDevice):
            await self._parts.hub.cut_off(
                statement.operation.device
            )  # before anything else can fail
        await self._tell(after, statement)
        return wire.StatementAppended(after.account, after.seq, after.head)

    async def search(self, caller: Caller, ask: wire.SearchDirectory) -> wire.DirectoryFound:
        """Who can be found. What was searched for is not logged: it is a name."""
        found = await self._parts.directory.search(ask.text, ask.limit)
        act = Act("directory.search", subject={"found": len(found)})
        await self._parts.recorder.record(caller, act)
        return wire.DirectoryFound(tuple(_entry(row) for row in found))

    async def devices(self, caller: Caller, ask: wire.ListDevices) -> wire.DevicesSeen:
        state = await self.state_of(caller.account)
        seen = await self._parts.store.last_seen(list(state.devices))
        rows = tuple(wire.DeviceSeen(device, seen.get(device)) for device in state.devices)
        await self._parts.recorder.record(caller, Act("device.list", subject={"found": len(rows)}))
        return wire.DevicesSeen(rows)

    async def invite(self, caller: Caller, ask: wire.Invite) -> wire.Invited:
        """By administrators."""
        authorize.is_administrator(caller.roles)
        authorize.check_roles(ask.roles)
        if not 1 <= ask.days <= MOST_DAYS:
            raise Refusal(Code.MALFORMED, field="days")
        if ask.resets:
            check_resettable(await self._parts.store.row(ask.resets))
        expires_at = now_ms() + ask.days * DAY_MS
        row = InvitationRow(tuple(ask.roles), ask.organisation, expires_at, ask.resets)
        token = await make_invitation(self._parts.invitations, row, caller)
        return wire.Invited(f"/enrol#{token}", row.expires_at)

    async def superseded(self, account: AccountId) -> None:
        """Another account took the place of this one: cut its devices off, and tell whoever shares a circle with it."""
        state = await self.state_of(account)
        for device in state.devices_in_force():
            await self._parts.hub.cut_off(device.id)
        now = now_ms()
        views = await self._parts.book.views(await self._parts.circles.circles_of(account))
        present = set[AccountId]().union(*(authorize.members_now(one.state, now) for one in views))
        event = wire.StatementAppended(account, state.seq, state.head)
        await self._parts.hub.tell_accounts(event, present)
        await self._parts.hub.profile_changed(account)

    async def list_all(self, caller: Caller, ask: wire.ListAccounts) -> wire.AccountsListed:
        """By administrators."""
        authorize.is_administrator(caller.roles)
        if not 1 <= ask.limit <= MOST_LISTED:
            raise Refusal(Code.MALFORMED, field="limit")
        rows = await self._parts.store.page(ask.after, ask.limit)
        seen = await self._parts.store.accounts_seen([row.account for row in rows])
        await self._parts.recorder.record(
            caller, Act("admin.accounts", subject={"found": len(rows)})
        )
        return wire.AccountsListed(tuple(_listed(row, seen.get(row.account)) for row in rows))

    async def _settle(self, after: AccountState, statement: Statement) -> None:
        """What follows from a stored statement. A device no longer in force goes first: nothing can fail before that."""
        if isinstance(statement.operation, RevokeDevice):
            await self._parts.hub.cut_off(statement.operation.device)
        await self._tell(after, statement)

    async def _tell(self, after: AccountState, statement: Statement) -> None:
        """The account, and whoever shares a circle with it."""
        now = now_ms()
        views = await self._circles_of(after)
        shared = [set(authorize.members_now(view.state, now)) for view in views]
        event = wire.StatementAppended(after.account, after.seq, after.head)
        await self._parts.hub.tell_accounts(event, {after.account}.union(*shared))
        await self._parts.hub.profile_changed(after.account)
        if isinstance(statement.operation, AddDevice | RevokeDevice):
            await self._tell_wanted(after.account, views)
            await self._parts.releases.renewed(after.account)

    async def _circles_of(self, after: AccountState) -> list[CircleView]:
        """The account's circles as they are now that it has moved on."""
        circles = await self._parts.circles.circles_of(after.account)
        for circle in circles:
            self._parts.book.account_changed(circle, after)
        return await self._parts.book.views(circles)

    async def _tell_wanted(self, account: AccountId, views: list[CircleView]) -> None:
        """A new device needs grants; one that left costs a rotation."""
        now = now_ms()
        for view in views:
            present = authorize.readers_now(view.state, now)
            if account in present and not view.state.closed:
                rotate = authorize.rotations_due(view.state, view.accounts, now)
                event = GrantsWanted(view.state.circle, rotate)
                await self._parts.hub.tell_accounts(event, present)


async def make_invitation(store: InvitationStore, row: InvitationRow, who: Anyone) -> str:
    """Store a new invitation and answer its token: 32 random bytes, base64url."""
    token = secrets.token_urlsafe(32)
    await store.add(token, row, audit=entry_of(who, Act("admin.invite", subject=invited_as(row))))
    return token


def invited_as(row: InvitationRow) -> dict[str, SubjectValue]:
    """What whoever invites says of the newcomer, whose own profile may say something else."""
    said: dict[str, SubjectValue] = {"roles": " ".join(row.roles)}
    said["organisation"] = row.organisation or None
    return said | ({"resets": row.resets} if row.resets else {})


def check_resettable(row: AccountRow | None) -> AccountRow:
    """An account that can be replaced. Raises ``not_found``; ``conflict`` `superseded`."""
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    if row.replaced_by:
        raise Refusal(Code.CONFLICT, reason="superseded")
    return row


def own_statement(caller: Caller, data: bytes) -> Statement:
    """A statement of the caller's account by the calling device. Raises ProtocolError."""
    statement = accounts.peek(data)
    if statement.account != caller.account:
        raise ProtocolError("wrong-account")
    if statement.device != caller.device:
        raise ProtocolError("wrong-device")
    return statement


def _looked_up(named: list[AccountId], found: int) -> dict[str, SubjectValue]:
    """How many accounts were asked for, and which if it was one."""
    return {"found": found, "account": named[0]} if len(named) == 1 else {"found": found}


def shown_of(state: AccountState) -> dict[str, str]:
    """What the directory shows of an account."""
    profile = state.profile
    return {
        "name": profile.name,
        "profession": profile.profession,
        "organisation": profile.organisation,
    }


def _change(caller: Caller, after: AccountState, statement: Statement) -> NextStatement:
    operation = statement.operation
    adds = operation.device.id if isinstance(operation, AddDevice) else None
    named = adds or getattr(operation, "device", None)
    subject: dict[str, Any] = {"seq": after.seq, "head": after.head}
    subject["operation"] = _WORDS[type(operation)]
    if isinstance(named, str):
        subject["device"] = named
    return NextStatement(
        account=after.account,
        seq=after.seq,
        head=after.head,
        statement=statement.signed.raw,
        shown=shown_of(after),
        adds=adds,
        audit=(
            entry_of(caller, Act("account.append", subject=subject)),
            head_entry(after.account, seq=after.seq, head=after.head),
        ),
    )


_WORDS: dict[type, str] = {
    accounts.CreateAccount: "create",
    accounts.AddDevice: "device.add",
    accounts.RevokeDevice: "device.revoke",
    accounts.RenameDevice: "device.rename",
    accounts.ChangeProfile: "profile",
}


def _taken(error: DuplicateKey, before: AccountState) -> Refusal:
    if "seq" in error.pattern:
        return Refusal(Code.CONFLICT, seq=before.seq + 1)
    return Refusal(Code.CONFLICT, reason="duplicate-device")


def _entry(row: AccountRow) -> wire.DirectoryEntry:
    return wire.DirectoryEntry(
        account=row.account,
        name=row.name,
        profession=row.profession,
        organisation=row.organisation,
        roles=row.roles,
    )


def _listed(row: AccountRow, last_seen: int | None) -> wire.AccountRow:
    return wire.AccountRow(
        number=row.number,
        account=row.account,
        name=row.name,
        profession=row.profession,
        organisation=row.organisation,
        roles=row.roles,
        enrolled_at=row.enrolled_at,
        last_seen=last_seen,
        replaced_by=row.replaced_by,
    )

"""Changing circles: an entry, the grants it owes and the profile sealed again are stored together or not at all."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from relais.crypto import envelope as envelopes
from relais.crypto import grant as grants
from relais.crypto import ledger
from relais.crypto.account import AccountState
from relais.crypto.audit_entry import SubjectValue
from relais.crypto.envelope import Envelope
from relais.crypto.errors import ProtocolError
from relais.crypto.grant import Grant
from relais.crypto.ledger import CircleState, Entry
from relais.models.ids import AccountId, CircleId
from relais.models.refusal import Code, Refusal
from relais.models.store.accounts import AccountStore
from relais.models.store.circles import (
    CircleChange,
    CircleRow,
    CircleStore,
    GrantRow,
    LedgerChange,
    ProfileRow,
)
from relais.models.store.emergency import Release
from relais.models.store.errors import DuplicateKey, StoreError
from relais.models.wire import circle as wire
from relais.server import authorize
from relais.server.account_book import AccountBook
from relais.server.audit.ledger_heads import head_entry
from relais.server.audit.record import Act, entry_of
from relais.server.callers import Caller
from relais.server.circle_acts import act_of
from relais.server.circle_book import CircleBook, CircleView
from relais.server.clock import now_ms
from relais.server.granted import (
    MOST_FOR_ONE_DEVICE,
    Granted,
    granted_with,
    keys_in,
    made_by,
    new_grants,
)
from relais.server.hub import Hub
from relais.server.owed import OwedNotes
from relais.server.releases import Releases

PROFILE_BYTES = 16_384
"""Of a sealed profile: those of all circles of an account come in one answer."""


@dataclass(frozen=True)
class CircleParts:
    """What circles are served with."""

    store: CircleStore
    book: CircleBook
    accounts: AccountBook
    people: AccountStore
    owed: OwedNotes
    changed: Callable[[CircleView], Awaitable[int]]
    """Told of every change; answers how many keys are missing after it."""
    releases: Releases
    hub: Hub


@dataclass(frozen=True)
class _Step:
    """One entry on its way: the ledger before it and after it, with the accounts it needs."""

    entry: Entry
    before: CircleView | None
    after: CircleState
    accounts: dict[AccountId, AccountState]
    newcomers: tuple[AccountId, ...]
    release: Release | None = None

    def told(self, rows: Collection[GrantRow]) -> dict[str, SubjectValue]:
        """What the log says of it besides the entry itself."""
        answered = {"request": self.release.request} if self.release else {}
        return {"grants": len(rows), **answered}

    @property
    def author(self) -> AccountState:
        return self.accounts[self.entry.account]

    @property
    def profile(self) -> CircleRow | None:
        return self.before.row if self.before else None


class Circles:
    """Answers ``circle.create``, ``circle.append``, ``circle.grant``."""

    def __init__(self, parts: CircleParts) -> None:
        self._parts = parts

    def actions(self) -> dict[type, Any]:
        return {
            wire.CreateCircle: self.create,
            wire.AppendEntry: self.append,
            wire.GiveGrants: self.give,
        }

    async def create(self, caller: Caller, ask: wire.CreateCircle) -> wire.EntryAppended:
        """Entry 0. The same entry again gets the same answer."""
        authorize.may_create(caller.roles)
        entry = _own_entry(caller, ask.entry)
        if entry.seq != 0:
            raise Refusal(Code.MALFORMED, reason="misplaced-create")
        async with self._parts.book.changing(entry.digest):
            if await self._parts.store.row(entry.digest):
                return wire.EntryAppended(entry.digest, 0, entry.digest)
            step = await self._step(entry, None)
            return await self._store(caller, step, ask.grants, ask.profile)

    async def append(self, caller: Caller, ask: wire.AppendEntry) -> wire.EntryAppended:
        """The next entry. The same entry again gets the same answer; a rival gets ``conflict`` {seq}."""
        entry = _own_entry(caller, ask.entry)
        if entry.circle != ask.circle:
            raise Refusal(Code.MALFORMED, reason="wrong-circle")
        async with self._parts.book.changing(ask.circle):
            before = await self._parts.book.view(ask.circle)
            member = authorize.may_know(before.state, caller.account)
            if _is_stored(before.state, entry):
                return wire.EntryAppended(ask.circle, entry.seq, entry.digest)
            if entry.seq != before.state.seq + 1:
                seq = authorize.last_known(before.state, before.times, member, now_ms())
                raise Refusal(Code.CONFLICT, seq=seq)
            authorize.may_append(before.state, entry, now_ms())
            release = await self._parts.releases.of(caller, before, entry, ask)
            step = replace(await self._step(entry, before), release=release)
            return await self._store(caller, step, ask.grants, ask.profile)

    async def give(self, caller: Caller, ask: wire.GiveGrants) -> wire.GrantsGiven:
        """Grants that were missing. What the same account granted already is passed over."""
        async with self._parts.book.changing(ask.circle):
            view = await self._parts.book.view(ask.circle)
            authorize.may_read(view.state, caller.account, now_ms())
            step = _Standing(view.state, view.accounts, view.accounts[caller.account])
            rows = await self._checked(caller, ask.grants, step)
            authorize.may_grant(caller.roles, caller.account, [one.account for one in rows])
            new = new_grants(view.granted, rows, in_vain=view.in_vain)
            if new:
                await self._store_grants(caller, view, new)
        await self._tell_granted(caller, ask.circle, new)
        return wire.GrantsGiven(len(new))

    async def _step(self, entry: Entry, before: CircleView | None) -> _Step:
        """Judge an entry by the ledger before it. Raises ProtocolError and `Refusal`."""
        state = before.state if before else None
        added = authorize.newcomers(state, entry.operations)
        named = {entry.account, *(one.account for one in added)}
        found = await self._parts.accounts.states(named)
        rows = await self._parts.people.rows(list(named))
        for one in added:
            authorize.may_enter(one, found.get(one.account), rows.get(one.account))
        known = {**(before.accounts if before else {}), **found}
        after = ledger.apply(state, entry, known[entry.account])
        authorize.check_clock(entry.at, now_ms())
        return _Step(entry, before, after, known, tuple(one.account for one in added))

    async def _store(
        self, caller: Caller, step: _Step, sealed: Collection[bytes], profile: bytes | None
    ) -> wire.EntryAppended:
        standing = _Standing(step.after, step.accounts, step.author)
        rows = await self._checked(caller, sealed, standing)
        _check_coverage(step, rows)
        envelope = _checked_profile(step, profile)
        change = _change(caller, step, rows, envelope)
        try:
            revision = await self._parts.store.write_entry(change)
        except StoreError as error:
            self._parts.book.forget(step.after.circle)  # it may be stored all the same
            if isinstance(error, DuplicateKey):
                raise Refusal(Code.CONFLICT, seq=step.entry.seq) from error
            raise
        view = _view_after(step, change, revision)
        if step.before:
            self._parts.book.learn(view, after=step.before)
        await self._tell(caller, step, view, rows)
        if step.release:
            await self._parts.releases.done(step.release)
        return wire.EntryAppended(step.after.circle, step.after.seq, step.after.head)

    async def _checked(
        self, caller: Caller, sealed: Collection[bytes], standing: "_Standing"
    ) -> list[GrantRow]:
        """Each made by the caller, signed, and for a device that is entitled to every key in it."""
        _check_number(sealed)
        state, at = standing.state, standing.state.moment(now_ms())
        entitled: set[tuple[Any, ...]] = set(ledger.entitled(state, standing.accounts, at))
        for account in {grants.peek(one).account for one in sealed} & set(
            authorize.readers_now(state, at)
        ):
            for owed in await self._parts.owed.of(state, state.members[account]):
                devices = authorize.reading_devices(standing.accounts[account])
                entitled |= {(account, device, *owed.name) for device in devices}
        return [_checked_grant(caller, one, standing, entitled) for one in sealed]

    async def _store_grants(self, caller: Caller, view: CircleView, rows: list[GrantRow]) -> None:
        circle = view.state.circle
        act = Act("circle.grant", circle, {"grants": len(rows)})
        audit = (entry_of(caller, act),)
        change = CircleChange(circle, audit, grants=tuple(rows))
        try:
            revision = await self._parts.store.write_change(change)
        except StoreError:
            self._parts.book.forget(circle)  # it may be stored all the same
            raise
        row = replace(view.row, revision=revision)
        granted = granted_with(view.granted, made_by(rows))
        after = replace(view, row=row, granted=granted)
        self._parts.book.learn(after, after=view)
        await self._parts.changed(after)

    async def _tell(
        self, caller: Caller, step: _Step, view: CircleView, rows: list[GrantRow]
    ) -> None:
        """Tell whoever was or now is in the circle; ask for grants that are still missing."""
        now = now_ms()
        present = set(authorize.members_now(step.after, now))
        gone = set(authorize.members_now(step.before.state, now)) if step.before else set()
        circle = step.after.circle
        event = wire.EntryAppended(circle, step.after.seq, step.after.head)
        await self._parts.hub.tell_accounts(event, present | gone)
        await self._tell_granted(caller, circle, rows)
        rotate = authorize.rotations_due(view.state, view.accounts, now)
        if await self._parts.changed(view) or rotate:
            await self._parts.hub.tell_accounts(
                wire.GrantsWanted(circle, rotate), authorize.readers_now(view.state, now)
            )

    async def _tell_granted(
        self, caller: Caller, circle: CircleId, rows: Collection[GrantRow]
    ) -> None:
        for device in {row.device for row in rows} - {caller.device}:
            await self._parts.hub.tell_device(wire.GrantsAdded(circle), device)


@dataclass(frozen=True)
class _Standing:
    """What a grant is judged by."""

    state: CircleState
    accounts: dict[AccountId, AccountState]
    author: AccountState


def missing_keys(view: CircleView, now: int) -> set[tuple[str, str, str, int]]:
    """(account, device, audience, epoch) that are entitled and not granted."""
    at = view.state.moment(now)
    return {
        one for one in ledger.entitled(view.state, view.accounts, at) if one[1:] not in view.granted
    }


def _own_entry(caller: Caller, data: bytes) -> Entry:
    entry = ledger.peek_entry(data)
    if entry.account != caller.account:
        raise ProtocolError("wrong-account")
    if entry.device != caller.device:
        raise ProtocolError("wrong-device")
    return entry


def _is_stored(state: CircleState, entry: Entry) -> bool:
    return entry.seq <= state.seq and state.heads[entry.seq] == entry.digest


def _check_number(sealed: Collection[bytes]) -> None:
    """Nobody fills one device's mailbox. Raises ``too_large`` {most}."""
    per_device = Counter(grants.peek(one).device for one in sealed)
    if max(per_device.values(), default=0) > MOST_FOR_ONE_DEVICE:
        raise Refusal(Code.TOO_LARGE, most=MOST_FOR_ONE_DEVICE)


def _checked_grant(
    caller: Caller, sealed: bytes, standing: _Standing, entitled: Collection[tuple[Any, ...]]
) -> GrantRow:
    grant = grants.peek(sealed)
    if (grant.granter, grant.granter_device) != (caller.account, caller.device):
        raise ProtocolError("wrong-account")
    grants.verify(grant, standing.author)
    grants.check_granter(grant, standing.state)
    if any((grant.account, grant.device, *key) not in entitled for key in grant.keys):
        raise ProtocolError("not-entitled")
    return _grant_row(grant)


def _check_coverage(step: _Step, rows: list[GrantRow]) -> None:
    """Every device entitled to a key that this entry opens gets it with the entry."""
    opened = authorize.opened(step.entry.operations)
    at = step.after.moment(now_ms())
    owed = {
        (device, audience, epoch)
        for _, device, audience, epoch in ledger.entitled(step.after, step.accounts, at)
        if (audience, epoch) in opened
    }
    lacking = owed - keys_in(rows)
    if lacking:
        device, audience, epoch = min(lacking)
        raise Refusal(
            Code.MALFORMED,
            reason="grants-missing",
            device=device,
            audience=audience,
            epoch=epoch,
        )


def _checked_profile(step: _Step, profile: bytes | None) -> Envelope | None:
    """The profile, sealed under every epoch as the entry leaves them; owed when it opens one."""
    if profile is None:
        if authorize.opened(step.entry.operations):
            raise Refusal(Code.MALFORMED, reason="profile-missing")
        return None
    envelope = envelopes.peek(profile)
    check_profile(envelope, step.after, step.accounts, step.profile)
    return envelope


def check_profile(
    envelope: Envelope,
    state: CircleState,
    accounts: dict[AccountId, AccountState],
    before: CircleRow | None,
) -> None:
    """A profile by its author, following the one before. Raises ProtocolError and `Refusal`."""
    header = envelope.header
    if len(envelope.raw) > PROFILE_BYTES:
        raise Refusal(Code.TOO_LARGE, most=PROFILE_BYTES)
    if header.kind != envelopes.PROFILE_KIND:
        raise ProtocolError("wrong-version")
    if header.account not in accounts:
        raise ProtocolError("not-a-member")
    envelopes.verify(envelope, accounts[header.account])
    authorize.may_seal_profile(state, header, now_ms())
    known = before.profile if before else None
    last = envelopes.peek(known) if known else None
    follows = (last.header.note, last.header.version + 1, last.digest) if last else None
    if last and (header.note, header.version, header.replaces) != follows:
        raise Refusal(Code.CONFLICT, reason="wrong-version", version=last.header.version)
    if not last and header.version != 1:
        raise Refusal(Code.CONFLICT, reason="wrong-version", version=0)


def _change(
    caller: Caller, step: _Step, rows: list[GrantRow], profile: Envelope | None
) -> LedgerChange:
    return LedgerChange(
        circle=step.after.circle,
        seq=step.after.seq,
        head=step.after.head,
        entry=step.entry.signed.raw,
        closed=step.after.closed,
        members=step.newcomers,
        grants=tuple(rows),
        audit=(
            entry_of(caller, act_of(step.before, step.after, step.entry, step.told(rows))),
            head_entry(step.after.circle, seq=step.after.seq, head=step.after.head),
        ),
        profile=ProfileRow(profile.header.version, profile.raw) if profile else None,
        release=step.release,
    )


def _view_after(step: _Step, change: LedgerChange, revision: int) -> CircleView:
    before: Granted = step.before.granted if step.before else {}
    old = step.profile
    profile = change.profile
    row = CircleRow(
        circle=change.circle,
        seq=change.seq,
        head=change.head,
        closed=change.closed,
        revision=revision,
        profile=profile.envelope if profile else (old.profile if old else None),
        profile_version=profile.version if profile else (old.profile_version if old else 0),
    )
    times = (*(step.before.times if step.before else ()), step.entry.at)
    granted = granted_with(before, made_by(change.grants))
    in_vain = step.before.in_vain if step.before else {}
    return CircleView(row, step.after, step.accounts, granted, times, in_vain)


def _grant_row(grant: Grant) -> GrantRow:
    return GrantRow(grant.granter, grant.account, grant.device, grant.keys, grant.signed.raw)

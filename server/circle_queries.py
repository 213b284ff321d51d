"""Reading circles: lists, ledgers, grants, and what is missing."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from relais.crypto import grant as grants
from relais.crypto.ledger import CircleState, Member
from relais.crypto.ledger_state import BOT
from relais.models.ids import AccountId, CircleId, DeviceId, Millis
from relais.models.store.accounts import AccountStore
from relais.models.store.circles import CircleStore
from relais.models.store.notes import NoteStore, Unread
from relais.models.wire import circle as wire
from relais.server import authorize
from relais.server.account_book import AccountBook
from relais.server.audit.record import Act, Recorder
from relais.server.callers import Caller
from relais.server.circle_book import CircleBook, CircleView
from relais.server.circles import missing_keys
from relais.server.clock import now_ms
from relais.server.gathering import gathered
from relais.server.granted import may_try
from relais.server.owed import OwedNotes
from relais.server.visibility import Visibility, readable, reads_all

ANSWER_BYTES = 4 * 1024 * 1024
MOST_GRANTS = 1_000
MOST_VERSIONS = 2_000
"""Missing ones of one device in an answer: so many fit into the grants of one request."""


@dataclass(frozen=True)
class QueryParts:
    """What circles are read with."""

    store: CircleStore
    accounts: AccountStore
    chains: AccountBook
    book: CircleBook
    notes: NoteStore
    visibility: Visibility
    owed: OwedNotes
    recorder: Recorder


class CircleQueries:
    """Answers ``circle.list``, ``circle.ledger``, ``circle.grants``, ``circle.missing``, ``circle.help``."""

    def __init__(self, parts: QueryParts) -> None:
        self._parts = parts

    def actions(self) -> dict[type, Any]:
        return {
            wire.ListCircles: self.of_account,
            wire.GetLedger: self.ledger,
            wire.GetGrants: self.grants,
            wire.GetMissing: self.missing,
            wire.AskHelp: self.help,
        }

    async def of_account(self, caller: Caller, ask: wire.ListCircles) -> wire.CirclesListed:
        """The circles the account is or was in, with what is new in each."""
        views = await self._views(caller.account)
        positions = await self._parts.notes.positions(caller.account)
        chosen = [view for view in views if ask.closed or not _is_closed(view, caller.account)]

        async def row(view: CircleView) -> wire.CircleRow:
            return await self._row(caller, view, positions.get(view.state.circle, 0))

        rows = await gathered(row, chosen)
        await self._parts.recorder.record(
            caller, Act("circle.list", subject={"circles": len(rows)})
        )
        return wire.CirclesListed(tuple(rows), await self._returning(caller.account, views))

    async def _returning(self, account: AccountId, views: list[CircleView]) -> int:
        """The circles of the accounts it took the place of, where nobody has let it in again."""
        waiting, own = set[CircleId](), await self._parts.chains.state(account)
        while own is not None and own.replaces is not None:
            for view in await self._views(own.replaces):
                member, now = (
                    view.state.members[own.replaces],
                    view.state.moment(now_ms()),
                )
                if member.active(now) and not view.state.closed:
                    waiting.add(view.state.circle)
            own = await self._parts.chains.state(own.replaces)
        return len(waiting - {view.state.circle for view in views})

    async def ledger(self, caller: Caller, ask: wire.GetLedger) -> wire.Ledger:
        """The entries from one on, as far as the caller may know; the profile for those who may read it."""
        view = await self._parts.book.view(ask.circle)
        member = authorize.may_know(view.state, caller.account)
        last = _last_known(view, member)
        found = await self._parts.store.entries(ask.circle, ask.from_seq)
        entries = _first_that_fit(found[: max(0, last + 1 - ask.from_seq)])
        more = ask.from_seq + len(entries) <= last
        subject = {"seq_from": ask.from_seq, "seq_to": ask.from_seq + len(entries) - 1}
        act = Act("circle.ledger", ask.circle, subject if entries else {}, role=member.role)
        await self._parts.recorder.record(caller, act)
        return wire.Ledger(tuple(entries), _profile(view, member), more)

    async def grants(self, caller: Caller, ask: wire.GetGrants) -> wire.GrantsGot:
        """The asking device's own grants, as many as one answer holds."""
        view = await self._parts.book.view(ask.circle)
        member = authorize.may_know(view.state, caller.account)
        stored = await self._parts.store.grants_to(ask.circle, caller.device, after=ask.after)
        found = [one for one in stored if _is_theirs(view, member, one[1])]
        fitting = _first_that_fit([grant for _, grant in found[:MOST_GRANTS]])
        some = found[: len(fitting)]
        if some:
            act = Act("circle.grants", ask.circle, {"grants": len(some)}, role=member.role)
            await self._parts.recorder.record(caller, act)
        last = some[-1][0] if some else ask.after
        return wire.GrantsGot(tuple(grant for _, grant in some), last)

    async def missing(self, caller: Caller, ask: wire.GetMissing) -> wire.Missing:
        """Missing grants whose keys the asking device was itself granted."""
        if ask.circle is None:
            views = await self._views(caller.account)
        else:
            views = [await self._parts.book.view(ask.circle)]
            authorize.may_know(views[0].state, caller.account)
        now = now_ms()
        rows = [row for view in views for row in _makeable(view, caller, now)]
        notes = [row for view in views for row in await self._makeable_notes(view, caller, now)]
        return wire.Missing(tuple(rows), tuple(notes))

    async def _makeable_notes(
        self, view: CircleView, caller: Caller, now: Millis
    ) -> list[wire.MissingNotes]:
        """Single versions that are owed and the caller's device can read, grouped by device."""
        if not _may_make(view, caller, now):
            return []
        seqs: dict[tuple[AccountId, DeviceId], list[int]] = defaultdict(list)
        for account, device, owed in await self._parts.owed.missing(view, now):
            if any(
                (caller.device, *key) in view.granted for key in (*owed.epochs, owed.name)
            ) and may_try(view.in_vain, (device, *owed.name), caller.account):
                seqs[account, device].append(owed.seq)
        return [
            wire.MissingNotes(
                circle=view.state.circle,
                account=account,
                device=device,
                seqs=tuple(some[:MOST_VERSIONS]),
                since=_since(view, account, device),
            )
            for (account, device), some in sorted(seqs.items())
        ]

    async def help(self, caller: Caller, ask: wire.AskHelp) -> wire.Help:
        """Who could make what the asking device waits for; only whoever waits is told anything."""
        view, now = await self._parts.book.view(ask.circle), now_ms()
        authorize.active_member(view.state, caller.account, now)
        wanted = {one[2:] for one in missing_keys(view, now) if one[1] == caller.device}
        if not wanted:
            return wire.Help(None, (), None)
        holders = _holders(view, wanted, now)
        devices = [device for some in holders.values() for device in some]
        seen = await self._parts.accounts.last_seen(devices)
        last = max((at for at in seen.values() if at is not None), default=None)
        return wire.Help(_since(view, caller.account, caller.device), tuple(sorted(holders)), last)

    async def _views(self, account: AccountId) -> list[CircleView]:
        """Every circle of an account, read side by side."""
        return await self._parts.book.views(await self._parts.store.circles_of(account))

    async def _row(self, caller: Caller, view: CircleView, read: int) -> wire.CircleRow:
        now, state = now_ms(), view.state
        member = state.members[caller.account]
        active = member.active(state.moment(now))
        known = _last_known(view, member)
        last, at, unread = 0, None, Unread(0, urgent=False)
        if active and member.role != BOT:
            last = await self._parts.notes.last_seq(state.circle)
            at = await self._parts.notes.at_seq(state.circle, last) if last else None
            after = max(read, await self._parts.visibility.first(view.state, member) - 1)
            unread = await self._unread(state, member, after, last)
        mine = [one for one in missing_keys(view, now) if one[1] == caller.device]
        notes = [
            one for one in await self._parts.owed.missing(view, now) if one[1] == caller.device
        ]
        return wire.CircleRow(
            circle=state.circle,
            ledger_seq=known,
            ledger_head=state.heads[known],
            active=active,
            closed=_is_closed(view, caller.account),
            profile=_profile(view, member),
            last_seq=last,
            last_at=at,
            unread=unread.count,
            urgent=unread.urgent,
            missing=len(mine) + len(notes),
        )

    async def _unread(self, state: CircleState, member: Member, after: int, last: int) -> Unread:
        """What others wrote for the member; whoever reads everything needs no look at the envelopes."""
        if after >= last:
            return Unread(0, urgent=False)
        if reads_all(state, member):
            return await self._parts.notes.unread(
                state.circle, member.account, after=after, up_to=last
            )
        found = await self._parts.notes.between(state.circle, after, last)
        others = [one for one in readable(state, member, found) if one.account != member.account]
        return Unread(len(others), any(one.urgent for one in others))


def _last_known(view: CircleView, member: Member) -> int:
    return authorize.last_known(view.state, view.times, member, now_ms())


def _is_closed(view: CircleView, account: AccountId) -> bool:
    """Closed, as far as the account may know: nothing follows the entry that closes."""
    return view.state.closed and _last_known(view, view.state.members[account]) == view.state.seq


def _is_theirs(view: CircleView, member: Member, sealed: bytes) -> bool:
    """Whether a grant to a member is of epochs that opened before the member left, or of single versions."""
    if member.active(view.state.moment(now_ms())):
        return True
    audiences = view.state.audiences
    keys = [key for key in grants.peek(sealed).keys if not isinstance(key, grants.NoteName)]
    return all(member.last.outlives(audiences[name].epochs[epoch]) for name, epoch in keys)


def _profile(view: CircleView, member: Member) -> bytes | None:
    """The sealed profile is for active members that may read."""
    if member.role == BOT or not member.active(view.state.moment(now_ms())):
        return None
    return view.row.profile


def _makeable(view: CircleView, caller: Caller, now: Millis) -> list[wire.MissingGrant]:
    """What is missing and the caller's device holds, grouped by device and audience."""
    state = view.state
    if not _may_make(view, caller, now):
        return []
    epochs: dict[tuple[AccountId, DeviceId, str], list[int]] = defaultdict(list)
    for account, device, audience, epoch in missing_keys(view, now):
        if (caller.device, audience, epoch) in view.granted and may_try(
            view.in_vain, (device, audience, epoch), caller.account
        ):
            epochs[account, device, audience].append(epoch)
    return [
        wire.MissingGrant(
            circle=state.circle,
            account=account,
            device=device,
            audience=audience,
            epochs=tuple(sorted(some)),
            since=_since(view, account, device),
        )
        for (account, device, audience), some in sorted(epochs.items())
    ]


def _holders(
    view: CircleView, wanted: set[tuple[str, int]], now: Millis
) -> dict[AccountId, list[DeviceId]]:
    """The devices of active members that were granted one of these keys."""
    found: dict[AccountId, list[DeviceId]] = defaultdict(list)
    for account in authorize.readers_now(view.state, now):
        for device in view.accounts[account].devices_in_force():
            if any((device.id, *key) in view.granted for key in wanted):
                found[account].append(device.id)
    return found


def _may_make(view: CircleView, caller: Caller, now: Millis) -> bool:
    """Whether the caller is an active reader of a circle that is not closed."""
    member = view.state.members.get(caller.account)
    if view.state.closed or member is None or member.role == BOT:
        return False
    return member.active(view.state.moment(now))


def _since(view: CircleView, account: AccountId, device: DeviceId) -> Millis:
    """Since when the device has been entitled: it is in the account, and the account in the circle."""
    added = view.accounts[account].devices[device].added_at
    return max(added, view.state.members[account].last.since)


def _first_that_fit(found: list[bytes]) -> list[bytes]:
    """As many from the start as one answer carries; always one."""
    ends = list(accumulate(len(one) for one in found))
    return [one for one, end in zip(found, ends, strict=True) if end <= ANSWER_BYTES] or found[:1]

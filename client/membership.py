"""Writing the circle ledger: who comes, who goes, which key comes next; grants and profile with it in one step."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from relais.client import sealing
from relais.client.circle_state import CircleView, fetch, moment, refuse_alarmed
from relais.client.errors import BadAnswer, Locked, NobodyWaits, ProfileUnreadable, RefusedHere
from relais.client.session import Session
from relais.crypto import envelope, epoch, grant, ledger
from relais.crypto.content import Content
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import (
    CircleState,
    Close,
    Create,
    EpochOpen,
    MemberAdd,
    MemberChange,
    MemberReadmit,
    MemberRemove,
)
from relais.models.ids import AccountId, CircleId, DeviceId, Millis, uuid7
from relais.models.refusal import Code, Refusal
from relais.models.wire.circle import AppendEntry, CreateCircle, EntryAppended, GiveGrants

_TRIES = 6
Operation = Create | MemberAdd | MemberRemove | MemberChange | MemberReadmit | EpochOpen | Close
Plan = Callable[[CircleView, Millis], tuple[list[Operation], list[str]]]
"""From the circle as it is: what to write, and which audiences get a new epoch with it."""


@dataclass(frozen=True)
class Change:
    """A ledger entry and all that must be stored with it."""

    entry: bytes
    grants: tuple[bytes, ...]
    profile: bytes | None
    state: CircleState
    keys: Mapping[tuple[str, int], bytes]

    def view(self, before: CircleView) -> CircleView:
        """The circle once this is stored."""
        envelope_bytes = self.profile or before.profile_envelope
        return CircleView(
            before.circle, self.state, dict(self.keys), before.profile, envelope_bytes
        )


async def create(session: Session, profile: Content) -> CircleId:
    """Start a circle around one patient; returns its id.

    Raises `BadAnswer` (the server speaks of another circle), `Refusal`, `ServerUnreachable`.
    """
    me = session.identity
    await session.accounts.load([me.account], fresh=True)  # each of its devices is owed the key
    mine, now = session.accounts[me.account], session.clock.now()
    key = secrets.token_bytes(32)
    operations: list[Operation] = [
        Create(secrets.token_bytes(16)),
        MemberAdd(me.account, mine.head, "lead", ("team",), now, None, 0),
        epoch.open_operation("team", 1, key),
    ]
    entry = ledger.write_entry(
        None, me.keys, account=me.account, account_head=mine.head, operations=operations, at=now
    )
    state = ledger.apply(None, entry, mine)
    keys = {("team", 1): key}
    grants = _seal_grants(session, state, _wanted(session, state, now), keys)
    sealed = seal_profile(session, state, keys, profile, previous=None)
    answer: EntryAppended = await session.call(CreateCircle(entry, grants, sealed))
    session.pins.check(state.circle, [state.head])
    if (answer.circle, answer.head) != (state.circle, state.head):
        raise BadAnswer("another circle than was made")
    return state.circle


async def append(
    session: Session, circle: CircleId, plan: Plan, *, fresh: bool = False
) -> CircleView:
    """Write the next entry; who is told that a rival was quicker plans again on top of that.

    ``fresh``: the plan depends on which devices are in force, so what is known of them is asked again.
    """
    refuse_alarmed(session, circle)
    newcomers: set[AccountId] = set()
    for last in (*[False] * (_TRIES - 1), True):
        view = await fetch(session, circle)
        if fresh:
            await session.accounts.load({*view.state.members, *newcomers}, fresh=True)
        now = _after(view, session)
        operations, opened = plan(view, now)
        newcomers = _newcomers(session, operations)
        if not operations and not opened:
            return view
        change = _prepare(session, view, operations, opened, at=now)
        try:
            await session.call(AppendEntry(circle, change.entry, change.grants, change.profile))
        except Refusal as refusal:
            if last or not _overtaken(refusal):
                raise
            fresh = refusal.code is not Code.CONFLICT
        else:
            return change.view(view)
    raise AssertionError("the last try returns or raises")


def _overtaken(refusal: Refusal) -> bool:
    """Somebody else's entry took the place, or a device came or went that is not known here."""
    return refusal.code is Code.CONFLICT or refusal.reason in ("grants-missing", "not-entitled")


def _newcomers(session: Session, operations: Iterable[Operation]) -> set[AccountId]:
    """Who comes by these operations: their devices, too, may have come or gone meanwhile."""
    added = {one.account for one in operations if isinstance(one, MemberAdd)}
    replaced = {one.account for one in operations if isinstance(one, MemberReadmit)}
    successors = map(session.accounts.successor, replaced)
    return added | {state.account for state in successors if state is not None}


def _after(view: CircleView, session: Session) -> Millis:
    """Now, and later than the entry before, however late this clock is: a history that begins now must not reach back
    to an epoch that was opened then."""
    return max(session.clock.now(), view.state.at + 1)


def _prepare(
    session: Session,
    view: CircleView,
    operations: list[Operation],
    opened: list[str],
    *,
    at: Millis,
) -> Change:
    me = session.identity
    keys = dict(view.keys)
    for audience in opened:
        number = view.state.audiences[audience].epoch + 1 if audience in view.state.audiences else 1
        keys[audience, number] = secrets.token_bytes(32)
        operations = [*operations, epoch.open_operation(audience, number, keys[audience, number])]
    mine = session.accounts[me.account]
    try:
        entry = ledger.write_entry(
            view.state,
            me.keys,
            account=me.account,
            account_head=mine.head,
            operations=operations,
            at=at,
        )
        state = ledger.apply(view.state, entry, mine)
    except ProtocolError as error:
        raise RefusedHere(error.reason) from error
    before = ledger.entitled(view.state, session.accounts, at)
    grants = _seal_grants(session, state, _wanted(session, state, at) - before, keys)
    profile = _sealed_again(session, view, state, keys) if opened else None
    return Change(entry, grants, profile, state, keys)


def _wanted(
    session: Session, state: CircleState, at: Millis
) -> set[tuple[AccountId, DeviceId, str, int]]:
    return set(ledger.entitled(state, session.accounts, at))


def _seal_grants(
    session: Session,
    state: CircleState,
    wanted: Iterable[tuple[AccountId, DeviceId, str, int]],
    keys: Mapping[tuple[str, int], bytes],
) -> tuple[bytes, ...]:
    per_device: dict[tuple[AccountId, DeviceId], list[tuple[str, int, bytes]]] = {}
    for account, device, audience, number in sorted(wanted):
        if (audience, number) in keys:
            row = (audience, number, keys[audience, number])
            per_device.setdefault((account, device), []).append(row)
    return tuple(
        grant.seal(
            session.identity.keys,
            session.accounts[account].devices[device].device,
            circle=state.circle,
            account=account,
            granter=session.identity.account,
            epochs=epochs,
            at=session.clock.now(),
        )
        for (account, device), epochs in per_device.items()
    )


def _sealed_again(
    session: Session, view: CircleView, state: CircleState, keys: Mapping[tuple[str, int], bytes]
) -> bytes:
    if view.profile is None or view.profile_envelope is None:
        raise ProfileUnreadable if view.profile_fault else Locked
    return seal_profile(session, state, keys, view.profile, previous=view.profile_envelope)


def seal_profile(
    session: Session,
    state: CircleState,
    keys: Mapping[tuple[str, int], bytes],
    profile: Content,
    *,
    previous: bytes | None,
) -> bytes:
    """The circle's profile for every audience of it, under the current epochs."""
    before = envelope.peek(previous) if previous else None
    now = session.clock.now()
    draft = envelope.Draft(
        circle=state.circle,
        note=before.header.note if before else uuid7(now),
        version=before.header.version + 1 if before else 1,
        replaces=before.digest if before else None,
        kind=envelope.PROFILE_KIND,
        account=session.identity.account,
        at=now,
        ledger_seq=state.seq,
        ledger_head=state.head,
    )
    view = CircleView(state.circle, state, dict(keys))
    return sealing.seal(session.identity, view, draft, profile, tuple(sorted(state.audiences)))


@dataclass(frozen=True)
class Joining:
    """As what somebody comes in: what they read, with all of the history (True), none, or from a moment on; and until when."""

    role: str = "professional"
    audiences: tuple[str, ...] = ("team",)
    history: bool | Millis = True
    until: Millis | None = None


def add(account: AccountId, head: str, joining: Joining) -> Plan:
    """Invite an account to audiences that are there."""

    def plan(view: CircleView, now: Millis) -> tuple[list[Operation], list[str]]:
        role, audiences = joining.role, tuple(sorted(joining.audiences))
        since = 0 if role == "bot" else _beginning(joining.history, now)
        opened = list(audiences) if since else []
        return [MemberAdd(account, head, role, audiences, now, joining.until, since)], opened

    return plan


def _beginning(history: bool | Millis, now: Millis) -> Millis:
    if isinstance(history, bool):
        return 0 if history else now
    return min(history, now)


def remove(account: AccountId) -> Plan:
    """Remove another account and open the next epoch in the same step."""

    def plan(view: CircleView, now: Millis) -> tuple[list[Operation], list[str]]:
        member = view.state.members.get(account)
        opened = [] if member is None or member.role == "bot" else sorted(member.audiences)
        return [MemberRemove(account)], opened

    return plan


@dataclass(frozen=True)
class Reset:
    """A member that was reset: `by` took its place `at`, and waits to be let in again. Nobody with the old keys says so."""

    account: AccountId
    by: AccountId
    at: Millis


def waiting(session: Session, view: CircleView) -> tuple[Reset, ...]:
    """Who waits to be let in again, by the accounts' own chains as they are known here.

    Raises ProtocolError `wrong-account` for a reset that the new account does not name.
    """
    at = moment(session, view)
    found = []
    for member in ledger.active_members(view.state, at):
        newer = session.accounts.successor(member.account)
        known = newer and view.state.members.get(newer.account)
        if newer and not (known and known.active(at)):
            first = next(iter(newer.devices.values()))
            found.append(Reset(member.account, newer.account, first.added_at))
    return tuple(found)


def readmit(session: Session, account: AccountId) -> Plan:
    """Give whoever took the place of an account that was reset its place in the circle, under new epochs."""

    def plan(view: CircleView, now: Millis) -> tuple[list[Operation], list[str]]:
        if account not in {one.account for one in waiting(session, view)}:
            raise NobodyWaits
        member, newer = view.state.members[account], session.accounts.successor(account)
        assert newer is not None  # it waits
        statements = session.accounts.resets_of(account)
        opened = [] if member.role == "bot" else sorted(member.audiences)
        return [MemberReadmit(account, newer.head, statements)], opened

    return plan


def leave(account: AccountId) -> Plan:
    """Leave; the others open the next epoch, so that the one who left does not know it."""
    return lambda view, now: ([MemberRemove(account)], [])


def close() -> Plan:
    return lambda view, now: ([Close()], [])


def rotate(session: Session) -> Plan:
    """Open the next epoch of every audience where that is due and this device may."""

    return lambda view, now: ([], due(session, view, now))


def due(session: Session, view: CircleView, at: Millis) -> list[str]:
    """The audiences whose epoch is to be renewed, among those this member reads."""
    mine = view.state.members.get(session.identity.account)
    if mine is None or view.state.closed:
        return []
    return [
        name
        for name in sorted(view.state.audiences)
        if mine.reads(name, at)
        and ledger.rotation_due(view.state, name, at=at, accounts=session.accounts)
    ]


async def heal(
    session: Session, view: CircleView, missing: Iterable[tuple[AccountId, DeviceId, str, int]]
) -> int:
    """Grant what is missing and entitled, by the keys this device holds. Returns how many grants were stored."""
    entitled = _wanted(session, view.state, moment(session, view))
    grants = _seal_grants(session, view.state, set(missing) & entitled, view.keys)
    if not grants:
        return 0
    answer = await session.call(GiveGrants(view.circle, grants))
    stored: int = answer.stored
    return stored

"""Who may do what in a circle (docs/protocol.md §4): a pure function of the ledger before.

What the actor may do is judged by the ledger before the entry; operations are applied in order; what an
entry owes as a whole (rotations, a lead that stays, openers inside their audience) is judged after it.
Each rule is one function that raises ProtocolError with the reason of the table.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from relais.crypto import account as accounts
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger_operations import (
    MOST_AUDIENCES,
    Close,
    Create,
    EpochOpen,
    MemberAdd,
    MemberChange,
    MemberReadmit,
    MemberRemove,
    Operation,
)
from relais.crypto.ledger_state import (
    BOT,
    CARER,
    LEAD,
    PROFESSIONAL,
    ROLES,
    TEAM,
    AudienceState,
    CircleState,
    Epoch,
    Member,
    Period,
)
from relais.models.ids import AccountId, CircleId, DeviceId, Digest, Millis

_AUDIENCE: Final = re.compile(r"[a-z][a-z0-9-]{0,19}", re.ASCII)
_PROFESSIONAL_ADDS: Final = frozenset({PROFESSIONAL, CARER, BOT})


@dataclass(frozen=True)
class Entry:
    """A ledger entry taken apart; not to be trusted before its signature and the rules are checked."""

    circle: CircleId | None
    seq: int
    prev: Digest | None
    at: Millis
    account: AccountId
    device: DeviceId
    account_head: Digest
    operations: tuple[Operation, ...]
    digest: Digest


def follow(state: CircleState | None, entry: Entry) -> CircleState:
    """The state after an entry whose signature and place in the chain are in order, by the rules."""
    if state is None:
        _first_entry(entry)
        after = _operate_all(_nothing(entry), entry)
    else:
        actor = _acting_member(state, entry)
        for operation in entry.operations:
            _allowed(state, entry, actor=actor, operation=operation)
        after = _operate_all(state, entry)
    _audiences_exist(after)
    _openers_inside(after, entry)
    _leads_stay(after, entry)
    if state is not None:
        _rotations_made(state, entry)
    heads = () if state is None else state.heads
    return replace(
        after, seq=entry.seq, head=entry.digest, at=entry.at, heads=(*heads, entry.digest)
    )


def _first_entry(entry: Entry) -> None:
    """Rule 1."""
    match entry.operations:
        case (Create(), MemberAdd() as lead, *opens):
            pass
        case _:
            raise ProtocolError("misplaced-create")
    named = (lead.account, lead.role, lead.since, lead.until, lead.history)
    if named != (entry.account, LEAD, entry.at, None, 0) or TEAM not in lead.audiences:
        raise ProtocolError("misplaced-create")
    opened = [(o.audience, o.epoch) for o in opens if isinstance(o, EpochOpen)]
    if len(opened) != len(opens) or sorted(opened) != sorted((a, 1) for a in lead.audiences):
        raise ProtocolError("misplaced-create")


def _acting_member(state: CircleState, entry: Entry) -> Member:
    """Rule 2."""
    if state.closed:
        raise ProtocolError("circle-closed")
    if entry.at < state.at:
        raise ProtocolError("time-went-back")
    return state.member(entry.account, entry.at)


def _allowed(state: CircleState, entry: Entry, *, actor: Member, operation: Operation) -> None:
    """What rules 3 to 8 say of the actor, by the ledger before the entry."""
    match operation:
        case Create():
            raise ProtocolError("misplaced-create")
        case MemberAdd():
            _may_add(state, actor, operation)
        case MemberRemove(account) if account == actor.account:
            _require(len(entry.operations) == 1)
        case MemberRemove(account):
            _may_remove(state, actor, account)
        case MemberChange():
            _require(actor.role == LEAD)
        case MemberReadmit(account):
            _may_readmit(state, entry, actor=actor, account=account)
        case EpochOpen():
            is_known = operation.audience in state.audiences
            _require(actor.role == LEAD or (actor.role != BOT and is_known))
        case _:  # close, rule 8
            _require(actor.role == LEAD and len(entry.operations) == 1)


def _may_add(state: CircleState, actor: Member, added: MemberAdd) -> None:
    """Rule 3: by whom, and into which audiences."""
    if added.role not in ROLES:
        raise ProtocolError("bad-role")
    if actor.role == LEAD:
        return
    _require(actor.role == PROFESSIONAL and added.role in _PROFESSIONAL_ADDS)
    known = actor.audiences | (set(added.audiences) - state.audiences.keys())
    _require(known.issuperset(added.audiences))


def _may_remove(state: CircleState, actor: Member, account: AccountId) -> None:
    """Rule 4: by whom."""
    member = state.members.get(account)
    added_by = member and member.added_by
    _require(
        actor.role == LEAD
        or (actor.role == PROFESSIONAL and (member is None or added_by == actor.account))
    )


def _may_readmit(state: CircleState, entry: Entry, *, actor: Member, account: AccountId) -> None:
    """Rule 12: by whoever may remove and add such a member; where no lead is left but it, by anybody who reads."""
    member = state.member(account, entry.at)
    others = replace(state, members={k: m for k, m in state.members.items() if k != account})
    is_own = actor.role == PROFESSIONAL and member.added_by == actor.account
    may_add = actor.role == LEAD or (is_own and member.role in _PROFESSIONAL_ADDS)
    _require(may_add or (actor.role != BOT and not _is_led(others, entry.at)))


def _require(is_allowed: bool) -> None:
    if not is_allowed:
        raise ProtocolError("not-allowed")


def _operate_all(state: CircleState, entry: Entry) -> CircleState:
    for operation in entry.operations:
        state = _OPERATE[type(operation)](state, entry, operation)
    return state


def _create(state: CircleState, entry: Entry, operation: Create) -> CircleState:
    return state


def _add(state: CircleState, entry: Entry, added: MemberAdd) -> CircleState:
    """Rule 3: who, and from when."""
    before = state.members.get(added.account)
    if before is not None and before.active(entry.at):
        raise ProtocolError("already-a-member")
    if added.since != entry.at or added.history > added.since:
        raise ProtocolError("bad-period")
    period = _period(entry, added.role, added.audiences, until=added.until)
    member = Member(
        account=added.account,
        account_head=added.account_head,
        added_by=entry.account,
        history=added.history,
        periods=(*(before.periods if before else ()), period),
    )
    return _with_member(state, member)


def _remove(state: CircleState, entry: Entry, operation: MemberRemove) -> CircleState:
    """Rules 4 and 5: of whoever is active, or past its `until` and not yet removed."""
    member = state.members.get(operation.account)
    if member is None or member.last.removed_at is not None:
        raise ProtocolError("not-a-member")
    return _with_member(state, replace(member, periods=_ended(member, entry)))


def _change(state: CircleState, entry: Entry, operation: MemberChange) -> CircleState:
    """Rule 6."""
    member = state.member(operation.account, entry.at)
    if operation.role not in ROLES:
        raise ProtocolError("bad-role")
    period = _period(entry, operation.role, operation.audiences, until=operation.until)
    return _with_member(state, replace(member, periods=(*_ended(member, entry), period)))


def _readmit(state: CircleState, entry: Entry, operation: MemberReadmit) -> CircleState:
    """Rule 12: the same place for the same person, and for whomever that person added."""
    old = state.member(operation.account, entry.at)
    new = accounts.read_resets(operation.statements, old.account).account
    before = state.members.get(new)
    if before is not None and before.active(entry.at):
        raise ProtocolError("already-a-member")
    role, audiences = old.role, tuple(old.audiences)
    period = _period(entry, role, audiences, until=old.last.until)
    member = Member(
        account=new,
        account_head=operation.account_head,
        added_by=old.added_by,
        history=old.history,
        periods=(*(before.periods if before else ()), period),
    )
    after = _with_member(_with_member(state, replace(old, periods=_ended(old, entry))), member)
    return replace(after, members={k: _added_by(m, old, new) for k, m in after.members.items()})


def _added_by(member: Member, old: Member, new: AccountId) -> Member:
    return replace(member, added_by=new) if member.added_by == old.account else member


def _open_epoch(state: CircleState, entry: Entry, opened: EpochOpen) -> CircleState:
    """Rule 7: the next epoch, once per audience and entry."""
    before = state.audiences.get(opened.audience)
    if before is None:
        _audience_name(opened.audience)
    elif before.current.seq == entry.seq:
        raise ProtocolError("wrong-epoch")
    number = before.epoch + 1 if before else 1
    if opened.epoch != number:
        raise ProtocolError("wrong-epoch")
    epoch = Epoch(number, opened.commitment, opened.inbox_key, entry.at, entry.seq)
    epochs = {**(before.epochs if before else {}), number: epoch}
    audience = AudienceState(opened.audience, number, epochs)
    return replace(state, audiences={**state.audiences, opened.audience: audience})


def _close(state: CircleState, entry: Entry, operation: Close) -> CircleState:
    return replace(state, closed=True)


_OPERATE: Final[dict[type[Operation], Callable[[CircleState, Entry, Any], CircleState]]] = {
    Create: _create,
    MemberAdd: _add,
    MemberRemove: _remove,
    MemberChange: _change,
    MemberReadmit: _readmit,
    EpochOpen: _open_epoch,
    Close: _close,
}


def _period(entry: Entry, role: str, audiences: tuple[str, ...], *, until: Millis | None) -> Period:
    if until is not None and until <= entry.at:
        raise ProtocolError("bad-period")
    if not audiences or len(set(audiences)) != len(audiences):
        raise ProtocolError("bad-audience")
    return Period(entry.at, until, None, role, frozenset(audiences), entry.seq)


def _ended(member: Member, entry: Entry) -> tuple[Period, ...]:
    last = replace(member.last, removed_at=entry.at, ended_seq=entry.seq)
    return (*member.periods[:-1], last)


def _with_member(state: CircleState, member: Member) -> CircleState:
    return replace(state, members={**state.members, member.account: member})


def _audience_name(name: str) -> None:
    if _AUDIENCE.fullmatch(name) is None:
        raise ProtocolError("bad-audience")


def _audiences_exist(after: CircleState) -> None:
    """Rule 3: each audience exists or is opened in the same entry; an envelope can name them all."""
    named = {audience for member in after.members.values() for audience in member.audiences}
    if len(after.audiences) > MOST_AUDIENCES or not named <= after.audiences.keys():
        raise ProtocolError("bad-audience")


def _openers_inside(after: CircleState, entry: Entry) -> None:
    """Rule 7: who opens an epoch is a member of its audience, and still is when the entry is done."""
    actor = after.members[entry.account]
    for operation in entry.operations:
        if isinstance(operation, EpochOpen):
            _require(actor.reads(operation.audience, entry.at))


def _leads_stay(after: CircleState, entry: Entry) -> None:
    """Rules 4, 5 and 6: an active lead without `until` remains."""
    if not _is_led(after, entry.at):
        raise ProtocolError("last-lead")


def _is_led(state: CircleState, at: Millis) -> bool:
    members = state.members.values()
    return any(m.active(at) and m.role == LEAD and m.last.until is None for m in members)


def _rotations_made(before: CircleState, entry: Entry) -> None:
    """Rules 3, 4 and 6: whoever loses a key, or comes without the whole history, costs a new epoch."""
    opened = {o.audience for o in entry.operations if isinstance(o, EpochOpen)}
    for operation in entry.operations:
        if not _owed(before, entry, operation) <= opened:
            raise ProtocolError("rotation-missing")


def _owed(before: CircleState, entry: Entry, operation: Operation) -> frozenset[str]:
    match operation:
        case MemberAdd(history=history, audiences=audiences) if history != 0:
            return frozenset(audiences)
        case MemberRemove(account) if account != entry.account:
            return _held(before, account)
        case MemberReadmit(account):
            return _held(before, account)
        case MemberChange(account, role, audiences):
            kept, held = (
                frozenset() if role == BOT else frozenset(audiences),
                _held(before, account),
            )
            member = before.members.get(account)
            gained = kept - held if member and member.history else frozenset()
            return (held - kept) | gained
    return frozenset()


def _held(before: CircleState, account: AccountId) -> frozenset[str]:
    member = before.members.get(account)
    return frozenset() if member is None or member.role == BOT else member.audiences


def _nothing(entry: Entry) -> CircleState:
    return CircleState(
        circle=entry.digest,
        seq=0,
        head=entry.digest,
        at=entry.at,
        closed=False,
        members={},
        audiences={},
        heads=(),
    )

"""Who may do what: pure functions over what is known, raising `Refusal` with the protocol's reasons.

Times are milliseconds by the server's clock. A ledger may be a little ahead of it: a member whose entry
was signed by a clock a second fast is a member now, not in a second.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from relais.crypto import posting
from relais.crypto.account import AccountState, read_resets
from relais.crypto.device import BOT as BOT_DEVICE
from relais.crypto.envelope import Header
from relais.crypto.ledger import (
    CircleState,
    Entry,
    EpochOpen,
    Member,
    MemberAdd,
    MemberReadmit,
    active_members,
    rotation_due,
)
from relais.crypto.ledger_state import BOT, PROFESSIONAL
from relais.models.ids import AccountId, DeviceId, Digest, Millis
from relais.models.refusal import Code, Refusal
from relais.models.store.accounts import AccountRow

CLOCK_AHEAD: Millis = 600_000
CREATORS = frozenset({"professional", "coordinator", "carer"})
REQUESTERS = frozenset({"professional", "coordinator"})
GUARDIANS = frozenset({"professional", "coordinator", "administrator"})
ESCROW = "escrow"
ESCROW_MAY = frozenset(
    {
        *("auth.challenge", "auth.renew", "account.get", "account.append", "escrow.share"),
        *("circle.ledger", "circle.grants", "circle.append", "circle.unopenable"),
        *("circle.missing", "circle.grant"),
    }
)
"""What an escrow's session asks for to let somebody in, and to renew itself."""

Accounts = Mapping[AccountId, AccountState]


def check_clock(at: Millis, now: Millis) -> None:
    """Nothing is signed more than ten minutes ahead. Raises ``malformed`` `time-ahead`."""
    if at > now + CLOCK_AHEAD:
        raise Refusal(Code.MALFORMED, reason="time-ahead", now=now)


def may_create(roles: Collection[str]) -> None:
    """Who opens circles: people who care for somebody."""
    if CREATORS.isdisjoint(roles):
        raise _forbidden("not-allowed")


def check_roles(roles: Collection[str]) -> None:
    """What an invitation can be for: an escrow is nothing else beside. Raises ``malformed``."""
    if ESCROW in roles and len(roles) > 1:
        raise Refusal(Code.MALFORMED, field="roles")


def may_ask(roles: Collection[str], request: str) -> None:
    """An escrow's session lets somebody in, and does nothing else."""
    if ESCROW in roles and request not in ESCROW_MAY:
        raise _forbidden("not-allowed")


def may_grant(roles: Collection[str], account: AccountId, to: Collection[AccountId]) -> None:
    """An escrow hands keys to its own next device, and to nobody else."""
    if ESCROW in roles and set(to) - {account}:
        raise _forbidden("not-allowed")


def is_escrow(roles: Collection[str]) -> None:
    if ESCROW not in roles:
        raise _forbidden("not-allowed")


def may_guard(row: AccountRow | None) -> None:
    """Who can hold parts of an escrow's key: a person of the house, who was not reset."""
    if row is None or row.replaced_by is not None or GUARDIANS.isdisjoint(row.roles):
        raise _forbidden("not-a-guardian")


def is_guardian(guardians: Collection[AccountId], account: AccountId) -> None:
    """Raises ``forbidden`` `not-a-guardian`."""
    if account not in guardians:
        raise _forbidden("not-a-guardian")


def may_answer(guardians: Collection[AccountId], requester: AccountId, account: AccountId) -> None:
    """Who decides: a guardian, and not of what they asked for themselves."""
    is_guardian(guardians, account)
    if account == requester:
        raise _forbidden("own-request")


def may_look(roles: Collection[str]) -> None:
    """Who can ask for emergency access: whoever cares for patients by profession."""
    if REQUESTERS.isdisjoint(roles):
        raise _forbidden("not-allowed")


def may_request(state: CircleState, account: AccountId, now: Millis) -> None:
    """Whoever is in the circle needs nobody to let them in. Raises ``forbidden`` `already-a-member`."""
    member = state.members.get(account)
    if member is not None and member.active(state.moment(now)):
        raise _forbidden("already-a-member")


def let_in(
    entry: Entry, *, granted: Collection[AccountId], profile: bytes | None
) -> tuple[MemberAdd, Millis]:
    """Whom an escrow's entry lets in, and until when: one professional, for a time, with keys for them, and nothing besides."""
    if len(entry.operations) == 1 and isinstance(entry.operations[0], MemberAdd):
        added = entry.operations[0]
        is_alone = profile is None and set(granted) <= {added.account}
        if is_alone and added.role == PROFESSIONAL and added.until is not None:
            return added, added.until
    raise _forbidden("not-allowed")


def may_release(*, approved: bool, until: Millis, asked_until: Millis) -> None:
    """An escrow lets in whom a quorum approved, and no longer than was asked for."""
    if not approved or until > asked_until:
        raise _forbidden("not-allowed")


def is_administrator(roles: Collection[str]) -> None:
    if "administrator" not in roles:
        raise _forbidden("not-allowed")


def is_auditor(roles: Collection[str]) -> None:
    """Who reads the whole audit log."""
    if "auditor" not in roles:
        raise _forbidden("not-allowed")


def may_set_rules(roles: Collection[str]) -> None:
    """Who reads and sets what the rules over the audit log look for."""
    if {"auditor", "administrator"}.isdisjoint(roles):
        raise _forbidden("not-allowed")


def may_review(reviewer: AccountId, concerned: Collection[AccountId | None]) -> None:
    """Nobody says of what was found about themselves that it is in order."""
    if reviewer in concerned:
        raise _forbidden("not-allowed")


def may_know(state: CircleState, account: AccountId) -> Member:
    """Who sees a circle's ledger, up to `last_known`: whoever is or was in it. Raises ``forbidden`` `not-a-member`."""
    member = state.members.get(account)
    if member is None:
        raise _forbidden("not-a-member")
    return member


def last_known(state: CircleState, times: Sequence[Millis], member: Member, now: Millis) -> int:
    """The last entry a member may see: for somebody removed the one that did it, past `until` the last before.

    `times[n]` is the time of entry n. Never less than what the member saw while active, for each entry
    then was before `until` and before the removal.
    """
    last = member.last
    if member.active(state.moment(now)):
        return state.seq
    seq = state.seq if last.ended_seq is None else last.ended_seq
    return seq if last.until is None else min(seq, bisect_left(times, last.until) - 1)


def active_member(state: CircleState, account: AccountId, now: Millis) -> Member:
    """Raises ``forbidden`` `not-a-member`."""
    member = state.members.get(account)
    if member is None or not member.active(state.moment(now)):
        raise _forbidden("not-a-member")
    return member


def may_read(state: CircleState, account: AccountId, now: Millis) -> Member:
    """Who gets notes, receipts and blobs: an active member that is not write-only."""
    member = active_member(state, account, now)
    if member.role == BOT:
        raise _forbidden("not-allowed")
    return member


def readers_now(state: CircleState, now: Millis) -> list[AccountId]:
    """Who hears of a circle's notes."""
    members = active_members(state, state.moment(now))
    return [member.account for member in members if member.role != BOT]


def reading_devices(account: AccountState) -> list[DeviceId]:
    """The devices that are granted keys."""
    return [device.id for device in account.devices_in_force() if device.kind != BOT_DEVICE]


def members_now(state: CircleState, now: Millis) -> list[AccountId]:
    return [member.account for member in active_members(state, state.moment(now))]


def may_post(state: CircleState, header: Header, now: Millis, *, due: Collection[str]) -> None:
    """Who may post what, by the ledger's head. `due`: the audiences that wait for a new epoch.

    Raises ``forbidden``; ``stale_epoch`` {audience, epoch, rotate}; ProtocolError of `posting`.
    """
    if state.closed:
        raise _forbidden("circle-closed")
    active_member(state, header.account, now)
    check_clock(header.at, now)
    for key in header.keys:
        _check_epoch(state, key.audience, epoch=key.epoch, rotate=key.audience in due)
    posting.check_may_post(state, header, at=state.moment(now))


def may_seal_profile(state: CircleState, header: Header, now: Millis) -> None:
    """Who may seal the circle's profile, to each audience's current epoch; ProtocolError of `posting`."""
    check_clock(header.at, now)
    posting.check_may_post(state, header, at=state.moment(now))


def _check_epoch(state: CircleState, audience: str, *, epoch: int, rotate: bool) -> None:
    known = state.audiences.get(audience)
    if known is None or epoch > known.epoch:
        raise Refusal(Code.MALFORMED, reason="wrong-epoch", audience=audience)
    if rotate or epoch != known.epoch:
        raise Refusal(Code.STALE_EPOCH, audience=audience, epoch=known.epoch, rotate=rotate)


def is_rotation_due(state: CircleState, accounts: Accounts, audience: str, now: Millis) -> bool:
    """Somebody, or some device, that left holds the current key. Age alone is the member's business."""
    due = rotation_due(state, audience, at=state.moment(now), accounts=accounts)
    return due in ("left", "revoked")


def rotations_due(state: CircleState, accounts: Accounts, now: Millis) -> bool:
    """Whether any audience waits for a new epoch."""
    return any(is_rotation_due(state, accounts, name, now) for name in state.audiences)


def may_append(state: CircleState, entry: Entry, now: Millis) -> None:
    """What the server asks of an entry beyond the ledger's own rules: to be acting now."""
    check_clock(entry.at, now)
    active_member(state, entry.account, now)


@dataclass(frozen=True)
class Newcomer:
    """Somebody that an entry brings in: as its author knows the account, and the role given."""

    account: AccountId
    head: Digest
    role: str


def newcomers(state: CircleState | None, operations: Iterable[object]) -> list[Newcomer]:
    """Whom an entry brings in, by adding them or by letting them in again. Raises ProtocolError for a false reset."""
    found: list[Newcomer] = []
    for one in operations:
        if isinstance(one, MemberAdd):
            found.append(Newcomer(one.account, one.account_head, one.role))
        elif isinstance(one, MemberReadmit):
            known = state.members.get(one.account) if state else None
            account = read_resets(one.statements, one.account).account
            found.append(Newcomer(account, one.account_head, known.role if known else ""))
    return found


def may_enter(new: Newcomer, account: AccountState | None, row: AccountRow | None) -> None:
    """Who can be brought in: an account that exists and was not reset, as its adder knows it, a bot as a bot."""
    if account is None or row is None:
        raise Refusal(Code.NOT_FOUND, account=new.account)
    if row.replaced_by:
        raise Refusal(Code.CONFLICT, reason="superseded", account=new.account)
    if new.head not in account.heads:
        raise _forbidden("wrong-account")
    if set(row.roles) == {"bot"} and new.role != BOT:
        raise _forbidden("not-allowed")
    if ESCROW in row.roles and new.role != PROFESSIONAL:
        raise _forbidden("not-allowed")


def opened(operations: Iterable[object]) -> set[tuple[str, int]]:
    """The (audience, epoch) pairs that an entry opens."""
    return {(one.audience, one.epoch) for one in operations if isinstance(one, EpochOpen)}


def _forbidden(reason: str) -> Refusal:
    return Refusal(Code.FORBIDDEN, reason=reason)

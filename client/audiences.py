"""Who reads what: the plans that change it (docs/protocol.md §4), and whom a note goes to where nobody chose."""

from collections.abc import Sequence
from dataclasses import dataclass

from relais.client import reading
from relais.client.circle_state import CircleView
from relais.client.errors import AudienceExists
from relais.client.membership import Operation, Plan
from relais.client.session import Session
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import Member, MemberChange
from relais.crypto.ledger_state import BOT, TEAM
from relais.models.ids import AccountId, Millis, NoteId


@dataclass(frozen=True)
class Change:
    """What a member becomes. None: as it was; ``unending``: no end any more."""

    role: str | None = None
    audiences: tuple[str, ...] | None = None
    until: Millis | None = None
    unending: bool = False


def change(account: AccountId, wanted: Change) -> Plan:
    """Another role, other audiences, another end; with the epochs that are owed for it."""

    def plan(view: CircleView, now: Millis) -> tuple[list[Operation], list[str]]:
        member = _member(view, account)
        operation = _changed(member, wanted)
        before = frozenset[str]() if member.role == BOT else member.audiences
        after = set[str]() if operation.role == BOT else set(operation.audiences)
        sealed_off = {name for name in after - before if _before_history(view, member, name)}
        return [operation], sorted((before - after) | sealed_off)

    return plan


def open_audience(name: str, me: AccountId, others: Sequence[AccountId] = ()) -> Plan:
    """A further audience, with whoever opens it and these members in it. Raises `AudienceExists`."""

    def plan(view: CircleView, now: Millis) -> tuple[list[Operation], list[str]]:
        if name in view.state.audiences:
            raise AudienceExists
        joining = [_member(view, account) for account in (me, *others)]
        return [_changed(one, Change(audiences=(*one.audiences, name))) for one in joining], [name]

    return plan


async def addressed(
    session: Session, view: CircleView, *, chosen: tuple[str, ...], reply_to: NoteId | None
) -> tuple[str, ...]:
    """The audiences chosen; else those of the note that is answered, as far as one is in them; else the team.

    Raises `Refusal` ``not_found`` for a note that is not there, or not for this member.
    """
    mine = _member(view, session.identity.account)
    if chosen:
        return tuple(sorted(chosen))
    if reply_to is not None and mine.role != BOT:
        answered = (await reading.versions(session, view, reply_to))[-1].audiences
        return tuple(name for name in answered if name in mine.audiences)
    return (TEAM,) if TEAM in mine.audiences else tuple(sorted(mine.audiences))


def _changed(member: Member, wanted: Change) -> MemberChange:
    until = None if wanted.unending else wanted.until or member.last.until
    return MemberChange(
        member.account,
        wanted.role or member.role,
        tuple(sorted(wanted.audiences if wanted.audiences is not None else member.audiences)),
        until,
    )


def _before_history(view: CircleView, member: Member, name: str) -> bool:
    """Whether the current key of an audience would never be granted to a member, who may read what came later only."""
    known = view.state.audiences.get(name)
    return known is not None and known.current.opened_at < member.history


def _member(view: CircleView, account: AccountId) -> Member:
    member = view.state.members.get(account)
    if member is None:
        raise ProtocolError("not-a-member")
    return member

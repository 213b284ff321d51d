"""Emergency access: asking an escrow's guardians to be let into a circle, and answering (docs/protocol.md §13)."""

import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from relais.client import guarding, posting
from relais.client.emergency_card import Card
from relais.client.errors import BadLink, ClientError, UnknownEmergency
from relais.client.guarding import Escrow
from relais.client.posting import Writing
from relais.client.session import Reconnected, Session
from relais.crypto import cose, emergency
from relais.crypto.emergency import EmergencyAnswer, EmergencyRequest
from relais.crypto.errors import ProtocolError
from relais.models.ids import AccountId, CircleId, DeviceId, Digest, Millis
from relais.models.refusal import Refusal
from relais.models.wire.emergency import (
    AnswerEmergency,
    Emergencies,
    EmergencyChanged,
    EmergencyLooked,
    EmergencyRow,
    ListEmergencies,
    LookEmergency,
    RequestEmergency,
    RequestState,
    SealedFor,
    WithdrawEmergency,
)

HOUR: Final[Millis] = 3_600_000
PREFIXES: Final = {"fr": "Accès d’urgence : ", "en": "Emergency access: "}
"""How the first note of somebody who was let in begins."""
_FOLDER: Final = "emergency"
_DECIDED: Final = ("open", "approved")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Emergency:
    """A request, who asks whom, and what was answered: each signature checked. ``words``: None where they are not for us, or do not hold."""

    request: EmergencyRequest
    state: RequestState
    escrow: Escrow
    answers: tuple[EmergencyAnswer, ...]
    words: str | None
    review_due: Millis | None

    @property
    def id(self) -> Digest:
        return self.request.id

    @property
    def is_undecided(self) -> bool:
        """Whether guardians can still answer."""
        return self.state in _DECIDED

    @property
    def approvals(self) -> tuple[EmergencyAnswer, ...]:
        """Those that count: with parts of the escrow's device as it is."""
        device = self.escrow.statement.device
        return tuple(one for one in self.answers if one.approved and one.escrow_device == device)

    @property
    def waits_for(self) -> int:
        """How many more guardians have to approve."""
        return max(0, self.escrow.statement.quorum - len(self.approvals))

    def answer_of(self, account: AccountId) -> EmergencyAnswer | None:
        return next((one for one in self.answers if one.account == account), None)


@dataclass(frozen=True)
class Asking:
    """Why somebody asks, and for how long: at most 72 hours. ``reason`` is a word of docs/protocol.md §13."""

    reason: str
    words: str
    lasts: Millis = 12 * HOUR
    language: str = "fr"


async def ask(session: Session, card: Card, asking: Asking) -> Digest:
    """Ask to be let into the circle of a card; answers the request's id. The words are kept for the first note.

    Raises ProtocolError `wrong-account` where the server names another escrow than the card; `Refusal`, `BadLink`.
    """
    if card.origin and card.origin != session.identity.origin:
        raise BadLink("a card of another server")
    looked: EmergencyLooked = await session.call(LookEmergency(card.circle))
    if card.escrow is not None and looked.escrow != card.escrow:
        raise ProtocolError("wrong-account")
    me = session.identity.account
    await session.accounts.load([me, looked.escrow], fresh=True)
    escrow = guarding.verified(session, looked.escrow, looked.statement)
    await session.accounts.load(escrow.statement.guardians, fresh=True)
    request = _request(session, card.circle, escrow, asking)
    id_ = cose.digest(request.request)
    kept = {"circle": card.circle, "words": asking.words, "language": asking.language}
    session.home.write(_name(id_), kept)
    try:
        await session.call(request)
    except Refusal:
        session.home.remove(_name(id_))
        raise
    return id_


def _request(
    session: Session, circle: CircleId, escrow: Escrow, asking: Asking
) -> RequestEmergency:
    me, now = session.identity, session.clock.now()
    plaintext = emergency.explain(asking.words, secrets.token_bytes(emergency.SALT_SIZE))
    request = emergency.write(
        me.keys,
        escrow=escrow.account,
        circle=circle,
        account=me.account,
        account_head=session.accounts[me.account].head,
        at=now,
        until=now + asking.lasts,
        reason=asking.reason,
        explained=emergency.explained(plaintext),
    )
    sealed = tuple(
        SealedFor(
            device.id,
            emergency.seal_words(plaintext, device, circle=circle, requester=me.device),
        )
        for guardian in escrow.statement.guardians
        for device in guarding.devices_of(session, guardian)
    )
    return RequestEmergency(request, sealed)


async def listed(session: Session) -> list[Emergency]:
    """Every request that concerns this account, newest first.

    One that does not hold is an alarm, and keeps nobody from the others: whoever asks is a stranger.
    """
    read: list[Emergency] = []
    for row in await _rows(session):
        with suppress(ProtocolError):
            read.append(await _read(session, row))
    return read


async def found(session: Session, id_: Digest) -> Emergency:
    """One of them. Raises `UnknownEmergency`; ProtocolError where it does not hold, which is an alarm."""
    for row in await _rows(session):
        if row.id == id_:
            return await _read(session, row)
    raise UnknownEmergency


async def _rows(session: Session) -> tuple[EmergencyRow, ...]:
    answer: Emergencies = await session.call(ListEmergencies())
    return answer.requests


async def decided(session: Session, id_: Digest) -> Emergency:
    """Wait until guardians can change nothing any more. Raises `UnknownEmergency`, `ProtocolError`."""
    one = await found(session, id_)
    if not one.is_undecided:
        return one
    async for event in session.events():
        is_news = isinstance(event, EmergencyChanged) and event.id == id_
        if is_news or isinstance(event, Reconnected):
            one = await found(session, id_)
            if not one.is_undecided:
                return one
    raise AssertionError("a session's events do not end")


async def _read(session: Session, row: EmergencyRow) -> Emergency:
    with session.alarms.watching():
        return await _verified(session, row)


async def _verified(session: Session, row: EmergencyRow) -> Emergency:
    request, answers = emergency.peek(row.request), [emergency.peek_answer(x) for x in row.answers]
    if request.id != row.id:
        raise ProtocolError("wrong-request")
    named = {request.account, request.escrow, *(one.account for one in answers)}
    await session.accounts.load(named, fresh=True)
    emergency.verify(request, session.accounts[request.account])
    escrow = guarding.verified(session, request.escrow, row.statement, past=True)
    await session.accounts.load(escrow.statement.guardians)
    for one in answers:
        if not escrow.is_guarded_by(one.account):
            raise ProtocolError("not-a-guardian")
        emergency.verify_answer(one, session.accounts[one.account], request=request.id)
    newest = {one.account: one for one in answers}
    words = _words(session, request, row)
    return Emergency(request, row.state, escrow, tuple(newest.values()), words, row.review_due)


def _words(session: Session, request: EmergencyRequest, row: EmergencyRow) -> str | None:
    """Why, as the requester told the guardians; one's own as one kept them. Other words than the request's are shown to nobody."""
    me = session.identity
    if request.account == me.account:
        kept: dict[str, Any] | None = session.home.read(_name(request.id))
        return kept["words"] if kept else None
    for one in row.explained:
        if one.device == me.device:
            with suppress(ProtocolError), session.alarms.watching():
                return emergency.open_words(one.sealed, me.keys, request)
    return None


async def answer(session: Session, one: Emergency, *, approved: bool) -> RequestState:
    """Approve, which seals this guardian's parts to the other guardians, or decline. Answers the state after it.

    Raises `NoShareHere`, `Refusal`, ProtocolError `wrong-device` (the escrow was renewed a moment ago), `wrong-share`.
    """
    me = session.identity
    escrow = await guarded(session, one)
    sealed = await _sealed_parts(session, one, escrow) if approved else None
    data = emergency.write_answer(
        me.keys,
        request=one.id,
        account=me.account,
        escrow_device=escrow.statement.device,
        parts=sealed,
        at=session.clock.now(),
    )
    changed: EmergencyChanged = await session.call(AnswerEmergency(data))
    return changed.state


async def _sealed_parts(session: Session, one: Emergency, escrow: Escrow) -> dict[DeviceId, bytes]:
    """For the other guardians; not for the requester, who would have all parts one approval too early."""
    me = session.identity
    others = sorted(set(escrow.statement.guardians) - {me.account, one.request.account})
    await session.accounts.load(others, fresh=True)
    parts = guarding.in_order(guarding.own_parts(session, escrow))
    return {
        device.id: emergency.seal_parts(me.keys, device, parts, request=one.id)
        for guardian in others
        for device in guarding.devices_of(session, guardian)
    }


async def guarded(session: Session, one: Emergency) -> Escrow:
    """The escrow with one's shares for it, by the statement that a request is judged by."""
    for escrow in await guarding.known(session):
        if escrow.account == one.escrow.account:
            if escrow.statement.device != one.escrow.statement.device:
                raise ProtocolError("wrong-device")
            return escrow
    raise ProtocolError("not-a-guardian")


async def answer_again(session: Session) -> int:
    """Approve once more what this account approved before the escrow was renewed: its person decided already.

    Returns how many approvals were sent.
    """
    sent, me = 0, session.identity.account
    for one in await listed(session):
        mine = one.answer_of(me)
        if one.is_undecided and mine and mine.approved and mine not in one.approvals:
            await answer(session, one, approved=True)
            sent += 1
    return sent


async def withdraw(session: Session, id_: Digest) -> RequestState:
    """Take one's own request back."""
    changed: EmergencyChanged = await session.call(WithdrawEmergency(id_))
    session.home.remove(_name(id_))
    return changed.state


async def say_why(session: Session) -> None:
    """Post the words of what was asked here and let in, as the first note there: the team sees why. Nothing stops for it."""
    names = session.home.names(_FOLDER)
    if not names:
        return
    try:
        rows = {one.id: one for one in await listed(session)}
        for name in names:
            await _say_why(session, name, rows.get(name.removeprefix(f"{_FOLDER}/")))
    except (Refusal, ProtocolError, ClientError) as error:
        _log.warning("the words of an emergency request were not posted yet: %s", error)


async def _say_why(session: Session, name: str, one: Emergency | None) -> None:
    """Whoever was let in says why; what came to nothing is forgotten."""
    if one is not None and one.is_undecided:
        return
    if one is not None and one.state == "released" and one.request.until > session.clock.now():
        kept = session.home.read(name)
        writing = Writing(text=PREFIXES[kept["language"]] + kept["words"])
        waiting = posting.keep(session.home, kept["circle"], writing, at=session.clock.now())
        session.home.remove(name)
        await posting.deliver(session, waiting)
    else:
        session.home.remove(name)


def _name(id_: Digest) -> str:
    return f"{_FOLDER}/{id_}"

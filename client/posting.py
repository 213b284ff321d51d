"""Keeping what was written, sealing it, sending it until it is acknowledged (docs/protocol.md §6)."""

import logging
from dataclasses import dataclass, replace

from relais.client import attachments, audiences, circle_state, membership, sealing
from relais.client.acknowledged import Acknowledged
from relais.client.blobs import Progress, silent
from relais.client.circle_state import CircleView, moment
from relais.client.errors import Locked, UnknownNote
from relais.client.home import Home
from relais.client.outbox import Outbox, Waiting
from relais.client.session import Session
from relais.crypto.content import Attachment, Content, Form
from relais.crypto.envelope import CORRECTION, POST, WITHDRAWAL, Draft
from relais.crypto.ledger_state import TEAM
from relais.models.ids import AccountId, CircleId, Digest, Millis, NoteId, uuid7
from relais.models.refusal import Code, Refusal
from relais.models.wire.note import NoteStored, PostNote

_log = logging.getLogger(__name__)
_TRIES = 5


@dataclass(frozen=True)
class Writing:
    """What somebody wants to say.

    ``replaces``: (note, its newest version, that envelope's hash) to correct or, with ``withdraw``, to withdraw it.
    """

    text: str = ""
    type: str = "GEN"
    form: Form | None = None
    files: tuple[attachments.File, ...] = ()
    urgent: bool = False
    acknowledge: bool = False
    mentions: tuple[AccountId, ...] = ()
    reply_to: NoteId | None = None
    broadcast: str | None = None
    replaces: tuple[NoteId, int, Digest] | None = None
    withdraw: bool = False
    audiences: tuple[str, ...] = ()
    """Who may read it; empty: whoever reads what it answers, else the team."""
    attached: tuple[Attachment, ...] = ()
    """Sealed already: shared by the notes of a broadcast, or kept from the version that is corrected."""

    def with_shared(self, attached: tuple[Attachment, ...], broadcast: str) -> "Writing":
        """The same for every circle: to its team."""
        return replace(self, files=(), attached=attached, broadcast=broadcast, audiences=(TEAM,))


@dataclass(frozen=True)
class Posted:
    """The server's acknowledgement: this version is kept, at this place."""

    circle: CircleId
    note: NoteId
    version: int
    seq: int
    at: Millis


def keep(home: Home, circle: CircleId, writing: Writing, *, at: Millis) -> Waiting:
    """Prepare and seal the files and put the note in the outbox. After this nothing is lost; no network is needed.

    ``at``: the hour the note bears. Raises `UnsupportedFile`, `TooLarge`, `BrokenImage` and the like.
    """
    sealed = tuple(attachments.seal(home, file, at=at) for file in writing.files)
    note, version, replaced = writing.replaces or (uuid7(at), 0, None)
    waiting = Waiting(
        circle=circle,
        note=note,
        version=version + 1,
        replaces=replaced,
        kind=WITHDRAWAL if writing.withdraw else CORRECTION if replaced else POST,
        at=at,
        audiences=writing.audiences,
        content=_content(writing, sealed),
        urgent=writing.urgent,
        acknowledge=writing.acknowledge,
        mentions=writing.mentions,
    )
    Outbox(home).put(waiting)
    return waiting


def _content(writing: Writing, sealed: tuple[Attachment, ...]) -> Content:
    return Content(
        type=writing.type,
        text=writing.text,
        form=writing.form,
        attachments=(*writing.attached, *sealed),
        reply_to=writing.reply_to,
        broadcast=writing.broadcast,
    )


async def deliver(session: Session, waiting: Waiting, *, progress: Progress = silent) -> Posted:
    """Send one waiting version; seals it again if the epoch moved on meanwhile.

    It leaves the outbox when it is acknowledged, or when the server refuses it for good (raised as `Refusal`).
    Raises `ServerUnreachable`, `Locked`: it stays.
    """
    circle_state.refuse_alarmed(session, waiting.circle)
    for blob in waiting.blobs:
        await attachments.upload_kept(session, blob, progress=progress)
    try:
        answer, sent = await _post(session, waiting)
    except Refusal as refusal:
        if not _may_wait(refusal):
            _done(session.home, waiting)
        raise
    if not _may_not_rotate(session):  # a bot reads nothing, and could never let go of it
        session.acknowledged.put(Acknowledged(sent, answer.seq))
    _done(session.home, sent)
    return Posted(sent.circle, sent.note, sent.version, answer.seq, answer.at)


async def resend(session: Session, note: NoteId) -> list[Posted]:
    """Send the lost versions of a note once more, oldest first; each is kept as lost until it is acknowledged anew.

    Raises `UnknownNote` where none is lost, and as `deliver`.
    """
    lost = session.acknowledged.lost_note(note)
    if not lost:
        raise UnknownNote
    for one in lost:
        Outbox(session.home).put(one.waiting)
    return [await deliver(session, one.waiting) for one in lost]


def waiting(session: Session) -> list[Waiting]:
    """What waits, oldest first."""
    return Outbox(session.home).waiting()


async def flush(session: Session) -> tuple[list[Posted], list[tuple[Waiting, Refusal]]]:
    """Send everything that waits, in order. A version that is refused, or waits for its key, does not hold up the others."""
    posted: list[Posted] = []
    refused: list[tuple[Waiting, Refusal]] = []
    for one in waiting(session):
        try:
            posted.append(await deliver(session, one))
        except Refusal as refusal:
            refused.append((one, refusal))
        except Locked:
            _log.info("a note for circle %s waits for its key", one.circle[:8])
    return posted, refused


async def _post(session: Session, waiting: Waiting) -> tuple[NoteStored, Waiting]:
    if waiting.envelope is None:
        view = await _renewed(session, waiting.circle)
        waiting = _sealed(session, view, await _addressed(session, view, waiting))
    for _ in range(_TRIES - 1):
        try:
            return await session.call(PostNote(_envelope(waiting))), waiting
        except Refusal as refusal:
            if refusal.code is not Code.STALE_EPOCH or (
                refusal.facts.get("rotate") and _may_not_rotate(session)
            ):
                raise
        waiting = _sealed(session, await _current(session, waiting.circle), waiting)
    return await session.call(PostNote(_envelope(waiting))), waiting


async def _addressed(session: Session, view: CircleView, waiting: Waiting) -> Waiting:
    """For whom it is, which may need a look at what it answers: it was written without the network."""
    names = await audiences.addressed(
        session, view, chosen=waiting.audiences, reply_to=waiting.content.reply_to
    )
    return replace(waiting, audiences=names)


async def _renewed(session: Session, circle: CircleId) -> CircleView:
    """The circle, its epochs renewed first where that is due by what is known here: the server does not ask for it by age."""
    view = await circle_state.fetch(session, circle)
    _require_member(session, view)
    if _may_not_rotate(session) or not membership.due(session, view, moment(session, view)):
        return view
    return await _current(session, circle)


async def _current(session: Session, circle: CircleId) -> CircleView:
    """The circle as it is now, its epochs renewed first where that is due and this member may."""
    if _may_not_rotate(session):
        return await circle_state.fetch(session, circle)
    try:
        return await membership.append(session, circle, membership.rotate(session), fresh=True)
    except Refusal as refusal:
        if _may_wait(refusal):
            raise
        # It is the new epoch that was refused: nothing is said of the note, which waits.
        raise Refusal(Code.STALE_EPOCH, reason=refusal.reason) from refusal


def _may_wait(refusal: Refusal) -> bool:
    """For the server, or for somebody who opens the next epoch: the note stays."""
    return refusal.passes or refusal.code is Code.STALE_EPOCH


def _may_not_rotate(session: Session) -> bool:
    return "bot" in session.roles


def _require_member(session: Session, view: CircleView) -> None:
    """What the server would say: whoever left has no key to seal with, and would wait for one for ever."""
    member = view.state.members.get(session.identity.account)
    if member is None or not member.active(moment(session, view)):
        raise Refusal(Code.FORBIDDEN, reason="not-a-member")


def _sealed(session: Session, view: CircleView, waiting: Waiting) -> Waiting:
    _require_member(session, view)
    draft = Draft(
        circle=waiting.circle,
        note=waiting.note,
        version=waiting.version,
        replaces=waiting.replaces,
        kind=waiting.kind,
        account=session.identity.account,
        at=waiting.at,
        ledger_seq=view.state.seq,
        ledger_head=view.state.head,
        urgent=waiting.urgent,
        acknowledge=waiting.acknowledge,
        mentions=waiting.mentions,
    )
    fresh = sealing.seal(session.identity, view, draft, waiting.content, waiting.audiences)
    again = replace(waiting, envelope=fresh)
    Outbox(session.home).put(again)
    return again


def _envelope(waiting: Waiting) -> bytes:
    if waiting.envelope is None:
        raise ValueError("not sealed yet")
    return waiting.envelope


def _done(home: Home, waiting: Waiting) -> None:
    Outbox(home).remove(waiting)
    for blob in waiting.blobs:
        attachments.forget(home, blob)

"""Sealing a note, keeping it, sending it until it is acknowledged (docs/protocol.md §6)."""

import secrets
from dataclasses import dataclass, field, replace

from relais.client import attachments, circle_state, membership
from relais.client.blobs import Progress, silent
from relais.client.circle_state import CircleView
from relais.client.outbox import Outbox, Waiting
from relais.client.session import Session
from relais.crypto import envelope
from relais.crypto.content import Content, Form
from relais.models.ids import AccountId, CircleId, Digest, NoteId, uuid7
from relais.models.refusal import Code, Refusal
from relais.models.wire.note import NoteStored, PostNote

_TRIES = 5


@dataclass(frozen=True)
class Writing:
    """What somebody wants to say. ``replaces``: (note, its newest version, that envelope's hash) to correct or withdraw."""

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
    audiences: tuple[str, ...] = ("team",)
    attached: tuple[attachments.Attachment, ...] = field(default=())
    """Sealed already: shared by the notes of a broadcast."""

    def with_shared(
        self, attached: tuple[attachments.Attachment, ...], broadcast: str
    ) -> "Writing":
        return replace(self, files=(), attached=attached, broadcast=broadcast)


@dataclass(frozen=True)
class Posted:
    """The server's acknowledgement: this version is kept, at this place."""

    circle: CircleId
    note: NoteId
    version: int
    seq: int
    at: int


def prepare(session: Session, view: CircleView, writing: Writing) -> Waiting:
    """Seal what was written and put it in the outbox. After this nothing is lost."""
    now = session.clock.now()
    sealed = tuple(attachments.seal(session.home, file, at=now) for file in writing.files)
    content = Content(
        type=writing.type,
        text=writing.text,
        form=writing.form,
        attachments=(*writing.attached, *sealed),
        reply_to=writing.reply_to,
        broadcast=writing.broadcast,
    )
    envelope_bytes = envelope.seal(
        session.identity.keys,
        _draft(session, view, writing),
        content,
        view.keys,
        entropy=secrets.token_bytes,
    )
    header = envelope.peek(envelope_bytes).header
    waiting = Waiting(
        view.circle, header.note, header.version, envelope_bytes, content, writing.audiences
    )
    Outbox(session.home).put(waiting)
    return waiting


def _draft(session: Session, view: CircleView, writing: Writing) -> envelope.Draft:
    now = session.clock.now()
    note, version, replaced = writing.replaces or (uuid7(now), 0, None)
    kind = "withdrawal" if writing.withdraw else "correction" if replaced else "post"
    return envelope.Draft(
        state=view.state,
        note=note,
        version=version + 1,
        replaces=replaced,
        kind=kind,
        account=session.identity.account,
        at=now,
        audiences=writing.audiences,
        urgent=writing.urgent,
        acknowledge=writing.acknowledge,
        mentions=writing.mentions,
    )


async def deliver(session: Session, waiting: Waiting, *, progress: Progress = silent) -> Posted:
    """Send one waiting version; seals it again if the epoch moved on meanwhile.

    It leaves the outbox when it is acknowledged, or when the server refuses it for good (raised as `Refusal`).
    Raises `ServerUnreachable`: it stays.
    """
    circle_state.refuse_alarmed(session, waiting.circle)
    for blob in waiting.blobs:
        await attachments.upload_kept(session, blob, progress=progress)
    try:
        answer, sent = await _post(session, waiting)
    except Refusal as refusal:
        if refusal.code not in (
            Code.UNAVAILABLE,
            Code.RATE_LIMITED,
            Code.UNAUTHENTICATED,
            Code.INTERNAL,
        ):
            _done(session, waiting)
        raise
    _done(session, sent)
    return Posted(sent.circle, sent.note, sent.version, answer.seq, answer.at)


async def flush(session: Session) -> tuple[list[Posted], list[tuple[Waiting, Refusal]]]:
    """Send everything that waits, in order. A refused version does not hold up the others."""
    posted: list[Posted] = []
    refused: list[tuple[Waiting, Refusal]] = []
    for waiting in Outbox(session.home).waiting():
        try:
            posted.append(await deliver(session, waiting))
        except Refusal as refusal:
            refused.append((waiting, refusal))
    return posted, refused


async def _post(session: Session, waiting: Waiting) -> tuple[NoteStored, Waiting]:
    for _ in range(_TRIES - 1):
        try:
            return await session.call(PostNote(waiting.envelope)), waiting
        except Refusal as refusal:
            if refusal.code is not Code.STALE_EPOCH:
                raise
        waiting = await _sealed_again(session, waiting)
    return await session.call(PostNote(waiting.envelope)), waiting


async def _sealed_again(session: Session, waiting: Waiting) -> Waiting:
    view = await circle_state.fetch(session, waiting.circle)
    if "bot" not in session.roles:
        view = await membership.append(session, waiting.circle, membership.rotate(session))
    old = envelope.peek(waiting.envelope).header
    draft = envelope.Draft.again(old, view.state, waiting.audiences)
    fresh = envelope.seal(
        session.identity.keys, draft, waiting.content, view.keys, entropy=secrets.token_bytes
    )
    again = replace(waiting, envelope=fresh)
    Outbox(session.home).put(again)
    return again


def _done(session: Session, waiting: Waiting) -> None:
    Outbox(session.home).remove(waiting)
    for blob in waiting.blobs:
        attachments.forget(session.home, blob)

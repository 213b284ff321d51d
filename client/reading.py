"""Notes as a member reads them: verified, opened, in the circle's order."""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from heapq import merge

from relais.client import circle_state
from relais.client.acknowledged import Account
from relais.client.alarms import FORGED_NOTE, LOST_NOTE, WRONG_ORDER, Alarm
from relais.client.circle_state import CircleView
from relais.client.session import Session
from relais.crypto import cose, envelope, posting
from relais.crypto.content import Attachment, Content
from relais.crypto.envelope import Envelope, Header, Origin
from relais.crypto.errors import ProtocolError
from relais.models.ids import AccountId, CircleId, Digest, Millis, NoteId
from relais.models.wire.note import GetNote, Notes, PageCircle, StoredNote, SyncCircle

_PAGE = 200


@dataclass(frozen=True)
class Note:
    """One version. ``content`` is None while its key is on its way (``locked``), and for good where its author sealed
    what is none (``damaged`` says why, a word of docs/protocol.md §6).

    Of what is not authentic, or is no envelope at all, nothing but its place and ``damaged`` is known (``refused``).
    """

    circle: CircleId
    seq: int
    stored_at: Millis
    verified: Header | None
    digest: Digest
    content: Content | None
    damaged: str | None = None

    @property
    def header(self) -> Header:
        """What its author said in clear. Raises ValueError for what was refused: nobody vouches for any of it."""
        if self.verified is None:
            raise ValueError("a refused note has no header")
        return self.verified

    @property
    def refused(self) -> bool:
        return self.verified is None

    @property
    def note(self) -> NoteId:
        return self.header.note

    @property
    def version(self) -> int:
        return self.header.version

    @property
    def author(self) -> AccountId:
        return self.header.account

    @property
    def audiences(self) -> tuple[str, ...]:
        """Who may read it."""
        return self.header.audiences

    @property
    def withdrawn(self) -> bool:
        return self.verified is not None and self.verified.kind == "withdrawal"

    @property
    def locked(self) -> bool:
        return self.content is None and self.damaged is None

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        return self.content.attachments if self.content else ()


@dataclass(frozen=True)
class Page:
    """Versions by seq, the circle's newest seq, and the number up to which none was left out."""

    notes: tuple[Note, ...]
    last_seq: int
    reached: int = 0


async def after(
    session: Session, view: CircleView, seq: int, *, limit: int = _PAGE, continued: bool = False
) -> Page:
    """The versions behind ``seq``, oldest first; ``continued``: that one was read a moment ago.

    Raises `ProtocolError` `wrong-order` where there is a gap, `not-the-author`, `wrong-version`. Only the first page of a member without the
    whole history may begin later.
    """
    return await _watched(
        session, view, _after(session, view, seq, limit=limit, continued=continued)
    )


async def _after(
    session: Session, view: CircleView, seq: int, *, limit: int, continued: bool
) -> Page:
    answer: Notes = await session.call(SyncCircle(view.circle, seq, limit))
    _judge_own(session, view, answer, first=seq + 1)
    await _check_others(session, view, answer)
    whole, told = continued or _reads_everything(session, view), _numbers(answer)
    first = seq + 1 if whole or not told else max(seq + 1, told[0])
    _check_order(told, first=first)
    if whole and not told and answer.last_seq > seq:
        raise ProtocolError("wrong-order")
    return await _met(session, view, answer, reached=told[-1] if told else seq)


async def before(session: Session, view: CircleView, seq: int, *, limit: int = _PAGE) -> Page:
    """The versions ahead of ``seq`` (0: the newest), oldest first. Raises ProtocolError `wrong-order`."""
    return await _watched(session, view, _before(session, view, seq, limit=limit))


async def _before(session: Session, view: CircleView, seq: int, *, limit: int) -> Page:
    answer: Notes = await session.call(PageCircle(view.circle, seq, limit))
    last = seq - 1 if seq else answer.last_seq
    _judge_own(session, view, answer, first=min(_numbers(answer), default=last + 1))
    await _check_others(session, view, answer)
    told = _numbers(answer)
    _check_order(told, first=last - len(told) + 1)
    if not told and last > 0 and _reads_everything(session, view):
        raise ProtocolError("wrong-order")
    return await _met(session, view, answer, reached=last)


async def _watched(session: Session, view: CircleView, page: Awaitable[Page]) -> Page:
    """Whoever reads is told of an order that does not hold, and nothing of that page is shown."""
    try:
        return await page
    except ProtocolError as error:
        if error.reason == "wrong-order":
            session.alarms.sound(Alarm(WRONG_ORDER, view.circle))
        raise


async def versions(session: Session, view: CircleView, note: NoteId) -> tuple[Note, ...]:
    """Every version of one note, oldest first, each naming the one before."""
    answer: Notes = await session.call(GetNote(view.circle, note))
    page = await _page(session, view, answer)
    if any(one.note != note for one in page.notes) or _is_cut(session, view, page):
        raise ProtocolError("wrong-version")
    for older, newer in zip(page.notes, page.notes[1:], strict=False):
        if newer.version != older.version + 1 or newer.header.replaces != older.digest:
            raise ProtocolError("wrong-version")
        _check_origin(newer, older.header.origin)
    for one in page.notes:
        _check_place(session, one)
    if page.notes:
        session.origins.setdefault((view.circle, note), page.notes[0].header.origin)
    return page.notes


async def opened(session: Session, view: CircleView, stored: StoredNote) -> Note:
    """Verify and open one version. Raises `ProtocolError`, `LedgerAlarm`."""
    peeked = envelope.peek(stored.envelope)
    header = peeked.header
    if header.circle != view.circle or header.kind == envelope.PROFILE_KIND:
        raise ProtocolError("wrong-circle")
    await _check_known(session, view, header)
    await _verify(session, peeked)
    await _check_author(session, view, header)
    if header.version == 1:
        session.origins[header.circle, header.note] = header.origin
    await circle_state.settle(session, view, peeked)
    content, damaged = _content(view, peeked)
    return Note(view.circle, stored.seq, stored.at, header, peeked.digest, content, damaged)


async def _page(session: Session, view: CircleView, answer: Notes) -> Page:
    notes = [await opened(session, view, stored) for stored in answer.notes]
    return Page(tuple(notes), answer.last_seq)


async def _listed(session: Session, view: CircleView, answer: Notes) -> Page:
    """What is not authentic is marked, and keeps nobody from reading the others."""
    notes = [await _read(session, view, stored) for stored in answer.notes]
    return Page(tuple(notes), answer.last_seq)


async def _met(session: Session, view: CircleView, answer: Notes, *, reached: int) -> Page:
    """A page that agrees with what this folder read before, at whatever time."""
    page = await _listed(session, view, answer)
    told: dict[int, Digest | None] = dict.fromkeys(answer.others)
    told |= {one.seq: one.digest for one in page.notes if not one.refused}
    try:
        session.order.meet(view.circle, _rights(session, view), told, last_seq=answer.last_seq)
    except ProtocolError:
        if not await _reads_otherwise(session, view):
            raise
        session.order.meet(view.circle, _rights(session, view), told, last_seq=answer.last_seq)
    return replace(page, reached=reached)


def _rights(session: Session, view: CircleView) -> str:
    """As whom this member reads: what decides which versions it is given."""
    member = view.state.members[session.identity.account]
    return " ".join((str(member.history), *sorted(member.audiences)))


async def _reads_otherwise(session: Session, view: CircleView) -> bool:
    """Whether this member's rights changed since the ledger was last looked at."""
    before = _rights(session, view)
    view.adopt(await circle_state.fetch(session, view.circle))
    return _rights(session, view) != before


def _judge_own(session: Session, view: CircleView, answer: Notes, *, first: int) -> None:
    """What this device was told is stored must stand where it was said to."""
    member = view.state.members.get(session.identity.account)
    if member is None:
        return
    notes = {stored.seq: cose.digest(stored.envelope) for stored in answer.notes}
    reached = max((*notes, *answer.others), default=first - 1)
    told = Account(notes, frozenset(answer.others), first, reached, answer.last_seq)
    for lost in session.acknowledged.judge(told, view.circle, member):
        session.alarms.sound(Alarm(LOST_NOTE, view.circle, of=lost.digest, seq=lost.seq))


async def _read(session: Session, view: CircleView, stored: StoredNote) -> Note:
    try:
        note = await opened(session, view, stored)
        if note.version > 1:
            await _check_follows(session, view, note)
    except ProtocolError as error:
        if error.reason == "wrong-order":
            raise
        return _refused(session, view.circle, stored, error.reason)
    _check_place(session, note)
    return note


def _refused(session: Session, circle: CircleId, stored: StoredNote, reason: str) -> Note:
    digest = cose.digest(stored.envelope)
    session.alarms.sound(Alarm(FORGED_NOTE, circle, of=digest, seq=stored.seq), detail=reason)
    return Note(circle, stored.seq, stored.at, None, digest, None, reason)


async def _check_follows(session: Session, view: CircleView, note: Note) -> None:
    """A later version is by who wrote the note, for whom it was, and names the one before; asks only for a note that is new here."""
    name = (note.circle, note.note)
    if name not in session.origins and not await versions(session, view, note.note):
        raise ProtocolError("wrong-version")
    _check_origin(note, session.origins[name])
    _, before = session.places.get((*name, note.version - 1), (0, note.header.replaces))
    if note.header.replaces != before:
        raise ProtocolError("wrong-version")


def _check_origin(note: Note, origin: Origin) -> None:
    if note.author != origin.account:
        raise ProtocolError("not-the-author")
    if note.audiences != origin.audiences:
        raise ProtocolError("audiences-differ")


async def _check_known(session: Session, view: CircleView, header: Header) -> None:
    """Nobody is asked for the account of somebody who never was in the circle."""
    if header.account not in view.state.members and header.ledger_seq > view.state.seq:
        view.adopt(await circle_state.fetch(session, view.circle))
    if header.account not in view.state.members:
        raise ProtocolError("not-a-member")


async def _verify(session: Session, peeked: Envelope) -> None:
    author = peeked.header.account
    await session.accounts.load([author])
    try:
        envelope.verify(peeked, session.accounts[author])
    except ProtocolError as error:
        if error.reason != "not-a-device":
            raise
        await session.accounts.load(
            [author], fresh=True
        )  # the device may be newer than the chain known here
        envelope.verify(peeked, session.accounts[author])


async def _check_author(session: Session, view: CircleView, header: Header) -> None:
    """Its author could post it, by the ledger as the author knew it, which must be ours too."""
    if header.ledger_seq > view.state.seq:
        view.adopt(await circle_state.fetch(session, view.circle))
    try:
        posting.check_could_post(view.state, header)
    except ProtocolError as error:
        if error.reason in ("fork", "rollback"):
            with session.alarms.watching(circle=view.circle):
                session.pins.raise_alarm(
                    view.circle, error.reason, of=header.ledger_head, seq=header.ledger_seq
                )
        raise


def _check_place(session: Session, one: Note) -> None:
    """A version has one place, behind the version before it: nothing is told twice, or in another order."""
    name = (one.circle, one.note)
    place = session.places.setdefault((*name, one.version), (one.seq, one.digest))
    before, _ = session.places.get((*name, one.version - 1), (0, ""))
    if place != (one.seq, one.digest) or before >= one.seq:
        raise ProtocolError("wrong-order")


def _reads_everything(session: Session, view: CircleView) -> bool:
    """Whether nothing of the circle is older than what this member may read."""
    member = view.state.members.get(session.identity.account)
    return member is not None and member.history == 0


def _is_cut(session: Session, view: CircleView, page: Page) -> bool:
    starts_late = bool(page.notes) and page.notes[0].version != 1
    return starts_late and _reads_everything(session, view)


def _content(view: CircleView, peeked: Envelope) -> tuple[Content | None, str | None]:
    """What was said, or why it is none: nobody's nonsense keeps the notes behind it from being read."""
    try:
        return envelope.open_envelope(peeked, view.keys), None
    except ProtocolError as error:
        return None, None if error.reason == "key-missing" else error.reason


def _numbers(answer: Notes) -> list[int]:
    """Every number an answer accounts for: that of a version, or of one that is not for this member."""
    return list(merge((note.seq for note in answer.notes), answer.others))


def _check_order(numbers: list[int], *, first: int) -> None:
    if numbers != list(range(first, first + len(numbers))):
        raise ProtocolError("wrong-order")


async def _check_others(session: Session, view: CircleView, answer: Notes) -> None:
    """Whoever is in every audience, with all of the history, is kept from nothing."""
    if answer.others and _is_for_all(session, view):
        view.adopt(await circle_state.fetch(session, view.circle))  # an audience may be new
        if _is_for_all(session, view):
            raise ProtocolError("wrong-order")


def _is_for_all(session: Session, view: CircleView) -> bool:
    member = view.state.members.get(session.identity.account)
    return (
        member is not None and member.history == 0 and member.audiences >= set(view.state.audiences)
    )

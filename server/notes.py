"""Notes: checked without being read, stored before they are acknowledged, told after."""

from dataclasses import dataclass
from typing import Any

from relais.crypto import envelope as envelopes
from relais.crypto.envelope import Envelope, Header
from relais.crypto.errors import ProtocolError
from relais.models.ids import CircleId
from relais.models.refusal import Code, Refusal
from relais.models.store.circles import CircleChange, CircleStore, ProfileRow
from relais.models.store.errors import DuplicateKey
from relais.models.store.notes import NewVersion, NoteStore, StoredVersion
from relais.models.wire import circle as circle_wire
from relais.models.wire import note as wire
from relais.server import authorize
from relais.server.account_book import AccountBook
from relais.server.audit.record import Act, Recorder, entry_of
from relais.server.blobs import Blobs
from relais.server.callers import Caller
from relais.server.checking.check import Checked
from relais.server.checking.checker import Checker
from relais.server.circle_book import CircleBook, CircleView
from relais.server.circles import check_profile
from relais.server.clock import now_ms
from relais.server.hub import Hub
from relais.server.visibility import Visibility, readable

MOST_AT_ONCE = 200
PAGE_BYTES = 4 * 1024 * 1024
NOTE_BYTES = PAGE_BYTES
"""All versions of one note: they are answered together, and read whenever one more is posted."""


@dataclass(frozen=True)
class NoteParts:
    """What notes are served with."""

    store: NoteStore
    circles: CircleStore
    accounts: AccountBook
    checker: Checker
    book: CircleBook
    blobs: Blobs
    visibility: Visibility
    recorder: Recorder
    hub: Hub


@dataclass(frozen=True)
class Found:
    """The versions of some numbers, whoever they are for, and the circle's last number."""

    versions: list[StoredVersion]
    last: int


class Notes:
    """Answers ``note.post``, ``note.get``, ``circle.sync``, ``circle.page``."""

    def __init__(self, parts: NoteParts) -> None:
        self._parts = parts

    def actions(self) -> dict[type, Any]:
        return {
            wire.PostNote: self.post,
            wire.SyncCircle: self.sync,
            wire.PageCircle: self.page,
            wire.GetNote: self.get,
        }

    async def post(self, caller: Caller, ask: wire.PostNote) -> wire.NoteStored:
        """Store a version. The same envelope again gets the same answer, whatever changed meanwhile."""
        key = self._parts.accounts.known_key(caller.account, caller.device)
        checked = await self._parts.checker.check(ask.envelope, key)
        envelope = checked.envelope
        _check_author(caller, envelope)
        view = await self._parts.book.settled(envelope.header.circle)
        _check_signed(view, checked)
        if envelope.header.kind == envelopes.PROFILE_KIND:
            return await self._post_profile(caller, envelope)
        try:
            _check_allowed(view, envelope.header)
            await self._check_follows(envelope)
            await self._check_blobs(envelope)
            view = await self._judged_again(view, checked)
        except (Refusal, ProtocolError):
            if stored := await self._same(envelope):
                return stored
            raise
        return await self._store(caller, view, envelope)

    async def sync(self, caller: Caller, ask: wire.SyncCircle) -> wire.Notes:
        """What came after a number, oldest first."""
        _check_limit(ask.limit)
        view = await self._readable(caller, ask.circle)
        first, last = await self._bounds(caller, view)
        after = max(ask.after, first - 1)
        up_to = min(last, after + ask.limit)
        some = _that_fit(await self._parts.store.between(ask.circle, after, up_to))
        return await self._answer(caller, "circle.sync", view, Found(some, last))

    async def page(self, caller: Caller, ask: wire.PageCircle) -> wire.Notes:
        """What came before a number, oldest first."""
        _check_limit(ask.limit)
        view = await self._readable(caller, ask.circle)
        first, last = await self._bounds(caller, view)
        up_to = min(last, ask.before - 1 if ask.before else last)
        after = max(first - 1, up_to - ask.limit)
        found = await self._parts.store.between(ask.circle, after, up_to) if up_to > after else []
        some = list(reversed(_that_fit(list(reversed(found)))))
        return await self._answer(caller, "circle.page", view, Found(some, last))

    async def get(self, caller: Caller, ask: wire.GetNote) -> wire.Notes:
        """Every version of one note that the caller may read."""
        view = await self._readable(caller, ask.circle)
        first, last = await self._bounds(caller, view)
        versions = await self._parts.store.versions(ask.circle, ask.note)
        member = view.state.members[caller.account]
        found = [one for one in readable(view.state, member, versions) if one.seq >= first]
        if not found:
            raise Refusal(Code.NOT_FOUND, note=ask.note)
        return await self._answer(caller, "note.get", view, Found(found, last))

    async def _readable(self, caller: Caller, circle: CircleId) -> CircleView:
        view = await self._parts.book.view(circle)
        authorize.may_read(view.state, caller.account, now_ms())
        return view

    async def _bounds(self, caller: Caller, view: CircleView) -> tuple[int, int]:
        """The first number the caller may read, and the circle's last."""
        member = view.state.members[caller.account]
        last = await self._parts.store.last_seq(view.state.circle)
        return await self._parts.visibility.first(view.state, member), last

    async def _answer(
        self, caller: Caller, action: str, view: CircleView, found: Found
    ) -> wire.Notes:
        """What of it is for the caller. The access is durable in the log before it is answered."""
        member = view.state.members[caller.account]
        some = readable(view.state, member, found.versions)
        subject: dict[str, Any] = {"count": len(some)}
        if some:
            subject |= {"seq_from": some[0].seq, "seq_to": some[-1].seq}
        if action == "note.get":
            subject["note"] = some[0].note
        act = Act(action, view.state.circle, subject, member.role)
        await self._parts.recorder.record(caller, act)
        notes = tuple(wire.StoredNote(one.seq, one.at, one.envelope) for one in some)
        told = {one.seq for one in some}
        others = tuple(one.seq for one in found.versions if one.seq not in told)
        return wire.Notes(notes, found.last, others)

    async def _judged_again(self, view: CircleView, checked: Checked) -> CircleView:
        """The circle as it is by now: it may have changed while versions and blobs were read."""
        settled = await self._parts.book.settled(view.state.circle)
        if settled is not view:
            _check_signed(settled, checked)
            _check_allowed(settled, checked.envelope.header)
        return settled

    async def _check_follows(self, envelope: Envelope) -> None:
        """A version above 1 follows the one before it, by the same account."""
        header = envelope.header
        if header.version == 1:
            return
        stored = await self._parts.store.versions(header.circle, header.note)
        before = [envelopes.peek(version.envelope) for version in stored]
        if len(before) != header.version - 1:
            raise Refusal(Code.CONFLICT, reason="wrong-version", version=len(before))
        envelopes.check_follows(envelope, before)
        size = sum(len(version.envelope) for version in stored) + len(envelope.raw)
        if size > NOTE_BYTES and header.kind != envelopes.WITHDRAWAL:
            raise Refusal(Code.TOO_LARGE, most=NOTE_BYTES)

    async def _check_blobs(self, envelope: Envelope) -> None:
        if envelope.header.blobs:
            await self._parts.blobs.link(envelope.header.circle, envelope.header.blobs)

    async def _same(self, envelope: Envelope) -> wire.NoteStored | None:
        """The answer this very envelope got before."""
        header = envelope.header
        stored = await self._parts.store.version(header.circle, header.note, header.version)
        if stored is None or stored.digest != envelope.digest:
            return None
        return wire.NoteStored(stored.seq, stored.at)

    async def _store(self, caller: Caller, view: CircleView, envelope: Envelope) -> wire.NoteStored:
        version = _version(envelope)
        role = view.state.members[caller.account].role

        def audit(seq: int) -> dict[str, Any]:
            subject: dict[str, Any] = {"note": version.note, "version": version.version, "seq": seq}
            subject |= {"kind": version.kind, "envelope": version.digest}
            return entry_of(caller, Act("note.post", version.circle, subject, role), at=version.at)

        try:
            seq = await self._parts.store.append(version, audit=audit)
        except DuplicateKey as error:
            if stored := await self._same(envelope):
                return stored
            raise Refusal(Code.CONFLICT, note=version.note, version=version.version) from error
        now = await self._parts.book.view(version.circle)  # who was removed meanwhile hears nothing
        event = wire.NotePosted(version.circle, seq, version.at, version.envelope)
        readers = now.standing(now_ms()).readers_of(envelope.header)
        await self._parts.hub.tell_accounts(event, readers)
        return wire.NoteStored(seq, version.at)

    async def _post_profile(self, caller: Caller, envelope: Envelope) -> wire.NoteStored:
        """A profile has no number of its own: it is kept with the circle, and answered with the last one."""
        header = envelope.header
        async with self._parts.book.changing(header.circle):
            view = await self._parts.book.view(header.circle)
            if view.row.profile != envelope.raw:
                _check_allowed(view, header)
                check_profile(envelope, view.state, view.accounts, view.row)
                await self._store_profile(caller, view, envelope)
        seq = await self._parts.store.last_seq(header.circle)
        return wire.NoteStored(seq, now_ms())

    async def _store_profile(self, caller: Caller, view: CircleView, envelope: Envelope) -> None:
        header, state = envelope.header, view.state
        act = Act("circle.profile", state.circle, {"version": header.version})
        change = CircleChange(
            state.circle,
            (entry_of(caller, act),),
            profile=ProfileRow(header.version, envelope.raw),
            expected_profile=view.row.profile_version,
        )
        try:
            await self._parts.circles.write_change(change)
        except DuplicateKey as error:
            raise Refusal(Code.CONFLICT, reason="wrong-version") from error
        finally:
            self._parts.book.forget(state.circle)
        event = circle_wire.EntryAppended(state.circle, state.seq, state.head)
        await self._parts.hub.tell_accounts(event, authorize.readers_now(state, now_ms()))


def _check_author(caller: Caller, envelope: Envelope) -> None:
    if envelope.header.account != caller.account:
        raise ProtocolError("wrong-account")
    if envelope.kid != caller.device:
        raise ProtocolError("wrong-device")


def _check_signed(view: CircleView, checked: Checked) -> None:
    """By a device in force of somebody who is or was in the circle. Raises ProtocolError."""
    author = view.accounts.get(checked.envelope.header.account)
    if author is None:
        raise ProtocolError("not-a-member")
    checked.verify(author)


def _check_allowed(view: CircleView, header: Header) -> None:
    """By the circle's ledger, now. Raises `Refusal`, ProtocolError."""
    now = now_ms()
    authorize.may_post(view.state, header, now, due=view.standing(now).due)


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MOST_AT_ONCE:
        raise Refusal(Code.MALFORMED, field="limit")


def _version(envelope: Envelope) -> NewVersion:
    header = envelope.header
    return NewVersion(
        circle=header.circle,
        note=header.note,
        version=header.version,
        kind=header.kind,
        account=header.account,
        at=now_ms(),
        urgent=header.urgent,
        digest=envelope.digest,
        envelope=envelope.raw,
    )


def _that_fit(found: list[StoredVersion]) -> list[StoredVersion]:
    """As many as one answer carries, from the start; always one."""
    total, some = 0, list[StoredVersion]()
    for version in found:
        total += len(version.envelope)
        if some and total > PAGE_BYTES:
            break
        some.append(version)
    return some

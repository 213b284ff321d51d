"""The Python member::

async with Client.open(home) as me:
    circle = await me.circle(circle_id)
    await circle.post("Pansement refait.", attachments=[File.read(path)])
    async for note in circle.notes(follow=True):
        ...
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relais.client import (
    attachments,
    audiences,
    circle_state,
    emergency,
    enrolment,
    guarding,
    healing,
    membership,
    posting,
    reading,
    receipts,
    unlocking,
)
from relais.client.acknowledged import Acknowledged
from relais.client.attachments import File
from relais.client.audiences import Change
from relais.client.blobs import Progress, silent
from relais.client.circle_state import CircleView
from relais.client.errors import (
    NobodyWaits,
    UnknownAttachment,
    UnknownCircle,
    UnknownNote,
    UnknownVersion,
)
from relais.client.home import Home
from relais.client.patient import Patient, profile_of
from relais.client.posting import Posted, Writing
from relais.client.reading import Note
from relais.client.session import Reconnected, Session
from relais.crypto import account
from relais.crypto.readers import Reader, readers_of
from relais.models.ids import AccountId, CircleId, DeviceId, Millis, NoteId, uuid7
from relais.models.refusal import Code, Refusal
from relais.models.wire.account import (
    AppendStatement,
    DirectoryEntry,
    DirectoryFound,
    SearchDirectory,
)
from relais.models.wire.circle import CircleRow, CirclesListed, ListCircles
from relais.models.wire.note import NotePosted

__all__ = ["Change", "Circle", "Client", "File", "Note", "Patient", "Posted", "Summary", "Writing"]


@dataclass(frozen=True)
class Summary:
    """A row of the list of circles; ``name`` is empty while the circle's key is on its way."""

    row: CircleRow
    name: str


class Client:
    """One device of a person or bot, connected."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @classmethod
    @asynccontextmanager
    async def open(
        cls, home: Path | Home, *, ask: unlocking.Ask = unlocking.ask_in_terminal
    ) -> AsyncIterator["Client"]:
        """Unlock the folder, log in, connect. Raises `ClientError`, `Refusal`."""
        unlocked = home if isinstance(home, Home) else Home.open(home, ask=ask)
        async with Session(unlocked) as session:
            await emergency.say_why(session)
            yield cls(session)

    @property
    def account(self) -> AccountId:
        return self.session.identity.account

    @property
    def device(self) -> DeviceId:
        return self.session.identity.device

    @property
    def roles(self) -> tuple[str, ...]:
        return self.session.roles

    @property
    def name(self) -> str:
        return self.session.accounts[self.account].profile.name

    async def circles(self, *, closed: bool = False) -> list[Summary]:
        answer: CirclesListed = await self.session.call(ListCircles(closed))
        return [Summary(row, await self._name_of(row)) for row in answer.circles]

    async def _name_of(self, row: CircleRow) -> str:
        if row.profile is None:
            return ""
        view = await circle_state.fetch(self.session, row.circle)
        return view.profile.text if view.profile else ""

    async def circle(self, circle: CircleId) -> "Circle":
        """Open one circle, its ledger checked. Raises `UnknownCircle`, `LedgerAlarm`, `ProtocolError`."""
        try:
            view = await circle_state.fetch(self.session, circle)
        except Refusal as refusal:
            if refusal.code in (Code.NOT_FOUND, Code.FORBIDDEN):
                raise UnknownCircle from refusal
            raise
        return Circle(self.session, view)

    async def create_circle(self, patient: Patient) -> "Circle":
        return await self.circle(await membership.create(self.session, profile_of(patient)))

    async def directory(self, text: str, *, limit: int = 50) -> tuple[DirectoryEntry, ...]:
        found: DirectoryFound = await self.session.call(SearchDirectory(text, limit))
        return found.entries

    async def broadcast(
        self, circles: Sequence[CircleId], writing: Writing, *, progress: Progress = silent
    ) -> tuple[str, list[Posted]]:
        """One note to several circles: sealed for each, attachments shared, answers stay where they are given."""
        broadcast = uuid7(self.session.clock.now())
        shared = tuple(
            attachments.seal(self.session.home, file, at=self.session.clock.now())
            for file in writing.files
        )
        posted = []
        for circle in circles:
            one = writing.with_shared(shared, broadcast)
            posted.append(await (await self.circle(circle)).write(one, progress=progress))
        for attachment in shared:
            attachments.forget(self.session.home, attachment.blob)
        return broadcast, posted

    async def flush(self) -> tuple[list[Posted], list[tuple[Any, Refusal]]]:
        """Send what earlier commands could not."""
        return await posting.flush(self.session)

    def lost(self) -> list[Acknowledged]:
        """What the server acknowledged and does not show: kept here, to be sent again or let go."""
        return self.session.acknowledged.lost()

    async def resend(self, note: NoteId) -> list[Posted]:
        """Send the lost versions of a note again. Raises `UnknownNote` where none is lost."""
        return await posting.resend(self.session, note)

    async def heal(self) -> int:
        """Hand over what others and one's own devices miss: keys of circles, shares of escrows. Returns how many were stored."""
        return await healing.heal_all(self.session) + await guarding.reshare(self.session)

    async def revoke_device(self, device: DeviceId) -> None:
        """Cut one of one's own devices off and open new epochs wherever it held a key."""
        mine = await enrolment.own_state(self.session)
        now = max(self.session.clock.now(), mine.at)
        statement = account.revoke_device(mine, self.session.identity.keys, device, at=now)
        await self.session.call(AppendStatement(statement))
        await enrolment.own_state(self.session)
        for summary in (await self.session.call(ListCircles(False))).circles:
            if summary.active:
                await healing.rotate_if_due(self.session, summary.circle)

    async def events(self) -> AsyncIterator[Any]:
        """What the server tells; keeps accounts fresh on the way."""
        async for event in self.session.events():
            yield event


class Circle:
    """A circle one is a member of. Every reading is checked; every writing waits for the server's word."""

    def __init__(self, session: Session, view: CircleView) -> None:
        self._session = session
        self.view = view

    @property
    def circle(self) -> CircleId:
        return self.view.circle

    async def refresh(self) -> None:
        self.view = await circle_state.fetch(self._session, self.circle)

    async def post(
        self,
        text: str,
        *,
        attachments: Sequence[File] = (),
        progress: Progress = silent,
        **more: Any,
    ) -> Posted:
        """Write a note; keywords are those of `Writing`."""
        return await self.write(
            Writing(text=text, files=tuple(attachments), **more), progress=progress
        )

    async def write(self, writing: Writing, *, progress: Progress = silent) -> Posted:
        now = self._session.clock.now()
        waiting = posting.keep(self._session.home, self.circle, writing, at=now)
        return await posting.deliver(self._session, waiting, progress=progress)

    async def correct(
        self, note: NoteId, text: str, *, progress: Progress = silent, **changed: Any
    ) -> Posted:
        """Post the next version of one's own note. What is not `changed`, by fields of `Writing`, stays as it was.

        Its files too: ``attached=()`` drops them. Its form does not: it says what the text said before.
        """
        newest = (await self.versions(note))[-1]
        return await self.write(Writing(text=text, **_kept(newest) | changed), progress=progress)

    async def withdraw(self, note: NoteId, reason: str = "") -> Posted:
        newest = (await self.versions(note))[-1]
        replaced = (note, newest.version, newest.digest)
        said = Writing(text=reason, replaces=replaced, audiences=newest.audiences, withdraw=True)
        return await self.write(said)

    async def notes(self, *, after: int = 0, follow: bool = False) -> AsyncIterator[Note]:
        """Every version behind ``after`` in the circle's order; ``follow`` waits for more, for ever."""
        seq = after
        async for note in self._caught_up(seq):
            seq = note.seq
            yield note
        if not follow:
            return
        async for event in self._session.events():
            if isinstance(event, Reconnected) or (
                isinstance(event, NotePosted) and event.circle == self.circle
            ):
                async for note in self._caught_up(seq, continued=seq > after):
                    seq = note.seq
                    yield note

    async def _caught_up(self, seq: int, *, continued: bool = False) -> AsyncIterator[Note]:
        page = await reading.after(self._session, self.view, seq, continued=continued)
        while page.reached > seq:
            if any(note.locked for note in page.notes):
                await self.refresh()
                page = await reading.after(self._session, self.view, seq, continued=continued)
            for note in page.notes:
                yield note
            seq, continued = page.reached, True
            if seq >= page.last_seq:
                return
            page = await reading.after(self._session, self.view, seq, continued=True)

    def read_anew(self) -> None:
        """Forget which version stood at which number: somebody has looked into why that changed."""
        self._session.order.forget(self.circle)

    async def versions(self, note: NoteId) -> tuple[Note, ...]:
        """Oldest first. Raises `UnknownNote`."""
        try:
            found = await reading.versions(self._session, self.view, note)
        except Refusal as refusal:
            if refusal.code is Code.NOT_FOUND:
                raise UnknownNote from refusal
            raise
        if not found:
            raise UnknownNote
        return found

    async def fetch(self, note: NoteId, attachment: str, *, progress: Progress = silent) -> bytes:
        """An attachment of any version of a note, by its id or name. Raises `UnknownAttachment`."""
        for version in reversed(await self.versions(note)):
            for one in version.attachments:
                if attachment in (one.id, one.name):
                    return await attachments.fetch(
                        self._session, self.circle, one, progress=progress
                    )
        raise UnknownAttachment

    async def mark(self, notes: Sequence[Note], *kinds: str) -> None:
        await receipts.give(self._session, self.circle, notes, kinds)

    async def acknowledge(self, note: NoteId) -> Note:
        """Sign for the newest version: stored, read and acknowledged."""
        newest = (await self.versions(note))[-1]
        await self.mark([newest], *receipts.KINDS)
        return newest

    async def readers(self, note: NoteId, version: int | None = None) -> list[Reader]:
        """Who could read a version of a note, by default the newest, with which devices, and when; not who did: see `receipts`.

        Raises `UnknownNote`, `UnknownVersion`.
        """
        versions = await self.versions(note)
        chosen = [one for one in versions if version in (None, one.version)]
        if not chosen:
            raise UnknownVersion
        states = await circle_state.states(self._session, self.circle)
        await self._session.accounts.load(states[-1].members)
        return readers_of(states, self._session.accounts, chosen[-1].header)

    async def receipts(self, note: NoteId) -> list[receipts.Seen]:
        return await receipts.of_note(self._session, self.view, await self.versions(note))

    async def add(
        self,
        account: AccountId,
        *,
        role: str = "professional",
        audiences: Sequence[str] = ("team",),
        history: bool | Millis = True,
        until: Millis | None = None,
    ) -> None:
        """Let somebody in; they read what is written for these audiences: all there is (True), nothing of before, or from a
        moment on."""
        await self._session.accounts.load([account], fresh=True)
        head = self._session.accounts[account].head
        joining = membership.Joining(role, tuple(audiences), history, until)
        plan = membership.add(account, head, joining)
        self.view = await membership.append(self._session, self.circle, plan)
        if not isinstance(history, bool):
            await healing.heal_circle(
                self._session, self.circle
            )  # the notes of the epoch it begins in

    async def change(self, account: AccountId, wanted: Change) -> None:
        """Make a member something else; the keys change where the ledger's rules ask for it."""
        plan = audiences.change(account, wanted)
        self.view = await membership.append(self._session, self.circle, plan)

    async def open_audience(self, name: str, others: Sequence[AccountId] = ()) -> None:
        """A further audience, for oneself and these members. Raises `AudienceExists`."""
        plan = audiences.open_audience(name, self._session.identity.account, others)
        self.view = await membership.append(self._session, self.circle, plan)

    async def waiting(self) -> tuple[membership.Reset, ...]:
        """Members that were reset and wait to be let in again, by the accounts' newest chains.

        Raises ProtocolError `wrong-account` for a reset that the new account does not name.
        """
        await self._session.accounts.load(self.view.state.members, fresh=True)
        return membership.waiting(self._session, self.view)

    async def help(self) -> healing.Help | None:
        """Who could give this device the keys it waits for here; None when it waits for none."""
        return await healing.ask_help(self._session, self.circle)

    async def readmit(self, account: AccountId) -> AccountId:
        """Let whoever took the place of a member that was reset in again; answers that account. Raises `NobodyWaits`."""
        by = {one.account: one.by for one in await self.waiting()}.get(account)
        if by is None:
            raise NobodyWaits
        plan = membership.readmit(self._session, account)
        self.view = await membership.append(self._session, self.circle, plan)
        return by

    async def remove(self, account: AccountId) -> None:
        self.view = await membership.append(self._session, self.circle, membership.remove(account))

    async def leave(self) -> None:
        plan = membership.leave(self._session.identity.account)
        await membership.append(self._session, self.circle, plan)

    async def close(self) -> None:
        await membership.append(self._session, self.circle, membership.close())


def _kept(newest: Note) -> dict[str, Any]:
    """What a correction takes over, as fields of `Writing`."""
    kept = {
        "replaces": (newest.note, newest.version, newest.digest),
        "audiences": newest.audiences,
        "urgent": newest.header.urgent,
        "acknowledge": newest.header.acknowledge,
        "attached": newest.attachments,
    }
    if content := newest.content:
        kept |= {
            "type": content.type,
            "reply_to": content.reply_to,
            "broadcast": content.broadcast,
        }
    return kept

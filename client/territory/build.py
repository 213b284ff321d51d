"""Filling the territory: everybody enrols by invitation and writes through the front door."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from relais.client import escrow, posting, receipts
from relais.client.enrolment import NewDevice, enrol_into
from relais.client.escrow import Sharing
from relais.client.home import Home, write_atomically
from relais.client.identity import Identity
from relais.client.posting import Writing
from relais.client.reading import Note
from relais.client.sdk import Circle, Client
from relais.client.territory.people import (
    ADMINISTRATOR,
    CAST,
    ESCROW,
    GUARDIANS,
    QUORUM,
    Person,
    neighbours,
)
from relais.client.territory.scenes import ANNOUNCEMENT, ANNOUNCEMENT_HOURS, Scene, Step
from relais.crypto.account import Profile
from relais.models.ids import AccountId, Millis, uuid7
from relais.models.wire.account import Invite

HOUR = 3_600_000
_AT_ONCE = 8
Say = Callable[[str], None]


def open_homes(folder: Path) -> Callable[[str], Home]:
    """Homes of made-up people share one key in a file beside them: nobody types a passphrase for them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_file = folder / "demo.key"
    if not key_file.exists():
        write_atomically(key_file, secrets.token_bytes(32))
    key = key_file.read_bytes()

    def home(name: str) -> Home:
        path = folder / name
        path.mkdir(mode=0o700, exist_ok=True)
        return Home(path, key)

    return home


async def enrol_person(home: Home, url: str, person: Person) -> None:
    profile = Profile(person.name, person.profession, person.organisation)
    await enrol_into(home, NewDevice(home.path, "demo"), url, profile)


class Builder:
    """Fills an empty server, given one invitation for its administrator."""

    def __init__(self, folder: Path, origin: str, say: Say) -> None:
        self._home = open_homes(folder)
        self._origin = origin
        self._say = say

    async def build(self, invitation: str, scenes: list[Scene], *, alone: bool) -> None:
        """``alone``: the administrator and nobody else."""
        await enrol_person(self._home(ADMINISTRATOR.key), invitation, ADMINISTRATOR)
        if alone:
            return
        self._say("enrolling the territory's people")
        await self._enrol_all([*CAST, *neighbours()])
        async with AsyncExitStack() as stack:
            cast = {
                person.key: await stack.enter_async_context(Client.open(self._home(person.key)))
                for person in CAST
                if person.role != "auditor"
            }
            guarded_by = await self._make_escrow()
            plays = []
            for number, scene in enumerate(scenes, start=1):
                self._say(f"circle {number} of {len(scenes)}")
                plays.append(await start(cast, scene, escrow_account=guarded_by))
            await announce(cast, plays)
            for play in plays:
                await act(cast, play, play.scene.steps[len(play.written) :])

    async def _make_escrow(self) -> AccountId:
        """Emergency access for the territory: the administrator makes it, and guards it with two others."""
        async with Client.open(self._home(ADMINISTRATOR.key)) as administrator:
            path = (
                await administrator.session.call(Invite((ESCROW.role,), ESCROW.organisation, 7))
            ).path
            guardians = tuple(Identity.load(self._home(one.key)).account for one in GUARDIANS)
            profile = Profile(ESCROW.name, ESCROW.profession, ESCROW.organisation)
            made = await escrow.make(
                administrator.session, self._origin + path, profile, Sharing(guardians, QUORUM)
            )
        return made.account

    async def _enrol_all(self, people: list[Person]) -> None:
        async with Client.open(self._home(ADMINISTRATOR.key)) as administrator:
            gate = asyncio.Semaphore(_AT_ONCE)

            async def enrol_one(person: Person) -> None:
                async with gate:
                    invitation = Invite((person.role,), person.organisation, 7)
                    path = (await administrator.session.call(invitation)).path
                    await enrol_person(self._home(person.key), self._origin + path, person)

            async with asyncio.TaskGroup() as group:
                for person in people:
                    group.create_task(enrol_one(person))


@dataclass(frozen=True)
class Play:
    """A circle whose scene is under way: what was written so far, and by whom. ``now``: when it began."""

    circle: Circle
    scene: Scene
    now: Millis
    written: list[tuple[str, Note]] = field(default_factory=list)


async def announce(cast: dict[str, Client], plays: list[Play]) -> None:
    """The coordinator's broadcast to every circle they are in; the nurse has acknowledged two."""
    coordinator, nurse = cast["coordinator"], cast["nurse"]
    at = plays[0].now - int(ANNOUNCEMENT_HOURS * HOUR)
    writing = Writing(text=ANNOUNCEMENT, type="INST", acknowledge=True).with_shared((), uuid7(at))
    theirs = [one.circle for one in plays if coordinator.account in one.circle.view.state.members]
    for position, circle in enumerate(theirs):
        waiting = posting.keep(coordinator.session.home, circle.circle, writing, at=at)
        posted = await posting.deliver(coordinator.session, waiting)
        if position < 2:
            note = (await (await nurse.circle(circle.circle)).versions(posted.note))[-1]
            await receipts.give(nurse.session, circle.circle, [note], receipts.KINDS, at=at + HOUR)


async def start(cast: dict[str, Client], scene: Scene, *, escrow_account: AccountId) -> Play:
    """Start one circle and play what came before the announcement."""
    lead = cast[scene.lead]
    circle = await lead.create_circle(scene.patient)
    for key in scene.members:
        await circle.add(cast[key].account, role=_circle_role(cast[key]))
    if scene.emergency:
        await circle.add(escrow_account)
    play = Play(circle, scene, lead.session.clock.now())
    await act(cast, play, [step for step in scene.steps if step.hours > ANNOUNCEMENT_HOURS])
    return play


async def act(cast: dict[str, Client], play: Play, steps: Sequence[Step]) -> None:
    """Let everybody write, read and acknowledge in turn."""
    for step in steps:
        at = play.now - int(step.hours * HOUR)
        note = await _write(cast, play.circle, step, play.written, at=at)
        play.written.append((step.who, note))
        await _receive(cast, play.circle, step, note, at=at)


def _circle_role(client: Client) -> str:
    role = client.roles[0]
    return role if role in ("bot", "carer") else "professional"


async def _write(
    cast: dict[str, Client],
    circle: Circle,
    step: Step,
    written: list[tuple[str, Note]],
    *,
    at: Millis,
) -> Note:
    author = cast[step.who]
    writing = _writing(step, written)
    waiting = posting.keep(author.session.home, circle.circle, writing, at=at)
    posted = await posting.deliver(author.session, waiting)
    reader = cast["nurse"] if "bot" in author.roles else author
    opened = await reader.circle(circle.circle)
    return (await opened.versions(posted.note))[-1]


def _writing(step: Step, written: list[tuple[str, Note]]) -> Writing:
    files = (step.draw(),) if step.draw else ()
    writing = Writing(
        text=step.text, type=step.type, files=files, urgent=step.urgent, acknowledge=step.ask
    )
    if step.reply_to is not None:
        writing = replace(writing, reply_to=written[step.reply_to][1].note)
    for target, withdraw in ((step.corrects, False), (step.withdraws, True)):
        if target is not None:
            old = written[target][1]
            replaces = (old.note, old.version, old.digest)
            writing = replace(writing, replaces=replaces, withdraw=withdraw)
    return writing


async def _receive(
    cast: dict[str, Client], circle: Circle, step: Step, note: Note, *, at: Millis
) -> None:
    for minutes, key in enumerate(step.read_by, start=7):
        kinds = receipts.KINDS if key in step.acknowledged_by else receipts.KINDS[:2]
        when = at + minutes * 60_000
        await receipts.give(cast[key].session, circle.circle, [note], kinds, at=when)

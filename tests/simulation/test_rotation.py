"""The next note after somebody or something left is under a new key; rivals settle on one; no crash leaves a circle that does not work.

The client's own code against the server's own rooms, on a clock in the test's hand. What each device may read is told by
`truth`, which shares no rule with either.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from days import Life
from evening import Evening, come_home
from happenings import Happenings
from lying_relay import Together
from people import ODETTE
from road import DirectTransport, Killed, Trouble
from schedule import Event
from truth import CircleTruth
from world import DAY, MINUTE, Phone

from relais.client import healing, membership, posting
from relais.client.errors import NobodyWaits, RefusedHere, ServerUnreachable
from relais.client.posting import Writing
from relais.crypto.errors import ProtocolError
from relais.models.refusal import Code, Refusal
from relais.models.wire.circle import AppendEntry
from relais.models.wire.note import SyncCircle

ANY = Event(0, "any", who=0, circle=0, other=0, choice=1, minutes=0)


@dataclass
class Scene:
    """Nadia leads a circle with Denis and Paule in it; Olga is in none."""

    world: Happenings
    evening: Evening
    name: str = ""
    denis: str = ""
    second: list[Phone] = field(default_factory=list)
    """Further phones of Denis."""

    def phone(self, who: int) -> Phone:
        return self.world.humans[who].phones[-1 if who == 1 and not self.second else 0]

    def account(self, who: int) -> str:
        return self.world.humans[who].account

    @property
    def circle(self) -> CircleTruth:
        return self.world.truth.circles[self.name]

    @property
    def epoch_of_newest(self) -> int:
        return dict(self.circle.versions[-1].keys)["team"]

    async def begin(self) -> None:
        """Another circle, in which each has written."""
        created = await (await self.world.client(self.phone(0))).create_circle(ODETTE)
        self.name, self.denis = created.circle, self.account(1)
        for who in (1, 2):
            await created.add(self.account(who))
        await self.write(0)

    async def write(self, who: int | Phone) -> None:
        phone = who if isinstance(who, Phone) else self.phone(who)
        opened = await (await self.world.client(phone)).circle(self.name)
        self.world.written += 1
        await self.world.send(opened, Writing(text=f"note {self.world.written}"))

    async def add_olga(self, *, until: int | None = None) -> None:
        opened = await (await self.world.client(self.phone(0))).circle(self.name)
        await opened.add(self.account(3), until=until)

    async def remove_paule(self) -> None:
        opened = await (await self.world.client(self.phone(0))).circle(self.name)
        await opened.remove(self.account(2))

    async def paule_leaves(self) -> None:
        opened = await (await self.world.client(self.phone(2))).circle(self.name)
        await opened.leave()

    async def rotate(self) -> None:
        client = await self.world.client(self.phone(0))
        await healing.rotate_if_due(client.session, self.name)

    async def denis_joins(self) -> None:
        """A second phone of his, and no third."""
        for former in self.world.humans[1].phones[1:]:
            await self.world.end(former)
        del self.world.humans[1].phones[1:]
        await self.world._join(self.world.humans[1].phones[0], ANY)
        self.second = self.world.humans[1].phones[-1:]

    async def revoke(self) -> None:
        """Denis revokes his second phone by the first one."""
        client = await self.world.client(self.world.humans[1].phones[0])
        await client.revoke_device(self.second[0].identity.device)

    async def reset_denis(self) -> None:
        """He lost everything and has a new account."""
        await self.world._reset(self.phone(1), ANY)

    async def readmit(self) -> None:
        opened = await (await self.world.client(self.phone(0))).circle(self.name)
        await opened.readmit(self.denis)

    async def check(self) -> None:
        """Everybody entitled reads every note, nobody else any, and nothing waits."""
        await come_home(self.world)
        await self.evening.check()
        assert self.evening.excused == 0

    async def end(self) -> None:
        """This circle is over, and need not be looked at any more."""
        await (await (await self.world.client(self.phone(0))).circle(self.name)).close()
        del self.world.truth.circles[self.name]


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def scene(alive: Life) -> AsyncIterator[Scene]:
    async with alive.world() as world:
        await world.populate()
        made = Scene(world, Evening(world), next(iter(world.truth.circles)))
        await made.end()
        await made.begin()
        yield made


async def test_the_note_after_a_removal_is_under_a_new_key(scene: Scene) -> None:
    await scene.remove_paule()
    await scene.write(1)

    assert scene.epoch_of_newest == 2
    await scene.check()


async def test_the_note_after_somebody_left_is_under_a_new_key(scene: Scene) -> None:
    await scene.paule_leaves()
    await scene.write(1)

    assert scene.epoch_of_newest == 2
    await scene.check()


async def test_the_note_after_a_device_was_revoked_is_under_a_new_key(scene: Scene) -> None:
    await scene.denis_joins()
    await scene.write(0)
    assert scene.epoch_of_newest == 1, "a device that comes changes no key"

    await scene.revoke()
    await scene.write(0)

    assert scene.epoch_of_newest == 2
    await scene.check()


async def test_a_revocation_that_nobody_rotated_for_yet_is_followed_by_whoever_writes_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.denis_joins()
    with monkeypatch.context() as patch:
        patch.setattr(healing, "rotate_if_due", _nothing)  # the phone that revoked is killed there
        await scene.revoke()
    assert scene.circle.current("team") == 1

    await scene.write(2)

    assert scene.epoch_of_newest == 2
    await scene.check()


async def test_a_guest_reads_and_writes_until_the_minute_and_the_next_note_is_under_a_new_key(
    scene: Scene,
) -> None:
    end = scene.world.time.ms + 90 * MINUTE
    await scene.add_olga(until=end)
    olga = (await scene.world.client(scene.phone(3))).session
    scene.world.time.ms = end - 1_000
    await scene.write(3)
    await olga.call(SyncCircle(scene.name, 0, 50))
    assert scene.epoch_of_newest == 1

    scene.world.time.ms = end - 1  # the next look at the clock shows the end
    with pytest.raises(Refusal) as told:
        await olga.call(SyncCircle(scene.name, 0, 50))
    with pytest.raises(Refusal) as wrote:
        await scene.write(3)
    await scene.write(1)

    for refused in (told.value, wrote.value):
        assert (refused.code, refused.reason) == (Code.FORBIDDEN, "not-a-member")
    assert scene.epoch_of_newest == 2
    assert not posting.waiting(olga), "what the server refused for good does not wait"
    await scene.check()


@pytest.mark.parametrize(("days", "epoch"), [(29, 1), (30, 2)])
async def test_a_key_is_used_for_thirty_days_and_no_longer(
    scene: Scene, days: int, epoch: int
) -> None:
    await scene.world.wait(days * DAY)
    await scene.write(1)
    await scene.write(2)

    assert scene.epoch_of_newest == epoch
    await scene.check()


async def test_while_nobody_goes_no_key_changes(scene: Scene) -> None:
    await scene.add_olga()
    for who in (0, 1, 2, 3):
        await scene.write(who)
    await scene.rotate()

    assert scene.circle.current("team") == 1
    await scene.check()


@pytest.mark.parametrize("count", [2, 3, 4])
async def test_devices_that_rotate_at_the_same_moment_settle_on_one_key_and_all_write(
    scene: Scene, count: int
) -> None:
    rivals = await rivals_of(scene, count)
    await scene.paule_leaves()

    await asyncio.gather(*(scene.write(phone) for phone in rivals))

    assert scene.circle.current("team") == 2
    assert [dict(one.keys)["team"] for one in scene.circle.versions[-count:]] == [2] * count
    for phone in rivals:
        await scene.write(phone)
    await scene.check()


def together(count: int) -> Callable[[DirectTransport, Any], Awaitable[Any]]:
    """`DirectTransport.call`, where the first entries for a ledger go at the same moment."""
    plain, entries = DirectTransport.call, Together(count)

    async def call(self: DirectTransport, request: Any) -> Any:
        if isinstance(request, AppendEntry):
            await entries()
        return await plain(self, request)

    return call


async def test_a_note_whose_writer_never_got_to_rotate_stays_in_the_outbox(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    rivals = await rivals_of(scene, 3)
    await scene.paule_leaves()
    with monkeypatch.context() as patch:
        patch.setattr(membership, "_TRIES", 1)
        patch.setattr(DirectTransport, "call", together(2))
        outcomes = await asyncio.gather(
            *(scene.write(phone) for phone in rivals), return_exceptions=True
        )

    refused = [one for one in outcomes if isinstance(one, Refusal)]
    assert refused, "some were overtaken"
    assert all(one.code is Code.STALE_EPOCH for one in refused)
    kept = [
        one
        for phone in rivals
        for one in posting.waiting((await scene.world.client(phone)).session)
    ]
    assert len(kept) == len(refused)
    await scene.check()
    assert len(scene.circle.versions) == 1 + 2 * len(rivals), "each wrote before, and again"


async def rivals_of(scene: Scene, count: int) -> list[Phone]:
    """Devices that may rotate, two of them of one account, each looking at the circle already."""
    await scene.denis_joins()
    await scene.add_olga()
    rivals = [scene.world.humans[1].phones[0], scene.second[0], scene.phone(0), scene.phone(3)]
    for phone in rivals[:count]:
        await scene.write(phone)
    return rivals[:count]


Act = Callable[[Scene], Awaitable[None]]
STEPS: dict[str, tuple[Act | None, Act, int]] = {
    "add": (None, Scene.add_olga, 0),
    "remove": (None, Scene.remove_paule, 0),
    "rotate": (Scene.paule_leaves, Scene.rotate, 0),
    "readmit": (Scene.reset_denis, Scene.readmit, 0),
    "revoke": (Scene.denis_joins, Scene.revoke, 1),
}
"""What comes before, what is cut, and by whose phone."""
DONE_ALREADY = {"already-a-member", "not-a-member", "revoked-device", "not-a-device"}


@pytest.mark.parametrize("kind", ["killed", "unheard"])
@pytest.mark.parametrize("what", STEPS)
async def test_cut_at_any_step_a_change_leaves_a_circle_that_works(
    scene: Scene, what: str, kind: str
) -> None:
    before, act, who = STEPS[what]
    cuts = 0
    for step in range(1, 200):
        if before is not None:
            await before(scene)
        phone = scene.world.humans[who].phones[0]
        came, steps = await cut(scene, phone, Trouble(kind, step), act)
        cuts += came
        with suppress(NobodyWaits):
            await finished(scene, act)
        await everybody_writes(scene)
        await scene.check()
        assert scene.circle.current("team") == (1 if what == "add" else 2)
        await scene.end()
        if steps < step:
            break
        scene.second = []
        await scene.begin()
    else:
        pytest.fail("it never came to its end")
    assert cuts >= 3, "it has several steps"


async def cut(scene: Scene, phone: Phone, trouble: Trouble, act: Act) -> tuple[bool, int]:
    """Begin, and be cut off. Whether it was, and how many steps it came to: a write to the folder has no answer to lose."""
    phone.steps.expect(trouble)
    try:
        await act(scene)
    except Killed:
        await scene.world.end(phone)
    except ServerUnreachable:
        assert phone.steps.came
    came, steps = phone.steps.came, phone.steps.count
    phone.steps.expect(None)
    return came, steps


async def finished(scene: Scene, act: Act) -> None:
    """Once more, as whoever saw no answer does; it may be done already."""
    try:
        await act(scene)
    except RefusedHere as error:
        if error.rule not in DONE_ALREADY:
            raise
    except (ProtocolError, Refusal) as error:
        if error.reason not in DONE_ALREADY:
            raise


async def everybody_writes(scene: Scene) -> None:
    now = scene.world.time.ms
    for phone in scene.world.phones():
        stay = scene.circle.stays.get(phone.identity.account)
        if stay is not None and stay.reads(now):
            await scene.write(phone)


async def _nothing(*_: object) -> None:
    return None

"""Emergency access on a clock in the test's hand: it ends on the minute; cut after any step, a release leaves an escrow that works.

The client's own code against the server's own rooms. What each device may read is told by `truth`, which knows nothing of escrows.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from days import Life
from evening import Evening, come_home
from happenings import Happenings
from road import Killed
from truth import CircleTruth
from world import HOUR, MINUTE, Human, Phone

from relais.client import emergency, escrow, release
from relais.client.emergency import Asking
from relais.client.emergency_card import Card
from relais.client.errors import ServerUnreachable
from relais.client.escrow import Sharing
from relais.client.posting import Writing
from relais.client.sdk import Circle, Client
from relais.client.session import Session
from relais.crypto.account import Profile
from relais.models.ids import Digest
from relais.models.refusal import Code, Refusal
from relais.models.store.invitations import InvitationRow
from relais.models.wire.account import AppendStatement
from relais.models.wire.circle import AppendEntry, GiveGrants
from relais.models.wire.emergency import ShareEscrow
from relais.models.wire.note import SyncCircle
from relais.server.accounts import make_invitation
from relais.server.callers import Stranger

LEAD, FIRST, OUTSIDE, SECOND, THIRD = 0, 1, 3, 4, 5
"""Nadia leads; Denis, Rémi and Camille guard, Denis being in the circle too; Olga is outside."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Scene:
    """One circle with the escrow in it."""

    world: Happenings
    evening: Evening
    escrow: str
    circle: CircleTruth

    def phone(self, who: int) -> Phone:
        return self.world.humans[who].phones[0]

    async def client(self, who: int) -> Client:
        return await self.world.client(self.phone(who))

    async def write(self, who: int) -> None:
        opened = await (await self.client(who)).circle(self.circle.circle)
        self.world.written += 1
        await self.world.send(opened, Writing(text=f"note {self.world.written}"))

    async def ask(self, *, lasts: int = HOUR) -> Digest:
        asking = Asking("night", "garde", lasts)
        session = (await self.client(OUTSIDE)).session
        return await emergency.ask(session, Card(self.circle.circle, self.escrow), asking)

    async def approve(self, who: int, id_: Digest) -> release.Answered:
        phone = self.phone(who)
        session = (await self.client(who)).session
        self.world.road.steps = phone.steps  # whatever logs in as the escrow is this phone's doing
        return await release.approve(session, id_)

    async def finish(self, who: int) -> None:
        session = (await self.client(who)).session
        self.world.road.steps = self.phone(who).steps
        await release.finish_all(session)

    async def devices(self) -> list[str]:
        """Those of the escrow that are in force, and the one whose shares count, which is one of them."""
        found = await escrow.found((await self.client(FIRST)).session, self.escrow)
        devices = [one.id for one in found.state.devices_in_force()]
        assert found.statement.device in devices
        return devices

    async def check(self) -> None:
        """Everybody entitled reads every note, nobody else any, and nothing waits."""
        await come_home(self.world)
        await self.evening.check()
        assert self.evening.excused == 0


@pytest_asyncio.fixture(loop_scope="module")
async def scene(alive: Life) -> AsyncIterator[Scene]:
    async with alive.world() as world:
        await world.populate()
        circle = next(iter(world.truth.circles.values()))
        made = await _escrow(world)
        world.humans.append(Human("Secours", made, phones=[]))
        await (await _opened(world, circle)).add(made)
        scene = Scene(world, Evening(world), made, circle)
        await scene.write(LEAD)
        yield scene


async def _opened(world: Happenings, circle: CircleTruth) -> Circle:
    return await (await world.client(world.humans[LEAD].phones[0])).circle(circle.circle)


async def _escrow(world: Happenings) -> str:
    row = InvitationRow(("escrow",), "", world.time.ms + HOUR)
    stores = world.road.node.base.stores
    token = await make_invitation(stores.invitations, row, Stranger("console"))
    guardians = tuple(world.humans[one].account for one in (FIRST, SECOND, THIRD))
    maker = await world.client(world.humans[LEAD].phones[0])
    url = f"{world.road.origin}/enrol#{token}"
    profile = Profile("Accès d’urgence", "", "Sud")
    return (await escrow.make(maker.session, url, profile, Sharing(guardians, 2))).account


async def test_whoever_was_let_in_reads_until_the_minute_and_the_next_note_is_under_a_new_key(
    scene: Scene,
) -> None:
    before = scene.circle.current("team")
    id_ = await scene.ask(lasts=90 * MINUTE)
    await scene.approve(FIRST, id_)
    await scene.approve(SECOND, id_)
    olga = (await scene.client(OUTSIDE)).session
    end = (await emergency.found(olga, id_)).request.until

    scene.world.time.ms = end - MINUTE // 2
    assert len((await olga.call(SyncCircle(scene.circle.circle, 0, 50))).notes) == 1
    await scene.check()
    renewed = scene.circle.current("team")
    assert renewed == before + 1, "a device of the escrow was revoked"

    scene.world.time.ms = end - 1  # the next look at the clock shows the end
    with pytest.raises(Refusal) as told:
        await olga.call(SyncCircle(scene.circle.circle, 0, 50))
    assert (told.value.code, told.value.reason) == (Code.FORBIDDEN, "not-a-member")
    await scene.write(LEAD)
    assert scene.circle.current("team") == renewed + 1
    await scene.check()


async def test_what_is_not_decided_in_a_day_or_until_its_end_has_expired(scene: Scene) -> None:
    for lasts, wait in ((72 * HOUR, 24 * HOUR), (HOUR, HOUR)):
        id_ = await scene.ask(lasts=lasts)
        await scene.approve(FIRST, id_)
        await scene.world.wait(wait)
        session = (await scene.client(SECOND)).session
        assert (await emergency.found(session, id_)).state == "expired"
        with pytest.raises(Refusal):
            await scene.approve(SECOND, id_)
        await scene.world.road.node.emergency.releases.sweep()


WRITES = (AppendEntry, ShareEscrow, AppendStatement, GiveGrants)


@pytest.mark.parametrize("trouble", [Killed, ServerUnreachable])
async def test_cut_at_any_step_a_release_leaves_an_escrow_that_works(
    scene: Scene, trouble: type[BaseException]
) -> None:
    done = 0
    for step in range(1, 20):
        id_ = await scene.ask()
        await scene.approve(FIRST, id_)
        came = await _cut(scene, step, id_, trouble)
        done += came

        await scene.approve(THIRD, id_)
        await scene.finish(FIRST)

        session = (await scene.client(OUTSIDE)).session
        assert (await emergency.found(session, id_)).state == "released"
        assert len(await scene.devices()) == 1, "whatever was left over is gone"
        assert len((await session.call(SyncCircle(scene.circle.circle, 0, 50))).notes) == 1
        await scene.world.wait(2 * HOUR)  # and the next step is tried with Olga outside again
        if not came:
            break
    assert done == 5, "the entry; then shares, device, keys, and the old device's end"
    await scene.check()


async def _cut(scene: Scene, step: int, id_: Digest, trouble: type[BaseException]) -> bool:
    """Complete the quorum, and be killed once the escrow's session has done its write of this number, or let that write be lost.
    Whether it came to that."""
    real, count = Session.call, 0

    async def call(session: Session, request: Any) -> Any:
        nonlocal count
        is_write = session.roles == ("escrow",) and isinstance(request, WRITES)
        count += is_write
        if is_write and count == step and trouble is ServerUnreachable:
            raise trouble
        answer = await real(session, request)
        if is_write and count == step:
            raise trouble
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "call", call)
        try:
            await scene.approve(SECOND, id_)
        except (trouble, release.NotRenewed):
            await scene.world.end(scene.phone(SECOND))
            return True
    return False

"""Somebody loses every device and the kit, comes back under a new account, and is let in again."""

import json

import pytest
import thief
from people import ODETTE, Person, Town, enrol

from relais.client import circle_state
from relais.client.errors import NobodyWaits, RefusedHere, UnknownCircle
from relais.client.sdk import Circle, Client
from relais.models.ids import AccountId
from relais.models.refusal import Refusal
from relais.models.wire.account import Invite
from relais.models.wire.circle import ListCircles


async def reset(town: Town, old: AccountId, name: str) -> Person:
    """Whoever proved their identity again to the administrator."""
    async with town.administrator.connected() as client:
        ask = Invite(("professional",), "Sud", 7, old)
        path = (await client.session.call(ask)).path
    return await enrol(town.folder, town.relay.origin + path, name)


async def texts(client: Client, circle: str) -> list[str | None]:
    opened = await client.circle(circle)
    return [note.content.text if note.content else None async for note in opened.notes()]


async def circle_with(lead: Client, *others: AccountId) -> Circle:
    circle = await lead.create_circle(ODETTE)
    for other in others:
        await circle.add(other)
    await circle.post("avant la perte")
    return circle


async def test_one_operation_gives_back_role_history_and_circle(town: Town) -> None:
    nadia, denis = await town.person("Nadia"), await town.newcomer("Denis")
    circle = await circle_with(denis, nadia.account)
    assert await circle.waiting() == ()
    again = await reset(town, nadia.account, "Nadia")

    (waits,) = await circle.waiting()
    assert (waits.account, waits.by) == (nadia.account, again.account)
    back = await town.connect(again)
    assert (await back.session.call(ListCircles(False))).returning == 1
    with pytest.raises(UnknownCircle):
        await back.circle(circle.circle)
    before = circle.view.state

    assert await circle.readmit(nadia.account) == again.account

    after = circle.view.state
    assert after.seq == before.seq + 1, "one entry"
    assert after.audiences["team"].epoch == before.audiences["team"].epoch + 1
    assert await circle.waiting() == ()
    assert (await back.session.call(ListCircles(False))).returning == 0
    assert await texts(back, circle.circle) == ["avant la perte"]
    await (await back.circle(circle.circle)).post("de retour")
    assert await texts(denis, circle.circle) == ["avant la perte", "de retour"]
    with town.relay.database() as database:
        stolen = thief.readable(database, [nadia.keys], circle.circle)
    assert {content.text for content in stolen.values()} == {"avant la perte"}


async def test_the_old_device_is_told_that_its_account_is_over(town: Town) -> None:
    nadia, denis = await town.person("Nadia"), await town.newcomer("Denis")
    circle = await circle_with(denis, nadia.account)
    old = await town.connect(nadia)
    theirs = await old.circle(circle.circle)
    await reset(town, nadia.account, "Nadia")

    with pytest.raises(Refusal, match="superseded"):
        await theirs.post("d'outre-tombe")
    with pytest.raises(Refusal, match="superseded"):
        await town.connect(nadia)
    assert await texts(denis, circle.circle) == ["avant la perte"]


async def test_the_only_lead_is_let_in_again_by_whoever_is_left(town: Town) -> None:
    nadia, denis = await town.person("Nadia"), await town.newcomer("Denis")
    lead = await town.connect(nadia)
    circle = await circle_with(lead, denis.account)
    theirs = await denis.circle(circle.circle)
    again = await town.connect(await reset(town, nadia.account, "Nadia"))

    await theirs.readmit(nadia.account)

    mine = await again.circle(circle.circle)
    assert mine.view.state.members[again.account].role == "lead"
    await mine.remove(denis.account)


async def test_where_a_lead_is_left_a_colleague_lets_nobody_in_again(town: Town) -> None:
    nadia, denis, olga = [await town.newcomer(name) for name in ("Nadia", "Denis", "Olga")]
    circle = await circle_with(nadia, denis.account, olga.account)
    await reset(town, denis.account, "Denis")
    theirs = await olga.circle(circle.circle)
    assert [one.account for one in await theirs.waiting()] == [denis.account]
    with pytest.raises(RefusedHere, match="not-allowed"):
        await theirs.readmit(denis.account)
    await circle.readmit(denis.account)


async def test_reset_twice_before_anybody_let_them_in(town: Town) -> None:
    nadia, denis = await town.person("Nadia"), await town.newcomer("Denis")
    circle = await circle_with(denis, nadia.account)
    second = await reset(town, nadia.account, "Nadia")
    third = await reset(town, second.account, "Nadia")
    (waits,) = await circle.waiting()
    assert waits.by == third.account
    assert await circle.readmit(nadia.account) == third.account
    assert await texts(await town.connect(third), circle.circle) == ["avant la perte"]


async def test_nobody_is_let_in_who_does_not_wait(town: Town) -> None:
    nadia, denis = await town.newcomer("Nadia"), await town.newcomer("Denis")
    circle = await circle_with(denis, nadia.account)
    with pytest.raises(NobodyWaits):
        await circle.readmit(nadia.account)
    again = await reset(town, nadia.account, "Nadia")
    await circle.readmit(nadia.account)
    with pytest.raises(NobodyWaits):
        await circle.readmit(nadia.account)
    assert again.account in circle.view.state.members


async def test_a_guests_end_and_history_stay_as_they_were(town: Town) -> None:
    nadia, denis = await town.person("Nadia"), await town.newcomer("Denis")
    circle = await circle_with(denis)
    until = denis.session.clock.now() + 86_400_000
    await circle.add(nadia.account, history=False, until=until)
    await circle.post("pour la remplaçante")
    again = await town.connect(await reset(town, nadia.account, "Nadia"))
    await circle.readmit(nadia.account)
    assert await texts(again, circle.circle) == ["pour la remplaçante"]
    member = (await again.circle(circle.circle)).view.state.members[again.account]
    assert member.last.until == until


async def test_from_the_console_as_from_the_administrators_page(town: Town) -> None:
    nadia, denis = await town.person("Nadia"), await town.newcomer("Denis")
    circle = await circle_with(denis, nadia.account)
    told = json.loads(town.relay.command("invite", "--resets", nadia.account, "--json"))
    again = await enrol(town.folder, told["url"], "Nadia")
    await circle.readmit(nadia.account)
    back = await town.connect(again)
    assert back.roles == ("professional",), "whoever was reset keeps the roles"
    state = (await circle_state.fetch(back.session, circle.circle)).state
    assert state.members[again.account].active(state.at)

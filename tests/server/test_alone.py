"""One node on its own embedded database: what it remembers is true without asking."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from members import House, new_keys, now, refused

from relais.crypto import account, grant
from relais.models.refusal import Code
from relais.models.wire import circle as circle_wire
from relais.models.wire import note as wire


@pytest.fixture
async def house(build: Any) -> AsyncIterator[House]:
    async with build(mongodb_uri=None, database="relais") as one:
        yield one


async def test_what_changes_is_seen_by_the_next_request(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    doctor.meet(nurse)
    assert (await doctor.post(circle)).seq == 1

    keys = new_keys()
    word = account.possession(keys, keys.device("interactive", "phone"), doctor.id)
    await doctor.append(account.add_device(doctor.state, doctor.keys, word, at=now()))
    missing = (await nurse.on.call(circle_wire.GetMissing(circle.id))).missing
    assert [one.device for one in missing] == [keys.id]
    doctor.meet()
    own = doctor.grants(circle, [("team", 1)], only={doctor.id})
    sealed = [one for one in own if grant.peek(one).device == keys.id]
    assert (await doctor.on.call(circle_wire.GiveGrants(circle.id, tuple(sealed)))).stored == 1
    assert (await nurse.on.call(circle_wire.GetMissing(None))).missing == ()

    await doctor.append(account.revoke_device(doctor.state, doctor.keys, keys.id, at=now()))
    refusal = await refused(nurse.post(circle), Code.STALE_EPOCH)
    assert refusal.facts["rotate"] is True
    nurse.meet(doctor)
    await nurse.change(circle, nurse.rotations(circle))
    assert (await nurse.post(circle)).seq == 2

    await nurse.remove(circle, doctor)
    await refused(doctor.post(circle), Code.FORBIDDEN, "not-a-member")
    assert (await nurse.post(circle)).seq == 3


async def test_an_account_that_changes_while_its_circle_does_is_not_remembered_as_it_was(
    house: House,
) -> None:
    """Both are stored; whichever is told last must not bring back what the other changed."""
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    book = house.node.base.book
    before = await book.view(circle.id)
    keys = new_keys()
    word = account.possession(keys, keys.device("interactive", "phone"), doctor.id)
    await doctor.append(account.add_device(doctor.state, doctor.keys, word, at=now()))
    stale = replace(before.row, revision=before.row.revision + 2)
    book.learn(replace(before, row=stale), after=before)
    view = await book.view(circle.id)
    assert keys.id in view.accounts[doctor.id].devices


async def test_a_node_that_starts_again_knows_what_it_knew(build: Any) -> None:
    async with build(mongodb_uri=None, database="relais") as house:
        nurse = await house.person("Nadia")
        circle = await nurse.open_circle()
        first = nurse.note(circle)
        await nurse.send(first)
    async with build(mongodb_uri=None, database="relais") as house:
        again = house.door(nurse.keys)
        await again.connect()
        nurse.on = again
        assert (await nurse.send(first)).seq == 1
        assert (await nurse.post(circle)).seq == 2
        synced = await again.call(wire.SyncCircle(circle.id, 0, 10))
        assert [note.seq for note in synced.notes] == [1, 2]

"""A grant that does not open keeps nobody locked: another member's stands beside it."""

import secrets
from collections.abc import Sequence

import pytest
from members import Circle, House, Person, new_keys, now, refused

from relais.crypto import account, cose, grant
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.models.refusal import Code
from relais.models.wire import circle as wire
from relais.server.granted import MOST_FOR_ONE_DEVICE, MOST_GRANTERS


async def team_of(house: House, size: int) -> tuple[list[Person], Circle]:
    people = [await house.person(f"N{number}") for number in range(size)]
    circle = await people[0].open_circle()
    for other in people[1:]:
        await people[0].add(circle, other)
    for one in people:
        one.meet(*people)
    return people, circle


async def second_device(owner: Person, *others: Person) -> DeviceKeys:
    """A device of theirs that nobody has granted anything."""
    keys = new_keys()
    word = account.possession(keys, keys.device("interactive", "phone"), owner.id)
    await owner.append(account.add_device(owner.state, owner.keys, word, at=now()))
    for other in others:
        other.meet(owner)
    return keys


def sealed(granter: Person, owner: Person, keys: DeviceKeys, circle: Circle) -> bytes:
    return one_of(granter, owner, keys, circle, key=circle.keys["team", 1])


def one_of(
    granter: Person, owner: Person, keys: DeviceKeys, circle: Circle, *, key: bytes
) -> bytes:
    return grant.seal(
        granter.keys,
        owner.state.device(keys.id),
        circle=circle.id,
        account=owner.id,
        granter=granter.id,
        epochs=[("team", 1, key)],
        at=now(),
    )


async def give(granter: Person, circle: Circle, *grants: bytes) -> int:
    answer: wire.GrantsGiven = await granter.on.call(wire.GiveGrants(circle.id, grants))
    return answer.stored


async def got_by(house: House, keys: DeviceKeys, circle: Circle) -> Sequence[bytes]:
    phone = house.door(keys)
    await phone.connect()
    answer: wire.GrantsGot = await phone.call(wire.GetGrants(circle.id, 0))
    return answer.grants


async def test_a_grant_that_does_not_open_leaves_room_for_anothers_that_does(house: House) -> None:
    (nurse, doctor, mallory), circle = await team_of(house, 3)
    phone = await second_device(nurse, doctor, mallory)
    junk = one_of(mallory, nurse, phone, circle, key=secrets.token_bytes(32))
    good = sealed(doctor, nurse, phone, circle)
    assert await give(mallory, circle, junk) == 1
    assert await give(doctor, circle, good) == 1
    assert await got_by(house, phone, circle) == (junk, good)
    with pytest.raises(ProtocolError, match="wrong-key"):
        grant.open_grant(junk, phone, circle.state, mallory.state)
    opened = grant.open_grant(good, phone, circle.state, doctor.state)
    assert opened == {("team", 1): circle.keys["team", 1]}


async def test_what_an_account_granted_it_grants_once(house: House) -> None:
    (nurse, doctor), circle = await team_of(house, 2)
    phone = await second_device(nurse, doctor)
    first, again = (sealed(doctor, nurse, phone, circle) for _ in range(2))
    assert cose.digest(first) != cose.digest(again)
    assert await give(doctor, circle, first, again) == 1
    assert await give(doctor, circle, again) == 0
    house.node.base.book.forget(circle.id)  # what is remembered and what is stored say the same
    assert await give(doctor, circle, again) == 0
    assert await got_by(house, phone, circle) == (first,)


async def test_one_key_is_granted_to_one_device_by_eight_accounts_and_no_more(house: House) -> None:
    people, circle = await team_of(house, MOST_GRANTERS + 2)
    owner, *others = people
    phone = await second_device(owner, *others)
    stored = [await give(one, circle, sealed(one, owner, phone, circle)) for one in others]
    assert stored == [1] * MOST_GRANTERS + [0]
    assert len(await got_by(house, phone, circle)) == MOST_GRANTERS


async def test_one_request_brings_eight_grants_for_a_device_and_no_more(house: House) -> None:
    (owner, other), circle = await team_of(house, 2)
    keys = await second_device(owner, other)
    nine = tuple(sealed(other, owner, keys, circle) for _ in range(MOST_FOR_ONE_DEVICE + 1))
    refusal = await refused(other.on.call(wire.GiveGrants(circle.id, nine)), Code.TOO_LARGE)
    assert refusal.facts["most"] == MOST_FOR_ONE_DEVICE
    assert (await other.on.call(wire.GiveGrants(circle.id, nine[:-1]))).stored == 1

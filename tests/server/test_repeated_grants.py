"""A grant that does not open keeps nobody locked: another member's stands beside it."""

import secrets
from collections.abc import Sequence

import pytest
from connection import Connection
from members import Circle, House, Person, new_keys, now, refused

from relais.crypto import account, cose, grant
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.models.refusal import Code
from relais.models.store.circles import CircleStore
from relais.models.store.errors import Unavailable
from relais.models.wire import circle as wire
from relais.server.granted import MOST_FOR_ONE_DEVICE, MOST_GRANTERS, MOST_IN_VAIN


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


async def wrong(granter: Person, owner: Person, keys: DeviceKeys, circle: Circle) -> bytes:
    """A grant of theirs, stored, that holds another key."""
    made = one_of(granter, owner, keys, circle, key=secrets.token_bytes(32))
    assert await give(granter, circle, made) == 1
    return made


async def report(phone: Connection, circle: Circle, *grants: bytes) -> int:
    hashes = tuple(cose.digest(one) for one in grants)
    answer: wire.GrantsReported = await phone.call(wire.ReportGrants(circle.id, hashes))
    return answer.noted


async def connected(house: House, keys: DeviceKeys) -> Connection:
    phone = house.door(keys)
    await phone.connect()
    return phone


async def missing(of: Person | Connection, circle: Circle) -> list[tuple[str, tuple[int, ...]]]:
    on = of.on if isinstance(of, Person) else of
    answer: wire.Missing = await on.call(wire.GetMissing(circle.id))
    return [(row.device, row.epochs) for row in answer.missing]


async def test_a_reported_grant_is_missing_again_and_anothers_cures_it(house: House) -> None:
    (nurse, doctor, mallory), circle = await team_of(house, 3)
    keys = await second_device(nurse, doctor, mallory)
    bad = await wrong(mallory, nurse, keys, circle)
    phone, count = await connected(house, keys), house.node.unopenable.count
    assert await missing(doctor, circle) == [], "the server took it for a good one"
    doctor.on.heard.clear()

    assert await report(phone, circle, bad) == 1

    await doctor.on.hear(wire.GrantsWanted, lambda one: one.circle == circle.id)
    assert await missing(doctor, circle) == [(keys.id, (1,))]
    assert await count(await house.node.base.book.view(circle.id)) == 1
    good = sealed(doctor, nurse, keys, circle)
    assert await give(doctor, circle, good) == 1
    answer: wire.GrantsGot = await phone.call(wire.GetGrants(circle.id, 0))
    assert answer.grants == (good,), "the wrong one is handed out no more"
    assert await missing(doctor, circle) == []
    assert await count(await house.node.base.book.view(circle.id)) == 0


async def test_a_report_is_in_the_log_by_whose_grant_it_was_and_once(house: House) -> None:
    (nurse, mallory), circle = await team_of(house, 2)
    keys = await second_device(nurse, mallory)
    bad = await wrong(mallory, nurse, keys, circle)
    phone = await connected(house, keys)
    assert [await report(phone, circle, bad, bad), await report(phone, circle, bad)] == [1, 0]
    (entry,) = [
        one
        for one in await house.audit()
        if (one["action"], one["circle"]) == ("circle.unopenable", circle.id)
    ]
    assert (entry["account"], entry["device"]) == (nurse.id, keys.id)
    assert entry["subject"] == {
        "grant": cose.digest(bad),
        "granter": mallory.id,
        "device": mallory.keys.id,
    }


async def test_what_is_not_durable_is_not_noted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nurse, mallory), circle = await team_of(house, 2)
    keys = await second_device(nurse, mallory)
    bad = await wrong(mallory, nurse, keys, circle)
    phone = await connected(house, keys)

    async def fails(*_: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(CircleStore, "_record", fails)
        ask = wire.ReportGrants(circle.id, (cose.digest(bad),))
        await refused(phone.call(ask), Code.UNAVAILABLE)
    assert await missing(mallory, circle) == []
    assert await report(phone, circle, bad) == 1
    assert await missing(mallory, circle) == [(keys.id, (1,))]


async def test_a_report_concerns_the_reporting_devices_own_grants_alone(house: House) -> None:
    (nurse, doctor, mallory), circle = await team_of(house, 3)
    stranger = await house.person("Stranger")
    keys = await second_device(nurse, doctor, mallory)
    good = sealed(doctor, nurse, keys, circle)
    assert await give(doctor, circle, good) == 1
    assert await report(mallory.on, circle, good) == 0
    assert await report(nurse.on, circle, good) == 0, "not even another device of the same account"
    ask = wire.ReportGrants(circle.id, (cose.digest(good),))
    await refused(stranger.on.call(ask), Code.FORBIDDEN, "not-a-member")
    assert await missing(doctor, circle) == []
    assert await got_by(house, keys, circle) == (good,)


async def test_one_that_opens_beside_it_leaves_nothing_missing(house: House) -> None:
    (nurse, doctor, mallory), circle = await team_of(house, 3)
    keys = await second_device(nurse, doctor, mallory)
    bad = await wrong(mallory, nurse, keys, circle)
    assert await give(doctor, circle, sealed(doctor, nurse, keys, circle)) == 1
    assert await report(await connected(house, keys), circle, bad) == 1
    assert await missing(doctor, circle) == []


async def test_a_device_that_calls_every_grant_wrong_is_given_three_by_each_and_no_more(
    house: House,
) -> None:
    (nurse, doctor), circle = await team_of(house, 2)
    keys = await second_device(nurse, doctor)
    phone = await connected(house, keys)
    for _ in range(MOST_IN_VAIN):
        assert await missing(doctor, circle) == [(keys.id, (1,))]
        again = sealed(doctor, nurse, keys, circle)
        assert await give(doctor, circle, again) == 1
        assert await report(phone, circle, again) == 1
    assert await missing(doctor, circle) == [], "this account is asked no more"
    assert await give(doctor, circle, sealed(doctor, nurse, keys, circle)) == 0
    house.node.base.book.forget(circle.id)  # what is remembered and what is stored say the same
    assert await missing(doctor, circle) == []
    assert await missing(nurse, circle) == [(keys.id, (1,))], "others still are"
    assert await give(nurse, circle, sealed(nurse, nurse, keys, circle)) == 1
    assert await missing(nurse, circle) == []

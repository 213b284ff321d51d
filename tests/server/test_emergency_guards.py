"""What keeps an escrow working, and its guardians apart: keys for its next device alone, no word in one's own matter, a
renewal although a guardian lost everything."""

import pytest
from escrowed import Escrow, escrowed, night
from members import Circle, House, Person, now, refused

from relais.crypto import escrow, grant
from relais.crypto.device import INTERACTIVE, Device
from relais.models.refusal import Code
from relais.models.store.accounts import AccountStore
from relais.models.wire.circle import GetGrants, GetMissing, GiveGrants
from relais.models.wire.emergency import AnswerEmergency, ListEmergencies, ListEscrows


def granted(by: Person, circle: Circle, to: str, device: Device) -> GiveGrants:
    sealed = grant.seal(
        by.keys,
        device,
        circle=circle.id,
        account=to,
        granter=by.id,
        epochs=[(audience, number, key) for (audience, number), key in circle.keys.items()],
        at=now(),
    )
    return GiveGrants(circle.id, (sealed,))


async def test_an_escrow_hands_its_keys_to_its_next_device_and_to_nobody_else(house: House) -> None:
    scene = await night(house)
    made, circle = scene.escrow, scene.circle
    session = made.person.on
    share, adds, _ = list(await made.renewal(house))
    for step in (share, adds):
        await session.call(step)
    (row,) = (await session.call(GetMissing(None))).missing
    assert (row.account, row.device) == (made.id, made.statement.device)
    device = made.person.keys.device(INTERACTIVE, "escrow")
    phone = scene.nadia.keys.device(INTERACTIVE, "telephone")
    acting = Person("escrow", made.person.state, session)
    ask = granted(acting, circle, scene.nadia.id, phone)
    await refused(session.call(ask), Code.FORBIDDEN, "not-allowed")

    assert (await session.call(granted(acting, circle, made.id, device))).stored == 1
    await made.person.on.connect()
    assert len((await made.person.on.call(GetGrants(circle.id, 0))).grants) == 1


async def test_until_the_old_device_is_revoked_it_is_the_one_whose_shares_count(
    house: House,
) -> None:
    scene = await night(house)
    session, before = scene.escrow.person.on, scene.escrow.statement.device
    told = [before]
    for step in await scene.escrow.renewal(house):
        await session.call(step)
        told.append(await shown(scene.guardians[0], scene.escrow))
    assert told == [before, before, before, scene.escrow.statement.device]


async def shown(guardian: Person, made: Escrow) -> str:
    rows = (await guardian.on.call(ListEscrows())).escrows
    return escrow.peek(next(row.statement for row in rows if row.account == made.id)).device


async def test_a_guardian_decides_nothing_in_their_own_matter_and_is_sealed_no_parts(
    house: House,
) -> None:
    asker, second, third = [await house.person(name) for name in ("Aline", "Boris", "Chloé")]
    made = await escrowed(house, asker, second, third)
    nadia = await house.person("Nadia")
    circle = await nadia.open_circle()
    await nadia.add(circle, made.person)
    request = (await asker.on.call(made.request(asker, circle))).id

    await refused(made.answers(asker, request), Code.FORBIDDEN, "own-request")
    with_parts = AnswerEmergency(made.answer(second, request))
    await refused(second.on.call(with_parts), Code.FORBIDDEN, "wrong-device")
    others = [one for one in made.guardians if one is not asker]
    made.guardians = others
    for guardian in others:
        await made.answers(guardian, request)
    (row,) = (await asker.on.call(ListEmergencies())).requests
    assert row.state == "approved"


async def test_a_request_of_a_guardian_that_the_others_cannot_make_a_quorum_for_is_over_at_once(
    house: House,
) -> None:
    asker, second = await house.person("Aline"), await house.person("Boris")
    made = await escrowed(house, asker, second)
    nadia = await house.person("Nadia")
    circle = await nadia.open_circle()
    await nadia.add(circle, made.person)
    await asker.on.call(made.request(asker, circle))
    (row,) = (await asker.on.call(ListEmergencies())).requests
    assert row.state == "declined"


@pytest.mark.parametrize("roles", [("carer",), ("professional",)])
async def test_a_guardian_who_is_none_any_more_keeps_nobody_from_renewing(
    house: House, roles: tuple[str, ...]
) -> None:
    scene = await night(house)
    people = AccountStore(house.node.base.stores.database)
    await people._accounts.update({"_id": scene.guardians[0].id}, {"$set": {"roles": list(roles)}})
    session = scene.escrow.person.on
    for step in await scene.escrow.renewal(house):
        await session.call(step)
    assert await shown(scene.guardians[1], scene.escrow) == scene.escrow.statement.device

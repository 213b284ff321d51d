"""The metric of what entitled devices cannot open: grants and ledgers compared, no content."""

from members import House, Person, new_keys, now

from relais.crypto import account, grant
from relais.crypto.ledger import EpochOpen
from relais.models.store.circles import SLICES
from relais.models.wire.circle import GetMissing, GiveGrants


async def shown(house: House) -> float:
    async with house.door().http.get(house.node.origin + "/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return float(
        next(line for line in lines if line.startswith("relais_notes_unopenable ")).split()[1]
    )


async def second_device(person: Person) -> str:
    keys = new_keys()
    vouched = account.possession(keys, keys.device("interactive", "tablet"), person.id)
    at = max(now(), person.state.at)
    await person.append(account.add_device(person.state, person.keys, vouched, at=at))
    return keys.id


async def test_it_is_0_but_while_a_device_waits_for_a_grant(house: House) -> None:
    nurse = await house.person("Nadia")
    circle = await nurse.open_circle("team", "care")
    store = house.node.base.stores.circles
    part = int(circle.id[:2], 16)
    before = await shown(house)
    device = await second_device(nurse)
    await house.node.unopenable.look(store, part)
    assert await shown(house) == before + 2

    epochs = [(name, 1, circle.keys[name, 1]) for name in ("care", "team")]
    sealed = grant.seal(
        nurse.keys,
        nurse.state.device(device),
        circle=circle.id,
        account=nurse.id,
        granter=nurse.id,
        epochs=epochs,
        at=now(),
    )
    await nurse.on.call(GiveGrants(circle.id, (sealed,)))

    assert await shown(house) == before, "counted anew when the grant came"
    assert (await nurse.on.call(GetMissing(circle.id))).missing == ()


async def test_single_versions_count_until_they_are_granted(house: House) -> None:
    nurse, guest = await house.person("Nadia"), await house.person("Sam")
    circle = await nurse.open_circle()
    await nurse.post(circle, "before")
    since = now() + 1
    while now() < since:
        await nurse.sync(circle)  # a moment passes
    await nurse.post(circle, "since")
    before = await shown(house)
    at = max(now(), circle.state.at)
    opened = nurse.rotations(circle)
    assert isinstance(opened[0], EpochOpen)
    await nurse.change(circle, [nurse.adding(guest, since=at, history=since), *opened], at=at)
    assert await shown(house) == before + 1
    (row,) = (await nurse.on.call(GetMissing(circle.id))).notes
    assert (row.account, row.seqs) == (guest.id, (2,))


async def test_every_circle_falls_into_one_part(house: House) -> None:
    nurse = await house.person("Nadia")
    circles = {(await nurse.open_circle()).id for _ in range(3)}
    store = house.node.base.stores.circles
    found = [circle for part in range(SLICES) for circle in await store.part(part)]
    assert circles <= set(found)
    assert len(found) == len(set(found))

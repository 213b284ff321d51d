"""Escrows: who may make one, who guards it, what of it each is told."""

import secrets
from dataclasses import replace

import pytest
from escrowed import Escrow, escrowed, night, random_parts, unshared
from members import House, Person, new_keys, now, refused

from relais.crypto import account, escrow
from relais.crypto.account import Profile
from relais.crypto.device import Device
from relais.models.refusal import Code
from relais.models.wire import REQUESTS
from relais.models.wire.account import AppendStatement, GetAccounts, Invite
from relais.models.wire.circle import ListCircles
from relais.models.wire.emergency import (
    EscrowRow,
    EscrowShared,
    ListEscrows,
    ReshareEscrow,
    SealedFor,
    ShareEscrow,
)
from relais.server.authorize import ESCROW_MAY


async def guardians(house: House) -> list[Person]:
    return [await house.person(name, "coordinator") for name in ("Gaëlle", "Hugo", "Inès")]


async def row_of(person: Person, made: Escrow) -> EscrowRow:
    rows = (await person.on.call(ListEscrows())).escrows
    return next(row for row in rows if row.account == made.id)


async def second_device(person: Person) -> Device:
    keys = new_keys()
    device = keys.device("interactive", "tablet")
    vouched = account.possession(keys, device, person.id)
    at = max(now(), person.state.at)
    await person.append(account.add_device(person.state, person.keys, vouched, at=at))
    return device


async def test_an_escrow_shares_its_key_and_each_guardian_finds_its_own_share(
    house: House,
) -> None:
    made = await escrowed(house, *await guardians(house))
    for guardian in made.guardians:
        row = await row_of(guardian, made)
        assert row.statement == made.statement.signed.raw
        (share,) = row.mine
        assert share.device == guardian.keys.id
        own = escrow.open_share(share.sealed, guardian.keys, made.statement, guardian=guardian.id)
        assert list(own.values()) == made.own_parts(guardian)


async def test_the_same_statement_again_is_taken_and_another_one_is_a_conflict(
    house: House,
) -> None:
    made = await unshared(house, *await guardians(house))
    ask = made.sharing()
    assert await made.person.on.call(ask) == EscrowShared(3)
    assert await made.person.on.call(ask) == EscrowShared(3)
    await refused(made.person.on.call(replace(made, quorum=2).sharing()), Code.CONFLICT)


async def test_only_an_escrow_shares(house: House) -> None:
    three = await guardians(house)
    made = await unshared(house, *three)
    await refused(three[0].on.call(made.sharing()), Code.FORBIDDEN, "not-allowed")
    await made.person.on.call(made.sharing())


async def test_a_statement_that_does_not_hold_is_refused(house: House) -> None:
    three = await guardians(house)
    made, other = await unshared(house, *three), await unshared(house, *three)
    share = made.sharing()
    call = made.person.on.call
    await refused(call(other.sharing()), Code.FORBIDDEN, "wrong-account")
    flipped = share.statement[:-1] + bytes([share.statement[-1] ^ 1])
    await refused(call(replace(share, statement=flipped)), Code.FORBIDDEN, "bad-signature")
    keys = new_keys()
    coming = made.sharing(keys)
    unvouched = replace(coming, possession=None)
    await refused(call(unvouched), Code.FORBIDDEN, "wrong-device")
    swapped = replace(coming, possession=made.sharing(new_keys()).possession)
    await refused(call(swapped), Code.FORBIDDEN, "wrong-device")
    await refused(call(replace(coming, possession=b"x")), Code.FORBIDDEN, "bad-possession")
    await call(share)


async def test_shares_go_to_devices_of_the_guardians_and_each_has_one(house: House) -> None:
    made = await unshared(house, *await guardians(house))
    share = made.sharing()
    call = made.person.on.call
    fewer = replace(share, shares=share.shares[:2])
    await refused(call(fewer), Code.MALFORMED, "parts-missing")
    stranger = SealedFor(new_keys().id, b"x")
    more = replace(share, shares=(*share.shares, stranger))
    await refused(call(more), Code.FORBIDDEN, "wrong-device")
    twice = replace(share, shares=(*share.shares, share.shares[0]))
    await refused(call(twice), Code.FORBIDDEN, "wrong-device")
    await call(share)


@pytest.mark.parametrize("roles", [("carer",), ("auditor",), ("bot",), ("escrow",)])
async def test_such_an_account_guards_nothing(house: House, roles: tuple[str, ...]) -> None:
    two = (await guardians(house))[:2]
    other = await house.person("Nobody", *roles)
    made = await unshared(house, *two, other)
    await refused(made.person.on.call(made.sharing()), Code.FORBIDDEN, "not-a-guardian")
    admin = await house.person("Ada", "administrator")
    good = await unshared(house, *two, admin)
    await good.person.on.call(good.sharing())


async def test_nobody_who_does_not_exist_guards(house: House) -> None:
    made = await unshared(house, *await guardians(house))
    named = sorted((secrets.token_hex(32), made.guardians[0].id))
    parts = escrow.split(bytes(32), random_parts(2, 2))
    said = {"account": made.id, "quorum": 2, "guardians": named, "parts": parts, "at": now()}
    statement = escrow.write(made.person.keys, **said)  # type: ignore[arg-type]
    ask = ShareEscrow(statement, None, ())
    await refused(made.person.on.call(ask), Code.FORBIDDEN, "not-a-guardian")


async def test_a_guardian_hands_its_share_on_to_its_own_devices_alone(house: House) -> None:
    made = await escrowed(house, *await guardians(house))
    guardian, other = made.guardians[:2]
    tablet = await second_device(guardian)
    sealed = escrow.seal_share(tablet, made.own_parts(guardian), made.statement)
    ask = ReshareEscrow(made.id, made.statement.device, (SealedFor(tablet.id, sealed),))
    await refused(other.on.call(ask), Code.FORBIDDEN, "wrong-device")
    outsider = await house.person("Olga")
    await refused(outsider.on.call(ask), Code.FORBIDDEN, "not-a-guardian")
    nothing = replace(ask, escrow_device=new_keys().id)
    await refused(guardian.on.call(nothing), Code.NOT_FOUND)
    assert await guardian.on.call(ask) == EscrowShared(1)
    row = await row_of(guardian, made)
    assert {share.device for share in row.mine} == {guardian.keys.id, tablet.id}


async def test_a_stolen_device_of_a_guardian_spoils_no_share_of_its_others(house: House) -> None:
    made = await escrowed(house, *await guardians(house))
    stolen = made.guardians[0]
    tablet = await second_device(stolen)
    sealed = escrow.seal_share(tablet, made.own_parts(stolen), made.statement)

    async def hands_on(share: bytes) -> None:
        shares = (SealedFor(tablet.id, share),)
        await stolen.on.call(ReshareEscrow(made.id, made.statement.device, shares))

    await hands_on(sealed)
    await hands_on(b"spoilt")
    row = await row_of(stolen, made)
    assert {share.device: share.sealed for share in row.mine}[tablet.id] == sealed


async def test_an_escrow_is_listed_for_its_organisation_its_guardians_and_its_circles(
    house: House,
) -> None:
    scene = await night(house)
    scene.omar = await elsewhere(house, scene.omar)
    assert scene.escrow.id in await listed(scene.nadia), "of her organisation"
    assert scene.escrow.id not in await listed(scene.omar), "of another one"
    await scene.nadia.add(scene.circle, scene.omar)
    assert scene.escrow.id in await listed(scene.omar), "in his circle"
    hugo = await elsewhere(house, scene.guardians[0])
    assert scene.escrow.id in await listed(hugo), "he guards it"


async def listed(person: Person) -> set[str]:
    return {row.account for row in (await person.on.call(ListEscrows())).escrows}


async def elsewhere(house: House, person: Person) -> Person:
    """The same person, of another organisation, connected anew."""
    moved = Profile(person.name, "doctor", "Elsewhere")
    at = max(now(), person.state.at)
    await person.append(account.change_profile(person.state, person.keys, moved, at=at))
    connection = house.door(person.keys)
    await connection.connect()
    return replace(person, on=connection)


async def test_an_escrows_session_is_refused_whatever_does_not_let_somebody_in(
    house: House,
) -> None:
    made = await escrowed(house, *await guardians(house))
    for kind in list[type](REQUESTS):
        if kind.EVENT not in ESCROW_MAY:  # type: ignore[attr-defined]
            answer = await made.person.on.raw(kind.EVENT, {})  # type: ignore[attr-defined]
            assert answer["error"] == {"code": "forbidden", "reason": "not-allowed"}
    assert await made.person.on.call(GetAccounts((made.id,)))
    assert [await fetched(made.person, path) for path in PATHS] == [403, 403]
    assert [await fetched(made.guardians[0], path) for path in PATHS] == [200, 404]
    guardian = made.guardians[0]
    assert await guardian.on.call(ListCircles(closed=False))


PATHS = ("/log/vkey", f"/blobs/{'0' * 64}?circle={'0' * 64}")


async def fetched(person: Person, path: str) -> int:
    token = person.on.token
    assert token is not None
    headers = {"Authorization": f"Bearer {token.token}"}
    async with person.on.http.get(person.on.origin + path, headers=headers) as answer:
        return answer.status


async def test_an_escrow_is_nothing_else_besides(house: House) -> None:
    admin = await house.person("Ada", "administrator")
    both = Invite(("escrow", "professional"), "CPTS", 7)
    await refused(admin.on.call(both), Code.MALFORMED)
    assert await admin.on.call(Invite(("escrow",), "CPTS", 7))


async def test_an_escrow_comes_into_a_circle_as_a_professional_and_nothing_else(
    house: House,
) -> None:
    nadia = await house.person("Nadia")
    made = await escrowed(house, *await guardians(house))
    circle = await nadia.open_circle()
    for role in ("lead", "carer", "bot"):
        await refused(nadia.add(circle, made.person, role), Code.FORBIDDEN, "not-allowed")
    await nadia.add(circle, made.person)


async def test_shares_for_a_revoked_device_are_forgotten_and_its_statement_is_kept(
    house: House,
) -> None:
    made: Escrow = await escrowed(house, *await guardians(house))
    old, session = made.statement.device, made.person.on
    releases = house.node.emergency.releases
    for step in await made.renewal(house):
        await releases.sweep()
        assert await stored(house, old) == 3, "as long as the device is in force"
        await session.call(step)
    await releases.sweep()
    assert await stored(house, old) == 0
    assert await stored(house, made.statement.device) == 3
    database = house.node.base.stores.database
    assert await database.collection("escrows").find_one({"_id": old})


async def stored(house: House, device: str) -> int:
    shares = house.node.base.stores.database.collection("escrow_shares")
    return len(await shares.find({"escrow_device": device}))


async def test_an_escrow_changes_its_own_account_alone(house: House) -> None:
    made = await escrowed(house, *await guardians(house))
    other = made.guardians[0]
    statement = account.rename_device(
        other.state, other.keys, other.keys.id, label="mine", at=max(now(), other.state.at)
    )
    await refused(made.person.on.call(AppendStatement(statement)), Code.FORBIDDEN, "wrong-account")
    own = account.rename_device(
        made.person.state, made.person.keys, made.person.keys.id, label="x", at=now()
    )
    await made.person.append(own)

"""An account is reset: another takes its place, and the old one is over."""

import asyncio

import pytest
from members import Connection, House, Person, now, refused
from socketio.exceptions import ConnectionError as SocketConnectionError

from relais.crypto import account
from relais.crypto.account import Profile
from relais.crypto.ledger import MemberReadmit
from relais.models.ids import AccountId
from relais.models.refusal import Code, Refusal
from relais.models.store.invitations import InvitationRow, InvitationStore
from relais.models.wire import account as wire
from relais.models.wire import auth, circle
from relais.server.accounts import make_invitation
from relais.server.callers import Stranger


async def invitation(house: House, resets: AccountId | None) -> str:
    row = InvitationRow(("professional",), "", now() + 60_000, resets)
    store = InvitationStore(house.node.base.stores.database)
    return await make_invitation(store, row, Stranger("console"))


def statement(door: Connection, replaces: AccountId | None) -> bytes:
    profile = Profile("Nadia", "nurse", "Beaune")
    device = door.keys.device("interactive", "new")
    return account.create(door.keys, device, profile, at=now(), replaces=replaces)


async def reset(house: House, old: Person) -> Person:
    """The same person, with a new account on a new device."""
    door = house.door()
    first = statement(door, old.id)
    await door.exchange(auth.Enrol(await invitation(house, old.id), first))
    await door.connect()
    return Person(old.name, account.apply(None, first), door)


async def test_the_invitation_says_whom_it_is_for_and_the_directory_shows_the_new_account_only(
    house: House,
) -> None:
    nadia, denis = await house.person("Nadia Resetova"), await house.person("Denis")
    looked = await house.door().exchange(auth.LookInvitation(await invitation(house, nadia.id)))
    assert looked.resets == auth.Reset(nadia.id, "Nadia Resetova", "nurse", "Beaune")
    plain = await house.door().exchange(auth.LookInvitation(await invitation(house, None)))
    assert plain.resets is None
    found = await denis.on.call(wire.SearchDirectory("resetova", 5))
    assert [one.account for one in found.entries] == [nadia.id]

    again = await reset(house, nadia)

    assert (await denis.on.call(wire.SearchDirectory("resetova", 5))).entries == ()
    found = await denis.on.call(wire.SearchDirectory("nadia nurse beaune", 50))
    assert again.id in {one.account for one in found.entries}
    chains = (await denis.on.call(wire.GetAccounts((nadia.id, again.id)))).chains
    assert {one.account: one.replaced_by for one in chains} == {nadia.id: again.id, again.id: None}


@pytest.mark.parametrize("case", ["plain invitation", "named nobody", "named somebody else"])
async def test_only_the_account_that_the_invitation_names_can_be_replaced(
    house: House, case: str
) -> None:
    nadia, victim = await house.person("Nadia"), await house.person("Vera")
    resets = None if case == "plain invitation" else nadia.id
    replaces = {"plain invitation": victim.id, "named nobody": None}.get(case, victim.id)
    token, door = await invitation(house, resets), house.door()
    false = auth.Enrol(token, statement(door, replaces))
    await refused(door.exchange(false), Code.FORBIDDEN, "wrong-reset")
    await victim.on.call(wire.ListDevices())
    enrolled = await door.exchange(auth.Enrol(token, statement(door, resets)))
    assert enrolled.roles == ("professional",), "the invitation was not spent on it"


async def test_the_old_account_is_cut_off_and_cannot_log_in_nor_post(house: House) -> None:
    nadia, denis = await house.person("Nadia"), await house.person("Denis")
    its = await denis.open_circle()
    await denis.add(its, nadia)
    note = nadia.note(its)
    await nadia.send(note)

    await reset(house, nadia)

    await nadia.on.cut_off()
    with pytest.raises(SocketConnectionError):
        await nadia.on.connect()  # with the token that has not ended
    assert nadia.on.turned_away["data"]["reason"] == "superseded"
    await refused(nadia.on.login(), Code.UNAUTHENTICATED, "superseded")
    await denis.post(its, "still served")


async def test_members_of_its_circles_are_told_to_look_again(house: House) -> None:
    nadia, denis, olga = [await house.person(name) for name in ("Nadia", "Denis", "Olga")]
    its = await denis.open_circle()
    await denis.add(its, nadia)
    await reset(house, nadia)
    told = await denis.on.hear(wire.StatementAppended)
    assert (told.account, told.head) == (nadia.id, nadia.state.head)
    assert not [one for one in olga.on.heard if isinstance(one, wire.StatementAppended)]


async def test_one_account_is_replaced_once(house: House) -> None:
    nadia = await house.person("Nadia")
    token, rival = await invitation(house, nadia.id), house.door()
    await reset(house, nadia)
    await refused(rival.exchange(auth.LookInvitation(token)), Code.CONFLICT, "superseded")
    late = auth.Enrol(token, statement(rival, nadia.id))
    await refused(rival.exchange(late), Code.CONFLICT, "superseded")


async def test_of_two_who_reset_one_account_at_once_one_does(house: House) -> None:
    nadia = await house.person("Nadia")
    doors = [house.door() for _ in range(3)]
    asks = [auth.Enrol(await invitation(house, nadia.id), statement(d, nadia.id)) for d in doors]
    tries = [door.exchange(ask) for door, ask in zip(doors, asks, strict=True)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    lost = [one for one in answers if isinstance(one, Refusal)]
    assert len([one for one in answers if isinstance(one, auth.Enrolled)]) == 1
    assert {one.reason for one in lost} == {"superseded"}


async def test_administrators_invite_for_a_reset_and_see_who_replaced_whom(house: House) -> None:
    boss = await house.person("Ada", "administrator")
    nadia = await house.person("Nadia")
    ask = wire.Invite(("professional",), "Beaune", 7, nadia.id)
    await refused(nadia.on.call(ask), Code.FORBIDDEN, "not-allowed")
    nobody = wire.Invite(("professional",), "Beaune", 7, "0" * 64)
    await refused(boss.on.call(nobody), Code.NOT_FOUND)
    token = (await boss.on.call(ask)).path.removeprefix("/enrol#")
    door = house.door()
    enrolled = await door.exchange(auth.Enrol(token, statement(door, nadia.id)))
    await refused(boss.on.call(ask), Code.CONFLICT, "superseded")
    rows = (await boss.on.call(wire.ListAccounts(0, 200))).rows
    assert {row.account: row.replaced_by for row in rows}[nadia.id] == enrolled.account
    entries = await house.audit()
    invited = [one for one in entries if one["subject"].get("resets") == nadia.id]
    done = {(one["action"], one["account"]) for one in invited}
    assert done == {("admin.invite", boss.id), ("auth.enrol", enrolled.account)}


async def test_whoever_was_reset_is_let_in_again_with_one_entry(house: House) -> None:
    nadia, denis = await house.person("Nadia"), await house.person("Denis")
    its = await denis.open_circle()
    await denis.add(its, nadia)
    await nadia.post(its, "before")
    again = await reset(house, nadia)
    denis.meet(again)
    await refused(again.sync(its), Code.FORBIDDEN, "not-a-member")

    first = (await again.on.call(wire.GetAccounts((again.id,)))).chains[0].statements[0]
    entry = MemberReadmit(nadia.id, again.state.head, (first,))
    operations = [entry, *denis.rotations(its)]
    await denis.change(its, operations, also=[("team", 1)], to=[again])

    assert len((await again.sync(its)).notes) == 1
    assert not its.state.members[nadia.id].active(its.state.at)
    rows = (await again.on.call(circle.ListCircles(False))).circles
    assert [(one.circle, one.missing) for one in rows] == [(its.id, 0)]
    await again.post(its, "after")


async def test_nobody_adds_an_account_that_was_reset(house: House) -> None:
    nadia, denis = await house.person("Nadia"), await house.person("Denis")
    its = await denis.open_circle()
    again = await reset(house, nadia)
    newest = await reset(house, again)
    denis.meet(newest)
    refusal = await refused(denis.add(its, nadia), Code.CONFLICT, "superseded")
    assert refusal.facts["account"] == nadia.id
    await denis.add(its, newest)
    assert newest.id in its.state.members

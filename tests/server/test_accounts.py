"""Enrolling, changing an account, joining, being found, administering."""

import asyncio
import secrets

import pytest
from members import Connection, House, Person, new_keys, now, refused, statement_0

from relais.crypto import account, join
from relais.crypto.account import Profile
from relais.crypto.device import DeviceKeys
from relais.models.refusal import Code
from relais.models.wire import account as wire
from relais.models.wire import auth


async def test_an_invitation_is_looked_at_used_once_and_gone(house: House) -> None:
    invitation = await house.invitation("coordinator", "professional")
    door = house.door()
    looked = await door.exchange(auth.LookInvitation(invitation))
    assert looked.roles == ("coordinator", "professional")
    enrolled = await door.exchange(auth.Enrol(invitation, statement_0(door.keys, "Nadia")))
    assert enrolled.roles == looked.roles
    another = house.door()
    ask = auth.Enrol(invitation, statement_0(another.keys, "Eve"))
    await refused(another.exchange(ask), Code.NOT_FOUND, "invitation-spent")
    await refused(
        another.exchange(auth.LookInvitation(invitation)), Code.NOT_FOUND, "invitation-spent"
    )


async def test_of_two_who_use_one_invitation_at_once_one_enrols(house: House) -> None:
    invitation = await house.invitation()
    doors = [house.door() for _ in range(4)]
    asks = [door.exchange(auth.Enrol(invitation, statement_0(door.keys, "X"))) for door in doors]
    answers = await asyncio.gather(*asks, return_exceptions=True)
    assert len([one for one in answers if isinstance(one, auth.Enrolled)]) == 1


async def test_the_same_enrolment_again_gets_the_same_answer(house: House) -> None:
    invitation, door = await house.invitation(), house.door()
    ask = auth.Enrol(invitation, statement_0(door.keys, "Nadia"))
    first, again = await door.exchange(ask), await door.exchange(ask)
    assert (first.account, first.roles) == (again.account, again.roles)


async def test_an_invitation_that_does_not_exist_or_has_expired_enrols_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = house.door()
    ask = auth.Enrol(secrets.token_urlsafe(32), statement_0(door.keys, "Eve"))
    await refused(door.exchange(ask), Code.NOT_FOUND, "invitation-spent")
    invitation = await house.invitation()
    monkeypatch.setattr("relais.server.enrolment.now_ms", lambda: now() + 3_600_000)
    late = auth.Enrol(invitation, statement_0(door.keys, "Eve"))
    await refused(door.exchange(late), Code.NOT_FOUND, "invitation-spent")


async def test_a_forged_statement_enrols_nobody_and_spends_nothing(house: House) -> None:
    invitation, door = await house.invitation(), house.door()
    forged = bytearray(statement_0(door.keys, "Nadia"))
    forged[-1] ^= 1
    await refused(
        door.exchange(auth.Enrol(invitation, bytes(forged))), Code.FORBIDDEN, "bad-signature"
    )
    assert await door.exchange(auth.Enrol(invitation, statement_0(door.keys, "Nadia")))


async def test_a_device_is_in_one_account_only(house: House) -> None:
    nurse = await house.person("Nadia")
    again = statement_0(nurse.keys, "Nadia again")
    ask = auth.Enrol(await house.invitation(), again)
    await refused(nurse.on.exchange(ask), Code.CONFLICT, "duplicate-device")


async def test_a_chain_is_read_whole_by_whoever_meets_the_account(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    profile = Profile("Nadia B.", "nurse", "Nuits")
    await nurse.append(account.change_profile(nurse.state, nurse.keys, profile, at=now()))
    unknown = "e" * 64
    got = await doctor.on.call(wire.GetAccounts((nurse.id, unknown, nurse.id)))
    (chain,) = got.chains
    assert account.replay(chain.statements) == nurse.state


async def test_a_statement_again_gets_the_same_answer_and_a_rival_is_told(house: House) -> None:
    nurse = await house.person("Nadia")
    first = account.change_profile(nurse.state, nurse.keys, Profile("A", "", ""), at=now())
    rival = account.change_profile(nurse.state, nurse.keys, Profile("B", "", ""), at=now())
    ask = wire.AppendStatement(first)
    assert await nurse.on.call(ask) == await nurse.on.call(ask)
    refusal = await refused(nurse.on.call(wire.AppendStatement(rival)), Code.CONFLICT)
    assert refusal.facts == {"seq": 1}


async def test_nobody_speaks_for_another_account(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    theirs = account.change_profile(nurse.state, nurse.keys, Profile("A", "", ""), at=now())
    await refused(doctor.on.call(wire.AppendStatement(theirs)), Code.FORBIDDEN, "wrong-account")
    got = await doctor.on.call(wire.GetAccounts((nurse.id,)))
    assert len(got.chains[0].statements) == 1


async def test_a_statement_dated_ahead_would_lock_the_account_and_is_refused(house: House) -> None:
    nurse = await house.person("Nadia")
    ahead = account.change_profile(
        nurse.state, nurse.keys, Profile("A", "", ""), at=now() + 3_600_000
    )
    await refused(nurse.on.call(wire.AppendStatement(ahead)), Code.MALFORMED, "time-ahead")


async def test_who_shares_a_circle_hears_of_a_changed_account(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    stranger = await house.person("Sacha")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    await nurse.append(
        account.change_profile(nurse.state, nurse.keys, Profile("N", "", ""), at=now())
    )
    heard = await doctor.on.hear(wire.StatementAppended)
    assert (heard.account, heard.seq, heard.head) == (nurse.id, 1, nurse.state.head)
    await nurse.on.hear(wire.StatementAppended)
    await stranger.on.call(wire.ListDevices())
    assert stranger.on.heard == []


async def test_devices_are_listed_with_when_they_were_seen(house: House) -> None:
    nurse = await house.person("Nadia")
    keys = new_keys()
    await nurse.append(adding(nurse, keys))
    (mine, other) = (await nurse.on.call(wire.ListDevices())).devices
    assert (mine.device, other) == (nurse.keys.id, wire.DeviceSeen(keys.id, None))
    assert mine.last_seen is not None
    assert now() - 60_000 < mine.last_seen <= now()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lefevre", True),
        ("LEFÈVRE", True),
        ("héloïse", True),
        ("heloise lef", True),
        ("Beaune héloïse", True),
        ("nurse d'arc", True),
        ("héloïse dijon", False),
        ("lefebvre", False),
    ],
)
async def test_the_directory_finds_every_word_accents_and_case_aside(
    house: House, text: str, found: bool
) -> None:
    name = "Héloïse Lefèvre-d'Arc"
    person = await house.person(name)
    entries = (await person.on.call(wire.SearchDirectory(text, 100))).entries
    assert (person.id in {entry.account for entry in entries}) is found


async def test_the_directory_shows_a_changed_profile_on_every_node_that_asks(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    word = f"x{secrets.token_hex(4)}"
    assert (await doctor.on.call(wire.SearchDirectory(word, 10))).entries == ()
    await nurse.append(
        account.change_profile(nurse.state, nurse.keys, Profile(word, "p", "o"), at=now())
    )
    (entry,) = (await doctor.on.call(wire.SearchDirectory(word, 10))).entries
    assert entry == wire.DirectoryEntry(nurse.id, word, "p", "o", ("professional",))


async def test_a_search_is_in_the_log_without_what_was_searched_for(house: House) -> None:
    nurse = await house.person("Nadia")
    await nurse.on.call(wire.SearchDirectory("secretname", 10))
    entries = await house.audit()
    assert "directory.search" in {e["action"] for e in entries if e["account"] == nurse.id}
    assert "secretname" not in str(entries)


async def test_administrators_invite_and_list_and_others_do_not(house: House) -> None:
    boss, nurse = await house.person("Marc", "administrator"), await house.person("Nadia")
    invited = await boss.on.call(wire.Invite(("professional",), "Beaune", 7))
    assert invited.path.startswith("/enrol#")
    door = house.door()
    token = invited.path.partition("#")[2]
    looked = await door.exchange(auth.LookInvitation(token))
    assert (looked.roles, looked.organisation) == (("professional",), "Beaune")
    for ask in (wire.Invite(("administrator",), "", 7), wire.ListAccounts(0, 10)):
        await refused(nurse.on.call(ask), Code.FORBIDDEN, "not-allowed")
    rows = []
    while page := (await boss.on.call(wire.ListAccounts(rows[-1].number if rows else 0, 2))).rows:
        rows += page
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert {boss.id, nurse.id} <= {row.account for row in rows}
    entries = [e for e in await house.audit() if e["action"].startswith("admin.")]
    assert token not in str(entries)
    outcomes = {(e["account"], e["action"], e["outcome"]) for e in entries}
    assert (boss.id, "admin.invite", "ok") in outcomes
    assert (nurse.id, "admin.invite", "refused") in outcomes


@pytest.mark.parametrize("days", [0, 91])
async def test_an_invitation_lasts_1_to_90_days(house: House, days: int) -> None:
    boss = await house.person("Marc", "administrator")
    refusal = await refused(boss.on.call(wire.Invite(("professional",), "", days)), Code.MALFORMED)
    assert refusal.facts == {"field": "days"}


async def test_a_device_joins_by_a_code_and_gets_the_chain(house: House) -> None:
    nurse, phone, secret = await house.person("Nadia"), house.door(), secrets.token_bytes(10)
    ticket = join.ticket(secret)
    offered = await nurse.on.call(wire.OfferDevice(ticket))
    assert offered.expires_at > now() + 500_000
    looked = await phone.exchange(auth.LookJoin(ticket))
    assert looked.account == nurse.id
    waiting = asyncio.ensure_future(phone.exchange(auth.WaitJoin(ticket)))
    word = await ask_to_join(phone, nurse, secret)
    heard = await nurse.on.hear(wire.DeviceRequested)
    assert (heard.ticket, heard.possession) == (ticket, word)
    join.check_mac(heard.mac, join.request_mac(secret, word))
    statement = account.add_device(nurse.state, nurse.keys, word, at=now())
    mac = join.answer_mac(secret, statement)
    await nurse.on.call(wire.ApproveDevice(ticket, statement, mac))
    answered = await waiting
    assert (answered.pending, answered.mac) == (False, mac)
    assert answered.statements[-1] == statement
    await phone.connect()


async def test_a_join_serves_one_device(house: House) -> None:
    nurse, secret = await house.person("Nadia"), secrets.token_bytes(10)
    await nurse.on.call(wire.OfferDevice(join.ticket(secret)))
    first, second = house.door(), house.door()
    word = await ask_to_join(first, nurse, secret)
    again = auth.RequestJoin(join.ticket(secret), word, join.request_mac(secret, word))
    assert await first.exchange(again) == auth.JoinRequested()
    with pytest.raises(Exception, match="conflict"):
        await ask_to_join(second, nurse, secret)


async def test_a_ticket_that_was_never_offered_is_not_found(house: House) -> None:
    door, ticket = house.door(), "a" * 32
    await refused(door.exchange(auth.LookJoin(ticket)), Code.NOT_FOUND)
    await refused(door.exchange(auth.WaitJoin(ticket)), Code.NOT_FOUND)


async def test_only_the_device_that_offered_approves_and_only_who_asked(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    phone, secret = house.door(), secrets.token_bytes(10)
    ticket = join.ticket(secret)
    await nurse.on.call(wire.OfferDevice(ticket))
    word = await ask_to_join(phone, nurse, secret)
    other = adding(nurse, new_keys())
    await refused(
        nurse.on.call(wire.ApproveDevice(ticket, other, bytes(32))),
        Code.MALFORMED,
        "bad-possession",
    )
    statement = account.add_device(nurse.state, nurse.keys, word, at=now())
    await refused(
        doctor.on.call(wire.ApproveDevice(ticket, statement, bytes(32))),
        Code.FORBIDDEN,
        "wrong-device",
    )
    appended = await nurse.on.call(wire.ApproveDevice(ticket, statement, bytes(32)))
    assert appended.seq == 1


async def test_a_wait_without_an_answer_says_pending(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relais.server.enrolment.WAIT_SECONDS", 0.05)
    monkeypatch.setattr("relais.server.enrolment.LOOK_AGAIN_SECONDS", 0.02)
    nurse, secret = await house.person("Nadia"), secrets.token_bytes(10)
    await nurse.on.call(wire.OfferDevice(join.ticket(secret)))
    answered = await house.door().exchange(auth.WaitJoin(join.ticket(secret)))
    assert answered == auth.JoinAnswered(pending=True, statements=(), mac=None)


async def test_a_kit_brings_a_person_back(house: House) -> None:
    nurse, kit = await house.person("Nadia"), new_keys()
    word = account.possession(kit, kit.device("recovery", "kit"), nurse.id)
    await nurse.append(account.add_device(nurse.state, nurse.keys, word, at=now()))
    back = Person("Nadia", nurse.state, house.door(kit))
    await back.on.connect()
    fresh = new_keys()
    await back.append(adding(back, fresh))
    await house.door(fresh).connect()
    assert back.state.in_force(fresh.id)


def adding(person: Person, keys: DeviceKeys) -> bytes:
    """The statement by which the person's device adds another."""
    word = account.possession(keys, keys.device("interactive", "phone"), person.id)
    return account.add_device(person.state, person.keys, word, at=now())


async def ask_to_join(door: Connection, person: Person, secret: bytes) -> bytes:
    word = account.possession(door.keys, door.keys.device("interactive", "phone"), person.id)
    mac = join.request_mac(secret, word)
    await door.exchange(auth.RequestJoin(join.ticket(secret), word, mac))
    return word

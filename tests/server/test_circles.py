"""Opening and changing circles, grants, lists."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from later import pass_by
from members import Circle, House, Person, new_keys, now, refused

from relais.crypto import account, grant
from relais.crypto.content import Content
from relais.crypto.ledger import Close, MemberChange, MemberRemove
from relais.models.refusal import Code
from relais.models.wire import circle as wire
from relais.models.wire import note as note_wire

MINUTE = 60_000


async def two(house: House) -> tuple[Person, Person, Circle]:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    doctor.meet(nurse)
    return nurse, doctor, circle


async def row_of(person: Person, circle: Circle, *, closed: bool = False) -> wire.CircleRow | None:
    listed = await person.on.call(wire.ListCircles(closed))
    return next((row for row in listed.circles if row.circle == circle.id), None)


async def test_a_circle_is_opened_listed_and_its_ledger_read_back(house: House) -> None:
    nurse = await house.person("Nadia")
    circle, ask = nurse.new_circle()
    assert await nurse.on.call(ask) == wire.EntryAppended(circle.id, 0, circle.id)
    row = await row_of(nurse, circle)
    assert row is not None
    assert (row.ledger_seq, row.ledger_head, row.active, row.closed) == (0, circle.id, True, False)
    assert (row.last_seq, row.last_at, row.unread, row.urgent, row.missing) == (
        0,
        None,
        0,
        False,
        0,
    )
    assert row.profile == ask.profile
    got = await nurse.on.call(wire.GetLedger(circle.id, 0))
    assert (got.entries, got.profile, got.more) == ((ask.entry,), ask.profile, False)


async def test_opening_the_same_circle_again_gets_the_same_answer(house: House) -> None:
    nurse = await house.person("Nadia")
    _, ask = nurse.new_circle()
    assert await nurse.on.call(ask) == await nurse.on.call(ask)
    assert len((await nurse.on.call(wire.ListCircles(False))).circles) == 1


@pytest.mark.parametrize("role", ["auditor", "administrator", "bot"])
async def test_who_cares_for_nobody_opens_no_circle(house: House, role: str) -> None:
    person = await house.person("Ada", role, kind="bot" if role == "bot" else "interactive")
    _, ask = person.new_circle()
    await refused(person.on.call(ask), Code.FORBIDDEN, "not-allowed")
    helper = await house.person("Bo", role, "professional")
    _, ask = helper.new_circle()
    assert (await helper.on.call(ask)).seq == 0


async def test_a_circle_without_its_grant_is_refused_and_nothing_is_stored(house: House) -> None:
    nurse = await house.person("Nadia")
    circle, ask = nurse.new_circle()
    refusal = await refused(
        nurse.on.call(replace(ask, grants=())), Code.MALFORMED, "grants-missing"
    )
    assert refusal.facts["device"] == nurse.keys.id
    assert await row_of(nurse, circle) is None
    await refused(nurse.on.call(wire.GetLedger(circle.id, 0)), Code.NOT_FOUND)
    assert (await nurse.on.call(ask)).seq == 0


async def test_a_circle_in_anothers_name_is_refused(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    _, ask = nurse.new_circle()
    await refused(doctor.on.call(ask), Code.FORBIDDEN, "wrong-account")


async def test_who_is_added_hears_of_it_and_opens_what_was_granted(house: House) -> None:
    _, doctor, circle = await two(house)
    changed = await doctor.on.hear(wire.EntryAppended)
    assert (changed.circle, changed.seq, changed.head) == (circle.id, 1, circle.state.head)
    assert (await doctor.on.hear(wire.GrantsAdded)).circle == circle.id
    got = await doctor.on.call(wire.GetGrants(circle.id, 0))
    opened = grant.open_grant(
        got.grants[0],
        doctor.keys,
        circle.state,
        doctor.known[circle.state.members[doctor.id].added_by],
    )
    assert opened == circle.keys
    assert (await doctor.on.call(wire.GetGrants(circle.id, got.last))).grants == ()


async def test_of_two_entries_for_one_place_one_is_told_to_try_again(house: House) -> None:
    nurse, doctor, circle = await two(house)
    doctor.known |= nurse.known
    mine, _ = nurse.planned(circle, nurse.rotations(circle))
    theirs, _ = doctor.planned(replace(circle), doctor.rotations(circle))
    answers = await asyncio.gather(
        nurse.on.call(mine), doctor.on.call(theirs), return_exceptions=True
    )
    stored = [answer for answer in answers if isinstance(answer, wire.EntryAppended)]
    (lost,) = [answer for answer in answers if not isinstance(answer, wire.EntryAppended)]
    assert [entry.seq for entry in stored] == [2]
    assert (lost.code, lost.facts["seq"]) == (Code.CONFLICT, 2)  # type: ignore[union-attr]


async def test_the_same_entry_again_gets_the_same_answer(house: House) -> None:
    nurse, _, circle = await two(house)
    ask, _ = nurse.planned(circle, nurse.rotations(circle))
    assert await nurse.on.call(ask) == await nurse.on.call(ask)


async def test_a_removal_without_a_new_key_is_refused_and_with_it_is_done(house: House) -> None:
    nurse, doctor, circle = await two(house)
    entry = nurse.entry(circle.state, [MemberRemove(doctor.id)])
    ask = wire.AppendEntry(circle.id, entry, (), None)
    await refused(nurse.on.call(ask), Code.MALFORMED, "rotation-missing")
    await nurse.remove(circle, doctor)
    left = await doctor.on.hear(wire.EntryAppended, lambda event: event.seq == 2)
    assert left.circle == circle.id
    row = await row_of(doctor, circle)
    assert row is not None
    assert (row.active, row.profile, row.last_seq) == (False, None, 0)
    got = await doctor.on.call(wire.GetGrants(circle.id, 0))
    assert len(got.grants) == 1  # that of the first epoch, and no other


@pytest.mark.parametrize("lacking", ["grant", "profile"])
async def test_a_rotation_comes_with_every_grant_and_the_profile(
    house: House, lacking: str
) -> None:
    nurse, _, circle = await two(house)
    ask, _ = nurse.planned(circle, nurse.rotations(circle))
    if lacking == "grant":
        short = replace(ask, grants=ask.grants[1:])
        await refused(nurse.on.call(short), Code.MALFORMED, "grants-missing")
    else:
        short = replace(ask, profile=None)
        await refused(nurse.on.call(short), Code.MALFORMED, "profile-missing")
    assert (await nurse.on.call(ask)).seq == 2


async def test_a_grant_for_who_is_not_entitled_is_refused(house: House) -> None:
    nurse, _, circle = await two(house)
    stranger = await house.person("Sacha")
    sealed = grant.seal(
        nurse.keys,
        stranger.state.devices_in_force()[0],
        circle=circle.id,
        account=stranger.id,
        granter=nurse.id,
        epochs=[("team", 1, circle.keys["team", 1])],
        at=now(),
    )
    ask = wire.GiveGrants(circle.id, (sealed,))
    await refused(nurse.on.call(ask), Code.FORBIDDEN, "not-entitled")
    await refused(stranger.on.call(ask), Code.FORBIDDEN, "not-a-member")


async def test_a_professional_removes_only_whom_it_added(house: House) -> None:
    nurse, doctor, circle = await two(house)
    doctor.known |= nurse.known
    ask, _ = plan_unchecked(doctor, circle, [MemberRemove(nurse.id)])
    await refused(doctor.on.call(ask), Code.FORBIDDEN, "not-allowed")
    lea = await house.person("Lea")
    await doctor.add(circle, lea)
    await doctor.remove(circle, lea)
    assert not circle.state.members[lea.id].active(now())


async def test_the_last_lead_stays(house: House) -> None:
    nurse, doctor, circle = await two(house)
    entry = nurse.entry(circle.state, [MemberRemove(nurse.id)])
    ask = wire.AppendEntry(circle.id, entry, (), None)
    await refused(nurse.on.call(ask), Code.FORBIDDEN, "last-lead")
    await nurse.change(circle, [MemberChange(doctor.id, "lead", ("team",), None)])
    entry = nurse.entry(circle.state, [MemberRemove(nurse.id)])
    assert (await nurse.on.call(wire.AppendEntry(circle.id, entry, (), None))).seq == 3


async def test_a_closed_circle_takes_nothing_more_and_leaves_the_list(house: House) -> None:
    nurse, doctor, circle = await two(house)
    await nurse.change(circle, [Close()])
    await refused(nurse.post(circle), Code.FORBIDDEN, "circle-closed")
    await refused(nurse.change(replace_open(circle), [Close()]), Code.FORBIDDEN, "circle-closed")
    assert await row_of(doctor, circle) is None
    row = await row_of(doctor, circle, closed=True)
    assert row is not None
    assert row.closed


async def test_somebody_who_does_not_exist_cannot_be_added(house: House) -> None:
    nurse, doctor, circle = await two(house)
    sam = Person("Sam", replace(doctor.state, account="a" * 64), doctor.on)
    at = max(now(), circle.state.at)
    ask, _ = plan_unchecked(nurse, circle, [nurse.adding(sam, since=at)], at=at)
    refusal = await refused(nurse.on.call(ask), Code.NOT_FOUND)
    assert refusal.facts == {"account": "a" * 64}


async def test_a_guest_whose_time_is_up_is_out_and_the_key_must_change(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, doctor, circle = await two(house)
    guest = await house.person("Gil")
    at = max(now(), circle.state.at)
    until = at + MINUTE
    await nurse.change(
        circle, [nurse.adding(guest, since=at, until=until)], at=at, also=[("team", 1)], to=[guest]
    )
    guest.meet(nurse)
    assert (await guest.post(circle)).seq == 1
    pass_by(monkeypatch, MINUTE + 1)
    await refused(guest.post(circle), Code.FORBIDDEN, "not-a-member")
    refusal = await refused(doctor.post(circle), Code.STALE_EPOCH)
    assert refusal.facts["rotate"] is True
    await nurse.remove(circle, guest)
    assert (await nurse.post(circle)).seq == 2
    assert len([e for e in guest.on.heard if isinstance(e, note_wire.NotePosted)]) == 1


async def test_a_new_device_is_missing_its_keys_until_somebody_grants_them(house: House) -> None:
    nurse, doctor, circle = await two(house)
    keys = new_keys()
    word = account.possession(keys, keys.device("interactive", "phone"), nurse.id)
    await nurse.append(account.add_device(nurse.state, nurse.keys, word, at=now()))
    await doctor.on.hear(wire.GrantsWanted, lambda event: event.circle == circle.id)
    missing = (await doctor.on.call(wire.GetMissing(circle.id))).missing
    assert [(m.account, m.device, m.audience, m.epochs) for m in missing] == [
        (nurse.id, keys.id, "team", (1,))
    ]
    phone = house.door(keys)
    await phone.connect()
    assert (await phone.call(wire.ListCircles(False))).circles[0].missing == 1
    assert (await phone.call(wire.GetMissing(None))).missing == ()  # it holds nothing to give
    sealed = [
        one for one in nurse.grants(circle, [("team", 1)]) if grant.peek(one).device == keys.id
    ]
    assert (await nurse.on.call(wire.GiveGrants(circle.id, tuple(sealed)))).stored == 1
    assert (await nurse.on.call(wire.GiveGrants(circle.id, tuple(sealed)))).stored == 0
    await phone.hear(wire.GrantsAdded)
    assert (await phone.call(wire.GetGrants(circle.id, 0))).grants == tuple(sealed)
    assert (await doctor.on.call(wire.GetMissing(None))).missing == ()


async def test_the_list_counts_what_others_wrote_and_forgets_it_when_read(house: House) -> None:
    nurse, doctor, circle = await two(house)
    await doctor.post(circle, "mine")
    sealed = nurse.note(circle, "look", urgent=True)
    stored = await nurse.send(sealed)
    row = await row_of(doctor, circle)
    assert row is not None
    assert (row.last_seq, row.last_at, row.unread, row.urgent) == (2, stored.at, 1, True)
    ask = note_wire.PostReceipts(circle.id, (doctor.receipt(sealed),))
    await doctor.on.call(ask)
    row = await row_of(doctor, circle)
    assert row is not None
    assert (row.unread, row.urgent) == (0, False)
    corrected = nurse.correction(circle, sealed)
    await nurse.send(corrected)
    row = await row_of(doctor, circle)
    assert row is not None
    assert (row.unread, row.urgent) == (1, False)


async def test_two_audiences_keep_their_own_members(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle("doctors", "team")
    await nurse.add(circle, doctor, audiences=("team",))
    doctor.meet(nurse)
    to_team = doctor.seal(
        circle, doctor.draft(circle), note_content("to the team"), circle.to("team")
    )
    assert (await doctor.send(to_team)).seq == 1
    to_doctors = doctor.seal(
        circle, doctor.draft(circle), note_content("to doctors"), circle.to("doctors")
    )
    await refused(doctor.send(to_doctors), Code.FORBIDDEN, "not-a-member")


async def test_nodes_see_what_another_wrote(build: Any) -> None:
    async with build() as first, build() as second:
        nurse, doctor = await first.person("Nadia"), await second.person("Denis")
        circle = await nurse.open_circle()
        await nurse.add(circle, doctor)
        doctor.meet(nurse)
        assert (await doctor.post(circle)).seq == 1
        assert (await nurse.post(circle)).seq == 2
        old = doctor.note(circle)
        await nurse.change(circle, nurse.rotations(circle))
        await refused(doctor.send(old), Code.STALE_EPOCH)
        assert (await doctor.post(circle)).seq == 3
        answers = await asyncio.gather(
            *(who.post(circle, str(n)) for n in range(10) for who in (nurse, doctor))
        )
        assert sorted(stored.seq for stored in answers) == list(range(4, 24))
        await nurse.remove(circle, doctor)
        await refused(doctor.sync(circle), Code.FORBIDDEN, "not-a-member")


async def test_a_change_and_its_entry_in_the_log_are_stored_together(house: House) -> None:
    nurse, doctor, circle = await two(house)
    entries = [entry for entry in await house.audit() if entry["circle"] == circle.id]
    by_action = {entry["action"]: entry for entry in entries}
    created, added = by_action["circle.create"], by_action["circle.append"]
    assert created["subject"]["operations"] == "create member.add epoch.open"
    assert (added["role"], added["subject"]["member"]) == ("lead", doctor.id)
    assert added["subject"]["head"] == circle.state.head
    assert {entry["account"] for entry in entries} == {nurse.id}


def note_content(text: str) -> Content:
    return Content("GEN", text)


def plan_unchecked(
    person: Person, circle: Circle, operations: list[Any], *, at: int | None = None
) -> tuple[wire.AppendEntry, None]:
    """An entry the rules forbid: what it owes cannot be made."""
    entry = person.entry(circle.state, operations, at=at)
    return wire.AppendEntry(circle.id, entry, (), None), None


def replace_open(circle: Circle) -> Circle:
    """The circle as somebody sees it who has not heard that it was closed."""
    return replace(circle, state=replace(circle.state, closed=False))

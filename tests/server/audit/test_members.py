"""The members' part: who looked at their circle and at one note of it, and nothing about where colleagues sit."""

import json
from typing import Any

from audit_house import settled
from members import Circle, House, Person, now, refused

from relais.crypto import envelope
from relais.models.refusal import Code
from relais.models.wire.audit import CircleAccesses, NoteAccess, NoteAccesses, ProveEntry
from relais.models.wire.note import GetNote


async def _accesses(person: Person, circle: Circle, **asked: Any) -> list[dict[str, Any]]:
    found = await person.on.call(CircleAccesses(circle.id, 0, 100, **asked))
    return [json.loads(row.entry) for row in found.rows]


async def _note(person: Person, circle: Circle, note: str, *blobs: str) -> list[NoteAccess]:
    found = await person.on.call(NoteAccesses(circle.id, note, blobs))
    assert found.complete
    return list(found.rows)


async def test_a_colleagues_address_is_hidden_and_ones_own_is_not(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Gaspard")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    await doctor.sync(circle)
    await settled(house)
    entries = await _accesses(nurse, circle)
    theirs = [one for one in entries if one["account"] == doctor.id]
    own = [one for one in entries if one["account"] == nurse.id]
    assert theirs
    assert own
    assert all(one["source"] is None and one["request"] is None for one in theirs)
    assert all(one["source"] and one["request"] for one in own)
    assert {one["action"] for one in theirs} == {"circle.sync"}


async def test_accesses_are_narrowed_by_person_and_time(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Gaspard")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    await doctor.sync(circle)
    await settled(house)
    assert {one["account"] for one in await _accesses(nurse, circle, account=doctor.id)} == {
        doctor.id
    }
    assert await _accesses(nurse, circle, since=now() + 60_000) == []
    assert await _accesses(nurse, circle, until=nurse.state.at) == []
    said = [one["subject"] for one in await house.audit() if one["action"] == "audit.circle"]
    assert any(one.get("account") == doctor.id for one in said)


async def test_somebody_without_the_history_sees_accesses_from_the_day_they_came(
    house: House,
) -> None:
    nurse, late = await house.person("Nadia"), await house.person("L")
    circle = await nurse.open_circle()
    note = await nurse.post(circle)
    await settled(house)
    index = (await nurse.on.call(CircleAccesses(circle.id, 0, 100))).rows[-1].index
    began = max(now(), circle.state.at)
    joining = nurse.adding(late, since=began, history=began)
    await nurse.change(circle, [joining, *nurse.rotations(circle)], at=began)
    await late.sync(circle)
    await settled(house)
    assert note.seq == 1
    entries = await _accesses(late, circle)
    assert "note.post" not in {one["action"] for one in entries}
    assert entries
    everything = await _accesses(nurse, circle)
    assert "note.post" in {one["action"] for one in everything}
    await refused(late.on.call(ProveEntry(index)), Code.NOT_FOUND)


async def test_each_note_says_who_fetched_it_and_how_often(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Gaspard")
    pharmacist = await house.person("P")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    await nurse.add(circle, pharmacist)
    first, second = nurse.note(circle, "a"), nurse.note(circle, "b")
    await nurse.send(first)
    await doctor.sync(circle)
    await nurse.send(second)
    note = envelope.peek(first).header.note
    await doctor.on.call(GetNote(circle.id, note))
    await pharmacist.sync(circle, after=1)
    await settled(house)
    (row,) = await _note(nurse, circle, note)
    assert (row.account, row.kind, row.times) == (doctor.id, "fetched", 2)
    assert row.first_at <= row.last_at
    other = await _note(nurse, circle, envelope.peek(second).header.note)
    assert [(one.account, one.times) for one in other] == [(pharmacist.id, 1)]
    said = [one["subject"] for one in await house.audit() if one["action"] == "audit.note"]
    assert {"note": note, "found": 1} in said


async def test_a_note_of_another_circle_or_of_none_was_fetched_by_nobody(house: House) -> None:
    nurse = await house.person("Nadia")
    circle, other = await nurse.open_circle(), await nurse.open_circle()
    sealed = nurse.note(circle)
    await nurse.send(sealed)
    await nurse.sync(circle)
    await settled(house)
    note = envelope.peek(sealed).header.note
    assert [one.account for one in await _note(nurse, circle, note)] == [nurse.id]
    assert await _note(nurse, other, note) == []


async def test_who_is_not_in_the_circle_learns_nothing_of_its_notes(house: House) -> None:
    nurse, stranger = await house.person("Nadia"), await house.person("S")
    gone, bot = await house.person("G"), await house.person("B", "bot", kind="bot")
    circle = await nurse.open_circle()
    await nurse.add(circle, gone)
    await nurse.remove(circle, gone)
    await nurse.add(circle, bot, role="bot")
    sealed = nurse.note(circle)
    await nurse.send(sealed)
    ask = NoteAccesses(circle.id, envelope.peek(sealed).header.note, ())
    for person, reason in (
        (stranger, "not-a-member"),
        (gone, "not-a-member"),
        (bot, "not-allowed"),
    ):
        await refused(person.on.call(ask), Code.FORBIDDEN, reason)

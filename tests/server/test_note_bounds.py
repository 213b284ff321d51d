"""What a note may not outgrow, and who hears of it while its circle changes."""

from typing import Any

import pytest
from members import PATIENT, Circle, House, Person, refused

from relais.crypto.content import Content
from relais.models.refusal import Code
from relais.models.store.notes import NoteStore
from relais.models.wire import account as account_wire
from relais.models.wire import note as wire


async def two(house: House) -> tuple[Person, Person, Circle]:
    """A nurse who leads a circle, and a doctor in it."""
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    return nurse, doctor, circle


async def test_who_is_removed_while_a_note_is_stored_does_not_hear_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, doctor, circle = await two(house)
    pharmacist = await house.person("Paule")
    await nurse.add(circle, pharmacist)
    pharmacist.meet(nurse)
    under_the_old_key = pharmacist.note(circle)
    append = NoteStore.append

    async def slowly(self: NoteStore, *asked: Any, **more: Any) -> int:
        monkeypatch.setattr(NoteStore, "append", append)
        await nurse.remove(circle, doctor)
        return await append(self, *asked, **more)

    monkeypatch.setattr(NoteStore, "append", slowly)
    await pharmacist.send(under_the_old_key)
    await nurse.on.hear(wire.NotePosted)
    await doctor.on.call(account_wire.ListDevices())  # what was told before has come by now
    assert not [event for event in doctor.on.heard if isinstance(event, wire.NotePosted)]


async def test_a_note_grows_no_further_than_one_answer_holds_and_can_still_be_withdrawn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, _, circle = await two(house)
    first = nurse.note(circle)
    await nurse.send(first)
    second = nurse.correction(circle, first)
    most = len(first) + len(second)
    monkeypatch.setattr("relais.server.notes.NOTE_BYTES", most)
    await nurse.send(second)
    refusal = await refused(nurse.send(nurse.correction(circle, second)), Code.TOO_LARGE)
    assert refusal.facts["most"] == most
    await nurse.send(nurse.correction(circle, second, kind="withdrawal"))


async def test_a_profile_is_short_for_a_list_of_circles_holds_many(house: House) -> None:
    nurse, _, circle = await two(house)
    header = circle.profile
    said = {"note": header.note, "version": 2, "replaces": circle.profile_digest, "kind": "profile"}

    def sealed(text: str) -> bytes:
        return nurse.seal(
            circle, nurse.draft(circle, **said), Content("PROFILE", text, form=PATIENT)
        )

    await refused(nurse.send(sealed("x" * 17_000)), Code.TOO_LARGE)
    await nurse.send(sealed("x" * 8_000))

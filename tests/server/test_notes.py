"""Posting and reading notes through a real socket."""

import pytest
from members import House, Person, now

from relais.crypto import envelope
from relais.models.ids import uuid7
from relais.models.refusal import Code, Refusal
from relais.models.wire import note as wire


async def test_a_note_is_numbered_told_to_the_circle_and_read_back(house: House) -> None:
    nurse = await house.person("Nadia", "professional")
    doctor = await house.person("Denis", "professional")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)

    sealed = nurse.note(circle)
    stored = await nurse.send(sealed)

    assert stored.seq == 1
    heard = await doctor.on.hear(wire.NotePosted)
    assert (heard.circle, heard.seq, heard.envelope) == (circle.id, 1, sealed)
    synced = await doctor.sync(circle)
    assert [note.envelope for note in synced.notes] == [sealed]
    assert synced.last_seq == 1

"""A member's device that seals nonsense: the server cannot look inside, and nobody else is kept from reading on."""

import pytest
from people import ODETTE, Town

from relais.client.reading import Note
from relais.client.sdk import Client
from relais.client.transport import Transport
from relais.models.wire.circle import GrantsAdded


async def read(client: Client, circle: str) -> list[Note]:
    opened = await client.circle(circle)
    return [note async for note in opened.notes()]


async def test_a_note_that_is_none_is_marked_and_the_others_are_read(town: Town) -> None:
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    await circle.post("avant")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("relais.crypto.content.pad", lambda content: b"\0" * 256 + content)
        await circle.post("illisible")
    await circle.post("après")

    notes = await read(doctor, circle.circle)

    assert [note.content.text if note.content else None for note in notes] == [
        "avant",
        None,
        "après",
    ]
    assert [note.damaged for note in notes] == [None, "bad-padding", None]
    assert not any(note.locked for note in notes), "no key would help"


async def test_an_event_that_does_not_decode_is_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transport = Transport("http://127.0.0.1:1")
    hear = transport._listener(GrantsAdded)
    hear({"circle": "nowhere"})
    hear({"circle": "ab" * 32})
    transport._closed()
    assert [told async for told in transport.events()] == [GrantsAdded("ab" * 32)]
    assert "circle.granted does not decode: circle" in caplog.text

"""The main job by the SDK: a note with a photograph, read, acknowledged, corrected, withdrawn, answered."""

import hashlib
import io

import pytest
from people import MARCEL, ODETTE, Town
from PIL import Image

from relais.client.errors import UnknownCircle
from relais.client.reading import Note
from relais.client.sdk import Circle, Client, File, Writing


async def started(town: Town, *names: str) -> tuple[Circle, list[Client]]:
    """A circle of Odette's, led by the first of some people, all connected."""
    people = [await town.newcomer(name) for name in names]
    circle = await people[0].create_circle(ODETTE)
    for other in people[1:]:
        await circle.add(other.account)
    return circle, people


async def read(client: Client, circle: Circle, *, after: int = 0) -> list[Note]:
    return [note async for note in (await client.circle(circle.circle)).notes(after=after)]


def photograph() -> bytes:
    """Red on the left of the sensor, held sideways, with the place where it was taken."""
    image = Image.new("RGB", (120, 80), "blue")
    image.paste("red", (0, 0, 60, 80))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it upright
    exif[0x010F] = "Fictive Cameras"
    exif.get_ifd(0x8825)[2] = (47.0, 16.0, 51.0)
    data = io.BytesIO()
    image.save(data, "JPEG", exif=exif, quality=95)
    return data.getvalue()


async def test_somebody_found_in_the_directory_and_added_reads_a_note_in_full(town: Town) -> None:
    nurse, doctor = await town.newcomer("Nadia Ferrand"), await town.newcomer("Denis Quéré")
    circle = await nurse.create_circle(ODETTE)

    (found,) = [
        one for one in await nurse.directory("quere denis") if one.account == doctor.account
    ]
    await circle.add(found.account)
    posted = await circle.post("Pansement refait, plaie propre.", urgent=True, acknowledge=True)

    (note,) = await read(doctor, circle)
    assert (note.note, note.seq, note.version) == (posted.note, 1, 1)
    assert note.content is not None
    assert note.content.text == "Pansement refait, plaie propre."
    assert note.author == nurse.account
    assert note.header.urgent
    assert note.header.acknowledge
    assert found.name == "Denis Quéré"


async def test_somebody_who_was_not_added_is_told_there_is_no_such_circle(town: Town) -> None:
    circle, _ = await started(town, "Nadia")
    stranger = await town.newcomer("Stéphane")

    with pytest.raises(UnknownCircle):
        await stranger.circle(circle.circle)
    assert await stranger.circles() == []


async def test_a_photograph_arrives_upright_without_its_place_and_byte_for_byte(town: Town) -> None:
    circle, (_, doctor) = await started(town, "Nadia", "Denis")
    await circle.post("Voir photo.", attachments=[File("plaie.jpg", photograph())])

    (note,) = await read(doctor, circle)
    (attachment,) = note.attachments
    fetched = await (await doctor.circle(circle.circle)).fetch(note.note, "plaie.jpg")

    assert hashlib.sha256(fetched).hexdigest() == attachment.sha256
    assert len(fetched) == attachment.size
    with Image.open(io.BytesIO(fetched)) as picture:
        assert picture.size == (80, 120) == (attachment.width, attachment.height)
        assert not picture.getexif()
        top, bottom = picture.getpixel((40, 10)), picture.getpixel((40, 110))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200, "red is on top when it is turned"
    assert bottom[2] > 200, "and blue below"
    assert max(top[2], bottom[0]) < 60
    assert b"Fictive" in photograph()
    assert b"Fictive" not in fetched
    assert attachment.thumbnail is not None
    with Image.open(io.BytesIO(attachment.thumbnail)) as thumbnail:
        assert thumbnail.size == (80, 120)


async def test_a_correction_is_unread_again_and_receipts_belong_to_one_version(town: Town) -> None:
    circle, (nurse, doctor) = await started(town, "Nadia", "Denis")
    posted = await circle.post("Paracétamol 500 mg", acknowledge=True)
    theirs = await doctor.circle(circle.circle)
    await theirs.acknowledge(posted.note)
    assert (await unread(doctor), await unread(nurse)) == (0, 0)

    corrected = await circle.correct(posted.note, "Paracétamol 1000 mg", acknowledge=True)
    assert (corrected.version, corrected.seq) == (2, 2)
    assert (await unread(doctor), await unread(nurse)) == (1, 0)

    kinds = {(one.version, one.account, one.kind) for one in await circle.receipts(posted.note)}
    assert kinds == {(1, doctor.account, kind) for kind in ("stored", "read", "acknowledged")}
    await theirs.acknowledge(posted.note)
    kinds = {(one.version, one.account, one.kind) for one in await circle.receipts(posted.note)}
    assert len(kinds) == 6
    assert (2, doctor.account, "acknowledged") in kinds
    assert await unread(doctor) == 0
    texts = [one.content.text for one in await theirs.versions(posted.note) if one.content]
    assert texts == ["Paracétamol 500 mg", "Paracétamol 1000 mg"]


async def unread(client: Client) -> int:
    (summary,) = await client.circles()
    return summary.row.unread


async def test_a_withdrawn_note_takes_no_further_version(town: Town) -> None:
    circle, (_, doctor) = await started(town, "Nadia", "Denis")
    posted = await circle.post("Mauvais dossier")
    withdrawn = await circle.withdraw(posted.note, "erreur de patient")

    assert withdrawn.version == 2
    newest = (await (await doctor.circle(circle.circle)).versions(posted.note))[-1]
    assert newest.withdrawn
    assert newest.content is not None
    assert newest.content.text == "erreur de patient"
    with pytest.raises(Exception, match="wrong-version"):
        await circle.correct(posted.note, "trop tard")


async def test_a_reply_names_the_note_it_answers(town: Town) -> None:
    circle, (nurse, doctor) = await started(town, "Nadia", "Denis")
    asked = await circle.post("Faut-il continuer ?", type="DEM-AVIS")
    await (await doctor.circle(circle.circle)).post("Oui, 8 jours.", reply_to=asked.note)

    question, answer = await read(nurse, circle)
    assert question.content is not None
    assert answer.content is not None
    assert question.content.type == "DEM-AVIS"
    assert answer.content.reply_to == asked.note


async def test_what_is_posted_reaches_a_waiting_reader_live_and_in_order(town: Town) -> None:
    circle, (_, doctor) = await started(town, "Nadia", "Denis")
    theirs = await doctor.circle(circle.circle)
    waiting = theirs.notes(follow=True)
    await circle.post("un")
    assert (await anext(waiting)).seq == 1

    for text in ("deux", "trois", "quatre"):
        await circle.post(text)
    heard = [await anext(waiting) for _ in range(3)]

    assert [one.seq for one in heard] == [2, 3, 4]
    assert [one.content.text for one in heard if one.content] == ["deux", "trois", "quatre"]


async def test_a_broadcast_shares_one_file_and_its_answers_stay_in_their_circles(
    town: Town,
) -> None:
    coordinator = await town.newcomer("Hélène", "coordinator")
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    circles = [await coordinator.create_circle(patient) for patient in (ODETTE, MARCEL)]
    for circle, member in zip(circles, (nurse, doctor), strict=True):
        await circle.add(member.account)
    plan = b"%PDF-1.7\n% plan de sortie\n" + bytes(range(256)) * 400

    writing = writing_with(File("plan.pdf", plan))
    broadcast, posted = await coordinator.broadcast([one.circle for one in circles], writing)

    for circle, member, place in zip(circles, (nurse, doctor), posted, strict=True):
        (note,) = await read(member, circle)
        assert note.note == place.note
        assert note.content is not None
        assert note.content.broadcast == broadcast
        assert await (await member.circle(circle.circle)).fetch(note.note, "plan.pdf") == plan
        await (await member.circle(circle.circle)).acknowledge(note.note)
    for circle, member, place in zip(circles, (nurse, doctor), posted, strict=True):
        acknowledged = [s for s in await circle.receipts(place.note) if s.kind == "acknowledged"]
        assert [one.account for one in acknowledged] == [member.account]


def writing_with(file: File) -> Writing:
    return Writing(text="Plan de sortie", files=(file,), acknowledge=True)

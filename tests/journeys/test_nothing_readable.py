"""Two hundred plaintexts go through the clients; none is in the raw files, the documents, GridFS, the logs or the entries."""

import asyncio
import base64
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import bson
import pytest
from people import Person, Town, enrol
from PIL import Image
from planted import Planted, files_under, found_in
from running_relay import RunningRelay

from relais.client.enrolment import make_kit
from relais.client.patient import Patient
from relais.client.sdk import Client, File
from relais.crypto.content import Form

NOTES = 60
MARKER = "Registre visible 4f1d"
"""What the directory shows is not sealed: it must be found, or the search finds nothing at all."""


@dataclass(frozen=True)
class Told:
    """The relay after it was told everything, what was told, and who told it."""

    relay: RunningRelay
    planted: Planted
    people: list[Person]


@pytest.fixture(scope="module")
def own_relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRelay]:
    running = RunningRelay(tmp_path_factory.mktemp("relay"), log_level="debug").start()
    try:
        yield running
    finally:
        running.close()
    assert running.errors() == []


@pytest.fixture(scope="module")
def told(own_relay: RunningRelay, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Everything is told once; the tests stop the relay to look at its files, so that nothing hides in its memory."""
    return asyncio.run(_tell_all(own_relay, tmp_path_factory.mktemp("people")))


async def _tell_all(relay: RunningRelay, folder: Path) -> Told:
    planted = Planted()
    administrator = await enrol(folder, relay.invite("administrator"), "Ada")
    async with Town(relay, folder, administrator) as town:
        people = [await town.person(MARKER), await town.person("Denis"), await town.person("Rémi")]
        nurse, doctor, third = [await town.connect(person) for person in people]
        await _tell(nurse, doctor, third, planted)
    return Told(relay, planted, people)


async def _tell(nurse: Client, doctor: Client, third: Client, planted: Planted) -> None:
    place, born = planted.text("place"), "1938-04-17"
    circle = await nurse.create_circle(Patient(planted.text("patient"), "F", born, place))
    for other in (doctor, third):
        await circle.add(other.account)
    for number in range(NOTES):
        await circle.post(planted.text(f"note {number}"), form=_form(planted))
    for number in range(8):
        data = _picture(number)
        name = planted.text(f"photo {number}") + ".jpg"
        posted = await circle.post(planted.text("photo"), attachments=[File(name, data)])
        planted.data(f"bytes of photo {number}", await circle.fetch(posted.note, name))
    for number in range(4):
        data = b"%PDF-1.7\n" + os.urandom(150_000)
        planted.data(f"bytes of plan {number}", data)
        name = planted.text(f"plan {number}") + ".pdf"
        await circle.post(planted.text("plan"), attachments=[File(name, data)])
    posted = await circle.post(planted.text("to correct"), urgent=True, acknowledge=True)
    await circle.correct(posted.note, planted.text("corrected"))
    await (await doctor.circle(circle.circle)).acknowledge(posted.note)
    await circle.withdraw(posted.note, planted.text("withdrawn because"))
    await circle.remove(third.account)
    await (await doctor.circle(circle.circle)).post(planted.text("after the rotation"))
    words, code = await make_kit(nurse.session, "fr")
    planted.raw["kit words"] = " ".join(words).encode()
    planted.raw["kit code"] = code.encode()
    for client in (nurse, doctor):
        for key, value in (await client.circle(circle.circle)).view.keys.items():
            planted.raw[f"epoch key {key}"] = value
        seeds = client.session.identity.keys
        planted.raw[f"sign seed {client.device}"] = seeds.sign_seed
        planted.raw[f"kem seed {client.device}"] = seeds.kem_seed
        planted.raw[f"token {client.device}"] = client.session.token.encode()


def _form(planted: Planted) -> Form:
    return Form("test/1", {"ins": planted.number(), "observation": planted.text("value")})


def _picture(number: int) -> bytes:
    image = Image.effect_noise((320, 240), 40 + number).convert("RGB")
    data = io.BytesIO()
    image.save(data, "JPEG")
    return data.getvalue()


def documents(relay: RunningRelay) -> Iterator[tuple[str, bytes]]:
    """Every document of every collection, GridFS's chunks and the log's entries among them."""
    with relay.database() as database:
        for name in database.list_collection_names():
            for row in database[name].find():
                yield name, bson.encode(row)


async def http_answers(relay: RunningRelay) -> list[tuple[str, bytes]]:
    """What anybody at all can fetch."""
    found = []
    async with aiohttp.ClientSession() as http:
        for path in ("/metrics", "/log/checkpoint", "/healthz", "/readyz"):
            async with http.get(relay.origin + path) as answer:
                found.append((path, await answer.read()))
    return found


def test_no_document_log_line_entry_or_raw_file_holds_a_plaintext(told: Told) -> None:
    needles = told.planted.needles()
    assert told.planted.count > 200
    assert len(told.planted.raw) > 20

    rows = list(documents(told.relay))
    assert {"notes", "blobs.chunks", "audit_log", "grants", "entries", "receipts"} <= {
        name for name, _ in rows
    }
    answers = asyncio.run(http_answers(told.relay))
    told.relay.stop()
    logged = [("log", "".join(told.relay.log).encode())]
    raw = list(files_under(told.relay.data))

    assert found_in([*rows, *answers, *logged, *raw], needles) == set()


def test_the_same_search_finds_what_is_there(told: Told) -> None:
    """The directory's names are not sealed, attachments' ids are not secret: both are found where they lie."""
    if told.relay.is_running:
        told.relay.stop()
    account = told.people[0].account
    shown, names = Planted(word=MARKER).needles(), Planted(word=account).needles()
    told.relay.start()
    rows, raw = list(documents(told.relay)), list(files_under(told.relay.data))

    assert f"{MARKER} @ accounts" in found_in(rows, shown)
    assert f"{MARKER} @ statements" in found_in(rows, shown)
    assert f"{account} @ notes" in found_in(rows, names)
    assert f"{account} @ audit_log" in found_in(rows, names)
    if told.relay.is_embedded:
        assert any(path.endswith(".wt") for path, _ in raw)
        places = {found.partition(" @ ")[2] for found in found_in(raw, shown)}
        assert any("documents" in place for place in places), "the raw files hold plain documents"


def test_each_spelling_of_a_secret_would_be_found() -> None:
    planted = Planted()
    planted.data("picture", os.urandom(100))
    text, needles = planted.text("à trouver"), planted.needles()
    for offset in range(3):
        behind = bytes(offset) + text.encode()
        for spelled in (behind, behind.hex().encode(), base64.b64encode(behind)):
            assert found_in([("somewhere", b"..." + spelled)], needles), spelled
    for spelled in (json.dumps(text).encode(), text.encode("utf-16")):
        assert found_in([("somewhere", spelled)], needles)
    assert found_in([("somewhere", b"..." + planted.raw["picture"])], needles)
    assert found_in([("elsewhere", os.urandom(100_000))], needles) == set()

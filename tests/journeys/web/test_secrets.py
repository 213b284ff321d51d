"""What leaves the browser, and what the relay keeps of it: nothing that somebody could read."""

import json
from collections.abc import Iterator

import pytest
from playwright.async_api import expect
from running_relay import RunningRelay
from web_files import payload, photograph
from web_stage import Stage, unique
from web_traffic import written
from web_window import Patient, Window

from relais.client import circle_state

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PATIENT = Patient(name="ZIMMERLIN Bérangère", sex="F", born="1929-02-27", place="Château-Chinon")
TEXT = "Escarre sacrée stade trois, odeur fétide."


async def test_no_request_carries_a_name_a_text_a_picture_or_a_key(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    photo = photograph()
    first = len(nurse.traffic.pieces)
    await nurse.go("")
    circle = await nurse.create_circle(PATIENT)
    await nurse.write(TEXT, files=[payload("sacrum.jpg", "image/jpeg", photo)])
    await nurse.until_sent(TEXT)
    colleague = await stage.town.newcomer(unique("Colette Aubry"))
    await nurse.invite(circle, doctor.name)
    await nurse.invite(circle, colleague.name)
    await doctor.open_circle(circle)
    await expect(doctor.note(TEXT)).to_be_visible()

    theirs = await colleague.circle(circle)
    (note,) = [one async for one in theirs.notes()]
    keys = (await circle_state.fetch(colleague.session, circle)).keys
    secrets = {
        "name": PATIENT["name"].encode(), "place": PATIENT["place"].encode(), "text": TEXT.encode(),
        "file name": b"sacrum.jpg", "file key": note.attachments[0].key, "birth": PATIENT["born"].encode(),
        "picture": (await theirs.fetch(note.note, "sacrum.jpg"))[200:232],
    }  # fmt: skip
    secrets |= {f"key of epoch {epoch}": key for (_, epoch), key in keys.items()}
    found = {
        what: nurse.traffic.places_of(secret) + doctor.traffic.places_of(secret)
        for what, secret in secrets.items()
    }
    assert found == {what: [] for what in secrets}
    assert len(nurse.traffic.pieces) > first
    assert nurse.traffic.places_of(bytes.fromhex(circle)), "the search finds what is there"
    assert all(PATIENT["name"] not in line and TEXT not in line for line in stage.relay.log)
    # The driver does not see bodies that are blobs: the relay keeps them as they came.
    kept = {what: kept_by(stage.relay, secret) for what, secret in secrets.items()}
    assert kept == {what: [] for what in secrets}
    assert kept_by(stage.relay, bytes.fromhex(circle)), "and so does the search of the database"
    assert kept_by(stage.relay, bytes.fromhex(note.attachments[0].blob)), "files included"


def kept_by(relay: RunningRelay, secret: bytes) -> list[str]:
    """Collections of the relay's database that hold these bytes."""
    disguises = set(written(secret))
    with relay.database() as database:
        return [
            name
            for name in database.list_collection_names()
            if any(form in piece for document in database[name].find() for piece in pieces(document) for form in disguises)
        ]  # fmt: skip


def pieces(value: object) -> Iterator[bytes]:
    """Every text and every byte string of a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name).encode()
            yield from pieces(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pieces(inner)
    elif isinstance(value, bytes):
        yield value
    else:
        yield json.dumps(value, default=str, ensure_ascii=False).encode()


async def test_an_invitation_and_a_code_never_stand_in_an_address_that_is_asked_for(
    stage: Stage,
) -> None:
    nurse = await stage.member("Nadia Ferrand")
    await nurse.go("devices/add")
    code = (await nurse.page.locator(".offer .code").inner_text()).replace("-", "")
    joining = await stage.window()
    await joining.page.goto(f"{stage.relay.origin}/join#{code}")
    await joining.button("join.action").click()
    await joining.until_online()

    assert all("#" not in url for url in joining.traffic.urls)
    assert joining.traffic.places_of(code.encode()) == []
    assert nurse.traffic.places_of(code.encode()) == []


async def test_the_titles_in_the_history_name_no_patient(stage: Stage, nurse: Window) -> None:
    circle, _ = await stage.circle("Mme Discrète", nurse)
    await nurse.open_circle(circle.circle)
    await expect(nurse.page.get_by_role("heading", level=1)).to_have_text("Mme Discrète")
    assert "Discrète" not in await nurse.page.title()

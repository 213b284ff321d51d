"""A member hands out a note from the browser: the same file as from the command line, found good by the same program."""

from pathlib import Path

import pytest
from playwright.async_api import expect
from web_files import payload, pdf
from web_stage import Stage
from web_window import Window

from verifier import Outcome, run

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SAID, FIXED, OTHER = "Plaie propre, pansement refait.", "Plaie un peu moins propre.", "Autre chose."


async def asked(window: Window, text: str) -> None:
    """The action stands with who has read the note."""
    await window.note(text).locator("button.seen").click()
    await window.of_note(text, "note.disclose").click()
    await window.heading("disclose.title").wait_for()


async def prepared(window: Window, text: str, folder: Path, *, files: bool = False) -> Path:
    """Ask for the file of a note and save it."""
    await asked(window, text)
    await expect(window.text("disclose.warning")).to_be_visible()
    if files:
        await window.field("disclose.files").check()
    await window.button("disclose.action").click()
    async with window.page.expect_download() as begun:
        await window.link("disclose.save").click()
    path = folder / "note.json"
    await (await begun.value).save_as(path)
    return path


async def program(window: Window, folder: Path) -> Path:
    """The program that the same page hands out."""
    async with window.page.expect_download() as begun:
        await window.link("disclose.verifier").click()
    await (await begun.value).save_as(folder / "relais_verify.py")
    return folder / "relais_verify.py"


def saved(outcome: Outcome) -> str:
    text: str = outcome.json["content"]["text"]
    return text


async def test_a_note_handed_out_from_the_browser_holds_without_relais(
    stage: Stage, nurse: Window, doctor: Window, tmp_path: Path
) -> None:
    circle, _ = await stage.circle("Mme Remise", nurse, doctor)
    await nurse.open_circle(circle.circle)
    await nurse.write(SAID, files=[payload("sortie.pdf", "application/pdf", pdf(20_000))])
    await nurse.until_sent(SAID)
    await nurse.write(OTHER)
    await nurse.until_sent(OTHER)
    await doctor.open_circle(circle.circle)
    await doctor.note(SAID).wait_for()

    path = await prepared(doctor, SAID, tmp_path, files=True)
    key = await doctor.page.locator("note-disclosure code").inner_text()
    checker = await program(doctor, tmp_path)
    outcome = run(path, "--key", key, "--json", "--save", str(tmp_path / "out"), program=checker)
    claims = outcome.claims
    assert (outcome.code, saved(outcome)) == (0, SAID)
    assert claims["note-signed"][0]["name"].startswith("Nadia Ferrand")
    assert claims["note-hash-logged"][0]["proven"]
    assert claims["attachment"][0]["name"] == "sortie.pdf"
    assert OTHER.encode() not in path.read_bytes()


async def test_an_earlier_version_can_be_chosen_and_what_is_not_wanted_is_not_in_it(
    stage: Stage, nurse: Window, tmp_path: Path
) -> None:
    circle, _ = await stage.circle("M. Version", nurse)
    await nurse.open_circle(circle.circle)
    await nurse.write(SAID)
    await nurse.until_sent(SAID)
    await nurse.of_note(SAID, "note.correct").click()
    await nurse.field("composer.text").fill(FIXED)
    await nurse.button("composer.correct").click()
    await nurse.until_sent(FIXED)

    await asked(nurse, FIXED)
    await nurse.field("disclose.version").select_option("1")
    await nurse.field("disclose.receipts").uncheck()
    await nurse.button("disclose.action").click()
    async with nurse.page.expect_download() as begun:
        await nurse.link("disclose.save").click()
    path = tmp_path / "note.json"
    await (await begun.value).save_as(path)
    key = await nurse.page.locator("note-disclosure code").inner_text()
    outcome = run(path, "--key", key, "--json")
    assert (outcome.code, saved(outcome)) == (0, SAID)
    assert "receipt" not in outcome.claims

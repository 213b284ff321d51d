"""From an invitation to a first note that somebody else has acknowledged, in both languages."""

import re

import pytest
from playwright.async_api import expect
from web_stage import Stage, enrol, unique
from web_window import Patient, Window

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

JEANNE = Patient(name="DURAND Jeanne", sex="F", born="1941-05-02", place="Vernay")


async def test_an_invitation_makes_an_account_and_offers_a_kit_of_24_words(stage: Stage) -> None:
    window = await stage.window()
    await enrol(window, await stage.town.invitation(), unique("Claire Morel"))
    await window.button("kit.make").click()
    await expect(window.page.locator(".kit-sheet .words li")).to_have_count(24)
    await expect(window.page.locator(".kit-sheet svg, .kit-sheet canvas").first).to_be_visible()
    await expect(window.button("kit.done")).to_be_disabled()

    await window.field("kit.kept").check()
    await window.button("kit.done").click()
    await window.until_online()

    await window.go("devices")
    devices = window.page.locator("devices-page .rows > li")
    await expect(devices).to_have_count(2)
    await expect(devices.filter(has_text=window.words("devices.kit"))).to_have_count(1)


async def test_a_kit_put_off_is_offered_again_until_it_is_made(stage: Stage) -> None:
    window = await stage.member("Claire Morel")
    await expect(window.heading("circles.title")).to_be_visible()
    await window.go("me")
    await expect(window.text("me.no-kit")).to_be_visible()

    await window.link("me.make-kit").click()
    await window.button("kit.make").click()
    await window.field("kit.kept").check()
    await window.button("kit.done").click()
    await window.go("me")
    await expect(window.heading("me.title")).to_be_visible()
    await expect(window.text("me.no-kit")).to_have_count(0)


async def test_an_invitation_that_was_used_makes_no_second_account(stage: Stage) -> None:
    url = await stage.town.invitation()
    first, second = await stage.window(), await stage.window()
    await enrol(first, url, unique("Claire Morel"))

    second.forgive("status of 404", "status of 403", "status of 400")
    await second.page.goto(url)
    await expect(second.text("enrol.used")).to_be_visible()
    await expect(second.page.locator("form")).to_have_count(0)


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
async def test_a_note_is_acknowledged_minutes_after_two_strangers_were_invited(
    stage: Stage, locale: str
) -> None:
    nurse = await stage.member("Nadia Ferrand", locale=locale)
    doctor = await stage.member("Denis Quéré", locale=locale)

    circle = await nurse.create_circle(JEANNE)
    await expect(nurse.page.get_by_role("heading", level=1)).to_have_text(JEANNE["name"])
    await nurse.invite(circle, doctor.name)

    await doctor.row(JEANNE["name"]).click()
    await expect(doctor.field("composer.text")).to_be_visible()
    await nurse.open_circle(circle)
    await nurse.write("Pansement refait, plaie propre.", acknowledge=True)

    await heard_live_and_acknowledged(doctor, "Pansement refait, plaie propre.")
    await expect(nurse.note("Pansement refait").locator("button.seen")).to_have_text(
        nurse.words("seen.acknowledged", done=1, count=1)
    )
    assert await nurse.receipts("Pansement refait") == {doctor.name: [True, True, True]}


async def heard_live_and_acknowledged(reader: Window, text: str) -> None:
    """The page is open: the note comes by itself, and one click acknowledges it."""
    await expect(reader.note(text)).to_be_visible()
    await reader.of_note(text, "note.acknowledge").click()
    await expect(reader.note(text).locator(".done")).to_have_text(
        re.compile(re.escape(reader.words("note.acknowledged")))
    )

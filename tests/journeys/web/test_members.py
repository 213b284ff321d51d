"""Who comes into a circle and who leaves it, and what each can read."""

import pytest
from playwright.async_api import expect
from web_stage import Stage
from web_window import Patient, Window

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

GINETTE = Patient(name="LEROUX Ginette", sex="F", born="1953-03-16", place="Les Ormes")


async def test_a_colleague_invited_with_all_history_reads_what_was_written_before(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    await nurse.go("")
    circle = await nurse.create_circle({**GINETTE, "name": "LEROUX Toute"})
    await nurse.write("Avant son arrivée.")
    await nurse.until_sent("Avant son arrivée.")
    await nurse.invite(circle, doctor.name, history="all")

    await doctor.open_circle(circle)
    await expect(doctor.note("Avant son arrivée.")).to_be_visible()


async def test_a_colleague_invited_without_history_reads_only_what_comes_after(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    await nurse.go("")
    circle = await nurse.create_circle({**GINETTE, "name": "LEROUX Suite"})
    await nurse.write("Avant son arrivée.")
    await nurse.until_sent("Avant son arrivée.")
    await nurse.invite(circle, doctor.name, history="none")
    await expect(nurse.text("members.history.none")).to_be_visible()
    await nurse.open_circle(circle)
    await nurse.write("Après son arrivée.")

    await doctor.open_circle(circle)
    await expect(doctor.note("Après son arrivée.")).to_be_visible()
    await expect(doctor.page.locator("note-card")).to_have_count(1)


async def test_somebody_removed_is_told_and_reads_nothing_that_comes_after(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    await nurse.go("")
    circle = await nurse.create_circle({**GINETTE, "name": "LEROUX Départ"})
    await nurse.invite(circle, doctor.name)
    await nurse.open_circle(circle)
    await nurse.write("Quand il était là.")
    await doctor.open_circle(circle)
    await expect(doctor.note("Quand il était là.")).to_be_visible()

    await nurse.go(f"circle/{circle}/members")
    await nurse.button("members.remove-person", name=doctor.name).click()
    await (
        nurse.page.get_by_role("dialog")
        .get_by_role("button", name=nurse.words("members.remove"), exact=True)
        .click()
    )
    await expect(doctor.text("circle.left.text")).to_be_visible()
    await expect(doctor.field("composer.text")).to_have_count(0)

    await nurse.open_circle(circle)
    await nurse.write("Quand il est parti.")
    await nurse.until_sent("Quand il est parti.")
    await doctor.go("")
    await doctor.page.reload()
    await doctor.until_online()
    await doctor.go(f"circle/{circle}")
    await expect(doctor.note("Quand il était là.")).to_be_visible()
    await expect(doctor.page.locator("note-card")).to_have_count(1)


async def test_a_patient_who_may_have_a_circle_already_is_pointed_out(
    stage: Stage, nurse: Window
) -> None:
    await nurse.go("")
    await nurse.create_circle({**GINETTE, "name": "PICARD Simone"})
    await nurse.go("new")
    await nurse.field("new-circle.name").fill("picard simone")
    await nurse.page.get_by_role("radio", name=nurse.words("sex.F"), exact=True).check()
    await nurse.field("new-circle.born").fill(GINETTE["born"])
    await nurse.field("new-circle.place").fill("Les Ormes")
    await expect(nurse.page.get_by_role("link", name="PICARD Simone", exact=True)).to_be_visible()

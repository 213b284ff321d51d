"""A second device, a lost one, and an account brought back by its kit."""

import pytest
from playwright.async_api import expect
from web_stage import Stage, join
from web_window import Window

from relais.client.sdk import Circle

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def with_a_circle(stage: Stage) -> tuple[Window, Circle]:
    """Somebody with one device and a circle in which there is a note."""
    first = await stage.member("Nadia Ferrand")
    circle, _ = await stage.circle("Mme Deux", first)
    await circle.post("Écrit avant le second appareil.")
    await first.open_circle(circle.circle)
    await first.note("Écrit avant").wait_for()
    return first, circle


async def test_a_browser_that_joins_by_the_code_opens_everything(stage: Stage) -> None:
    first, circle = await with_a_circle(stage)
    second = await join(stage, first)
    await second.row("Mme Deux").click()
    await expect(second.note("Écrit avant le second appareil.")).to_be_visible()

    await second.write("Écrit sur la tablette.")
    await second.until_sent("Écrit sur la tablette.")
    await first.open_circle(circle.circle)
    await expect(first.note("Écrit sur la tablette.")).to_be_visible()
    await first.go("devices")
    await expect(first.page.locator("devices-page .rows > li")).to_have_count(2)


async def test_a_wrong_code_adds_nothing_and_says_so(stage: Stage) -> None:
    second = await stage.window()
    await second.page.goto(f"{stage.relay.origin}/#/join")
    await second.field("join.code").fill("AAAA-BBBB")
    await second.button("join.action").click()
    await expect(second.text("reason.bad-code")).to_be_visible()


async def test_the_words_of_the_kit_bring_the_account_back_to_another_browser(stage: Stage) -> None:
    lost, circle = await with_a_circle(stage)
    await lost.go("kit")
    await lost.button("kit.make").click()
    await expect(lost.page.locator(".kit-sheet .words li")).to_have_count(24)
    words = await lost.page.locator(".kit-sheet .words li").all_inner_texts()
    await stage.close(lost)

    found = await stage.window()
    await found.page.goto(stage.relay.origin)
    await found.page.get_by_role("link", name=found.words("welcome.restore")).click()
    await found.field("restore.words").fill(" ".join([*words[:23], "relais"]))
    await expect(found.text("restore.wrong")).to_be_visible()
    await found.field("restore.words").fill("  ".join(words).upper())
    await expect(found.text("restore.good")).to_be_visible()
    await found.button("restore.action").click()
    await found.until_online()

    await found.row("Mme Deux").click()
    await expect(found.note("Écrit avant le second appareil.")).to_be_visible()
    await found.write("Retrouvé.")
    await found.until_sent("Retrouvé.")
    assert [note.content.text async for note in circle.notes() if note.content][-1] == "Retrouvé."


async def test_a_revoked_device_is_cut_off_at_once_and_keeps_nothing(stage: Stage) -> None:
    first, circle = await with_a_circle(stage)
    second = await join(stage, first)
    await second.open_circle(circle.circle)
    await second.note("Écrit avant").wait_for()

    await first.go("devices")
    await first.button("devices.revoke-one", name="Tablette").click()
    await (
        first.page.get_by_role("dialog")
        .get_by_role("button", name=first.words("devices.revoke"), exact=True)
        .click()
    )
    await expect(second.text("welcome.revoked")).to_be_visible()
    await expect(second.page.locator("note-card")).to_have_count(0)
    second.forgive("status of 401", "status of 403")
    await second.page.reload()
    await expect(second.heading("welcome.title")).to_be_visible()

    await circle.post("Après la perte.")
    await first.open_circle(circle.circle)
    await expect(first.note("Après la perte.")).to_be_visible()

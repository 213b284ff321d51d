"""Is the recovery kit still there? Asked once in a while, for its third word."""

import pytest
from playwright.async_api import expect
from web_stage import Stage
from web_storage import change
from web_window import Window

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def make_kit(window: Window) -> list[str]:
    await window.button("kit.make").click()
    words = window.page.locator(".kit-sheet .words li")
    await expect(words).to_have_count(24)
    told = await words.all_inner_texts()
    await window.field("kit.kept").check()
    await window.button("kit.done").click()
    return told


async def due(stage: Stage) -> tuple[Window, list[str]]:
    """Somebody whose kit was made long enough ago; a lock they do not want."""
    window = await stage.member("Nadia Ferrand")
    await window.button("lock.offer.later").click()
    await expect(window.page.locator("reminder-banner")).to_have_count(0)
    await window.go("kit")
    words = await make_kit(window)
    await change(window, "kit check", {"askAt": 0})
    await window.page.reload()
    await window.until_online()
    return window, words


async def test_it_is_not_asked_on_the_day_the_kit_is_made(stage: Stage) -> None:
    window = await stage.member("Nadia Ferrand")
    await window.button("lock.offer.later").click()
    await window.go("kit")
    await make_kit(window)
    await window.page.reload()
    await window.until_online()
    await expect(window.heading("circles.title")).to_be_visible()
    await expect(window.page.locator("reminder-banner")).to_have_count(0)


async def test_the_third_word_is_right_whatever_its_accents_and_is_not_asked_again(
    stage: Stage,
) -> None:
    window, words = await due(stage)
    await window.link("kit-check.action").click()
    await window.field("kit-check.word").fill(next(word for word in words if word != words[2]))
    await window.button("kit-check.action").click()
    await expect(window.text("kit-check.wrong")).to_be_visible()

    await window.field("kit-check.word").fill(f" {words[2].upper()} ")
    await window.button("kit-check.action").click()
    await expect(window.text("kit-check.right")).to_be_visible()
    await window.link("kit.done").click()
    await expect(window.heading("circles.title")).to_be_visible()
    await expect(window.page.locator("reminder-banner")).to_have_count(0)
    await window.page.reload()
    await window.until_online()
    await expect(window.page.locator("reminder-banner")).to_have_count(0)


async def test_it_can_be_put_off_and_is_never_asked_where_somebody_writes(stage: Stage) -> None:
    window, _ = await due(stage)
    circle, _ = await stage.circle("Mme Calme", window)
    await expect(window.page.locator("reminder-banner")).to_be_visible()
    await window.open_circle(circle.circle)
    await expect(window.page.locator("reminder-banner")).to_have_count(0)
    await window.go("")
    await window.button("kit-check.later").click()
    await expect(window.page.locator("reminder-banner")).to_have_count(0)


async def test_a_kit_that_is_lost_is_replaced_and_the_old_one_works_no_more(stage: Stage) -> None:
    window, words = await due(stage)
    await window.link("kit-check.action").click()
    await window.field("kit-check.word").fill("zzz")
    await window.button("kit-check.action").click()
    await window.link("kit-check.replace").click()
    await window.button("kit.again").click()
    await expect(window.page.locator(".kit-sheet .words li")).to_have_count(24)
    await window.field("kit.kept").check()
    await window.button("kit.done").click()
    await window.heading("circles.title").wait_for()
    await window.go("devices")
    kits = window.page.locator("devices-page li").filter(has_text=window.words("devices.kit"))
    await expect(kits).to_have_count(2)
    await expect(kits.filter(has_text="Retiré")).to_have_count(1)

    found = await stage.window()
    found.forgive("status of 401", "status of 403")
    await found.page.goto(f"{stage.relay.origin}/#/restore")
    await found.field("restore.words").fill(" ".join(words))
    await found.button("restore.action").click()
    await expect(found.page.locator(".failure")).to_be_visible()

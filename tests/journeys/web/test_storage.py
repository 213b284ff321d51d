"""A browser that throws away what it was given to keep, wholly or in part."""

import pytest
from playwright.async_api import expect
from web_stage import Stage, join
from web_storage import clear, count, delete_database, take_first, until_count
from web_window import Window

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "Là avant le grand nettoyage."


async def with_a_note(stage: Stage) -> tuple[Window, str]:
    window = await stage.member("Nadia Ferrand")
    circle, _ = await stage.circle("Mme Nettoyée", window)
    await circle.post(TEXT)
    await window.open_circle(circle.circle)
    await window.note(TEXT).wait_for()
    return window, circle.circle


async def test_keys_that_are_gone_are_told_calmly_and_another_device_brings_everything_back(
    stage: Stage,
) -> None:
    window, circle = await with_a_note(stage)
    other = await join(stage, window)
    await delete_database(window)
    await expect(window.heading("lost.keys.title")).to_be_visible()
    await window.page.reload()
    await expect(window.heading("lost.keys.title")).to_be_visible()

    await other.go("devices/add")
    code = await other.page.locator(".offer .code").inner_text()
    await window.page.get_by_role("link", name=window.words("welcome.join")).click()
    await window.field("join.code").fill(code)
    await window.button("join.action").click()
    await window.until_online()
    await window.open_circle(circle)
    await expect(window.note(TEXT)).to_be_visible()


async def test_a_browser_where_nobody_was_says_welcome_and_not_that_it_lost_anything(
    stage: Stage,
) -> None:
    window = await stage.window()
    await window.page.goto(stage.relay.origin)
    await expect(window.heading("welcome.title")).to_be_visible()


@pytest.mark.parametrize(
    "gone",
    [
        ("notes",),
        ("epochs",),
        ("receipts",),
        ("accounts",),
        ("circles",),
        ("notes", "epochs", "receipts", "accounts", "circles"),
    ],
    ids="+".join,
)
async def test_what_is_gone_beside_the_keys_is_fetched_again(
    stage: Stage, gone: tuple[str, ...]
) -> None:
    window, circle = await with_a_note(stage)
    await window.write("Vue et comptée.")
    await window.until_sent("Vue et comptée.")
    await until_count(window, "notes", 2)
    await until_count(window, "receipts", 2)  # it has the other's note, and its person has read it
    before = {name: await count(window, name) for name in gone}
    await window.go("me")
    await clear(window, *gone)
    await window.page.reload()
    await window.until_online()
    await window.go("")
    await expect(window.row("Mme Nettoyée")).to_have_count(1)
    await window.open_circle(circle)
    await expect(window.note(TEXT)).to_be_visible()
    await expect(window.note("Vue et comptée.").locator("note-seen")).to_be_visible()
    for name in gone:
        assert before[name] > 0, f"{name} held something"
        await until_count(window, name, before[name])


async def test_a_single_note_that_is_gone_is_fetched_again_between_those_that_are_not(
    stage: Stage,
) -> None:
    window, circle = await with_a_note(stage)
    await window.write("Restée là.")
    await window.until_sent("Restée là.")
    await until_count(window, "notes", 2)
    await window.go("me")
    await take_first(window, "notes")
    assert await count(window, "notes") == 1
    await window.page.reload()
    await window.until_online()
    await window.open_circle(circle)
    await expect(window.note("Restée là.")).to_be_visible()
    await expect(window.note(TEXT)).to_be_visible()
    await until_count(window, "notes", 2)


async def test_the_devices_page_says_whether_the_browser_promised(stage: Stage) -> None:
    window = await stage.member("Nadia Ferrand")
    assert await window.page.evaluate("navigator.storage.persisted()") is False
    await window.go("devices")
    await expect(window.text("keeping.not-kept")).to_be_visible()

    # A window without a history never promises: this is what one with a history may answer.
    await window.page.evaluate("StorageManager.prototype.persist = async () => true")
    await window.button("keeping.ask").click()
    await expect(window.text("keeping.kept")).to_be_visible()

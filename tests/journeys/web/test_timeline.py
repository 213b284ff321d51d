"""A long circle: pages backwards, keeps the reader's place; pictures open and zoom."""

import pytest
from playwright.async_api import Page, expect
from web_files import photograph
from web_stage import Stage
from web_window import Window

from relais.client.sdk import File

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NOTES = 120
FIRST_SHOWN = """
() => {
  const top = document.querySelector(".scroller").getBoundingClientRect().top;
  const card = [...document.querySelectorAll("note-card")].find((one) => one.getBoundingClientRect().bottom > top);
  return [card.querySelector(".prose").textContent, Math.round(card.getBoundingClientRect().top - top)];
}
"""
SETTLED = """
async () => {
  const timeline = document.querySelector("note-timeline");
  const frame = () => new Promise(requestAnimationFrame);
  do {
    await frame();
    await frame();
    await timeline.updateComplete;
  } while (timeline.timeline.loading || !timeline.timeline.loaded);
}
"""
WIDTH = "(image) => image.getBoundingClientRect().width"


async def first_shown(page: Page) -> tuple[str, int]:
    """The note at the top of the screen, and its distance from there in pixels."""
    text, distance = await page.evaluate(FIRST_SHOWN)
    return text, distance


async def test_a_timeline_pages_backwards_to_its_start_and_moves_nothing_under_the_eye(
    stage: Stage, nurse: Window
) -> None:
    circle, _ = await stage.circle("Mme Longue", nurse)
    for number in range(1, NOTES + 1):
        await circle.post(f"Passage {number:03d}.\nPansement refait, plaie propre.")
    await nurse.go(f"circle/{circle.circle}")
    cards = nurse.page.locator("note-card")
    await nurse.note(f"Passage {NOTES}.").wait_for()
    await nurse.page.evaluate(SETTLED)
    pages = [await cards.count()]
    while pages[-1] < NOTES:
        await nurse.page.evaluate("document.querySelector('.scroller').scrollTop = 200")
        text, distance = await first_shown(nurse.page)
        await nurse.page.evaluate("document.querySelector('.scroller').scrollBy(0, -80)")
        await expect(cards.nth(pages[-1])).to_be_attached()
        await nurse.page.evaluate(SETTLED)
        await expect_shown(nurse.page, text, distance + 80)
        pages.append(await cards.count())
    assert len(pages) > 1, "more than one page"
    await expect(nurse.text("timeline.start")).to_be_attached()
    texts = await nurse.page.locator("note-card .prose").all_inner_texts()
    assert [text[:12] for text in texts] == [f"Passage {one:03d}." for one in range(1, NOTES + 1)]


async def expect_shown(page: Page, text: str, distance: int) -> None:
    """What was at the top of the screen stands where it stood, moved by the scrolling alone."""
    top = await page.evaluate(
        """(text) => {
          const card = [...document.querySelectorAll("note-card")].find((one) => one.querySelector(".prose")?.textContent === text);
          return card.getBoundingClientRect().top - document.querySelector(".scroller").getBoundingClientRect().top;
        }""",
        text,
    )
    assert abs(top - distance) <= 2, f"{text!r} was at {distance} and is at {top}"


async def test_a_picture_opens_on_a_click_zooms_and_closes_on_escape(
    stage: Stage, nurse: Window
) -> None:
    circle, _ = await stage.circle("M. Loupe", nurse)
    await circle.post("Voir la berge.", attachments=[File("plaie.jpg", photograph())])
    await nurse.open_circle(circle.circle)
    await nurse.page.get_by_role(
        "button", name=nurse.words("attachment.open-picture", name="plaie.jpg"), exact=True
    ).click()
    picture = nurse.page.locator(".stage img")
    await expect(picture).to_be_visible()
    whole = await picture.evaluate(WIDTH)
    assert await picture.evaluate("(image) => image.naturalHeight > image.naturalWidth"), "upright"

    await nurse.button("viewer.larger").click()
    await nurse.button("viewer.larger").click()
    assert await picture.evaluate(WIDTH) > 1.9 * whole
    await nurse.button("viewer.whole").click()
    assert abs(await picture.evaluate(WIDTH) - whole) < 1
    await nurse.page.keyboard.press("Escape")
    await expect(picture).to_have_count(0)


async def test_a_note_that_comes_while_one_reads_above_is_announced_and_moves_nothing(
    stage: Stage, nurse: Window
) -> None:
    circle, _ = await stage.circle("Mme Haute", nurse)
    for number in range(12):
        await circle.post(f"Relevé {number}.\nTension 13/7.\nPouls 72.")
    await nurse.open_circle(circle.circle)
    await nurse.note("Relevé 11.").wait_for()
    await nurse.page.evaluate(SETTLED)
    await nurse.page.evaluate("document.querySelector('.scroller').scrollTop = 300")
    await nurse.page.evaluate(SETTLED)
    text, distance = await first_shown(nurse.page)

    await circle.post("Nouveau relevé.")
    await nurse.button("timeline.fresh", count=1).wait_for()
    await nurse.page.evaluate(SETTLED)
    await expect_shown(nurse.page, text, distance)
    await nurse.button("timeline.fresh", count=1).click()
    await expect(nurse.note("Nouveau relevé.")).to_be_in_viewport()

"""Looking at what is attached to a note, in a real browser around made-up data."""

import pytest
from playwright.async_api import expect
from views_site import CIRCLE, Views

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PATH = f"/#/circle/{CIRCLE}"


async def test_a_picture_zooms_by_keys_wheel_and_buttons_and_never_leaves_the_stage(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        await page.locator(".thumb").first.click()
        stage = page.locator(".stage.zoomable")
        await stage.focus()
        await expect(stage.locator("img")).to_be_visible()
        whole = await stage.locator("img").bounding_box()
        await page.keyboard.press("+")
        await page.mouse.move(180, 400)
        await page.mouse.wheel(0, -200)
        await page.get_by_role("button", name="Agrandir", exact=True).click()
        near = await stage.locator("img").bounding_box()
        assert whole
        assert near
        assert near["width"] > 3 * whole["width"]
        await stage.focus()
        for _ in range(40):
            await page.keyboard.press("ArrowLeft")
        edge = await stage.locator("img").bounding_box()
        assert edge
        assert abs(edge["x"]) < 1
        await page.keyboard.press("0")
        assert await stage.locator("img").bounding_box() == whole


async def test_what_a_sender_calls_a_page_is_never_opened_as_one(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        await page.evaluate(
            """(circle) => {
            const { timeline } = app.circles.open(circle);
            timeline.patch({ notes: timeline.value.notes.map((note) => ({ ...note, attachments: note.attachments.map((file) => file.mediaType === "application/pdf" ? { ...file, mediaType: "text/html" } : file) })) });
        }""",
            CIRCLE,
        )
        await page.evaluate(
            """() => {
            const make = URL.createObjectURL;
            globalThis.types = [];
            URL.createObjectURL = (blob) => (types.push(blob.type), make(blob));
        }"""
        )
        await page.locator(".file").first.click()
        await page.locator(".viewer-file").wait_for()
        await expect(page.get_by_role("link", name="Ouvrir")).to_have_count(0)
        assert await page.evaluate("types") == ["application/octet-stream"]


async def test_a_document_is_opened_as_what_it_is(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        await page.locator(".file").first.click()
        async with context.expect_page() as opened:
            await page.get_by_role("link", name="Ouvrir").click()
        assert (await opened.value).url.startswith("blob:")

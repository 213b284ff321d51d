"""Every main page with real data, at a real relay: nothing serious for axe, nothing that scrolls sideways."""

import pytest
from playwright.async_api import Page, expect
from web_files import photograph
from web_stage import Stage
from web_window import DESKTOP, PHONE, Window
from web_words import WEB_CLIENT

from relais.client.sdk import File

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AXE = (WEB_CLIENT / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
FAULTS = """
async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
}
"""
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def faults(page: Page) -> list[str]:
    """What axe finds; evaluated by the driver, beside the page's content policy."""
    await page.evaluate(AXE + "; undefined")
    return list(await page.evaluate(FAULTS))


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
async def test_the_pages_of_real_work_are_accessible_and_fit(stage: Stage, locale: str) -> None:
    roles = ("professional", "coordinator", "auditor", "administrator")
    member = await stage.member("Claire Morel", *roles, locale=locale)
    circle, _ = await stage.circle("Mme Accessible", member)
    await circle.post("Voir la berge.", attachments=[File("plaie.jpg", photograph())], urgent=True)
    await circle.correct(
        (await circle.post("Dose à revoir.", acknowledge=True)).note, "Dose revue."
    )
    await member.open_circle(circle.circle)
    await member.note("Dose revue.").locator("button.seen").click()
    await member.note("Dose revue.").locator("table.receipts").wait_for()
    await check(member, f"circle/{circle.circle}")

    waits = {
        "": "circle-list li", f"circle/{circle.circle}/members": "members-page .rows > li",
        f"circle/{circle.circle}/accesses": "audit-rows time", "new": "new-circle-page form",
        "devices": "devices-page .rows > li", "devices/add": ".offer svg", "kit": "kit-page button",
        "broadcasts/new": "new-broadcast-page form", "audit": "audit-rows time",
        "admin": "admin-page .rows > li", "me": "me-page .rows",
    }  # fmt: skip
    for route, shown in waits.items():
        await member.go(route)
        await expect(member.page.locator(shown).first).to_be_visible()
        await check(member, route)


async def check(member: Window, route: str) -> None:
    for size in (PHONE, DESKTOP):
        await member.page.set_viewport_size(size)
        assert await faults(member.page) == [], f"axe at /#/{route}, {size['width']} pixels"
        assert not await member.page.evaluate(SIDEWAYS), f"/#/{route} at {size['width']} pixels"
    await member.page.set_viewport_size(PHONE)

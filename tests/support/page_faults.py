"""What a page gets wrong: accessibility as far as axe sees it, width, size of what is touched."""

from playwright.async_api import Page
from views_site import WEB_CLIENT

AXE = (WEB_CLIENT / "node_modules" / "axe-core" / "axe.min.js").read_text()
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")
FAULTS = """
async (tags) => {
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
}
"""
TOO_WIDE = """
() => [document.documentElement, ...document.querySelectorAll(".pane, .scroller, .page, main")]
  .filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== "none")
  .map((element) => element.className || element.tagName)
"""
TOO_SMALL = """
() => [...document.querySelectorAll("button, a, select, textarea, input")]
  .map((element) => [element.closest("label") ?? element, element])
  .filter(([target]) => target.checkVisibility({ visibilityProperty: true, opacityProperty: false }))
  .filter(([target]) => !target.closest("p, .unseen, .bar-buttons, h2, .skip") && !target.matches(".unseen, .skip, button.badge"))
  .filter(([target]) => target.getBoundingClientRect().height < 43.5 || target.getBoundingClientRect().width < 43.5)
  .map(([target]) => target.outerHTML.slice(0, 120))
"""


async def faults(page: Page) -> list[str]:
    """What axe finds; evaluated beside the page's content policy, which forbids it scripts."""
    await page.evaluate(AXE + "; undefined")
    return list(await page.evaluate(FAULTS, list(RULES)))

"""What the first visit costs, from a cold cache: told with the machine it was measured on, judged by size alone."""

import json
from collections.abc import Callable

import pytest
from playwright.async_api import expect
from web_stage import Stage

from bench import machine

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MOST_SCRIPT = 120_000  # bytes, as sent
TIMES = """
async () => {
  const paint = await new Promise((resolve) => {
    new PerformanceObserver((list) => list.getEntriesByName("first-contentful-paint").forEach(resolve)).observe({ type: "paint", buffered: true });
  });
  const [navigation] = performance.getEntriesByType("navigation");
  const scripts = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"));
  return {
    first_contentful_paint_ms: Math.round(paint.startTime), loaded_ms: Math.round(navigation.loadEventEnd),
    script_bytes: scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0), scripts: scripts.length,
  };
}
"""


async def test_a_first_visit_paints_and_fetches_no_more_script_than_allowed(
    stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    window = await stage.window()
    await window.page.goto(stage.relay.origin)
    await expect(window.heading("welcome.title")).to_be_visible()
    measured = await window.page.evaluate(TIMES)

    told = {"first_view": measured, "machine": machine.describe()}
    record_property("first_view", json.dumps(told))
    print(json.dumps(told, indent=2))
    assert measured["first_contentful_paint_ms"] > 0
    assert 0 < measured["script_bytes"] <= MOST_SCRIPT

"""The web client's views around made-up data, in a real browser, under the server's own content policy."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from patience import PATIENCE
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from relais.server.site import content_policy

ROOT = Path(__file__).parents[2]
WEB_CLIENT = ROOT / "web_client"
FIXTURES = ROOT / "tests" / "web" / "fixtures"
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
PAGE = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>Relais</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/assets/style.css"><script type="module" src="/assets/start.js"></script>
</head><body></body></html>"""
EVERY_ROLE = ("professional", "coordinator", "auditor", "administrator")


def id32(seed: int) -> str:
    """The same made-up ids as fixtures/people.js."""
    return bytes((seed * 37 + index * 11) % 256 for index in range(32)).hex()


CIRCLE = id32(101)
BROADCAST = "01930000-0000-7000-8000-000000000321"


def build_views(folder: Path) -> Path:
    """Bundle the views with the fixtures as the real build does, without the real state."""
    esbuild = WEB_CLIENT / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists():
        raise FileNotFoundError("run npm ci in web_client first: esbuild is not there")
    common = [str(esbuild), "--bundle", "--target=es2022", "--log-level=warning"]
    scripts = [str(FIXTURES / "start.js"), "--splitting", "--format=esm"]
    subprocess.run([*common, *scripts, f"--outdir={folder}"], check=True)
    style = str(WEB_CLIENT / "src" / "style.css")
    subprocess.run([*common, style, f"--outfile={folder / 'style.css'}"], check=True)
    return folder


async def _page(request: web.Request) -> web.Response:
    policy = {"Content-Security-Policy": content_policy(request.host)}
    return web.Response(text=PAGE, content_type="text/html", headers=policy)


def views_application(assets: Path) -> web.Application:
    app = web.Application()
    for path in ("/", "/enrol", "/join"):
        app.router.add_get(path, _page)
    app.router.add_static("/assets", assets)
    return app


@dataclass
class Views:
    """A browser, and where the pages are. `complaints` is what the browser said was wrong."""

    browser: Browser
    origin: str
    complaints: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def context(
        self, *, language: str = "fr-FR", **options: Any
    ) -> AsyncIterator[BrowserContext]:
        options.setdefault("viewport", PHONE)
        context = await self.browser.new_context(
            locale=language, timezone_id="Europe/Paris", **options
        )
        yield context
        await context.close()

    async def show(
        self, context: BrowserContext, path: str, scene: Mapping[str, Any] | None = None
    ) -> Page:
        """Open a page and wait until it stands: its heading is there and nothing is loading."""
        page = await context.new_page()
        page.on("console", lambda told: self._hear(told.type, told.text))
        page.on("pageerror", lambda error: self._hear("error", str(error)))
        await page.add_init_script(f"globalThis.scene = {json.dumps(scene or {})}")
        await page.goto(self.origin + path)
        await page.locator("h1").first.wait_for()
        await page.locator(".loading").first.wait_for(state="detached")
        return page

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


@asynccontextmanager
async def open_views(assets: Path) -> AsyncIterator[Views]:
    browser_path = os.environ.get("RELAIS_TEST_BROWSER", "/usr/bin/chromium")
    async with TestServer(views_application(assets)) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox"]
        )
        expect.set_options(timeout=1000 * PATIENCE)
        views = Views(browser, str(server.make_url("/")).rstrip("/"))
        yield views
        await browser.close()


async def asked(page: Page, name: str, of: str = "app") -> list[list[Any]]:
    """What the fake application, or its open circle, was asked for under this name."""
    source = "app" if of == "app" else f"app.circles.open({json.dumps(of)})"
    return list(
        await page.evaluate(f"{source}.asked.filter(([name]) => name === {json.dumps(name)})")
    )


async def until(page: Page, condition: str) -> None:
    """Wait for an expression; Playwright's own wait evaluates text, which the content policy forbids."""
    look = f"new Promise((done) => {{ const look = () => (({condition}) ? done() : requestAnimationFrame(look)); look(); }})"
    async with asyncio.timeout(PATIENCE):
        await page.evaluate(look)

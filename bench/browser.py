"""The same costs for a member in a browser: `browser_costs.js` with the code of core/, in a page of a real Chromium."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import async_playwright

from bench.members import ATTACHMENT, DEVICES, NOTES

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>bench</title></head><body></body></html>"


async def in_chromium() -> dict[str, Any]:
    """All of it, in one page. Raises FileNotFoundError if the web client's packages are not installed."""
    with tempfile.TemporaryDirectory(prefix="relais-bench-") as folder:
        runner = await _served(_bundle(Path(folder)))
        try:
            return await _measured(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        finally:
            await runner.cleanup()


def _bundle(folder: Path) -> str:
    esbuild = _ROOT / "web_client" / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists():
        raise FileNotFoundError("run npm ci in web_client first: esbuild is not there")
    target = folder / "costs.js"
    source = str(_ROOT / "bench" / "browser_costs.js")
    options = ["--bundle", "--format=esm", "--target=es2022", "--log-level=warning"]
    packages = {**os.environ, "NODE_PATH": str(_ROOT / "web_client" / "node_modules")}
    subprocess.run(
        [str(esbuild), source, *options, f"--outfile={target}"], check=True, env=packages
    )
    return target.read_text()


async def _served(bundled: str) -> web.AppRunner:
    """WebCrypto works on loopback addresses without TLS."""
    app = web.Application()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html")

    async def costs(_: web.Request) -> web.Response:
        return web.Response(text=bundled, content_type="text/javascript")

    app.router.add_get("/", page)
    app.router.add_get("/costs.js", costs)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


async def _measured(url: str) -> dict[str, Any]:
    path = os.environ.get("RELAIS_TEST_BROWSER", "/usr/bin/chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(url)

        async def run(call: str) -> Any:
            return await page.evaluate(f"import('/costs.js').then((costs) => costs.{call})")

        found = {
            "browser": f"Chromium {browser.version}",
            "keys": {f"{devices} devices": await run(f"keysOf({devices})") for devices in DEVICES},
            "history": await run(f"history({NOTES})"),
            "attachment": await run(f"attachment({ATTACHMENT})"),
        }
        await browser.close()
    return found

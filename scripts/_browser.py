"""Find a Chromium for the tests that drive the web client, or install one where that can be done."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import _environment as environment

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "%ProgramFiles%/Google/Chrome/Application/chrome.exe",
    "%ProgramFiles(x86)%/Google/Chrome/Application/chrome.exe",
    "%LocalAppData%/Google/Chrome/Application/chrome.exe",
)
PLAYWRIGHTS = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def find() -> str:
    """Return the path of a Chromium that starts; ends the program where none can be had."""
    named = os.environ.get("RELAIS_TEST_BROWSER")
    if named:
        if not starts(named):
            environment.fail(f"RELAIS_TEST_BROWSER={named} does not start")
        return named
    for install in (nothing, install_with_apt, install_with_playwright):
        install()
        for path in candidates():
            if starts(path):
                return path
    environment.fail("no Chromium: install Chromium or Chrome, or name one in RELAIS_TEST_BROWSER")


def nothing() -> None:
    """What needs no installing."""


def candidates() -> Iterator[str]:
    """Yield where a browser may be, the machine's own first."""
    for name in NAMES:
        if found := shutil.which(name):
            yield found
    yield from filter(os.path.exists, map(os.path.expandvars, PLACES))
    asked = run([str(environment.PYTHON), "-c", PLAYWRIGHTS])
    if asked is not None and os.path.exists(own := asked.stdout.strip()):
        yield own


def starts(path: str) -> bool:
    """Tell whether this browser answers, so that a broken one is not taken."""
    return run([path, "--version"], seconds=30) is not None


def install_with_apt() -> None:
    """Install Debian's Chromium, where we may: as root, on a machine that has apt."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    environment.say("installing chromium with apt-get")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    if run(["apt-get", "-qq", "update"], extra=quiet) is not None:
        run(["apt-get", "-qq", "-y", "install", "chromium"], extra=quiet)


def install_with_playwright() -> None:
    """Download the Chromium that Playwright brings."""
    environment.say("installing chromium with playwright")
    run([str(environment.PYTHON), "-m", "playwright", "install", "chromium"])


def run(
    command: list[str], *, seconds: float = 600, extra: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str] | None:
    """Run a command in silence; None, and its last line on stderr, where it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, **(extra or {})},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        environment.say(f"{command[0]}: {error}")
        return None
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).rsplit("\n", 1)[-1]
        environment.say(f"{' '.join(command[:3])} ended with {done.returncode}: {last}")
        return None
    return done

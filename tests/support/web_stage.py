"""A browser, a relay, and people who meet there: some in pages, some by the Python member."""

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from people import Town
from playwright.async_api import Browser, async_playwright, expect
from running_relay import RunningRelay
from web_window import PATIENCE_MS, PHONE, Window
from web_words import Words

from relais.client.patient import Patient
from relais.client.sdk import Circle, Client
from relais.models.ids import AccountId

NUMBERS = itertools.count(1)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Stage:
    """Opens windows, and closes them when a test ends."""

    def __init__(self, browser: Browser, town: Town) -> None:
        self.browser = browser
        self.town = town
        self.windows: list[Window] = []
        self._watched: list[Window] = []

    @property
    def relay(self) -> RunningRelay:
        return self.town.relay

    async def window(self, *, locale: str = "fr-FR", **options: Any) -> Window:
        """A browser that nobody used yet."""
        options.setdefault("viewport", PHONE)
        context = await self.browser.new_context(
            locale=locale, timezone_id="Europe/Paris", reduced_motion="reduce", **options
        )
        window = Window(context, Words(locale))
        await window.begin()
        self.windows.append(window)
        return window

    async def member(self, name: str, *roles: str, **options: Any) -> Window:
        """Somebody new, who enrolled in a browser and put the recovery kit off."""
        window = await self.window(**options)
        await enrol(window, await self.town.invitation(*roles), unique(name))
        await window.button("kit.later").click()
        await window.until_online()
        return window

    async def circle(self, patient: str, *windows: Window) -> tuple[Circle, Client]:
        """A circle started by a colleague with the Python member, who leads it, with these people in it."""
        colleague = await self.town.newcomer("Colette Aubry")
        circle = await colleague.create_circle(Patient(patient, "F", "1938-04-17", "Saulieu"))
        for window in windows:
            await circle.add(await account_of(colleague, window.name))
        return circle, colleague

    async def close(self, *windows: Window) -> None:
        for window in windows or tuple(self.windows):
            await window.context.close()
            self.windows.remove(window)

    def watch(self, window: Window) -> None:
        """Listen to somebody else's window during this test."""
        window.complaints.clear()
        self._watched.append(window)

    def complaints(self) -> list[str]:
        """What the browser said was wrong, in any window of this test."""
        return [said for one in (*self.windows, *self._watched) for said in one.complaints]


def unique(name: str) -> str:
    """A name nobody else of this run has: the directory finds one person by it."""
    return f"{name} {next(NUMBERS):03d}"


async def enrol(
    window: Window, url: str, name: str, profession: str = "Infirmière", *, organisation: str = ""
) -> None:
    """Follow an invitation and fill its form; ends where the recovery kit is offered."""
    await window.page.goto(url)
    await window.field("enrol.name").fill(name)
    await window.field("enrol.profession").fill(profession)
    if organisation:
        await window.field("enrol.organisation").fill(organisation)
    await window.field("enrol.label").fill("Téléphone de service")
    await window.button("enrol.action").click()
    await window.heading("kit.title").wait_for()
    window.name = name


async def join(stage: Stage, first: Window, **options: Any) -> Window:
    """A second browser of somebody's, called "Tablette", that joins by the code which the first shows."""
    await first.go("devices/add")
    code = await first.page.locator(".offer .code").inner_text()
    second = await stage.window(**options)
    await second.page.goto(stage.relay.origin)
    await second.page.get_by_role("link", name=second.words("welcome.join")).click()
    await second.field("join.code").fill(code.lower())
    await second.field("enrol.label").fill("Tablette")
    await second.button("join.action").click()
    await expect(first.text("add-device.joined")).to_be_visible()
    await second.until_online()
    second.name = first.name
    return second


async def findings_shown(auditor: Window) -> None:
    """Wait until the auditor's page shows what deserves a look, or that nothing does."""
    await auditor.page.locator("audit-findings").locator(".findings, .calm").first.wait_for()


async def account_of(searcher: Client, name: str) -> AccountId:
    """Whoever is called so, by the directory."""
    (found,) = await searcher.directory(name)
    return found.account


@asynccontextmanager
async def browser_of_tests() -> AsyncIterator[Browser]:
    """The one browser of a run; each window has a context of its own."""
    expect.set_options(timeout=PATIENCE_MS)
    path = os.environ.get("RELAIS_TEST_BROWSER", "/usr/bin/chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()

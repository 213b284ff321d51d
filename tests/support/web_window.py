"""One person's browser at a real relay: a context with storage of its own, and the page in it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from patience import PATIENCE
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    FilePayload,
    Locator,
    Page,
    ViewportSize,
    expect,
)
from web_traffic import Traffic
from web_words import Words

PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile, lineNumber }) =>
  console.error(`content policy: ${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`));
"""
PATIENCE_MS = 1000 * PATIENCE
NOT_WANTED_ANY_MORE = "WebSocket is closed before the connection is established"
"""What Chromium says of a page that ends, locks or gives up while it connects."""
IS_ONLINE = """document.querySelector("relais-app")?.app?.connectivity.value.state === "online" """


class Patient(TypedDict):
    """The four fields a circle starts with; `sex` and `born` as the form takes them."""

    name: str
    sex: str
    born: str
    place: str


@dataclass
class Window:
    """What a person does in the pages. `complaints` is what the browser said was wrong."""

    context: BrowserContext
    words: Words
    name: str = ""
    traffic: Traffic = field(default_factory=Traffic)
    complaints: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=lambda: [NOT_WANTED_ANY_MORE])

    async def begin(self) -> None:
        """Listen to everything, then open a page."""
        self.traffic.hear(self.context)
        self.context.on("console", self._told)
        self.context.on("weberror", lambda uncaught: self._hear("error", str(uncaught.error)))
        self.context.set_default_timeout(PATIENCE_MS)
        await self.context.add_init_script(TELL_VIOLATIONS)
        await self.context.new_page()

    @property
    def page(self) -> Page:
        return self.context.pages[0]

    def forgive(self, *texts: str) -> None:
        """Complaints that belong to a test, such as those of a network that was taken away."""
        self.forgiven += texts

    def _told(self, told: ConsoleMessage) -> None:
        self._hear(told.type, f"{told.text} {told.location['url']}")

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(known in text for known in self.forgiven):
            self.complaints.append(f"{kind}: {text}")

    # ── finding ──

    def button(self, key: str, **holes: str | int) -> Locator:
        return self.page.get_by_role("button", name=self.words(key, **holes), exact=True)

    def link(self, key: str, **holes: str | int) -> Locator:
        return self.page.get_by_role("link", name=self.words(key, **holes), exact=True)

    def heading(self, key: str, **holes: str | int) -> Locator:
        return self.page.get_by_role("heading", name=self.words(key, **holes), exact=True)

    def field(self, key: str) -> Locator:
        return self.page.get_by_label(self.words(key), exact=True)

    def text(self, key: str, **holes: str | int) -> Locator:
        """Whatever says this, among other things."""
        return self.page.get_by_text(self.words(key, **holes))

    def note(self, text: str) -> Locator:
        """The card of a note by a part of its text."""
        return self.page.locator("note-card").filter(has_text=text)

    def of_note(self, text: str, key: str) -> Locator:
        """A button of a note's card."""
        return self.note(text).get_by_role("button", name=self.words(key), exact=True)

    def row(self, name: str) -> Locator:
        """A circle's row in the list."""
        return self.page.locator("circle-list li").filter(has_text=name)

    # ── moving ──

    async def go(self, route: str) -> None:
        """Follow a route inside the page, without loading it again: ``circle/…``, ``devices``."""
        await self.page.evaluate("(hash) => { location.hash = hash; }", f"#/{route}")

    async def open_circle(self, circle: str) -> None:
        await self.go(f"circle/{circle}")
        await self.field("composer.text").wait_for()

    async def until_online(self) -> None:
        await self.page.locator("nav.rail").wait_for(state="attached")
        async with asyncio.timeout(PATIENCE):
            while not await self.page.evaluate(IS_ONLINE):
                await self.page.wait_for_timeout(20)
        await expect(self.page.locator("status-banner")).to_have_text("")

    # ── doing ──

    async def create_circle(self, patient: Patient) -> str:
        """By the form; the new circle's id."""
        await self.page.get_by_role("link", name=self.words("circles.new")).first.click()
        await self.field("new-circle.name").fill(patient["name"])
        await self.page.get_by_role(
            "radio", name=self.words(f"sex.{patient['sex']}"), exact=True
        ).check()
        await self.field("new-circle.born").fill(patient["born"])
        await self.field("new-circle.place").fill(patient["place"])
        await self.button("new-circle.create").click()
        await self.field("composer.text").wait_for()
        return self.page.url.rpartition("/")[2]

    async def invite(self, circle: str, name: str, *, history: str = "all") -> None:
        """Find somebody in the directory and add them to the circle."""
        await self.go(f"circle/{circle}/members")
        await self.button("members.invite").click()
        await self.field("directory.search").fill(name)
        await self.button("directory.choose-person", name=name).click()
        await self.page.get_by_role(
            "radio", name=self.words(f"invite.history.{history}"), exact=True
        ).check()
        await self.button("invite.add").click()
        await self.page.locator("invite-form").wait_for(state="detached")
        await self.page.locator("members-page li").filter(has_text=name).wait_for()

    async def write(
        self,
        text: str,
        *,
        files: Sequence[FilePayload] = (),
        urgent: bool = False,
        acknowledge: bool = False,
    ) -> Locator:
        """Write and send; the note's card."""
        await self.field("composer.text").fill(text)
        if files:
            await self.attach(files)
        if urgent:
            await self.button("composer.urgent").click()
        if acknowledge:
            await self.button("composer.acknowledge").click()
        await self.button("composer.send").click()
        await self.note(text).wait_for()
        return self.note(text)

    async def attach(self, files: Sequence[FilePayload]) -> None:
        await self.field("composer.attach").set_input_files(list(files))
        names = self.page.locator(".composer-files li")
        await expect(names).to_have_count(len(files))

    async def until_sent(self, text: str) -> None:
        """The server has it: nothing of it is on its way."""
        await expect(self.note(text).locator("note-seen")).to_be_visible()

    async def receipts(self, text: str) -> Mapping[str, Sequence[bool]]:
        """The matrix of a note as it is shown: per person, which steps are done."""
        card = self.note(text)
        seen = card.locator("button.seen")
        if await seen.get_attribute("aria-expanded") == "false":
            await seen.click()
        await card.locator("table.receipts").wait_for()
        rows = await card.locator("table.receipts tbody tr").all()
        return {
            await row.locator(".person").inner_text(): [
                await step.locator("time").count() == 1 for step in await row.locator("td").all()
            ]
            for row in rows
        }

"""Emergency access in the pages, from a card at the patient's home to the first note: at a real relay, with real keys."""

import asyncio
from dataclasses import dataclass

import pytest
from guarded import WHY, make_escrow, texts
from patience import PATIENCE
from playwright.async_api import Locator, expect
from web_stage import Stage, account_of, enrol, unique
from web_window import Patient, Window

from relais.client import emergency, emergency_card, escrow, release
from relais.client.emergency import Asking
from relais.client.sdk import Circle, Client

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BEFORE = "Sous apixaban depuis mardi."


@dataclass
class There:
    """A circle with an escrow in it: Garance guards it in a browser, two others by the Python member; Olga is outside."""

    circle: Circle
    lead: Client
    escrow: str
    garance: Window
    others: tuple[Client, ...]
    olga: Window

    async def ask(self, words: str = WHY) -> None:
        """Olga opens the card's link, and sends its form."""
        await self.olga.go(f"emergency/{self.circle.circle}/{self.escrow}")
        await self.olga.field("emergency.words").fill(words)
        await self.olga.button("emergency.send").click()
        await expect(self.olga.text("emergency.wait.open")).to_be_visible()

    async def asked(self) -> str:
        """The request, as a guardian who uses the Python member is shown it."""
        (one,) = await emergency.listed(self.others[0].session)
        return one.id


async def there(stage: Stage, *members: Window) -> There:
    garance, olga = await stage.member("Garance Petit"), await stage.member("Olga Vasseur")
    others = (await stage.town.newcomer("Guy Colin"), await stage.town.newcomer("Gisèle Roy"))
    circle, lead = await stage.circle("DURAND Jeanne", *members)
    guardians = [await account_of(lead, garance.name), *(one.account for one in others)]
    made = await make_escrow(stage.town, lead, guardians)
    await circle.add(made.account)
    await circle.post(BEFORE)
    return There(circle, lead, made.account, garance, others, olga)


async def approve(window: Window, name: str) -> Locator:
    """Called by the banner, a guardian looks at who asks, and agrees; the request's card."""
    await window.link("emergency.call.action").click()
    request = window.page.locator("emergency-request").filter(has_text=name)
    await request.get_by_role("button", name=window.words("emergency.approve")).click()
    dialog = window.page.get_by_role("dialog")
    await dialog.get_by_role("button", name=window.words("emergency.approve")).click()
    return request


async def test_a_guardian_in_a_browser_completes_what_one_of_the_command_line_began(
    stage: Stage,
) -> None:
    member = await stage.member("Nadia Ferrand")
    here = await there(stage, member)
    before = (await escrow.found(here.lead.session, here.escrow)).statement.device
    await member.open_circle(here.circle.circle)
    await here.ask()
    await expect(member.text("emergency.notice.asked", name=here.olga.name)).to_be_visible()

    first = await release.approve(here.others[0].session, await here.asked())
    assert (first.state, first.acted) == ("open", False)
    request = await approve(here.garance, here.olga.name)
    await expect(request).to_contain_text(WHY)
    await expect(request).to_contain_text(here.garance.words("emergency.state.released"))
    await expect(request.locator(".spinner")).to_have_count(0)  # the escrow has another key
    await expect(request.locator(".failure")).to_have_count(0)

    await here.olga.link("emergency.open-circle").click()
    await expect(here.olga.note(BEFORE)).to_be_visible()
    await expect(here.olga.note(WHY)).to_be_visible()
    await expect(member.note(WHY)).to_contain_text(member.words("emergency.note", words=WHY))
    notice = member.page.locator("emergency-notice")
    await expect(notice).to_contain_text(here.olga.name)
    await expect(notice).to_contain_text(here.garance.name)
    await until_renewed(here, before)


async def until_renewed(here: There, before: str) -> None:
    """Wait until the escrow has one device, and that another."""
    async with asyncio.timeout(PATIENCE):
        while True:
            now = await escrow.found(here.lead.session, here.escrow)
            devices = [one.id for one in now.state.devices_in_force()]
            if devices == [now.statement.device] and before not in devices:
                return


async def test_an_administrator_makes_an_escrow_and_a_new_circle_can_be_entered_through_it(
    stage: Stage,
) -> None:
    lead, roles = await stage.window(), ("professional", "administrator")
    url = await stage.town.invitation(*roles)
    await enrol(lead, url, unique("Adèle Morin"), organisation="Nord")
    await lead.button("kit.later").click()
    await lead.until_online()
    guardians = [await stage.member("Gaston Brun"), await stage.member("Gilda Noir")]
    await lead.go("escrow")
    for guardian in guardians:
        await lead.field("escrow.search").fill(guardian.name)
        await lead.button("directory.choose-person", name=guardian.name).click()
    await lead.field("escrow.name").fill("Urgences du Sud")
    await lead.button("escrow.make").click()
    await expect(lead.text("escrow.made", name="Urgences du Sud")).to_be_visible()

    await lead.go("")
    circle = await lead.create_circle(
        Patient(name="MARTIN Paul", sex="M", born="1947-02-03", place="Autun")
    )
    await lead.write(BEFORE)
    await lead.until_sent(BEFORE)
    await lead.go(f"circle/{circle}/members")
    await expect(lead.text("emergency.members.on", name="Urgences du Sud")).to_be_visible()
    await lead.link("emergency.members.card").click()
    link = await lead.page.locator(".emergency-card code").inner_text()

    olga = await stage.town.newcomer("Olga Vasseur")
    card = emergency_card.read(link)
    await emergency.ask(olga.session, card, Asking("night", WHY))
    request = await approve(guardians[0], olga.name)
    await expect(request).to_contain_text(guardians[0].words("emergency.state.open"))
    request = await approve(guardians[1], olga.name)
    await expect(request).to_contain_text(guardians[1].words("emergency.state.released"))
    await expect(request.locator(".spinner")).to_have_count(0)
    await expect(request.locator(".failure")).to_have_count(0)
    assert await texts(olga, circle) == [BEFORE]

"""Who reads what and for how long: audiences, substitutes, keys that are on their way, somebody who lost everything."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from people import Person, Town
from playwright.async_api import Locator, expect
from web_stage import Stage, account_of, enrol, unique
from web_window import Patient, Window

from relais.client import enrolment
from relais.client.patient import Patient as PersonInCare
from relais.client.sdk import Change, Client
from relais.models.refusal import Code, Refusal
from relais.models.wire.account import DeviceRequested, Invite
from relais.models.wire.note import SyncCircle

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PARIS = ZoneInfo("Europe/Paris")
"""Where the browsers of the tests are."""
YVETTE = Patient(name="MOREL Yvette", sex="F", born="1936-09-21", place="Autun")


def millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def chips(window: Window) -> Locator:
    return window.page.get_by_role("group", name=window.words("readers.label"))


async def write_for(window: Window, audience: str, text: str) -> None:
    """Choose one audience, and that alone, then write."""
    group = chips(window)
    await group.get_by_role("button", name=audience).click()
    await group.get_by_role("button", name=window.words("audience.team")).click()
    await window.write(text)
    await window.until_sent(text)


async def test_a_daughter_reads_what_is_for_the_family_and_answers_it_there(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    daughter = doctor  # at another person's bedside
    await nurse.go("")
    circle = await nurse.create_circle(YVETTE)
    await nurse.go(f"circle/{circle}/members")
    for name in ("family", "care"):
        await nurse.button("audiences.open").click()
        dialog = nurse.page.get_by_role("dialog")
        await dialog.get_by_role("button", name=nurse.words(f"audience.{name}")).click()
        await dialog.get_by_role(
            "button", name=nurse.words("audiences.open.action"), exact=True
        ).click()
        await dialog.wait_for(state="detached")
    await nurse.button("members.invite").click()
    await nurse.field("directory.search").fill(daughter.name)
    await nurse.button("directory.choose-person", name=daughter.name).click()
    await nurse.page.get_by_role("radio", name=nurse.words("circle-role.carer")).check()
    await expect(
        nurse.page.get_by_role("checkbox", name=nurse.words("audience.family"))
    ).to_be_checked()
    await nurse.button("invite.add").click()
    await nurse.page.locator("invite-form").wait_for(state="detached")

    await nurse.open_circle(circle)
    await write_for(nurse, nurse.words("audience.care"), "Escarre stade 2 au sacrum.")
    await write_for(nurse, nurse.words("audience.family"), "Votre mère a bien mangé.")
    await daughter.open_circle(circle)
    await expect(daughter.note("Votre mère a bien mangé.")).to_be_visible()
    await expect(daughter.page.locator("note-card")).to_have_count(1)
    await (
        daughter.note("Votre mère").get_by_role("button", name=daughter.words("note.reply")).click()
    )
    await expect(chips(daughter).locator("[aria-pressed=true]")).to_contain_text(
        daughter.words("audience.family")
    )
    await daughter.write("Merci, je passe dimanche.")

    answer = nurse.note("Merci, je passe dimanche.")
    await expect(
        answer.locator(".badge").filter(has_text=nurse.words("audience.family"))
    ).to_be_visible()
    await nurse.note("Escarre").get_by_role("button", name=nurse.words("note.reply")).click()
    await expect(chips(nurse).locator("[aria-pressed=true]")).to_contain_text(
        nurse.words("audience.care")
    )
    await nurse.write("Changer d’appui toutes les deux heures.")
    await nurse.until_sent("Changer d’appui")
    await expect(nurse.note("Changer d’appui")).to_contain_text(nurse.words("seen.nobody-else"))
    await daughter.page.reload()
    await daughter.until_online()
    await expect(daughter.note("Merci, je passe dimanche.")).to_be_visible()
    await expect(daughter.page.locator("note-card")).to_have_count(2)


async def test_a_substitutes_access_ends_on_the_minute_and_the_next_note_has_another_key(
    stage: Stage, doctor: Window
) -> None:
    circle, colleague = await stage.circle("Mme Relève")
    substitute = await account_of(colleague, doctor.name)
    await circle.add(substitute)
    await circle.post("Pendant le remplacement.")
    await doctor.open_circle(circle.circle)
    await expect(doctor.note("Pendant le remplacement.")).to_be_visible()
    until = colleague.session.clock.now() + 8_000
    await circle.change(substitute, Change(until=until))

    await expect(doctor.text("circle.left.text")).to_be_visible()
    assert colleague.session.clock.now() >= until
    await expect(doctor.field("composer.text")).to_have_count(0)
    before = circle.view.state.audiences["team"].epoch
    await circle.post("Après le remplacement.")
    await circle.refresh()
    assert circle.view.state.audiences["team"].epoch == before + 1
    await doctor.go("")
    await doctor.go(f"circle/{circle.circle}")
    await expect(doctor.note("Pendant le remplacement.")).to_be_visible()
    await expect(doctor.note("Après le remplacement.")).to_have_count(0)


async def asked_who_could_read(window: Window, text: str) -> Locator:
    """The dialog, which stands with who has read the note."""
    seen = window.note(text).locator("button.seen")
    if await seen.get_attribute("aria-expanded") == "false":
        await seen.click()
    await window.of_note(text, "note.readers").click()
    dialog = window.page.get_by_role("dialog", name=window.words("could.title"))
    await dialog.get_by_role("heading", name=window.words("could.still")).wait_for()
    return dialog


async def closed(window: Window, dialog: Locator) -> None:
    await dialog.get_by_role("button", name=window.words("close")).click()
    await dialog.wait_for(state="detached")


async def test_who_could_read_a_note_and_until_when_is_told_from_the_ledger(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    circle, colleague = await stage.circle("Mme Lecteurs", nurse, doctor)
    await circle.post("Pansement refait.")
    gone = await account_of(colleague, doctor.name)
    await circle.remove(gone)
    await circle.post("Ensuite.")
    await nurse.open_circle(circle.circle)

    dialog = await asked_who_could_read(nurse, "Pansement refait.")
    lists = dialog.locator("section")
    await expect(lists).to_have_count(2)
    still, ended = lists.nth(0), lists.nth(1)
    await expect(still).to_contain_text(colleague.name)
    await expect(still.locator(".could > li")).to_have_count(2)
    await expect(still).to_contain_text(nurse.words("you"))
    await expect(ended).to_contain_text(doctor.name)
    await expect(ended).to_contain_text("Équipe (clé 1)")
    await expect(ended).to_contain_text("Téléphone de service")
    await expect(ended.locator(".spans p").first).to_have_text(re.compile("^Du .* au "))
    await closed(nurse, dialog)

    dialog = await asked_who_could_read(nurse, "Ensuite.")
    await expect(dialog.locator("section")).to_have_count(1)
    await expect(dialog).not_to_contain_text(doctor.name)
    await closed(nurse, dialog)


async def test_whoever_is_added_with_a_date_reads_from_that_day_on_and_nothing_from_before(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    colleague = await stage.town.newcomer("Colette Aubry")
    clock = colleague.session.clock
    noon = datetime.now(PARIS).replace(hour=12, minute=0)
    began, chosen = noon - timedelta(days=5), noon - timedelta(days=3)
    clock.set(millis(began))
    circle = await colleague.create_circle(PersonInCare("Mme Date", "F", "1938-04-17", "Saulieu"))
    await circle.post("Avant ce jour-là.")
    clock.set(millis(chosen))
    await circle.add(await account_of(colleague, nurse.name))
    await circle.post("Ce jour-là.")
    clock.set(millis(chosen + timedelta(days=1)))
    await circle.post("Le lendemain.")

    await nurse.go(f"circle/{circle.circle}/members")
    await nurse.button("members.invite").click()
    await nurse.field("directory.search").fill(doctor.name)
    await nurse.button("directory.choose-person", name=doctor.name).click()
    await nurse.page.get_by_role("radio", name=nurse.words("invite.history.date")).check()
    await nurse.field("invite.history.from").fill(f"{chosen:%Y-%m-%d}")
    await nurse.button("invite.add").click()
    await nurse.page.locator("invite-form").wait_for(state="detached")
    row = nurse.page.locator("members-page li").filter(has_text=doctor.name)
    await expect(row).to_contain_text(re.compile("notes depuis le"))
    await nurse.open_circle(circle.circle)
    await nurse.write("Aujourd’hui.")
    await nurse.until_sent("Aujourd’hui.")

    await doctor.open_circle(circle.circle)
    for text in ("Ce jour-là.", "Le lendemain.", "Aujourd’hui."):
        await expect(doctor.note(text)).to_be_visible()
    await expect(doctor.page.locator("note-card")).to_have_count(3)

    dialog = await asked_who_could_read(nurse, "Le lendemain.")
    person = dialog.locator(".could > li").filter(has_text=doctor.name)
    await expect(person).to_contain_text(nurse.words("could.own-key"))
    await closed(nurse, dialog)
    dialog = await asked_who_could_read(nurse, "Avant ce jour-là.")
    await expect(dialog).not_to_contain_text(doctor.name)
    await closed(nurse, dialog)


async def joined_without_grants(stage: Stage, person: Person, client: Client) -> Window:
    """A second device that the first lets in, and then gives no key to."""
    offered = await enrolment.offer(client.session)
    second = await stage.window()
    await second.page.goto(stage.relay.origin)
    await second.page.get_by_role("link", name=second.words("welcome.join")).click()
    await second.field("join.code").fill(offered.code)
    await second.field("enrol.label").fill("Tablette")
    await second.button("join.action").click()
    async for event in client.session.events():
        if isinstance(event, DeviceRequested):
            await enrolment.approve(client.session, offered, event)
            break
    await second.until_online()
    second.name = person.name
    return second


async def test_a_device_whose_key_is_on_its_way_says_who_can_help_and_opens_when_they_come(
    stage: Stage,
) -> None:
    town: Town = stage.town
    person = await town.person(unique("Nadia Ferrand"))
    first = await town.connect(person)
    circle, colleague = await stage.circle("Mme Verrou")
    await circle.add(first.account)
    await circle.post("Lisible avec la clé.")
    second = await joined_without_grants(stage, person, first)

    await expect(second.text("circles.locked.text")).to_be_visible()
    await second.go(f"circle/{circle.circle}")
    await expect(second.text("help.title")).to_be_visible()
    await expect(second.page.locator("help-notice")).to_contain_text(colleague.name)
    card = second.page.locator("note-card")
    await expect(card).to_contain_text(re.compile("déverrouillage par vos collègues, depuis"))
    await expect(second.page.get_by_text(re.compile("déchiffr"))).to_have_count(0)

    await colleague.heal()

    await expect(second.note("Lisible avec la clé.")).to_be_visible()
    await expect(second.page.locator("help-notice")).to_have_count(0)


async def test_somebody_who_lost_everything_is_let_in_again_with_one_tap(
    stage: Stage, nurse: Window
) -> None:
    town: Town = stage.town
    lost = await town.person(unique("Denise Perdue"))
    await nurse.go("")
    circle = await nurse.create_circle({**YVETTE, "name": "MOREL Retour"})
    await nurse.write("Avant la perte.")
    await nurse.until_sent("Avant la perte.")
    await nurse.invite(circle, lost.name)
    async with town.administrator.connected() as administrator:
        asked = Invite(("professional",), "Sud", 1, resets=lost.account)
        url = stage.relay.origin + (await administrator.session.call(asked)).path
    again = await stage.window()
    await enrol(again, url, lost.name)
    await again.button("kit.later").click()
    await again.until_online()

    await expect(again.text("readmission.title", count=1)).to_be_visible()
    await nurse.go(f"circle/{circle}")
    notice = nurse.page.locator("circle-page reset-notice")
    await expect(notice).to_contain_text(lost.name)
    await notice.get_by_role("button", name=re.compile(nurse.words("reset.action"))).click()
    dialog = nurse.page.get_by_role("dialog")
    await expect(dialog).to_contain_text(re.compile("clés sont nouvelles"))
    await dialog.get_by_role("button", name=nurse.words("reset.action"), exact=True).click()

    await expect(notice).to_have_count(0)
    await again.row("MOREL Retour").click()
    await expect(again.note("Avant la perte.")).to_be_visible()
    await expect(again.text("readmission.title", count=1)).to_have_count(0)


async def test_a_member_whose_time_is_over_is_refused_by_the_relay_too(stage: Stage) -> None:
    circle, colleague = await stage.circle("Mme Terme")
    substitute = await stage.town.newcomer(unique("Solène Colin"))
    await circle.add(substitute.account)
    theirs: Any = await substitute.circle(circle.circle)
    await theirs.post("À temps.")
    until = colleague.session.clock.now() + 3_000
    await circle.change(substitute.account, Change(until=until))

    async def refusal() -> Refusal | None:
        try:
            await substitute.session.call(SyncCircle(circle.circle, 0, 1))
        except Refusal as refused:
            return refused
        return None

    while substitute.session.clock.now() < until:
        await refusal()
    refused = await refusal()
    assert refused is not None
    assert (refused.code, refused.reason) == (Code.FORBIDDEN, "not-a-member")

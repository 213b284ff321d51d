"""A browser at a relay that lies to it, and a browser beside a Python member at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from lying_relay import LyingRelay, Together
from patience import PATIENCE
from people import Person
from playwright.async_api import expect
from web_stage import Stage, account_of, enrol, findings_shown, unique
from web_window import DESKTOP, Window

from relais.client.sdk import Circle, Client

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def liar(stage: Stage) -> AsyncIterator[LyingRelay]:
    async with LyingRelay(stage.relay.origin) as opened:
        yield opened
        await stage.close()
        await stage.town.disconnect()


async def browser_at(liar: LyingRelay, stage: Stage, name: str) -> Window:
    """Somebody new, whose browser has the lying relay for its own."""
    window = await stage.window()
    invitation = await stage.town.invitation()
    await enrol(window, invitation.replace(stage.relay.origin, liar.origin), unique(name))
    await window.button("kit.later").click()
    await window.until_online()
    return window


async def member_at(liar: LyingRelay, stage: Stage, circle: Circle, name: str) -> Client:
    """Somebody new in a circle, with the Python member, whose relay is the lying one."""
    person: Person = await stage.town.person(unique(name))
    await circle.add(person.account)
    return await stage.town.connect(liar.catch(person))


def epoch(circle: Circle) -> int:
    return circle.view.state.audiences["team"].epoch


async def texts(circle: Circle) -> list[str | None]:
    return [note.content.text if note.content else None async for note in circle.notes()]


async def test_a_note_the_relay_drops_is_shown_as_lost_and_sent_again_with_one_tap(
    stage: Stage, liar: LyingRelay
) -> None:
    nurse = await browser_at(liar, stage, "Nadia Ferrand")
    circle, _ = await stage.circle("Mme Perdue", nurse)
    await circle.post("Avant.")
    await nurse.open_circle(circle.circle)
    await nurse.note("Avant.").wait_for()

    def dropped(_: Any, ok: Any) -> Any:
        return {**ok, "notes": [one for one in ok["notes"] if one["seq"] < 2], "last_seq": 1}

    liar.answers["circle.sync"] = dropped  # before it is stored: what was read there once is let go
    note = await nurse.write("Glycémie 0,62 : resucrage fait.")
    is_stored = note.locator("note-seen").or_(note.get_by_role("alert"))
    await expect(is_stored).to_be_visible()
    await nurse.page.reload()
    await expect(note.get_by_role("alert")).to_contain_text(nurse.words("reason.lost-note"))
    alarms = nurse.page.locator("status-banner .alarm")
    await alarms.filter(has_text="Renvoyez-la").wait_for()

    liar.answers.clear()
    await nurse.of_note("Glycémie", "retry").click()
    await nurse.until_sent("Glycémie")
    await nurse.page.reload()
    await nurse.until_sent("Glycémie")
    assert await texts(circle) == ["Avant.", "Glycémie 0,62 : resucrage fait."]


async def test_a_false_note_is_marked_with_an_alarm_and_the_others_are_read(
    stage: Stage, liar: LyingRelay
) -> None:
    nurse = await browser_at(liar, stage, "Nadia Ferrand")
    circle, colleague = await stage.circle("M. Faussaire")
    for text in ("Avant.", "Fausse.", "Après."):
        await circle.post(text)

    def false(_: Any, ok: Any) -> Any:
        notes = [
            {**one, "envelope": b"\x00" * 300} if one["seq"] == 2 else one for one in ok["notes"]
        ]
        return {**ok, "notes": notes}

    liar.answers["circle.page"] = liar.answers["circle.sync"] = false
    await circle.add(await account_of(colleague, nurse.name))
    await nurse.row("M. Faussaire").wait_for()
    await nurse.open_circle(circle.circle)
    await nurse.note("Avant.").wait_for()
    await nurse.note("Après.").wait_for()
    await expect(nurse.note(nurse.words("note.damaged"))).to_have_count(1)
    await expect(nurse.page.locator("status-banner .alarm")).to_contain_text("pas authentique")

    auditor = await stage.member("Isabelle Renaud", "auditor", viewport=DESKTOP)
    await auditor.go("audit")
    finding = auditor.page.locator(".finding").filter(has_text=nurse.name)
    async with asyncio.timeout(PATIENCE):
        while not await finding.count():
            await auditor.page.reload()
            await findings_shown(auditor)
    await expect(finding).to_contain_text("a donné l’alerte")
    await expect(finding).to_contain_text(auditor.words("evidence.forged-note"))
    await finding.get_by_role("button", name=auditor.words("findings.entry")).click()
    await expect(finding.locator("audit-rows")).to_contain_text(
        auditor.words("action.alarm.report")
    )


async def test_a_python_member_and_a_browser_that_rotate_at_the_same_moment_settle_on_one_epoch(
    stage: Stage, liar: LyingRelay
) -> None:
    nurse = await browser_at(liar, stage, "Nadia Ferrand")
    circle, _ = await stage.circle("Mme Tournante", nurse)
    doctor = await member_at(liar, stage, circle, "Denis Quéré")
    leaver = await stage.town.newcomer("Paule Adam")
    await circle.add(leaver.account)
    await nurse.open_circle(circle.circle)
    his = await doctor.circle(circle.circle)
    assert epoch(his) == 1

    liar.holds["circle.append"] = Together(2)
    await (await leaver.circle(circle.circle)).leave()
    posted, _ = await asyncio.gather(
        his.post("Du médecin, au même moment."), nurse.write("De l’infirmière, au même moment.")
    )
    await nurse.until_sent("De l’infirmière")
    await nurse.note("Du médecin").wait_for()
    assert [event for event, _ in liar.forwarded].count("circle.append") >= 2, "they were rivals"

    await circle.refresh()
    assert epoch(circle) == 2
    await his.refresh()
    assert sorted(str(text) for text in await texts(his)) == [
        "De l’infirmière, au même moment.",
        "Du médecin, au même moment.",
    ]
    assert posted.version == 1
    await his.post("Et la suite.")
    await nurse.note("Et la suite.").wait_for()
    await nurse.write("Lue, merci.")
    await nurse.until_sent("Lue, merci.")
    assert "Lue, merci." in await texts(his)


async def test_a_python_member_and_a_browser_that_add_at_the_same_moment_both_do(
    stage: Stage, liar: LyingRelay
) -> None:
    nurse = await browser_at(liar, stage, "Nadia Ferrand")
    circle, colleague = await stage.circle("M. Rival", nurse)
    doctor = await member_at(liar, stage, circle, "Denis Quéré")
    first, second = [await stage.town.newcomer(unique(name)) for name in ("Anne", "Bruno")]
    his = await doctor.circle(circle.circle)
    await circle.post("Pour tous.")
    await nurse.open_circle(circle.circle)

    liar.holds["circle.append"] = Together(2)
    await asyncio.gather(
        his.add(first.account, history=False),
        nurse.invite(circle.circle, second.name, history="none"),
    )
    assert [event for event, _ in liar.forwarded].count("circle.append") >= 3, "one came too late"

    await circle.refresh()
    assert epoch(circle) == 3
    members = circle.view.state.members
    assert {first.account, second.account} <= members.keys()
    await his.refresh()
    await his.post("À quatre mains.")
    for newcomer in (first, second):
        theirs = await newcomer.circle(circle.circle)
        assert "À quatre mains." in await texts(theirs)
        assert "Pour tous." not in await texts(theirs)
    await nurse.open_circle(circle.circle)
    await nurse.note("À quatre mains.").wait_for()
    assert await account_of(colleague, nurse.name) in members

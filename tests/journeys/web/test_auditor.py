"""What auditors do first: look at what the rules found, prove it, say what it was."""

import asyncio

import pytest
from patience import PATIENCE
from playwright.async_api import expect
from web_stage import Stage, findings_shown
from web_window import DESKTOP, Window

from relais.models.ids import uuid7
from relais.models.refusal import Refusal
from relais.models.wire.note import GetNote

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_what_deserves_a_look_is_shown_first_proven_and_reviewed(
    stage: Stage, nurse: Window
) -> None:
    circle, _ = await stage.circle("Mme Convoitée", nurse)
    stranger = await stage.town.newcomer("Curieux")
    for _ in range(5):
        with pytest.raises(Refusal):
            await stranger.session.call(GetNote(circle.circle, uuid7(1_772_000_000_000)))
    auditor = await stage.member("Isabelle Renaud", "auditor", viewport=DESKTOP)
    await auditor.go("audit")
    finding = auditor.page.locator(".finding").filter(has_text=auditor.words("rule.refusals"))
    finding = finding.filter(has_text="Curieux")
    async with asyncio.timeout(PATIENCE):
        while not await finding.count():
            await auditor.page.reload()
            await findings_shown(auditor)
    await finding.get_by_role("button", name=auditor.words("findings.entry")).click()
    await finding.locator("audit-verify button").click()
    await expect(finding.locator("audit-verify .notice")).to_contain_text(
        auditor.words("verify.ok")
    )
    await finding.get_by_role("button", name=auditor.words("findings.person")).click()
    await expect(auditor.page.locator("table.heat td.found")).to_have_count(1)
    await finding.get_by_role("button", name=auditor.words("verdict.escalated")).click()
    await expect(finding).to_contain_text(auditor.words("verdict.escalated"))
    await auditor.page.reload()
    await findings_shown(auditor)
    await expect(finding).to_have_count(0)

"""The auditor's page: what deserves a look comes first, a person's month, the rules."""

import pytest
from page_faults import TOO_WIDE, faults
from playwright.async_api import expect
from views_site import CIRCLE, EVERY_ROLE, PHONE, Views, asked

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ROLES = {"roles": EVERY_ROLE}


async def test_findings_come_before_the_search_and_name_their_rule(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/audit", ROLES)
        first = page.locator("audit-page h2").first
        assert await first.inner_text() == "À regarder"
        found = page.locator(".finding")
        assert await found.count() == 5
        assert "Règle\xa0: Accès hors des heures" in await found.first.inner_text()
        assert "5 refus" in await found.nth(1).inner_text()
        told = await found.last.inner_text()
        assert "a donné l’alerte" in told
        assert "deux histoires différentes d’un même registre" in told


async def test_a_finding_opens_to_its_entry_and_proof_which_is_asked_of_the_server(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/audit", ROLES)
        finding = page.locator(".finding").first
        await finding.get_by_role("button", name="La trace et sa preuve").click()
        await finding.locator("audit-verify button").click()
        await finding.locator("audit-verify .notice").wait_for()
        assert [index for _, index in await asked(page, "audit.view")] == [1991]
        assert await faults(page) == []


async def test_a_finding_is_reviewed_unless_it_is_about_the_reader(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/audit", ROLES)
        finding = page.locator(".finding").first
        await finding.get_by_role("button", name="Expliqué").click()
        await finding.locator("text=Expliqué\xa0:").wait_for()
        assert await finding.locator(".verdicts").count() == 0
        (review,) = await asked(page, "audit.review")
        assert review[1] == {"rule": "outside-hours", "index": 1991, "verdict": "explained"}
        own = page.locator(".finding", has_text="vous concerne")
        assert await own.locator(".verdicts").count() == 0


async def test_reviews_that_are_overdue_come_first_until_somebody_looked(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/audit", {**ROLES, "overdue": 1})
        overdue = page.get_by_role("alert").filter(has_text="1 relecture en retard")
        await expect(overdue).to_be_visible()
        in_time, late = page.locator(".finding").nth(0), page.locator(".finding").nth(1)
        await expect(in_time).to_contain_text("À relire avant le")
        await expect(late).to_contain_text("le délai est passé depuis")
        await late.get_by_role("button", name="Expliqué").click()
        await expect(overdue).to_have_count(0)
    async with views.context() as context:
        page = await views.show(context, "/#/audit", ROLES)
        await page.locator(".finding").first.wait_for()
        await expect(page.get_by_role("alert").filter(has_text="en retard")).to_have_count(0)


async def test_an_entry_that_is_opened_is_told_to_the_server(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/audit", ROLES)
        await page.locator("button.audit-open").first.click()
        assert [index for _, index in await asked(page, "audit.view")] == [1999]


@pytest.mark.parametrize("language", ["fr-FR", "en-GB"])
async def test_a_persons_month_is_walked_by_the_keyboard_and_narrows_the_search(
    views: Views, language: str
) -> None:
    async with views.context(language=language) as context:
        page = await views.show(context, "/#/audit", ROLES)
        await page.locator(".finding .buttons button:nth-of-type(2)").first.click()
        grid = page.locator("table.heat")
        await grid.locator("td[tabindex='0']").focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowLeft", "Enter"):
            await page.keyboard.press(key)
        focused = await page.evaluate("document.activeElement.dataset")
        assert dict(focused) == {"day": "2", "hour": "8"}
        searched = (await asked(page, "audit.search"))[-1][1]
        assert searched["until"] - searched["since"] == 3_600_000
        assert await page.evaluate(TOO_WIDE) == []
        assert await faults(page) == []


async def test_the_rules_are_read_in_words_and_saved_with_the_version_that_was_read(
    views: Views,
) -> None:
    async with views.context(viewport=PHONE) as context:
        page = await views.show(context, "/#/audit", ROLES)
        await page.locator("details.card summary").click()
        rules = page.locator("audit-rules")
        await rules.get_by_label("Un auditeur regarde un collègue", exact=True).check()
        await rules.get_by_label("Nombre de refus").fill("8")
        await rules.get_by_role("button", name="Enregistrer").click()
        await page.locator("text=Règles enregistrées").wait_for(state="attached")
        (saved,) = await asked(page, "audit.rules.set")
        assert (saved[1]["version"], saved[1]["refusals"]) == (2, 8)
        assert "auditor-colleague" in saved[1]["on"]
        assert await faults(page) == []
        assert await page.evaluate(TOO_WIDE) == []


async def test_members_narrow_the_accesses_by_person_and_days(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, f"/#/circle/{CIRCLE}/accesses")
        await page.get_by_label("Personne").select_option(index=1)
        await page.get_by_label("Depuis").fill("2026-03-02")
        await page.locator("audit-rows").wait_for()
        last = (await asked(page, "accesses", of=CIRCLE))[-1][1]
        assert len(last["account"]) == 64
        assert (last["since"], last["until"]) == (1_772_406_000_000, None)


@pytest.mark.parametrize("language", ["fr-FR", "en-GB"])
async def test_a_report_says_who_saw_what_and_is_printed_alone(views: Views, language: str) -> None:
    async with views.context(language=language) as context:
        page = await views.show(context, f"/#/circle/{CIRCLE}/accesses")
        await page.locator("form.filters button").click()
        report = page.locator("access-report article")
        await report.wait_for()
        assert await report.locator(".report-people li").count() == 5
        assert await report.locator("tbody tr").count() == 28
        assert await faults(page) == []
        assert await page.evaluate(TOO_WIDE) == []
        await page.emulate_media(media="print")
        assert await report.is_visible()
        assert not await page.locator("form.filters").is_visible()


async def test_who_asked_the_relay_for_a_note_is_told_beside_who_read_it(views: Views) -> None:
    async with views.context(language="en-GB") as context:
        page = await views.show(context, f"/#/circle/{CIRCLE}")
        card = page.locator("note-card", has_text="Allergie")
        await card.locator("button.seen").click()
        await card.get_by_role("button", name="Who asked the relay for it?").click()
        assert "Asked for does not mean read" in await card.locator("note-fetched").inner_text()
        assert await card.locator("note-fetched li").count() == 2
        assert await faults(page) == []


async def test_the_page_says_how_many_witnesses_signed_and_takes_a_policy(views: Views) -> None:
    async with views.context() as context:
        known = ["w1.example", "w2.example", "w3.example"]
        page = await views.show(context, "/#/audit", {**ROLES, "witnesses": known})
        card = page.locator("audit-page > .page > audit-verify")
        await expect(card).to_contain_text("Ce navigateur connaît 3 témoins")
        await card.get_by_role("button", name="Vérifier").click()
        await expect(card).to_contain_text("2 sur 3 ont signé (w1.example, w2.example).")
        policy = {"name": "policy", "mimeType": "text/plain", "buffer": b"quorum none\n"}
        await card.locator("input[type=file]").set_input_files(policy)
        await expect(card).to_contain_text("Ce navigateur connaît 1 témoin : w.hospital.example")
        await card.get_by_role("button", name="Ne plus demander de témoin").click()
        await expect(card).to_contain_text("Aucun témoin n’est demandé")
        told = [policy for _, policy in await asked(page, "audit.trust")]
        assert told == ["quorum none\n", None]
        assert await faults(page) == []


async def test_an_administrator_reads_and_sets_the_rules_too(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/admin", {"roles": ["administrator"]})
        rules = page.locator("admin-page details")
        await rules.get_by_text("Règles du journal d’accès").click()
        await rules.get_by_role("button", name="Enregistrer").click()
        await rules.locator("text=Règles du journal d’accès").wait_for()
        await expect(rules.locator("audit-rules")).to_be_visible()
        assert len(await asked(page, "audit.rules.set")) == 1
        assert await faults(page) == []

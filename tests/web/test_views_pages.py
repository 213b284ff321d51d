"""Coming in, members, broadcast, audit: what people do on the other pages, in a real browser around made-up data."""

import re

import pytest
from playwright.async_api import expect
from views_site import BROADCAST, CIRCLE, DESKTOP, EVERY_ROLE, Views, asked

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PATH = f"/#/circle/{CIRCLE}"


async def test_an_invitation_becomes_an_account_and_then_offers_the_recovery_kit(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, "/enrol#TOKEN0123456789ab", {"phase": "none"})
        await page.get_by_role("button", name="Créer mon compte").click()
        await expect(page.get_by_label("Nom et prénom")).to_be_focused()
        await page.get_by_label("Nom et prénom").fill("Claire Moreau")
        await page.get_by_label("Profession").fill("Infirmière")
        await page.get_by_role("button", name="Créer mon compte").click()
        await page.get_by_role("heading", name="Kit de secours").wait_for()
        [[_, form]] = await asked(page, "enrol")
        assert form == {
            "token": "TOKEN0123456789ab",
            "name": "Claire Moreau",
            "profession": "Infirmière",
            "organisation": "Maison de santé du Morvan",
            "label": "Mon ordinateur",
        }
        assert "TOKEN" not in page.url
        await page.get_by_role("button", name="Plus tard").click()
        await page.get_by_role("heading", name="Cercles").wait_for()
        assert await page.evaluate("app.session.value.me.kit") == "later"


async def test_a_used_invitation_says_so_and_asks_for_nothing(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/enrol#used", {"phase": "none"})
        await page.get_by_text("Cette invitation n’est plus valable.").wait_for()
        await expect(page.locator("form")).to_have_count(0)


async def test_an_invitation_on_a_device_that_has_an_account_changes_nothing(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/enrol#TOKEN0123456789ab")
        await page.get_by_role(
            "heading", name="Cet appareil est déjà celui de Claire Moreau"
        ).wait_for()
        await page.get_by_role("link", name="Continuer").click()
        await page.get_by_role("heading", name="Cercles").wait_for()
        assert await asked(page, "enrol") == []


async def test_the_kit_is_shown_once_and_only_whoever_kept_it_goes_on(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/kit")
        await page.get_by_role("button", name="Créer mon kit").click()
        await expect(page.locator(".words li")).to_have_count(24)
        await expect(page.get_by_role("button", name="Terminer")).to_be_disabled()
        await page.get_by_label(re.compile("J’ai imprimé")).check()
        await page.get_by_role("button", name="Terminer").click()
        await page.get_by_role("heading", name="Cercles").wait_for()
        assert await asked(page, "makeKit") == [["makeKit", "fr"]]


async def test_a_wrong_word_of_the_kit_is_told_before_anything_is_tried(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/restore", {"phase": "none"})
        words = page.get_by_label("Les 24 mots")
        await words.fill(" ".join(["faux"] * 24))
        await page.get_by_text("Un mot au moins n’est pas le bon").wait_for()
        await expect(page.get_by_role("button", name="Retrouver mon compte")).to_be_disabled()
        await words.fill(" ".join(["sapin"] * 24))
        await page.get_by_role("button", name="Retrouver mon compte").click()
        await page.get_by_role("heading", name="Cercles").wait_for()


async def test_joining_waits_for_the_other_device_and_can_be_given_up(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/join#7KQDM2XP9RTAV4HE", {"phase": "none"})
        await page.get_by_role("button", name="Ajouter cet appareil").click()
        await page.get_by_text("En attente de l’autre appareil").wait_for()
        await page.get_by_role("button", name="Annuler").click()
        await page.get_by_label("Code").fill("WRONG")
        await page.get_by_role("button", name="Ajouter cet appareil").click()
        await page.get_by_text("Ce code n’est pas valable").wait_for()
        assert [form["code"] for _, form in await asked(page, "join")] == [
            "7KQDM2XP9RTAV4HE",
            "WRONG",
        ]


async def test_four_fields_make_a_circle_and_a_likely_double_is_pointed_out(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/new")
        await page.get_by_role("button", name="Créer le cercle").click()
        await expect(page.get_by_label("Nom et prénom du patient")).to_be_focused()
        await page.keyboard.type("Petit Lucienne")
        await page.get_by_label("Femme").check()
        await page.get_by_label("Date de naissance").fill("2999-01-01")
        await page.get_by_label("Commune de naissance").fill("Château-Chinon")
        await page.get_by_text("Indiquez une date de naissance passée.").wait_for()
        await page.get_by_label("Date de naissance").fill("1941-03-12")
        await page.get_by_text("Un cercle existe peut-être déjà").wait_for()
        await page.get_by_role("button", name="Créer le cercle").click()
        await page.get_by_role("heading", name="Mme Lucienne Petit").wait_for()
        [[_, patient, _]] = await asked(page, "create")
        assert patient == {
            "name": "Petit Lucienne",
            "sex": "F",
            "born": "1941-03-12",
            "place": "Château-Chinon",
        }


async def test_somebody_is_invited_without_the_history_until_a_minute(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, f"{PATH}/members")
        await page.get_by_role("button", name="Inviter quelqu’un").click()
        await page.keyboard.type("riviere")
        await page.get_by_role("button", name="Choisir Paul Rivière").click()
        await page.get_by_label("Seulement la suite").check()
        await page.get_by_label("Une date…").check()
        await page.get_by_label("Date et heure de fin").fill("2031-06-30T18:00")
        await page.keyboard.press("Tab")
        await page.get_by_text("L’accès s’arrête lundi 30 juin 2031 à 18:00").wait_for()
        await page.get_by_role("button", name="Ajouter au cercle").click()
        await page.get_by_role("button", name="Inviter quelqu’un").wait_for()
        [[_, member]] = await asked(page, "add", CIRCLE)
        assert (member["role"], member["history"]) == ("professional", "none")
        assert (
            await page.evaluate(f"new Date({member['until']}).toISOString()")
            == "2031-06-30T16:00:00.000Z"
        )


async def test_a_carer_is_offered_the_family_and_a_substitute_an_end_in_one_tap(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, f"{PATH}/members")
        await page.get_by_role("button", name="Inviter quelqu’un").click()
        await page.keyboard.type("riviere")
        await page.get_by_role("button", name="Choisir Paul Rivière").click()
        await page.get_by_role("radio", name="Aidant").check()
        await expect(page.get_by_role("checkbox", name="Famille")).to_be_checked()
        await page.get_by_role("radio", name="Professionnel").check()
        await page.get_by_role("checkbox", name="Soins").check()
        await page.get_by_label("Une semaine").check()
        await page.get_by_text(re.compile("L’accès s’arrête")).wait_for()
        await page.get_by_role("button", name="Ajouter au cercle").click()
        await page.get_by_role("button", name="Inviter quelqu’un").wait_for()
        [[_, member]] = await asked(page, "add", CIRCLE)
        assert member["audiences"] == ["team", "care"]
        days = (member["until"] - await page.evaluate("Date.now()")) / 86_400_000
        assert 6 <= days <= 8


async def test_a_lead_opens_an_audience_and_changes_what_somebody_reads(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, f"{PATH}/members")
        opener = page.get_by_role("button", name="Ouvrir un groupe de lecture")
        await opener.click()
        await page.locator("dialog").wait_for()
        await page.keyboard.press("Escape")
        await expect(opener).to_be_focused()
        await opener.click()
        await page.get_by_role("button", name="Social").click()
        await page.get_by_role("checkbox", name=re.compile("Sophie Garnier")).check()
        await page.get_by_role("button", name="Ouvrir", exact=True).click()
        await page.locator("dialog").wait_for(state="detached")
        [[_, name, others]] = await asked(page, "openAudience", CIRCLE)
        assert (name, len(others)) == ("social", 1)

        change_her = page.get_by_role("button", name="Modifier Sophie Garnier")
        await change_her.click()
        await page.locator("dialog").wait_for()
        await page.keyboard.press("Escape")
        await expect(change_her).to_be_focused()  # whoever goes by keyboard goes on from there
        await change_her.click()
        await page.get_by_role("checkbox", name="Soins").check()
        await page.get_by_text("Cette personne lira aussi ce qui a déjà été écrit").wait_for()
        await page.get_by_role("button", name="Enregistrer").click()
        await page.locator("dialog").wait_for(state="detached")
        [[_, _, change]] = await asked(page, "change", CIRCLE)
        assert change == {"role": "professional", "audiences": ["team", "care"], "until": None}


async def test_removing_a_member_is_asked_twice_and_done_once(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, f"{PATH}/members")
        button = page.get_by_role("button", name="Retirer Karim Benali du cercle")
        await button.click()
        await page.get_by_role("button", name="Annuler").click()
        await page.locator("dialog").wait_for(state="detached")
        assert await asked(page, "remove", CIRCLE) == []
        await button.click()
        await page.locator("dialog").get_by_role("button", name="Retirer du cercle").click()
        await page.locator("dialog").wait_for(state="detached")
        assert len(await asked(page, "remove", CIRCLE)) == 1


NOT_YET = "() => new Promise((done) => { globalThis.over = done; })"


async def test_while_one_is_removed_nobody_else_can_be_and_no_tap_is_dropped(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, f"{PATH}/members")
        await page.evaluate(f"() => {{ app.circles.open('{CIRCLE}').remove = {NOT_YET}; }}")
        await page.get_by_role("button", name="Retirer Karim Benali du cercle").click()
        await page.locator("dialog").get_by_role("button", name="Retirer du cercle").click()
        others = page.get_by_role("button", name=re.compile("^(Retirer|Modifier) Sophie Garnier"))
        await expect(others).to_have_count(2)
        for button in [*await others.all(), page.get_by_role("button", name="Clore le cercle")]:
            await expect(button).to_be_disabled()
        await page.evaluate("globalThis.over()")
        for button in await others.all():
            await expect(button).to_be_enabled()


async def test_while_one_device_is_revoked_another_is_not_and_no_tap_is_dropped(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/devices")
        await page.evaluate(f"() => {{ app.devices.revoke = {NOT_YET}; }}")
        rows = page.locator("devices-page .page > ul.rows").first
        revoke = rows.get_by_role("button", name=re.compile("^Retirer "))
        assert await revoke.count() > 1
        await revoke.last.click()
        await page.locator("dialog").get_by_role("button", name="Retirer l’appareil").click()
        for button in await rows.get_by_role("button").all():
            await expect(button).to_be_disabled()
        await page.evaluate("globalThis.over()")
        await expect(revoke.last).to_be_enabled()


async def test_a_broadcast_needs_a_circle_and_a_text(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/broadcasts/new", {"roles": EVERY_ROLE})
        send = page.get_by_role("button", name=re.compile("^Envoyer"))
        await send.click()
        await page.get_by_text("Choisissez au moins un cercle.").wait_for()
        await page.get_by_label("M. Robert Fontaine").check()
        await page.get_by_label("Mme Amina Haddad").check()
        await send.click()
        await page.get_by_text("Écrivez un texte ou joignez un fichier.").wait_for()
        assert await asked(page, "broadcast") == []
        await page.get_by_label("Texte de la note").fill("Plan de sortie")
        await send.click()
        await page.get_by_role("heading", name="Suivi de la diffusion").wait_for()
        [[_, form]] = await asked(page, "broadcast")
        assert (len(form["circles"]), form["acknowledge"]) == (2, True)
        assert page.url.endswith(BROADCAST)


async def test_an_entry_of_the_audit_log_leads_to_all_of_the_same_person(views: Views) -> None:
    async with views.context(viewport=DESKTOP) as context:
        page = await views.show(context, "/#/audit", {"roles": EVERY_ROLE})
        row = page.get_by_role("row", name=re.compile("Sophie Garnier")).first
        await row.locator("button.audit-open").click()
        await row.get_by_role("button", name="Cette personne").click()
        await page.locator(".picked", has_text="Sophie Garnier").wait_for()
        *_, [_, search] = await asked(page, "audit.search")
        assert search["account"] is not None
        assert search["before"] == 0
        await page.get_by_role("button", name="Effacer les filtres").click()
        *_, [_, search] = await asked(page, "audit.search")
        assert search["account"] is None


async def test_a_finding_of_emergency_access_leads_to_whoever_was_let_in(views: Views) -> None:
    async with views.context(viewport=DESKTOP) as context:
        page = await views.show(context, "/#/audit", {"roles": EVERY_ROLE, "overdue": 1})
        finding = page.locator(".finding", has_text="est entré dans un cercle").first
        said = await finding.locator(".strong").first.inner_text()
        await finding.get_by_role("button", name="Cette personne").click()
        name = await page.locator(".picked").inner_text()
        assert name.strip() == said.partition(" est entré")[0]


async def test_the_proof_says_what_was_proven(views: Views) -> None:
    async with views.context(viewport=DESKTOP) as context:
        page = await views.show(context, "/#/audit", {"roles": EVERY_ROLE})
        await page.get_by_role("button", name="Vérifier 50 traces").click()
        proof = page.locator("audit-verify .notice")
        await expect(proof).to_contain_text("Vérifié")
        await expect(proof).to_contain_text("Les 50 traces affichées sont bien dans ce journal.")


async def test_pages_of_a_role_are_not_there_for_others(views: Views) -> None:
    async with views.context(viewport=DESKTOP) as context:
        page = await views.show(context, "/#/audit")
        await page.get_by_role("heading", name="Cette page n’existe pas").first.wait_for()
        await expect(page.get_by_role("link", name="Traces")).to_have_count(0)
        page = await views.show(context, "/#/audit", {"roles": ["auditor"]})
        await page.get_by_role("heading", name="Traces", exact=True).wait_for()


async def test_another_language_is_kept_on_this_device(views: Views) -> None:
    async with views.context(language="de-DE") as context:
        page = await views.show(context, "/#/me")
        await expect(page.get_by_role("heading", name="Me", exact=True)).to_be_visible()
        await page.get_by_label("Français").check()
        await page.get_by_role("heading", name="Moi").wait_for()
        page = await views.show(context, "/#/me")
        await page.get_by_role("heading", name="Moi").wait_for()


async def test_an_auditor_who_takes_part_in_no_circle_starts_at_the_audit_log(views: Views) -> None:
    async with views.context(viewport=DESKTOP) as context:
        scene = {"roles": ["auditor"], "circles": "none"}
        page = await views.show(context, "/#/", scene)
        await page.get_by_role("heading", name="Traces", exact=True).wait_for()
        await expect(page.get_by_role("link", name="Cercles")).to_have_count(0)
        page = await views.show(context, "/#/", {**scene, "roles": ["professional", "auditor"]})
        await page.get_by_role("heading", name="Cercles").wait_for()


async def test_a_page_that_needs_the_server_appears_once_there_is_a_connection(
    views: Views,
) -> None:
    async with views.context(viewport=DESKTOP) as context:
        scene = {"roles": ["auditor"], "connectivity": {"state": "offline"}}
        page = await views.show(context, "/#/audit", scene)
        await page.get_by_role("heading", name="Cette page a besoin du réseau").last.wait_for()
        assert await asked(page, "audit.search") == []
        await page.evaluate("app.connectivity.patch({ state: 'online' })")
        await page.get_by_role("button", name="Vérifier 50 traces").wait_for()
        await page.evaluate("app.connectivity.patch({ state: 'offline' })")
        await page.get_by_text("Hors connexion.").wait_for()
        await expect(page.get_by_role("button", name="Vérifier 50 traces")).to_be_visible()

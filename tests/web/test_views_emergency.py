"""Emergency access: who asks, who decides, what everybody in the circle sees; in a real browser around made-up data."""

import re

import pytest
from playwright.async_api import expect
from views_site import CIRCLE, EVERY_ROLE, Views, asked, id32

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ELSEWHERE, ESCROW, REQUEST = id32(109), id32(40), id32(200)


async def test_a_guardian_is_called_wherever_they_are_and_approves_after_a_question(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/", {"emergency": "asked"})
        await page.get_by_role("link", name="Répondre").click()
        request = page.locator("emergency-request").filter(has_text="Dr Hélène Vasseur").first
        await expect(request).to_contain_text("Médecin de garde · SOS Médecins Nièvre")
        await expect(request).to_contain_text("confusion depuis ce soir")
        await request.get_by_role("button", name="Accorder").click()
        assert await asked(page, "answer") == []
        await page.get_by_role("dialog").get_by_role("button", name="Accorder").click()
        await expect(request).to_contain_text("Entrée faite")
        assert await asked(page, "answer") == [["answer", REQUEST, True]]
        await expect(page.locator(".banner.emergency")).to_have_count(0)


async def test_a_guardian_declines(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/emergency", {"emergency": "asked"})
        await page.get_by_role("button", name="Refuser").click()
        await expect(page.get_by_text("Refusé par vous")).to_be_visible()
        assert await asked(page, "answer") == [["answer", REQUEST, False]]


async def test_what_was_approved_and_not_finished_can_be_finished(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/emergency", {"emergency": "unfinished"})
        await page.get_by_role("button", name="Faire entrer maintenant").click()
        await expect(page.get_by_text("Entrée faite")).to_be_visible()
        assert await asked(page, "finish") == [["finish", REQUEST]]


async def test_a_card_leads_to_its_guardians_and_the_words_are_asked_for(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, f"/#/emergency/{ELSEWHERE}/{ESCROW}")
        await expect(page.get_by_text("2 garants sur 3 doivent l’accorder")).to_be_visible()
        await page.get_by_role("button", name="Envoyer la demande").click()
        words = page.get_by_label("En quelques mots")
        await expect(words).to_be_focused()
        await words.fill("Chute, je dois connaître ses traitements.")
        await page.get_by_role("radio", name="Urgence vitale").check()
        await page.get_by_role("radio", name="4 heures", exact=True).check()
        await page.get_by_role("button", name="Envoyer la demande").click()
        await expect(page.get_by_text("Les garants sont prévenus.")).to_be_visible()
        assert await asked(page, "askEmergency") == [
            [
                "askEmergency",
                {
                    "circle": ELSEWHERE,
                    "pinned": ESCROW,
                    "reason": "vital",
                    "words": "Chute, je dois connaître ses traitements.",
                    "note": "Accès d’urgence\u00a0: Chute, je dois connaître ses traitements.",
                    "hours": 4,
                },
            ]
        ]
        await page.get_by_role("button", name="Retirer la demande").click()
        await expect(page.get_by_text("Vous avez retiré cette demande.")).to_be_visible()


async def test_a_circle_that_was_typed_says_that_the_card_is_safer(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/emergency")
        link = page.get_by_label("Lien de la carte d’urgence")
        await link.fill("https://elsewhere.example/#/emergency/" + ELSEWHERE)
        await page.get_by_role("button", name="Continuer").click()
        await expect(page.get_by_text("Ce n’est pas le lien d’une carte")).to_be_visible()
        await link.fill(ELSEWHERE)
        await page.get_by_role("button", name="Continuer").click()
        await expect(page.get_by_text("Lien saisi sans le code de la carte")).to_be_visible()


async def test_a_card_of_no_circle_and_one_whose_guardians_are_others_ask_for_nothing(
    views: Views,
) -> None:
    for scene, text in (("missing", "Aucun accès d’urgence"), ("other", "d’autres garants")):
        async with views.context() as context:
            path = f"/#/emergency/{ELSEWHERE}/{ESCROW}"
            page = await views.show(context, path, {"emergency": scene})
            await expect(page.get_by_text(text)).to_be_visible()
            await expect(page.locator("textarea")).to_have_count(0)


async def test_everybody_in_the_circle_sees_who_asks_and_who_came_in(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, f"/#/circle/{CIRCLE}", {"emergency": "follow"})
        await expect(page.get_by_text("demande un accès d’urgence")).to_be_visible()
    async with views.context() as context:
        page = await views.show(context, f"/#/circle/{CIRCLE}", {"emergency": "in"})
        notice = page.locator("emergency-notice")
        await expect(notice).to_contain_text("Nathalie Perrin lit ce cercle")
        await expect(notice).to_contain_text("Accordé par vous et Dr Antoine Lefèvre")


async def test_a_lead_allows_emergency_access_prints_its_card_and_takes_it_back(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, f"/#/circle/{CIRCLE}/members")
        await page.get_by_role("button", name="Permettre l’accès par").click()
        [[_, added]] = await asked(page, "add", of=CIRCLE)
        assert (added["account"], added["role"], added["history"], added["until"]) == (
            ESCROW,
            "professional",
            "all",
            None,
        )
    async with views.context() as context:
        page = await views.show(context, f"/#/circle/{CIRCLE}/members", {"guarded": True})
        row = page.locator("members-page > .page > ul li").filter(has_text="Accès d’urgence · CPTS")
        await expect(row.get_by_role("link")).to_have_count(0)
        await page.get_by_role("button", name="Ne plus le permettre").click()
        await page.get_by_role("dialog").get_by_role("button", name="Ne plus le permettre").click()
        assert await asked(page, "remove", of=CIRCLE) == [["remove", ESCROW]]
        await page.get_by_role("link", name="Carte à imprimer").click()
        await expect(page.locator(".emergency-card code")).to_have_text(
            re.compile(f"/#/emergency/{CIRCLE}/{ESCROW}$")
        )


async def test_an_escrow_is_made_of_guardians_and_a_quorum(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, "/#/escrow", {"roles": list(EVERY_ROLE)})
        await expect(page.get_by_role("button", name="Créer", exact=True)).to_be_disabled()
        for name in ("Garnier", "Benali", "Perrin"):
            await page.get_by_label("Chercher un garant").fill(name)
            await page.get_by_role("button", name=re.compile(f"Choisir .*{name}")).click()
        await page.get_by_role("radio", name="3 sur 3").check()
        await page.get_by_role("button", name="Créer", exact=True).click()
        await expect(page.get_by_text("est prêt")).to_be_visible()
        [[_, form]] = await asked(page, "makeEscrow")
        assert form["guardians"] == [id32(3), id32(4), id32(5)]
        assert (form["quorum"], form["token"]) == (3, None)


async def test_an_invitation_for_an_escrow_is_used_by_somebody_with_an_account_and_enrols_nobody(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, "/enrol#escrow", {"phase": "none"})
        await expect(page.get_by_text("et non un compte de personne")).to_be_visible()
        await expect(page.locator("form")).to_have_count(0)
    async with views.context() as context:
        page = await views.show(context, "/enrol#escrow")
        await page.locator("escrow-invitation").get_by_role("link").click()
        for name in ("Garnier", "Benali"):
            await page.get_by_label("Chercher un garant").fill(name)
            await page.get_by_role("button", name=re.compile(f"Choisir .*{name}")).click()
        await page.get_by_role("button", name="Créer", exact=True).click()
        await expect(page.get_by_text("est prêt")).to_be_visible()
        [[_, form]] = await asked(page, "makeEscrow")
        assert (form["token"], form["organisation"]) == ("escrow", "Maison de santé du Morvan")


async def test_a_new_circle_can_be_entered_in_an_emergency_unless_unchecked(views: Views) -> None:
    for keep in (True, False):
        async with views.context() as context:
            page = await views.show(context, "/#/new")
            await page.get_by_label("Nom et prénom du patient").fill("DURAND Jeanne")
            await page.get_by_role("radio", name="Femme").check()
            await page.get_by_label("Date de naissance").fill("1941-03-12")
            await page.get_by_label("Commune de naissance").fill("Autun")
            possible = page.get_by_role("checkbox", name="Accès d’urgence possible")
            await expect(possible).to_be_checked()
            if not keep:
                await possible.uncheck()
            await page.get_by_role("button", name="Créer le cercle").click()
            await page.locator("circle-page").wait_for()
            [[_, _, escrow]] = await asked(page, "create")
            assert escrow == (ESCROW if keep else None)

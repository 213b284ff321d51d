"""What people do in a circle, by pointer and by keyboard, in a real browser around made-up data."""

import re

import pytest
from page_faults import TOO_WIDE, faults
from playwright.async_api import Page, expect
from views_site import CIRCLE, DESKTOP, Views, asked, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PATH = f"/#/circle/{CIRCLE}"
FOCUSED = "document.activeElement?.textContent.trim() || document.activeElement?.getAttribute('aria-label')"
HOSTILE = "<img src=x onerror='globalThis.stolen=1'>{{}}${1}"


async def scroll_top(page: Page) -> float:
    return float(await page.evaluate("document.querySelector('.scroller').scrollTop"))


async def first_shown(page: Page) -> str:
    """The id of the note at the top of the screen, and its distance from there."""
    return str(
        await page.evaluate(
            """() => {
            const top = document.querySelector(".scroller").getBoundingClientRect().top;
            const card = [...document.querySelectorAll("note-card")].find((one) => one.getBoundingClientRect().bottom > top);
            return `${card.id} ${Math.round(card.getBoundingClientRect().top - top)}`;
        }"""
        )
    )


async def test_a_circle_opens_at_its_first_unread_note(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        await expect(page.locator("#unread-line")).to_be_in_viewport()
        await expect(page.get_by_text("Allergie à l’amoxicilline")).to_be_in_viewport()


async def test_what_was_on_the_screen_is_marked_read_and_what_was_not_is_not(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        await until(
            page, f"app.circles.open('{CIRCLE}').asked.some(([name]) => name === 'markRead')"
        )
        read = {note for _, notes in await asked(page, "markRead", CIRCLE) for note in notes}
        assert any(note.endswith("0012") for note in read), "the urgent note was shown"
        assert not any(note.endswith("0014") for note in read), (
            "the last unread one is below the screen"
        )


async def test_earlier_notes_come_in_above_and_what_is_read_stays_where_it_is(views: Views) -> None:
    async with views.context(viewport=DESKTOP) as context:
        page = await views.show(context, PATH)
        before = await page.locator("note-card").count()
        await page.evaluate("document.querySelector('.scroller').scrollTop = 100")
        shown = await first_shown(page)
        await until(page, f"document.querySelectorAll('note-card').length > {before}")
        await until(page, "!document.querySelector('.timeline-start .spinner')")
        assert await first_shown(page) == shown
        assert await scroll_top(page) > 500


async def test_a_note_that_arrives_below_the_screen_is_announced_and_moves_nothing(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        top = await scroll_top(page)
        await arrive(page, "Nouvelle mesure")
        button = page.get_by_role("button", name="1 nouvelle note")
        await button.wait_for()
        assert await scroll_top(page) == top
        await button.click()
        await expect(page.get_by_text("Nouvelle mesure")).to_be_in_viewport()
        await button.wait_for(state="detached")


async def test_a_note_that_arrives_while_at_the_end_is_followed(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        await page.locator("note-card").last.scroll_into_view_if_needed()
        await page.evaluate("document.querySelector('.scroller').scrollTop = 1e6")
        await arrive(page, "Suivie")
        await expect(page.get_by_text("Suivie")).to_be_in_viewport()
        await expect(page.locator(".fresh")).to_have_count(0)


async def arrive(page: Page, text: str) -> None:
    await page.evaluate(
        """([circle, text]) => {
            const timeline = app.circles.open(circle).timeline;
            const like = timeline.value.notes.find((note) => !note.mine && !note.withdrawn && !note.locked);
            timeline.patch({ notes: [...timeline.value.notes, { ...like, note: crypto.randomUUID(), at: Date.now(), text, unread: true }] });
        }""",
        [CIRCLE, text],
    )


async def test_hostile_text_is_shown_as_text(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        await arrive(page, HOSTILE)
        await page.get_by_text(HOSTILE).wait_for()
        assert await page.evaluate("globalThis.stolen") is None


async def test_a_note_is_written_and_sent_by_keyboard_alone(views: Views) -> None:
    async with views.context(viewport=DESKTOP) as context:
        page = await views.show(context, "/#/")
        await tab_to(page, "Mme Lucienne Petit")
        await page.keyboard.press("Enter")
        await page.locator("note-card").first.wait_for()
        await until(page, "document.activeElement.tagName === 'H1'")
        await tab_to(page, "Texte de la note")
        await page.keyboard.type("Tension 12/7.")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator("note-card").last).to_contain_text("Tension 12/7.")
        [[_, draft]] = await asked(page, "post", CIRCLE)
        assert (draft["text"], draft["urgent"], draft["replyTo"]) == ("Tension 12/7.", False, None)
        await expect(page.get_by_label("Texte de la note")).to_have_value("")


async def tab_to(page: Page, name: str, most: int = 100) -> None:
    """Press Tab until what has the focus is called so; everything on the way must show that it has it."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        told = await page.evaluate(
            """() => {
            const now = document.activeElement;
            const style = getComputedStyle(now.matches(".choice input, label input") ? (now.closest("label").querySelector("span") ?? now) : now);
            return [now.getAttribute("aria-label") ?? now.textContent.trim(), style.outlineStyle, now.tagName];
        }"""
        )
        assert told[2] == "BODY" or told[1] != "none" or "INPUT" in told[2], (
            f"no focus ring on {told}"
        )
        if name in told[0]:
            return
    raise AssertionError(f"{name} cannot be reached by Tab")


async def test_the_first_tab_offers_to_skip_the_navigation(views: Views) -> None:
    async with views.context(viewport=DESKTOP) as context:
        page = await views.show(context, "/#/me")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Aller au contenu")).to_be_focused()
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"


async def test_following_a_link_brings_the_focus_to_the_heading_and_no_name_into_the_title(
    views: Views,
) -> None:
    async with views.context(viewport=DESKTOP) as context:
        page = await views.show(context, "/#/")
        await page.get_by_role("link", name=re.compile("Lucienne Petit")).click()
        await until(page, "document.activeElement.tagName === 'H1'")
        assert await page.evaluate(FOCUSED) == "Mme Lucienne Petit"
        assert await page.title() == "Cercles – Relais"
        await page.get_by_role("link", name="Moi").click()
        await until(page, "document.activeElement.textContent === 'Moi'")


async def test_a_reply_names_the_note_it_answers(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        card = page.locator("note-card", has_text="Allergie")
        await card.get_by_role("button", name="Répondre").click()
        await expect(page.get_by_label("Texte de la note")).to_be_focused()
        await page.keyboard.type("Compris")
        await page.get_by_role("button", name="Envoyer").click()
        await page.locator("note-card", has_text="Compris").wait_for()
        [[_, draft]] = await asked(page, "post", CIRCLE)
        assert draft["replyTo"].endswith("0012")


async def test_a_correction_starts_from_the_text_and_replaces_the_note(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        card = page.locator("note-card", has_text="Plaie du talon droit").first
        await card.get_by_role("button", name="Corriger").click()
        box = page.get_by_label("Texte de la note")
        await expect(box).to_have_value(re.compile("^Plaie du talon droit"))
        await box.fill("Plaie du talon gauche.")
        await page.get_by_role("button", name="Envoyer la correction").click()
        await page.locator("note-card", has_text="Plaie du talon gauche.").wait_for()
        [[_, draft]] = await asked(page, "post", CIRCLE)
        assert draft["replaces"].endswith("000b")
        assert len(draft["kept"]) == 2


async def test_the_history_shows_what_a_correction_changed(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        await page.get_by_role("button", name=re.compile("Corrigée")).click()
        await expect(page.locator("dialog ins").first).to_have_text("3/4")
        await expect(page.locator("dialog del")).to_have_text("1")


NO_GRACE_ENDS = """
const { setTimeout: soon } = globalThis;
globalThis.setTimeout = (call, ms, ...more) => (ms < 8_000 ? soon(call, ms, ...more) : 0);
"""


async def test_a_withdrawal_can_be_undone_for_some_seconds(views: Views) -> None:
    async with views.context() as context:
        await context.add_init_script(NO_GRACE_ENDS)
        page = await views.show(context, PATH)
        await withdraw(page)
        await page.get_by_role("button", name="Annuler").click()
        await page.get_by_text("Note retirée dans quelques secondes").wait_for(state="detached")
        await page.evaluate("location.hash = '#/'")
        await page.get_by_role("heading", name="Cercles").wait_for()
        assert await asked(page, "withdraw", CIRCLE) == []


async def test_a_confirmed_withdrawal_happens_at_once_when_the_circle_is_left(views: Views) -> None:
    async with views.context() as context:
        await context.add_init_script(NO_GRACE_ENDS)
        page = await views.show(context, PATH)
        await withdraw(page, reason="Mauvais patient")
        await page.evaluate("location.hash = '#/'")
        await until(
            page, f"app.circles.open('{CIRCLE}').asked.some(([name]) => name === 'withdraw')"
        )
        [[_, note, reason]] = await asked(page, "withdraw", CIRCLE)
        assert (note[-4:], reason) == ("000b", "Mauvais patient")


async def withdraw(page: Page, reason: str = "") -> None:
    card = page.locator("note-card", has_text="Plaie du talon droit").first
    await card.get_by_role("button", name="Retirer").click()
    await page.get_by_label("Motif").fill(reason)
    await page.get_by_role("button", name="Retirer la note").click()
    await page.get_by_text("Note retirée dans quelques secondes").wait_for()


async def test_a_file_that_cannot_be_sent_leaves_the_draft_and_says_why(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        choose = page.locator("note-composer input[type=file]").first
        await choose.set_input_files(
            {"name": "photo.png", "mimeType": "image/png", "buffer": b"\x89PNG"}
        )
        await page.get_by_role("button", name="Enlever photo.png").wait_for()
        await choose.set_input_files(
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"}
        )
        await page.get_by_text("Seules les photos").wait_for()
        await expect(page.get_by_role("button", name="Enlever notes.txt")).to_have_count(0)
        await expect(page.get_by_role("button", name="Enlever photo.png")).to_have_count(1)


async def test_who_has_seen_a_note_is_shown_person_by_person_on_demand(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        card = page.locator("note-card", has_text="Allergie")
        opener = card.get_by_role("button", name="Pris en compte par 1 sur 5")
        assert await opener.get_attribute("aria-expanded") == "false"
        await opener.click()
        row = card.get_by_role("row", name=re.compile("Karim Benali"))
        await expect(row).to_contain_text("Version 1")
        await expect(row).to_contain_text("Pas encore pris en compte")
        await opener.click()
        await expect(card.get_by_role("table")).to_have_count(0)


async def test_who_could_read_a_version_is_told_person_by_person_since_when_until_when_and_by_what(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        card = page.locator("note-card", has_text="Previscan")
        await card.locator("button.seen").click()
        opener = card.get_by_role("button", name="Qui pouvait la lire ?")
        await opener.click()
        dialog = page.get_by_role("dialog", name="Qui pouvait lire cette note")
        await expect(dialog.get_by_role("listitem").first).to_contain_text("Vous")
        await expect(dialog.get_by_role("heading", name="Ont pu la lire")).to_have_count(0)
        await dialog.get_by_label("Version").select_option("1")
        await dialog.get_by_role("heading", name="Ont pu la lire").wait_for()
        assert await faults(page) == []
        assert await page.evaluate(TOO_WIDE) == []
        doctor, guest, gone = (
            dialog.locator(".could > li").filter(has_text=name)
            for name in ("Antoine Lefèvre", "Karim Benali", "Paul Rivière")
        )
        await expect(doctor).to_contain_text("Par : Soins (clé 1) et Équipe (clé 2)")
        await expect(guest.locator(".spans p").first).to_have_text(re.compile("^Du .* au "))
        await expect(guest).to_contain_text("Par la clé de cette seule version")
        await expect(gone.locator(".spans > li")).to_have_count(2)
        assert [version for _, _, version in await asked(page, "couldRead", CIRCLE)] == [2, 1]
        await page.keyboard.press("Escape")
        await dialog.wait_for(state="detached")
        assert await opener.evaluate("(element) => element === document.activeElement")


async def test_what_leaves_the_outbox_is_not_taken_for_new_notes(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        await page.evaluate(
            """(circle) => {
            const { timeline } = app.circles.open(circle);
            timeline.patch({ notes: timeline.value.notes.slice(0, -1) });
        }""",
            CIRCLE,
        )
        await until(page, "!document.body.textContent.includes('Tension 13/8')")
        await expect(page.locator(".fresh")).to_have_count(0)
        await arrive(page, "Après")
        await page.get_by_role("button", name="1 nouvelle note").wait_for()


async def test_the_composer_shows_who_will_read_and_lets_one_choose(views: Views) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        readers = page.get_by_role("group", name="Qui lira cette note")
        team = readers.get_by_role("button", name="Équipe")
        await expect(team).to_have_attribute("aria-pressed", "true")
        await expect(team).to_be_disabled()  # it goes to somebody
        await readers.get_by_role("button", name="Famille").click()
        await team.click()
        await readers.get_by_role("button", name="Qui lira : 2 personnes").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_text("Jeanne Petit")).to_be_visible()
        await dialog.get_by_role("button", name="Fermer").click()
        await page.get_by_label("Texte de la note").fill("Votre mère a bien mangé.")
        await page.get_by_role("button", name="Envoyer", exact=True).click()
        await expect(page.locator("note-card").filter(has_text="bien mangé")).to_be_visible()
        [[_, draft]] = await asked(page, "post", CIRCLE)
        assert draft["audiences"] == ["family"]


async def test_a_reply_goes_to_whom_the_note_went_and_no_longer_once_it_is_none(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH)
        card = page.locator("note-card").filter(has_text="Maman a bien dormi")
        await expect(card.get_by_text("Pour : Famille")).to_be_attached()
        await card.get_by_role("button", name="Répondre").click()
        readers = page.get_by_role("group", name="Qui lira cette note")
        chosen = readers.locator("[aria-pressed=true]")
        await expect(chosen).to_have_text(re.compile("Famille"))
        await page.locator(".composer-context").get_by_role("button", name="Annuler").click()
        await expect(chosen).to_have_text(re.compile("Équipe"))


async def test_where_everybody_reads_everything_the_composer_says_nothing_of_it(
    views: Views,
) -> None:
    async with views.context() as context:
        page = await views.show(context, PATH, {"audiences": "one"})
        await page.get_by_label("Texte de la note").wait_for()
        await expect(page.locator("composer-readers")).to_have_count(0)


async def test_a_key_on_its_way_says_for_how_long_who_can_help_and_what_to_do(
    views: Views,
) -> None:
    hours = {"since": 0, "people": ["Karim Benali", "Sophie Garnier"], "mine": False, "lastSeen": 1}
    async with views.context() as context:
        page = await views.show(context, PATH, {"info": {"help": hours}})
        notice = page.locator("help-notice")
        await expect(notice).to_contain_text("en cours de déverrouillage par vos collègues")
        await expect(notice).to_contain_text("Karim Benali et Sophie Garnier")
        await expect(notice).to_contain_text("Aucun n’a été en ligne depuis")
        await expect(notice).to_contain_text("appelez Karim Benali")
        locked = page.locator("note-card").filter(has_text="En cours de déverrouillage")
        await expect(locked).to_contain_text("par vos collègues, depuis")


async def test_somebody_who_was_reset_is_let_in_after_what_was_proven_is_said(
    views: Views,
) -> None:
    person = {"name": "Nadia Ferrand", "profession": "Infirmière", "organisation": "Cabinet"}
    waits = {"account": "aa", **person, "by": {"account": "bb", **person}, "at": 1_700_000_000_000}
    scene = {"waiting": [{**waits, "mayReadmit": True}, {**waits, "mayReadmit": False}]}
    async with views.context() as context:
        page = await views.show(context, PATH, scene)
        await expect(page.get_by_role("button", name="Réadmettre Nadia Ferrand")).to_have_count(1)
        await page.get_by_role("button", name="Réadmettre Nadia Ferrand").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Ses clés sont nouvelles")
        await expect(dialog).to_contain_text("appelez-la, ou comparez")
        await dialog.get_by_role("button", name="Annuler").click()
        assert await asked(page, "readmit", CIRCLE) == []
        await page.get_by_role("button", name="Réadmettre Nadia Ferrand").click()
        await dialog.get_by_role("button", name="Réadmettre", exact=True).click()
        await page.locator("dialog").wait_for(state="detached")
        assert await asked(page, "readmit", CIRCLE) == [["readmit", "aa"]]

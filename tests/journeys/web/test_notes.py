"""What happens to a note: photographs, documents, receipts, corrections, withdrawal, answers."""

import io

import pytest
from PIL import Image
from playwright.async_api import Locator, expect
from web_files import payload, pdf, photograph
from web_stage import Stage, account_of
from web_window import Window

from relais.client.reading import Note
from relais.client.sdk import Circle

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def together(stage: Stage, patient: str, *windows: Window) -> Circle:
    """A circle that all of them have open, with a colleague in it who uses the Python member."""
    circle, _ = await stage.circle(patient, *windows)
    for window in windows:
        await window.open_circle(circle.circle)
    return circle


async def newest(circle: Circle) -> Note:
    *_, last = [note async for note in circle.notes()]
    return last


async def test_a_photograph_leaves_the_phone_upright_and_without_its_place(
    stage: Stage, nurse: Window
) -> None:
    circle = await together(stage, "M. Photo", nurse)
    data = photograph()
    await nurse.write("Talon droit.", files=[payload("IMG_2041.jpg", "image/jpeg", data)])
    await nurse.until_sent("Talon droit.")

    (attachment,) = (await newest(circle)).attachments
    fetched = await circle.fetch((await newest(circle)).note, attachment.id)
    assert b"Fictive" in data
    assert b"Fictive" not in fetched
    with Image.open(io.BytesIO(fetched)) as picture:
        assert picture.format == "JPEG"
        assert dict(picture.getexif()) == {}
        assert {"exif", "xmp", "comment", "photoshop"}.isdisjoint(picture.info), list(picture.info)
        assert picture.size == (800, 1200) == (attachment.width, attachment.height)
        assert is_red(picture, (400, 100)), "what was held sideways is on top when it is turned"
        assert not is_red(picture, (400, 1100))
    assert attachment.thumbnail is not None
    with Image.open(io.BytesIO(attachment.thumbnail)) as thumbnail:
        assert thumbnail.height > thumbnail.width


def is_red(picture: Image.Image, place: tuple[int, int]) -> bool:
    pixel = picture.convert("RGB").getpixel(place)
    assert isinstance(pixel, tuple)
    return pixel[0] > 180 and pixel[2] < 80


async def test_a_document_shows_how_far_it_is_and_arrives_byte_for_byte(
    stage: Stage, nurse: Window
) -> None:
    circle = await together(stage, "Mme Document", nurse)
    data = pdf(3_200_000)
    await watch_progress(nurse)
    await nurse.write("Compte rendu joint.", files=[payload("sortie.pdf", "application/pdf", data)])
    await nurse.until_sent("Compte rendu joint.")

    shares = await nurse.page.evaluate("globalThis.shares")
    assert shares == sorted(shares)
    assert any(0 < share < 1 for share in shares), "it was seen on its way"
    note = await newest(circle)
    assert await circle.fetch(note.note, "sortie.pdf") == data


async def watch_progress(window: Window) -> None:
    """Note down every value that the progress of a sending shows."""
    await window.page.evaluate(
        """() => {
          globalThis.shares = [];
          const look = () => {
            const bar = document.querySelector(".note-sending progress");
            if (bar && bar.value !== globalThis.shares.at(-1)) globalThis.shares.push(bar.value);
          };
          new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
        }"""
    )


async def test_a_photograph_that_cannot_be_read_is_not_sent_and_says_why(
    stage: Stage, nurse: Window
) -> None:
    circle = await together(stage, "M. Fichier", nurse)
    broken = payload("photo.jpg", "image/jpeg", photograph()[:400])
    await nurse.field("composer.text").fill("Sans la photo.")
    await nurse.attach([broken])
    await nurse.button("composer.send").click()
    await expect(nurse.text("reason.broken-image")).to_be_visible()
    assert [note async for note in circle.notes()] == []

    await nurse.button("composer.remove-file", name="photo.jpg").click()
    await nurse.attach([payload("bonne.jpg", "image/jpeg", photograph())])
    await nurse.button("composer.send").click()
    await nurse.until_sent("Sans la photo.")
    assert len((await newest(circle)).attachments) == 1


async def test_the_author_sees_who_received_read_and_acknowledged(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    circle = await together(stage, "Mme Accusés", nurse)
    await nurse.write("Dose du soir changée.", acknowledge=True)
    await nurse.until_sent("Dose du soir changée.")
    await circle.add(await account_of_window(stage, doctor))
    await circle.mark([await newest(circle)], "stored", "read")

    await doctor.open_circle(circle.circle)
    await doctor.of_note("Dose du soir", "note.acknowledge").click()

    summary = nurse.note("Dose du soir").locator("button.seen")
    await expect(summary).to_have_text(nurse.words("seen.acknowledged", done=1, count=2))
    assert await nurse.receipts("Dose du soir") == {
        "Colette Aubry": [True, True, False],
        doctor.name: [True, True, True],
    }


async def test_no_focus_and_no_jump_moves_the_page_itself(stage: Stage, nurse: Window) -> None:
    circle = await together(stage, "Mme Immobile", nurse)
    for number in range(8):
        await circle.post(f"Relevé {number}.")
    await nurse.note("Relevé 7.").wait_for()
    await nurse.receipts("Relevé 7.")
    await nurse.page.evaluate("document.querySelector('.scroller').scrollTop = 0")
    await nurse.note("Relevé 7.").evaluate("(card) => card.scrollIntoView({ block: 'start' })")
    moved = """
      [...document.querySelectorAll("*")].filter((one) => one.scrollTop > 0 && one.className !== "scroller").map((one) => one.outerHTML.slice(0, 60))
    """
    assert await nurse.page.evaluate(moved) == []


async def account_of_window(stage: Stage, window: Window) -> str:
    async with stage.town.administrator.connected() as searcher:
        return await account_of(searcher, window.name)


async def test_a_correction_is_unread_again_and_its_history_shows_what_changed(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    await together(stage, "M. Correction", nurse, doctor)
    await nurse.write("Furosémide 40 mg le matin.", acknowledge=True)
    await doctor.of_note("Furosémide", "note.acknowledge").click()
    await expect(seen(nurse, "Furosémide")).to_have_text(
        nurse.words("seen.acknowledged", done=1, count=2)
    )

    await nurse.of_note("Furosémide", "note.correct").click()
    await nurse.field("composer.text").fill("Furosémide 30 mg le matin.")
    await nurse.button("composer.correct").click()

    await expect(doctor.note("Furosémide 30 mg")).to_be_visible()
    await expect(doctor.of_note("Furosémide 30 mg", "note.acknowledge")).to_be_visible()
    await expect(seen(nurse, "Furosémide 30 mg")).to_have_text(
        nurse.words("seen.acknowledged", done=0, count=2)
    )
    await doctor.note("Furosémide").locator("button.badge").click()
    versions = doctor.page.locator("note-history .versions > li")
    await expect(versions).to_have_count(2)
    await expect(versions.first.locator("ins")).to_contain_text("30")
    await expect(versions.first.locator("del")).to_contain_text("40")
    await expect(versions.last).to_contain_text("Furosémide 40 mg le matin.")
    await doctor.page.keyboard.press("Escape")


def seen(window: Window, text: str) -> Locator:
    return window.note(text).locator("button.seen")


async def test_a_withdrawn_note_is_gone_for_everybody_with_its_reason(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    await together(stage, "Mme Retrait", nurse, doctor)
    await nurse.write("Glycémie 1,2 g/L.")
    await expect(doctor.note("Glycémie")).to_be_visible()

    await nurse.of_note("Glycémie", "note.withdraw").click()
    await nurse.field("withdraw.reason").fill("erreur de dossier")
    await nurse.button("withdraw.action").click()

    reason = doctor.words("note.reason", reason="erreur de dossier")
    await expect(doctor.page.locator("note-card").filter(has_text=reason)).to_be_visible()
    await expect(doctor.note("Glycémie")).to_have_count(0)
    await expect(nurse.note("Glycémie")).to_have_count(0)


async def test_a_reply_shows_what_it_answers_and_leads_there(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    await together(stage, "M. Réponse", nurse, doctor)
    await nurse.write("Bande de contention la nuit ?")
    await doctor.of_note("Bande de contention", "note.reply").click()
    await doctor.write("Non, avant le lever.")

    quote = nurse.note("Non, avant le lever.").locator("button.quote")
    await expect(quote).to_contain_text("Bande de contention la nuit ?")
    await quote.click()
    focused = nurse.page.locator("article:focus")
    await expect(focused).to_contain_text("Bande de contention la nuit ?")


async def test_an_urgent_note_stands_first_in_the_list_until_it_is_read(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    quiet, _ = await stage.circle("Mme Calme", nurse, doctor)
    await quiet.post("Rien à signaler.")
    pressing, _ = await stage.circle("M. Pressé", nurse, doctor)
    await doctor.go("")
    await expect(doctor.row("Mme Calme")).to_be_visible()
    await nurse.open_circle(pressing.circle)
    await nurse.write("INR 6, faut-il l'adresser ?", urgent=True)
    await quiet.post("Toujours rien.")

    first = doctor.page.locator("circle-list li").first
    await expect(first).to_contain_text("M. Pressé")
    await expect(first.locator(".urgent")).to_have_count(1)
    await first.click()
    await expect(doctor.note("INR 6").locator(".badge.urgent")).to_be_visible()
    await expect(seen(nurse, "INR 6")).to_have_text(nurse.words("seen.read", done=1, count=2))
    await doctor.go("")
    await expect(doctor.row("M. Pressé").locator(".urgent")).to_have_count(0)

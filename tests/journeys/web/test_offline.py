"""An afternoon without a network: what was written waits, survives, and leaves once and in order."""

import pytest
from playwright.async_api import expect
from web_files import payload, photograph
from web_stage import Stage
from web_window import Window

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WITHOUT = ("net::ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "ERR_NETWORK_CHANGED")
READY = "navigator.serviceWorker.ready.then(() => undefined)"


async def test_what_is_written_without_a_network_survives_a_reload_and_arrives_once_in_order(
    stage: Stage,
) -> None:
    nurse = await stage.member("Nadia Ferrand")
    circle, _ = await stage.circle("Mme Campagne", nurse)
    await circle.post("Écrit avec réseau.")
    await nurse.open_circle(circle.circle)
    await nurse.note("Écrit avec réseau.").wait_for()
    await nurse.page.evaluate(READY)

    await without_network(nurse)
    photo = payload("plaie.jpg", "image/jpeg", photograph())
    await nurse.write("Premier, sans réseau.")
    await nurse.write("Deuxième, avec photo.", files=[photo])
    await nurse.write("Troisième, sans réseau.")
    await expect(nurse.text("offline.waiting", count=3)).to_be_visible()

    await nurse.page.reload()
    await expect(nurse.note("Écrit avec réseau.")).to_be_visible()
    await expect(nurse.note("Deuxième").locator(".thumb img")).to_be_visible()
    await expect(nurse.text("offline.waiting", count=3)).to_be_visible()

    nurse.forgive("/blobs/")  # which the relay is asked for after a reload and does not have
    await nurse.context.set_offline(False)
    for text in ("Premier", "Deuxième", "Troisième"):
        await nurse.until_sent(text)
    await nurse.until_online()
    posted = [note async for note in circle.notes()]
    assert [note.content.text for note in posted if note.content] == [
        "Écrit avec réseau.",
        "Premier, sans réseau.",
        "Deuxième, avec photo.",
        "Troisième, sans réseau.",
    ]
    assert [note.seq for note in posted] == [1, 2, 3, 4]
    fetched = await circle.fetch(posted[2].note, "plaie.jpg")
    assert len(fetched) == posted[2].attachments[0].size


async def without_network(window: Window) -> None:
    window.forgive(*WITHOUT)
    await window.context.set_offline(True)
    await expect(window.text("offline.text")).to_be_visible()


async def test_a_draft_survives_a_reload_without_a_network(stage: Stage) -> None:
    nurse = await stage.member("Nadia Ferrand")
    circle, _ = await stage.circle("M. Brouillon", nurse)
    await nurse.open_circle(circle.circle)
    await nurse.page.evaluate(READY)
    await without_network(nurse)
    await nurse.field("composer.text").fill("Commencé et pas fini")
    await nurse.go("")
    await nurse.open_circle(circle.circle)
    await expect(nurse.field("composer.text")).to_have_value("Commencé et pas fini")

    await nurse.page.reload()
    await expect(nurse.field("composer.text")).to_have_value("Commencé et pas fini")
    assert [note async for note in circle.notes()] == []

"""What coordinators, auditors and administrators do in the pages."""

import csv
import io
import json
from pathlib import Path

import pytest
from playwright.async_api import Download, Locator, expect
from web_files import payload, pdf
from web_stage import Stage, enrol, join, unique
from web_window import DESKTOP, Window

from verifier import run

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_plan_broadcast_to_several_circles_is_followed_in_one_matrix(
    stage: Stage, nurse: Window, doctor: Window
) -> None:
    coordinator = await stage.member("Hélène Weber", "coordinator", viewport=DESKTOP)
    first, _ = await stage.circle("Mme Sortie", coordinator, nurse)
    second, _ = await stage.circle("M. Retour", coordinator, doctor)
    await coordinator.go("broadcasts/new")
    for patient in ("Mme Sortie", "M. Retour"):
        await coordinator.page.get_by_role("checkbox", name=patient, exact=True).check()
    await coordinator.field("composer.text").fill("Plan de sortie joint.")
    plan = pdf(40_000)
    chooser = coordinator.field("new-broadcast.attach")
    await chooser.set_input_files([payload("plan.pdf", "application/pdf", plan)])
    await coordinator.button("new-broadcast.send", count=2).click()

    await expect(coordinator.heading("broadcast.title")).to_be_visible()
    for circle, member in ((first, nurse), (second, doctor)):
        await member.open_circle(circle.circle)
        await member.of_note("Plan de sortie", "note.acknowledge").click()
        (note,) = [one async for one in circle.notes()]
        assert await circle.fetch(note.note, "plan.pdf") == plan
    done = coordinator.words("seen.acknowledged", done=2, count=4)
    await expect(coordinator.text("seen.acknowledged", done=2, count=4)).to_have_text(done)
    assert await matrix(coordinator, "Mme Sortie") == {nurse.name: True, "Colette Aubry": False}
    assert await matrix(coordinator, "M. Retour") == {doctor.name: True, "Colette Aubry": False}

    await coordinator.field("broadcast.missing-only").check()
    assert await matrix(coordinator, "Mme Sortie") == {"Colette Aubry": False}


async def test_a_broadcast_is_followed_from_a_device_that_did_not_send_it(stage: Stage) -> None:
    coordinator = await stage.member("Hélène Weber", "coordinator", viewport=DESKTOP)
    (first, _), (second, _) = [
        await stage.circle(one, coordinator) for one in ("M. Un", "Mme Deux")
    ]
    await coordinator.go("broadcasts/new")
    for patient in ("M. Un", "Mme Deux"):
        await coordinator.page.get_by_role("checkbox", name=patient, exact=True).check()
    await coordinator.field("composer.text").fill("Vaccination jeudi.")
    await coordinator.button("new-broadcast.send", count=2).click()
    await expect(coordinator.text("seen.acknowledged", done=0, count=2)).to_be_visible()
    await expect(coordinator.text("broadcast.on-its-way")).to_have_count(0)
    await first.acknowledge([one async for one in first.notes()][-1].note)

    other = await join(stage, coordinator, viewport=DESKTOP)
    await other.go("broadcasts")
    await other.page.locator("broadcasts-page a").filter(has_text="Vaccination jeudi.").click()
    await expect(other.text("seen.acknowledged", done=1, count=2)).to_be_visible()
    await second.acknowledge([one async for one in second.notes()][-1].note)
    await expect(other.text("seen.acknowledged", done=2, count=2)).to_be_visible()


async def matrix(window: Window, patient: str) -> dict[str, bool]:
    """Who of a circle has acknowledged."""
    part = window.page.locator(".matrix > section").filter(has_text=patient)
    return {
        await row.locator(".person").inner_text(): await row.locator("td").last.locator("time").count() == 1
        for row in await part.locator("tbody tr").all()
    }  # fmt: skip


async def test_an_auditor_finds_who_did_what_and_the_page_proves_it(
    stage: Stage, nurse: Window
) -> None:
    circle, _ = await stage.circle("Mme Tracée", nurse)
    await circle.post("Contenu que nul auditeur ne lit.")
    await nurse.open_circle(circle.circle)
    await nurse.note("Contenu que nul").wait_for()
    auditor = await stage.member("Isabelle Renaud", "auditor", viewport=DESKTOP)
    await auditor.go("audit")

    await auditor.field("audit.circle").fill(circle.circle)
    await auditor.field("audit.circle").press("Enter")
    await auditor.field("audit.action").select_option("note.post")
    rows = auditor.page.locator("audit-rows .audit-row[role=row]").filter(
        has=auditor.page.locator("time")
    )
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("Colette Aubry")
    await expect(rows.first).to_contain_text(auditor.words("action.note.post"))

    await auditor.field("audit.action").select_option("")
    await expect(rows.filter(has_text=nurse.name).first).to_be_visible()
    await rows.filter(has_text=nurse.name).first.locator("button.audit-open").click()
    await expect(
        auditor.page.locator(".audit-details code").filter(has_text=circle.circle).first
    ).to_be_visible()
    only = auditor.page.locator("audit-rows").get_by_role(
        "button", name=auditor.words("audit.only-person")
    )
    await only.click()
    await expect(rows.filter(has_text="Colette Aubry")).to_have_count(0)
    await expect(rows.filter(has_text=nurse.name).first).to_be_visible()

    await proven(auditor, await rows.count())
    await auditor.button("audit.clear").click()
    await expect(rows.filter(has_text=auditor.name).first).to_be_visible()
    assert auditor.traffic.places_of(b"Contenu que nul auditeur ne lit.") == []


async def proven(auditor: Window, count: int) -> None:
    """Press "verify": the page says what it has proven, of just the rows it shows."""
    await auditor.button("verify.action", count=count).click()
    proof = auditor.page.locator("audit-verify .notice")
    await expect(proof).to_contain_text(auditor.words("verify.ok"))
    await expect(proof).to_contain_text(auditor.words("verify.included", count=count))
    await expect(auditor.page.locator("audit-verify dl")).to_contain_text("relais.local/log")


async def test_an_auditor_takes_the_entries_home_as_csv_and_ndjson(
    stage: Stage, nurse: Window, tmp_path: Path
) -> None:
    circle, _ = await stage.circle("M. Exporté", nurse)
    await circle.post("Jamais dans un export.")
    auditor = await stage.member("Isabelle Renaud", "auditor", viewport=DESKTOP)
    await auditor.go("audit")
    await auditor.field("audit.circle").fill(circle.circle)
    await auditor.field("audit.circle").press("Enter")
    await auditor.page.locator("audit-rows time").first.wait_for()

    table = await exported(auditor, "CSV", tmp_path)
    lines = await exported(auditor, "NDJSON", tmp_path)
    rows = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))))
    entries = [json.loads(line) for line in lines.splitlines()]
    assert "note.post" in {row["action"] for row in rows}
    assert {entry.get("action") for entry in entries} >= {"circle.create", "note.post"}
    assert circle.circle in table
    assert "Jamais dans un export." not in table + lines
    assert "M. Exporté" not in table + lines


async def test_an_auditor_takes_home_proofs_and_audit_events(
    stage: Stage, nurse: Window, tmp_path: Path
) -> None:
    circle, _ = await stage.circle("Mme Preuve", nurse)
    await circle.post("Jamais dans un paquet.")
    auditor = await stage.member("Isabelle Renaud", "auditor", viewport=DESKTOP)
    await auditor.go("audit")
    await auditor.field("audit.circle").fill(circle.circle)
    await auditor.field("audit.circle").press("Enter")
    await auditor.page.locator("audit-rows time").first.wait_for()

    events = await exported(auditor, "FHIR ANS", tmp_path, ending="fhir-ans.ndjson")
    assert {json.loads(line)["resourceType"] for line in events.splitlines()} == {"AuditEvent"}
    proof = await exported(auditor, auditor.words("audit.proof"), tmp_path, ending="proof.json")
    (tmp_path / "proof.json").write_text(proof, "utf-8")
    outcome = run(tmp_path / "proof.json", "--json")
    assert (outcome.code, "entries" in outcome.claims) == (3, True)
    assert circle.circle in events + proof
    assert "Jamais dans un paquet." not in events + proof


async def exported(auditor: Window, format_: str, folder: Path, *, ending: str = "") -> str:
    async with auditor.page.expect_download() as waiting:
        await auditor.button("audit.export", format=format_).click()
    download: Download = await waiting.value
    assert download.suggested_filename.endswith(f".{ending or format_.lower()}")
    await download.save_as(folder / download.suggested_filename)
    return (folder / download.suggested_filename).read_text("utf-8")


async def test_a_link_that_an_administrator_makes_in_the_page_makes_an_account(
    stage: Stage,
) -> None:
    administrator = await stage.member("Marc Petit", "administrator", viewport=DESKTOP)
    await administrator.go("admin")
    await administrator.page.get_by_label(
        administrator.words("role.coordinator"), exact=True
    ).check()
    await administrator.field("enrol.organisation").fill("Hôpital de Vernay")
    await administrator.button("admin.make").click()
    link = await administrator.page.locator(".link code").inner_text()
    assert link.startswith(f"{stage.relay.origin}/enrol#")

    newcomer = await stage.window()
    await enrol(newcomer, link, unique("Julien Faure"))
    await newcomer.button("kit.later").click()
    await newcomer.until_online()
    await expect(newcomer.link("tab.broadcasts")).to_be_visible()
    await administrator.page.reload()
    row = await listed(administrator, newcomer.name)
    await expect(row).to_contain_text("Hôpital de Vernay")


async def listed(window: Window, name: str) -> Locator:
    """Somebody's row among the accounts, oldest first: further pages are asked for until it is there."""
    rows = window.page.locator("admin-page .rows > li")
    row = rows.filter(has_text=name)
    await rows.first.wait_for()
    while not await row.count():
        before = await rows.count()
        await window.button("more").click()
        await expect(rows).not_to_have_count(before)
    return row


async def test_a_professional_finds_neither_the_log_nor_the_invitations(nurse: Window) -> None:
    for route in ("audit", "admin", "broadcasts"):
        await nurse.go(route)
        await expect(nurse.heading("lost.title").first).to_be_visible()

"""What auditors take away over HTTP: proof bundles that the standalone verifier takes, and FHIR AuditEvents line by line."""

import json
from pathlib import Path
from typing import Any

import pytest
from audit_house import LogReader, settled
from fhir_rules import faults
from members import House

from relais.crypto.merkle import leaf_hash
from relais.server.audit import exports, proofs
from verifier import load, run

verify = load()


async def prepared(house: House) -> Any:
    """A nurse's circle with some accesses, and an auditor."""
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    circle = await nurse.open_circle()
    await nurse.post(circle, "a")
    await settled(house)
    return circle, LogReader(house, auditor)


async def test_a_bundle_holds_on_its_own_and_names_what_it_holds(
    house: House, tmp_path: Path
) -> None:
    circle, reader = await prepared(house)
    status, body, headers = await reader.get("/audit/export", format="proof", circle=circle.id)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert headers["Content-Disposition"] == 'attachment; filename="audit-proof.json"'
    (tmp_path / "bundle.json").write_bytes(body)
    key = (await reader.key()).encode()
    outcome = run(tmp_path / "bundle.json", "--key", key, "--json")
    assert outcome.code == 0
    actions = {json.loads(one["entry"])["action"] for one in json.loads(body)["entries"]}
    assert {"circle.create", "note.post"} <= actions
    assert outcome.claims["entries"][0]["count"] == len(json.loads(body)["entries"])


async def test_a_bundle_continues_the_tree_that_was_seen_before(house: House) -> None:
    circle, reader = await prepared(house)
    older = (await reader.checkpoint()).head
    await house.invitation()
    assert await settled(house) > older.size
    _, body, _ = await reader.get(
        "/audit/export", format="proof", circle=circle.id, from_size=str(older.size)
    )
    key = verify.read_vkey((await reader.key()).encode())
    trust = verify.Trust(key=key, older=verify.Tree(older.size, older.root))
    found = {claim.word for claim in verify.check_bundle(body, trust).claims if claim.is_proven}
    assert "continues" in found
    other = verify.Trust(key=key, older=verify.Tree(older.size, leaf_hash(b"")))
    with pytest.raises(verify.Refused) as caught:
        verify.check_bundle(body, other)
    assert caught.value.reason == "forked-tree"


async def test_a_tree_the_log_never_had_is_not_found(house: House) -> None:
    _, reader = await prepared(house)
    for size in ("0", "99999999"):
        status, body, _ = await reader.get("/audit/export", format="proof", from_size=size)
        assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")


async def test_a_bundle_of_too_many_entries_is_refused_with_the_number(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, reader = await prepared(house)
    monkeypatch.setattr(exports, "MOST_PROVEN", 2)
    status, body, _ = await reader.get("/audit/export", format="proof")
    assert (status, json.loads(body)["error"]) == (413, {"code": "too_large", "most": 2})


async def test_proofs_of_entries_under_several_tiles_hold(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, reader = await prepared(house)
    while await settled(house) < 300:
        for _ in range(20):
            await house.invitation()
    monkeypatch.setattr(proofs, "AT_ONCE", 7)
    _, body, _ = await reader.get("/audit/export", format="proof", action="admin.invite")
    trust = verify.Trust(key=verify.read_vkey((await reader.key()).encode()))
    report = verify.check_bundle(body, trust)
    assert next(c for c in report.claims if c.word == "entries").facts["count"] > 100


@pytest.fixture(params=["fhir-balp", "fhir-ans"])
async def told(house: House, request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    _, reader = await prepared(house)
    await (LogReader(house)).get("/audit/export", format=request.param)  # a refusal
    await settled(house)
    status, body, headers = await reader.get("/audit/export", format=request.param)
    assert (status, headers["Content-Type"]) == (200, "application/fhir+ndjson; charset=utf-8")
    assert headers["Content-Disposition"].endswith('.fhir.ndjson"')
    return [json.loads(line) for line in body.splitlines()]


async def test_every_entry_of_a_real_log_is_a_good_audit_event(told: list[dict[str, Any]]) -> None:
    assert [(one["id"], fault) for one in told for fault in faults(one)] == []
    assert {one["outcome"] for one in told} == {"0", "4"}
    assert len({one["id"] for one in told}) == len(told) > 5


async def test_the_subject_of_an_export_says_its_format(house: House) -> None:
    _, reader = await prepared(house)
    await reader.get("/audit/export", format="proof", from_size="1", action="note.post")
    said = [one["subject"] for one in await house.audit() if one["action"] == "audit.export"]
    assert {"format": "proof", "size_from": 1, "action": "note.post"} in said
    status, body, _ = await reader.get("/audit/export", format="csv", from_size="1")
    assert (status, json.loads(body)["error"]["field"]) == (400, "from_size")

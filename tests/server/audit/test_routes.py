"""The log over HTTP: what everybody may fetch verifies; entries and exports are for auditors, and recorded."""

import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest
from audit_house import LogReader, settled
from members import House

from relais.crypto.canonical_json import encode_canonical
from relais.crypto.merkle import leaf_hash
from relais.crypto.tiles import (
    VerifiedTiles,
    decode_entries,
    edge_widths,
    enumerate_unfilled,
    tiles_for_inclusion,
)
from relais.models.store.audit_log import LogEntry
from relais.models.store.errors import Unavailable

ENTRIES = 300


async def grow(house: House, size: int = ENTRIES) -> int:
    """Enough entries for a full tile and an unfilled one."""
    while await settled(house) < size:
        for _ in range(20):
            await house.invitation()
    return await settled(house)


async def test_anybody_fetches_checkpoint_key_and_hash_tiles_and_they_verify(house: House) -> None:
    await grow(house)
    reader = LogReader(house)
    head = (await reader.checkpoint()).head
    needed = tiles_for_inclusion(17, head.size)
    files = {tile.path: await reader.file(tile.path) for tile in needed}
    entry = await house.node.audit.stores.entries.at(17)
    assert entry is not None
    VerifiedTiles(files.get, head).verify_leaf(leaf_hash(entry.entry), index=17)


async def test_tiles_of_an_older_checkpoint_are_served_after_the_log_has_grown(
    house: House,
) -> None:
    await grow(house)
    reader = LogReader(house)
    old = (await reader.checkpoint()).head
    names = [tile.path for _, tile in enumerate_unfilled(old.size)]
    before = [await reader.file(name) for name in names]
    await house.invitation()
    assert await settled(house) > old.size
    assert [await reader.file(name) for name in names] == before
    assert None not in before


async def test_a_tile_the_log_does_not_have_is_not_found(house: House) -> None:
    size = await grow(house)
    reader = LogReader(house)
    beyond = edge_widths(size)[0] + 1
    for path in ("0/999", f"0/{size // 256:03}.p/{beyond}", "7/000", "0/00", "0/x000/001", "../x"):
        assert (await reader.get(f"/log/tile/{path}"))[0] == 404
    assert await reader.file("tile/0/000") is not None


async def test_a_full_tile_may_be_kept_for_ever_and_a_checkpoint_must_be_asked_for(
    house: House,
) -> None:
    await grow(house)
    reader = LogReader(house)
    _, tile, headers = await reader.get("/log/tile/0/000")
    assert len(tile) == 8_192
    assert "immutable" in headers["Cache-Control"]
    assert headers["Content-Type"] == "application/octet-stream"
    _, _, headers = await reader.get("/log/checkpoint")
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_entry_bundles_are_for_auditors_and_recorded(house: House) -> None:
    await grow(house)
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    assert (await LogReader(house).get("/log/tile/entries/000"))[0] == 401
    assert (await LogReader(house, nurse).get("/log/tile/entries/000"))[0] == 403
    status, body, headers = await LogReader(house, auditor).get("/log/tile/entries/000")
    stored = await house.node.audit.stores.entries.between(0, 256)
    assert (status, headers["Cache-Control"]) == (200, "private, no-store")
    assert decode_entries(body, width=256) == tuple(one.entry for one in stored)
    said = [one for one in await house.audit() if one["action"] == "log.entries"]
    assert [(one["account"], one["subject"]) for one in said if one["outcome"] == "ok"] == [
        (auditor.id, {"index_from": 0, "index_to": 255})
    ]


async def test_an_auditor_exports_lines_whose_entries_hash_to_their_leaves(house: House) -> None:
    size = await grow(house)
    auditor = await house.person("Inès", "auditor")
    status, body, headers = await LogReader(house, auditor).get(
        "/audit/export", format="ndjson", action="admin.invite"
    )
    lines = [json.loads(line) for line in body.splitlines()]
    assert (status, headers["Content-Type"]) == (200, "application/x-ndjson; charset=utf-8")
    assert len(lines) > size // 2
    assert {one["entry"]["action"] for one in lines} == {"admin.invite"}
    assert [one["index"] for one in lines] == sorted(one["index"] for one in lines)
    stored = await house.node.audit.stores.entries.at(lines[5]["index"])
    assert stored is not None
    assert encode_canonical(lines[5]["entry"]) == stored.entry


async def test_an_auditor_exports_a_sheet_that_a_spreadsheet_reads(house: House) -> None:
    await settled(house)
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    circle = await nurse.open_circle()
    await settled(house)
    _, body, headers = await LogReader(house, auditor).get(
        "/audit/export", format="csv", circle=circle.id
    )
    (row,) = csv.DictReader(io.StringIO(body.decode()))
    assert headers["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    assert (row["action"], row["account"], row["outcome"]) == ("circle.create", nurse.id, "ok")
    assert json.loads(row["subject"])["seq"] == 0
    assert (row["reason"], row["on_behalf_of"]) == ("", "")


async def test_an_export_is_recorded_with_what_was_asked(house: House) -> None:
    auditor = await house.person("Inès", "auditor")
    await LogReader(house, auditor).get("/audit/export", format="csv", outcome="refused", since="7")
    said = [one for one in await house.audit() if one["action"] == "audit.export"]
    assert [one["subject"] for one in said if one["account"] == auditor.id] == [
        {"format": "csv", "outcome": "refused", "since": 7}
    ]


async def test_nobody_but_an_auditor_exports(house: House) -> None:
    nurse = await house.person("Nadia")
    assert (await LogReader(house).get("/audit/export", format="csv"))[0] == 401
    assert (await LogReader(house, nurse).get("/audit/export", format="csv"))[0] == 403
    said = [one for one in await house.audit() if one["action"] == "audit.export"]
    refused = [one["reason"] for one in said if one["account"] in (nurse.id, None)]
    assert sorted(refused) == ["forbidden", "unauthenticated"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "format"),
        ({"format": "xml"}, "format"),
        ({"format": "csv", "colour": "blue"}, "colour"),
        ({"format": "csv", "since": "yesterday"}, "since"),
        ({"format": "csv", "until": "-1"}, "until"),
        ({"format": "csv", "circle": "mine"}, "circle"),
        ({"format": "csv", "outcome": "maybe"}, "outcome"),
    ],
)
async def test_a_query_that_says_nothing_is_refused_by_its_field(
    house: House, query: dict[str, str], field: str
) -> None:
    auditor = await house.person("Inès", "auditor")
    status, body, _ = await LogReader(house, auditor).get("/audit/export", **query)
    assert (status, json.loads(body)["error"]) == (400, {"code": "malformed", "field": field})


async def test_the_operators_metrics_show_the_tree(house: House) -> None:
    await settled(house)
    _, body, _ = await LogReader(house).get("/metrics")
    names = [line.split()[0] for line in body.decode().splitlines() if "relais_audit" in line]
    assert {"relais_audit_entries", "relais_audit_pending", "relais_audit_pending_seconds"} <= set(
        names
    )


async def test_an_export_that_fails_half_way_does_not_look_whole(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await grow(house)
    auditor = await house.person("Inès", "auditor")
    search = house.node.audit.stores.search
    find = search.find

    async def breaks(*arguments: Any, **named: Any) -> AsyncIterator[LogEntry]:
        async with aclosing(find(*arguments, **named)) as found:
            async for entry in found:
                if entry.index == 280:
                    raise Unavailable("the database went away")
                yield entry

    with monkeypatch.context() as patch:
        patch.setattr(type(search), "find", lambda _, *a, **n: breaks(*a, **n))
        with pytest.raises(aiohttp.ClientError):
            await LogReader(house, auditor).get("/audit/export", format="ndjson")
    assert "an export ended early" in caplog.text
    assert (await LogReader(house, auditor).get("/audit/export", format="ndjson"))[0] == 200


async def test_a_bundle_with_an_entry_gone_is_not_served_as_if_it_were_whole(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await grow(house)
    auditor = await house.person("Inès", "auditor")
    log = house.node.base.stores.database.collection("audit_log")
    entry = await log.find_one({"index": 5})
    assert entry is not None
    await log.delete({"index": 5})
    status, _, _ = await LogReader(house, auditor).get("/log/tile/entries/000")
    await log.insert(entry)
    assert status == 500
    assert "entries from 0 on are not all there" in caplog.text
    assert (await LogReader(house, auditor).get("/log/tile/entries/000"))[0] == 200

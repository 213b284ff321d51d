"""The shared vectors of the audit log; web_client/test/core/log-vectors.test.js reads the same files."""

import json
import runpy
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relais.crypto import merkle, tiles
from relais.crypto.audit_entry import decode_audit_entry
from relais.crypto.canonical_json import decode_canonical, encode_canonical
from relais.crypto.checkpoint import Policy, verify_checkpoint
from relais.crypto.errors import ProtocolError
from relais.crypto.export_check import ExportError, verify_export
from relais.crypto.ledger_heads import HeadProof, check_heads, verify_growth, verify_head
from relais.crypto.pruning import PrunedPlaces, leaf_of, pruned_leaf
from relais.crypto.signed_note import parse_signed_note, parse_vkey, verify_signed_note
from relais.crypto.trust_policy import parse_trust_policy

Json = dict[str, Any]
FOLDER = Path(__file__).parents[1] / "vectors"


def load(name: str) -> Json:
    vectors: Json = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return vectors


MERKLE, CHECKPOINT = load("merkle.json"), load("checkpoint.json")
HEADS, PRUNING = load("ledger-heads.json"), load("pruning.json")
ENTRY, LOG = load("audit-entry.json"), load("audit-log.json")


def cases(rows: list[Json]) -> Any:
    return pytest.mark.parametrize("case", rows, ids=lambda case: str(case.get("name", "")) or None)


def expect(case: Json, act: Callable[[], Any]) -> Any:
    """Run it; what must be refused, is refused for the reason of the case."""
    if case["reason"] is None:
        return act()
    with pytest.raises(ProtocolError) as caught:
        act()
    assert caught.value.reason == case["reason"]
    assert str(caught.value) == case["reason"]
    return None


def unhex(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


@pytest.mark.parametrize("script", ["generate_log.py", "generate_audit.py"])
def test_the_vectors_are_what_their_generator_writes(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    for name, text in runpy.run_path(str(FOLDER / script))["build"]().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text


def test_leaf_hashes_and_roots_are_those_of_the_vectors() -> None:
    leaves = [merkle.leaf_hash(entry) for entry in unhex(MERKLE["leaves"])]
    assert leaves == unhex(MERKLE["leaf_hashes"])
    roots = [merkle.root_of(leaves[:size]) for size in range(len(leaves) + 1)]
    assert roots == unhex(MERKLE["roots"])


def test_roots_over_several_tiles_are_those_of_the_vectors() -> None:
    for counted in MERKLE["counted"]:
        leaves = [merkle.leaf_hash(f"entry {i}".encode()) for i in range(counted["size"])]
        assert tiles.TileEdge().append(leaves)[0].root().hex() == counted["root"]


@cases(MERKLE["inclusion"])
def test_an_inclusion_proof_is_judged_as_the_vectors_say(case: Json) -> None:
    head = merkle.TreeHead(case["size"], bytes.fromhex(case["root"]))
    leaf, proof = bytes.fromhex(case["leaf"]), unhex(case["proof"])
    expect(
        case,
        lambda: merkle.verify_inclusion(leaf, index=case["index"], head=head, proof=proof),
    )


@cases(MERKLE["consistency"])
def test_a_consistency_proof_is_judged_as_the_vectors_say(case: Json) -> None:
    old = merkle.TreeHead(case["old_size"], bytes.fromhex(case["old_root"]))
    new = merkle.TreeHead(case["new_size"], bytes.fromhex(case["new_root"]))
    expect(case, lambda: merkle.verify_consistency(old, new, unhex(case["proof"])))


@pytest.mark.parametrize("case", MERKLE["paths"], ids=lambda case: repr(case["path"]))
def test_a_tile_path_is_read_as_the_vectors_say(case: Json) -> None:
    tile = expect(case, lambda: tiles.parse_path(case["path"]))
    if tile:
        assert tile == tiles.Tile(case["level"], case["index"], case["width"])
        assert tile.path == case["path"]


@cases(MERKLE["bundles"])
def test_an_entry_bundle_is_read_as_the_vectors_say(case: Json) -> None:
    data = bytes.fromhex(case["data"])
    entries = expect(case, lambda: tiles.decode_entries(data, width=case["width"]))
    if entries:
        assert list(entries) == unhex(case["entries"])
        assert tiles.encode_entries(entries) == data


@pytest.mark.parametrize("case", CHECKPOINT["vkeys"], ids=lambda case: case["vkey"] or "empty")
def test_a_vkey_is_read_as_the_vectors_say(case: Json) -> None:
    key = expect(case, lambda: parse_vkey(case["vkey"]))
    if key:
        assert (key.name, key.kind, key.encode()) == (case["name"], case["kind"], case["vkey"])


@cases(CHECKPOINT["notes"])
def test_a_signed_note_is_judged_as_the_vectors_say(case: Json) -> None:
    data = bytes.fromhex(case["note"]) if "note" in case else repeated(*case["repeat"])
    keys = [parse_vkey(case["vkey"])]
    signed = expect(case, lambda: verify_signed_note(parse_signed_note(data), keys))
    if signed:
        assert [entry.key for entry in signed] == keys
        assert parse_signed_note(data).encode() == data


def repeated(byte: str, times: int) -> bytes:
    return bytes.fromhex(byte) * times


@cases(CHECKPOINT["checkpoints"])
def test_a_checkpoint_is_judged_as_the_vectors_say(case: Json) -> None:
    witnesses = tuple(map(parse_vkey, CHECKPOINT["witnesses"]))
    policy = Policy((parse_vkey(CHECKPOINT["log"]),), witnesses, case["quorum"])
    found = expect(case, lambda: verify_checkpoint(case["note"].encode(), policy))
    if found:
        read = found.checkpoint
        assert (read.origin, read.size) == (case["origin"], case["size"])
        assert b64encode(read.root).decode() == case["root"]
        assert list(read.extensions) == case["extensions"]
        cosigned = {entry.key.name: entry.at for entry in found.signed if entry.at is not None}
        assert cosigned == case["cosigned"]


@cases(CHECKPOINT["policies"])
def test_a_policy_file_is_read_and_judges_as_the_vectors_say(case: Json) -> None:
    data = bytes.fromhex(case["policy"])
    expect(
        case,
        lambda: verify_checkpoint(case["note"].encode(), parse_trust_policy(data).policy()),
    )


@pytest.mark.parametrize("case", ENTRY["canonical"], ids=lambda case: case["data"][:40] or "empty")
def test_canonical_json_is_read_as_the_vectors_say(case: Json) -> None:
    data = bytes.fromhex(case["data"])
    value = expect(case, lambda: [decode_canonical(data)])
    if value:
        assert encode_canonical(value[0]) == data


@cases(ENTRY["good"])
def test_a_good_entry_is_read_and_written_the_same(case: Json) -> None:
    entry = decode_audit_entry(case["text"].encode())
    assert entry.encode() == case["text"].encode()
    assert entry.leaf_hash().hex() == case["leaf"]


@cases(ENTRY["bad"])
def test_a_bad_entry_is_refused_for_the_reason_of_the_vectors(case: Json) -> None:
    expect(case, lambda: decode_audit_entry(case["text"].encode()))


@cases(HEADS["cases"])
def test_what_the_log_tells_of_a_ledger_is_judged_as_the_vectors_say(case: Json) -> None:
    judged = expect(case, lambda: [heads_judged(case)])
    assert judged in (None, [case["judged"]])


def heads_judged(case: Json) -> int:
    """What a client does with an answer."""
    seen = merkle.TreeHead(case["seen"]["size"], bytes.fromhex(case["seen"]["root"]))
    trusted = Policy((parse_vkey(HEADS["log"]),))
    proof = unhex(case["consistency"])
    head = verify_growth(case["checkpoint"].encode(), trusted, seen=seen, proof=proof).head
    told = [
        HeadProof(one["index"], one["entry"].encode(), tuple(unhex(one["path"])))
        for one in case["entries"]
    ]
    return check_heads([verify_head(one, head) for one in told], case["ledger"], case["heads"])


@cases(PRUNING["cases"])
def test_what_is_pruned_is_allowed_to_be_or_found_as_the_vectors_say(case: Json) -> None:
    pruned, lines = PrunedPlaces(), [line.encode() for line in case["lines"]]
    for index, line in enumerate(lines):
        if pruned_leaf(line) is None:
            pruned.allow(decode_audit_entry(line), index)
        else:
            pruned.find(index)
    assert merkle.root_of(map(leaf_of, lines)).hex() == case["root"]
    assert (pruned.withheld(), pruned.count) == (
        case["withheld"],
        sum('{"pruned' in one for one in case["lines"]),
    )


@cases(LOG["cases"])
def test_who_reads_entries_against_tiles_and_checkpoint_notices_what_the_vectors_say(
    case: Json,
) -> None:
    expect({"reason": case["view"]}, lambda: view(case))


def view(case: Json) -> None:
    """What a member or the auditor's page does."""
    signed = verify_checkpoint(case["checkpoint"].encode(), Policy((parse_vkey(LOG["trusted"]),)))
    served = tiles.VerifiedTiles(tile_files(case).get, signed.head)
    if case["older"]:
        served.verify_extends(older_head(case))
    for index, entry in enumerate(case["entries"]):
        served.verify_leaf(merkle.leaf_hash(entry.encode()), index=index)
        decode_audit_entry(entry.encode())


@cases(LOG["cases"])
def test_who_checks_an_export_notices_what_the_vectors_say(case: Json) -> None:
    files = tile_files(case) | {
        "log.vkey": f"{case['vkey']}\n".encode(),
        "checkpoint": case["checkpoint"].encode(),
        "entries.ndjson": "".join(f"{entry}\n" for entry in case["entries"]).encode(),
    }

    def check() -> None:
        verify_export(
            lambda path: [files[path]] if path in files else None,
            Policy((parse_vkey(LOG["trusted"]),)),
            progress=lambda done, total: None,
            older=older_head(case) if case["older"] else None,
        )

    if case["export"] is None:
        return check()
    with pytest.raises(ExportError) as caught:
        check()
    assert [caught.value.reason, caught.value.index] == case["export"]
    return None


def tile_files(case: Json) -> dict[str, bytes]:
    return {path: bytes.fromhex(data) for path, data in case["tiles"].items()}


def older_head(case: Json) -> merkle.TreeHead:
    return merkle.TreeHead(case["older"]["size"], bytes.fromhex(case["older"]["root"]))

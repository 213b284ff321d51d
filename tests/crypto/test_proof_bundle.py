"""Proof bundles are written as the vectors have them, byte for byte."""

import json
import subprocess
import sys
from typing import Any

import pytest
from protocol_vectors import VECTORS, Json, unhexed

from relais.crypto.merkle import TreeHead
from relais.crypto.proof_bundle import DisclosedNote, OlderTree, ProofBundle, ProvenEntry

FILE = json.loads((VECTORS / "proof-bundle.json").read_text("utf-8"))


def older(told: Json) -> OlderTree:
    head = TreeHead(told["head"]["size"], bytes.fromhex(told["head"]["root"]))
    return OlderTree(head, tuple(unhexed(told["path"])))


def note(told: Json) -> DisclosedNote:
    return DisclosedNote(
        envelope=bytes.fromhex(told["envelope"]),
        key=bytes.fromhex(told["key"]),
        accounts=tuple(tuple(unhexed(chain)) for chain in told["accounts"]),
        ledger=tuple(unhexed(told["ledger"])),
        receipts=tuple(unhexed(told["receipts"])),
        blobs={blob: bytes.fromhex(data) for blob, data in told["blobs"].items()},
    )


@pytest.mark.parametrize("case", FILE["good"], ids=[case["name"] for case in FILE["good"]])
def test_a_bundle_comes_out_as_the_vector_has_it(case: dict[str, Any]) -> None:
    parts = case["parts"]
    entries = tuple(
        ProvenEntry(one["index"], bytes.fromhex(one["entry"]), tuple(unhexed(one["path"])))
        for one in parts["entries"]
    )
    bundle = ProofBundle(
        parts["log"],
        bytes.fromhex(parts["checkpoint"]),
        entries,
        older(parts["older"]) if parts["older"] else None,
        note(parts["note"]) if parts["note"] else None,
    )
    assert bundle.encode().decode() == case["file"]


def test_the_key_of_a_disclosed_note_is_not_shown_where_it_is_printed() -> None:
    told = next(case["parts"]["note"] for case in FILE["good"] if case["parts"]["note"])
    shown = repr(note(told))
    assert told["key"] not in shown
    assert repr(bytes.fromhex(told["key"])) not in shown


def test_the_vectors_are_those_of_their_generator() -> None:
    command = [sys.executable, str(VECTORS / "generate_bundle.py"), "--check"]
    assert subprocess.run(command, check=False, cwd=VECTORS).returncode == 0

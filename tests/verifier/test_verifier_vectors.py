"""The standalone verifier, which shares no code with Relais, takes and refuses what every client does, and for the same reason."""

import ast
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from protocol_vectors import FILES, VECTORS, Json, cases, unhexed

from verifier import FILE, load

verify = load()
LOGS = {
    name: json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    for name in ("merkle", "checkpoint", "audit-entry", "stream")
}


def judged(action: Callable[[], Any]) -> str | None:
    """The reason for refusal; None where it is good."""
    try:
        action()
    except verify.Refused as refused:
        return str(refused.reason)
    return None


def of(name: str, kind: str) -> Any:
    return pytest.mark.parametrize("case", LOGS[name][kind])


def account(name: str, label: str) -> Any:
    return verify.read_account(unhexed(FILES[name]["chains"][label]["statements"]))


def accounts(name: str) -> dict[str, Any]:
    """Every account of a file by its id, in its longest version."""
    found = sorted(
        (account(name, label) for label in FILES[name]["chains"]), key=lambda a: len(a.heads)
    )
    return {one.id: one for one in found}


def test_it_imports_the_standard_library_and_cryptography_alone() -> None:
    tree = ast.parse(FILE.read_bytes())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "." for node in imports if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} - sys.stdlib_module_names == {"cryptography"}


@of("merkle", "inclusion")
def test_inclusion(case: Json) -> None:
    tree = verify.Tree(case["size"], bytes.fromhex(case["root"]))
    leaf, path = bytes.fromhex(case["leaf"]), unhexed(case["proof"])
    assert judged(lambda: verify.check_inclusion(leaf, case["index"], tree, path)) == case["reason"]


@of("merkle", "consistency")
def test_consistency(case: Json) -> None:
    old = verify.Tree(case["old_size"], bytes.fromhex(case["old_root"]))
    new = verify.Tree(case["new_size"], bytes.fromhex(case["new_root"]))
    path = unhexed(case["proof"])
    assert judged(lambda: verify.check_consistency(old, new, path)) == case["reason"]


@of("checkpoint", "vkeys")
def test_vkeys(case: Json) -> None:
    assert judged(lambda: verify.read_vkey(case["vkey"])) == case["reason"]


@of("checkpoint", "checkpoints")
def test_checkpoints_under_a_policy(case: Json) -> None:
    file = LOGS["checkpoint"]
    witnesses = tuple(verify.read_vkey(key) for key in file["witnesses"])
    quorum = verify.Group(witnesses, case["quorum"])
    policy = verify.Policy((verify.read_vkey(file["log"]),), witnesses, quorum)
    note = case["note"].encode("utf-8", "surrogatepass")
    assert judged(lambda: verify.read_checkpoint(note, policy)) == case["reason"]


@of("checkpoint", "policies")
def test_policy_files(case: Json) -> None:
    def check() -> None:
        policy = verify.read_policy(bytes.fromhex(case["policy"]), None)
        verify.read_checkpoint(case["note"].encode(), policy)

    assert judged(check) == case["reason"]


@of("audit-entry", "canonical")
def test_canonical_json(case: Json) -> None:
    assert judged(lambda: verify.read_canonical(bytes.fromhex(case["data"]))) == case["reason"]


@of("audit-entry", "good")
def test_entries(case: Json) -> None:
    data = case["text"].encode()
    assert verify.read_entry(data)["v"] == 1
    assert verify.leaf_hash(data).hex() == case["leaf"]


@of("audit-entry", "bad")
def test_entries_with_a_defect(case: Json) -> None:
    data = case["text"].encode("utf-8", "surrogatepass")
    assert judged(lambda: verify.read_entry(data)) == case["reason"]


@cases("cbor", "good")
def test_cbor(case: Json) -> None:
    verify.read_cbor(bytes.fromhex(case["hex"]))


@cases("cbor", "bad")
def test_cbor_with_a_defect(case: Json) -> None:
    assert judged(lambda: verify.read_cbor(bytes.fromhex(case["hex"]))) == case["reason"]


@cases("account", "good")
def test_accounts(case: Json) -> None:
    found = verify.read_account(unhexed([step["statement"] for step in case["steps"]]))
    state = case["state"]
    assert (found.id, found.heads[-1], found.profile) == (
        state["account"],
        state["head"],
        state["profile"],
    )
    assert list(found.devices) == [next(iter(device.values())) for device in state["devices"]]


@cases("account", "bad")
def test_accounts_with_a_defect(case: Json) -> None:
    statements = unhexed(case["statements"])
    assert judged(lambda: verify.read_account(statements)) == case["reason"]
    if len(statements) > 1:
        assert judged(lambda: verify.read_account(statements[:-1])) is None


@cases("ledger", "good")
def test_ledgers(case: Json) -> None:
    found = verify.read_ledger(
        unhexed([step["entry"] for step in case["steps"]]), accounts("ledger")
    )
    state = case["state"]
    assert (found.id, found.heads, found.is_closed) == (
        state["circle"],
        state["heads"],
        state["closed"],
    )
    assert {name: len(opened) for name, opened in found.epochs.items()} == {
        one["name"]: one["epoch"] for one in state["audiences"]
    }
    assert [
        [(p.since, p.until, p.removed_at, p.role, sorted(p.audiences)) for p in member.periods]
        for member in found.members.values()
    ] == [
        [
            (p["since"], p["until"], p["removed_at"], p["role"], p["audiences"])
            for p in member["periods"]
        ]
        for member in state["members"]
    ]


@cases("ledger", "bad")
def test_ledgers_with_a_defect(case: Json) -> None:
    entries, known = unhexed(case["entries"]), accounts("ledger")
    assert judged(lambda: verify.read_ledger(entries, known)) == case["reason"]
    if len(entries) > 1:
        assert judged(lambda: verify.read_ledger(entries[:-1], known)) is None


@cases("envelope", "good")
def test_notes(case: Json) -> None:
    envelope = verify.read_envelope(bytes.fromhex(case["envelope"]))
    assert verify.check_author(envelope, accounts("envelope")).id == envelope.header["account"]
    circle = verify.read_ledger(unhexed(FILES["envelope"]["entries"]), accounts("envelope"))
    verify.check_could_post(circle, envelope.header)
    content = verify.open_content(envelope, bytes.fromhex(case["entropy"])[:32])
    assert (content["type"], content["text"]) == (case["content"]["type"], case["content"]["text"])
    assert envelope.signed.digest == case["digest"]


BEFORE_OPENING = [
    c for c in FILES["envelope"]["bad"] if c["stage"] in ("peek", "verify", "posting")
]


@pytest.mark.parametrize("case", BEFORE_OPENING, ids=[case["name"] for case in BEFORE_OPENING])
def test_notes_with_a_defect(case: Json) -> None:
    known = accounts("envelope")

    def check() -> None:
        envelope = verify.read_envelope(bytes.fromhex(case["envelope"]))
        if case["stage"] != "posting":
            verify.check_author(envelope, known)
        circle = verify.read_ledger(unhexed(FILES["envelope"]["entries"]), known)
        verify.check_could_post(circle, envelope.header)

    assert judged(check) == case["reason"]


@cases("receipt", "good")
def test_receipts(case: Json) -> None:
    reader = verify.read_account(unhexed(FILES["receipt"]["chain"]["statements"]))
    said = verify.read_receipt(bytes.fromhex(case["receipt"]), {reader.id: reader})
    assert {name: said[name] for name in case["again"]} == case["again"]


@cases("receipt", "bad")
def test_receipts_with_a_defect(case: Json) -> None:
    reader = verify.read_account(unhexed(FILES["receipt"]["chain"]["statements"]))
    known = {reader.id: reader}
    reason = {"wrong-account": "chain-missing"}.get(case["reason"], case["reason"])
    assert judged(lambda: verify.read_receipt(bytes.fromhex(case["receipt"]), known)) == reason


@cases("content", "good")
def test_padding(case: Json) -> None:
    padded = bytes.fromhex(case["padded"]).ljust(case["padded_length"], b"\0")
    if case["padded_length"] <= 300:  # of longer ones the vector has the beginning only
        assert verify._unpadded(padded).hex() == case["cbor"]
        assert judged(lambda: verify._unpadded(padded + b"\0")) == "bad-padding"
    said = verify.record(verify.read_cbor(bytes.fromhex(case["cbor"])), verify.CONTENT)
    assert said["text"] == case["content"]["text"]


CONTENTS = [case for case in FILES["content"]["bad"] if "cbor" in case]


@pytest.mark.parametrize("case", CONTENTS, ids=[case["name"] for case in CONTENTS])
def test_contents_with_a_defect(case: Json) -> None:
    def check() -> None:
        verify.record(verify.read_cbor(bytes.fromhex(case["cbor"])), verify.CONTENT)

    assert judged(check) == case["reason"]

"""The shared vectors of docs/protocol.md, read as any other client reads them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relais.crypto import (
    account,
    cbor,
    content,
    envelope,
    epoch,
    grant,
    join,
    kit,
    ledger,
    login,
    posting,
    receipt,
    suite,
)
from relais.crypto.account import AccountState
from relais.crypto.device import DeviceKeys
from relais.crypto.envelope import Envelope
from relais.crypto.errors import ProtocolError

Json = dict[str, Any]
VECTORS = Path(__file__).parents[1] / "vectors"
NAMES = [
    "cbor",
    "content",
    "epoch",
    "receipt",
    "login",
    "kit",
    "join",
    "account",
    "ledger",
    "grant",
    "envelope",
    "hpke",
]
FILES = {name: json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES}


def cases(name: str, kind: str) -> Any:
    """Parametrize a test with the good or the bad cases of a file."""
    found = FILES[name][kind]
    return pytest.mark.parametrize(
        "case", found, ids=[case.get("name", str(place)) for place, case in enumerate(found)]
    )


def unhexed(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


def refused(reason: str, action: Callable[[], Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        action()
    assert caught.value.reason == reason


def device_keys(name: str, label: str) -> DeviceKeys:
    device = FILES[name]["devices"][label]
    return DeviceKeys(bytes.fromhex(device["sign_seed"]), bytes.fromhex(device["kem_seed"]))


def chain(name: str, label: str) -> AccountState:
    return account.replay(unhexed(FILES[name]["chains"][label]["statements"]))


def authors(name: str) -> Callable[[str], AccountState]:
    """Every account of a file by its id, in its longest version."""
    states = sorted((chain(name, label) for label in FILES[name]["chains"]), key=lambda s: s.seq)
    return {state.account: state for state in states}.__getitem__


def plain(value: Any) -> Any:
    """A tagged JSON value as CBOR knows it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict) and "bytes" in value:
        return bytes.fromhex(value["bytes"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value["map"]}
    return value


def test_the_vectors_are_those_their_generator_writes() -> None:
    generator = VECTORS / "generate_protocol.py"
    command = [sys.executable, str(generator), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@cases("cbor", "good")
def test_cbor_reads_and_writes_the_same_bytes(case: Json) -> None:
    data, value = bytes.fromhex(case["hex"]), plain(case["value"])
    assert cbor.decode(data) == value
    assert cbor.encode(value) == data


@cases("cbor", "bad")
def test_cbor_refuses_what_it_would_not_write(case: Json) -> None:
    refused(case["reason"], lambda: cbor.decode(bytes.fromhex(case["hex"])))


@cases("content", "good")
def test_contents_read_and_pad_as_written(case: Json) -> None:
    data = bytes.fromhex(case["cbor"])
    padded = content.pad(data)
    assert content.encode(content.decode(data)) == data
    assert padded.hex().startswith(case["padded"])
    assert len(padded) == case["padded_length"]
    assert content.unpad(padded) == data


@cases("content", "bad")
def test_contents_of_another_shape_or_padding_are_refused(case: Json) -> None:
    if "cbor" in case:
        refused(case["reason"], lambda: content.decode(bytes.fromhex(case["cbor"])))
    else:
        refused(case["reason"], lambda: content.unpad(bytes.fromhex(case["padded"])))


@cases("epoch", "good")
def test_an_epoch_key_gives_what_the_vector_says(case: Json) -> None:
    key, where = bytes.fromhex(case["key"]), (case["audience"], case["epoch"])
    place = epoch.NotePlace(case["circle"], case["note"], case["version"])
    assert epoch.commitment(key, *where).hex() == case["commitment"]
    assert epoch.inbox_seed(key, *where).hex() == case["inbox_seed"]
    assert epoch.inbox_public(key, *where).hex() == case["inbox_public"]
    assert epoch.wrap_key(key, *where, place=place).hex() == case["wrap_key"]
    assert cbor.encode(epoch.inbox_info(*where, place=place)).hex() == case["inbox_info"]


@cases("receipt", "good")
def test_a_receipt_verifies_and_comes_out_the_same(case: Json) -> None:
    data, fields = bytes.fromhex(case["receipt"]), dict(case["again"])
    state = account.replay(unhexed(FILES["receipt"]["chain"]["statements"]))
    keys = device_keys("receipt", case["by"])
    receipt.verify(receipt.peek(data), state)
    assert fields.pop("device") == keys.id
    assert receipt.write(keys, **fields) == data


@cases("receipt", "bad")
def test_a_receipt_with_a_defect_is_refused(case: Json) -> None:
    state = account.replay(unhexed(FILES["receipt"]["chain"]["statements"]))
    data = bytes.fromhex(case["receipt"])
    refused(case["reason"], lambda: receipt.verify(receipt.peek(data), state))


@cases("login", "good")
def test_a_login_verifies_and_comes_out_the_same(case: Json) -> None:
    data, keys = bytes.fromhex(case["login"]), device_keys("login", case["by"])
    challenge = bytes.fromhex(case["challenge"])
    read = login.peek(data)
    login.verify(read, keys.sign_public)
    assert (read.challenge, read.origin, read.at) == (challenge, case["origin"], case["at"])
    assert login.answer(keys, challenge, origin=case["origin"], at=case["at"]) == data


@cases("login", "bad")
def test_a_login_with_a_defect_is_refused(case: Json) -> None:
    public = device_keys("login", "anne phone").sign_public
    data = bytes.fromhex(case["login"])
    refused(case["reason"], lambda: login.verify(login.peek(data), public))


@cases("kit", "good")
def test_a_kit_comes_back_from_its_words_and_its_code(case: Json) -> None:
    seed = bytes.fromhex(case["seed"])
    keys = kit.keys_of(seed)
    assert (keys.sign_seed.hex(), keys.kem_seed.hex()) == (case["sign_seed"], case["kem_seed"])
    assert keys.id == case["id"]
    assert (kit.qr_text(seed), kit.seed_of_qr(case["qr"])) == (case["qr"], seed)
    for language, words in case["words"].items():
        assert " ".join(kit.words(seed, language)) == words
        assert kit.seed_of(words) == seed


@cases("kit", "bad")
def test_a_kit_misread_is_refused(case: Json) -> None:
    if "qr" in case:
        refused(case["reason"], lambda: kit.seed_of_qr(case["qr"]))
    else:
        refused(case["reason"], lambda: kit.seed_of(case["words"]))


@cases("join", "good")
def test_a_joining_code_is_read_however_typed(case: Json) -> None:
    secret = bytes.fromhex(case["secret"])
    assert join.make_code(secret) == case["code"]
    assert {join.read_code(text) for text in [case["code"], *case["typed"]]} == {secret}


@cases("join", "good")
def test_both_ends_of_a_joining_code_derive_the_same(case: Json) -> None:
    secret = bytes.fromhex(case["secret"])
    possession, statement = bytes.fromhex(case["possession"]), bytes.fromhex(case["statement"])
    assert join.ticket(secret) == case["ticket"]
    assert join.request_mac(secret, possession).hex() == case["request_mac"]
    assert join.answer_mac(secret, statement).hex() == case["answer_mac"]


@cases("join", "bad")
def test_a_joining_code_mistyped_is_refused(case: Json) -> None:
    refused(case["reason"], lambda: join.read_code(case["code"]))


@cases("account", "good")
def test_a_chain_replays_to_the_state_of_the_vector(case: Json) -> None:
    state, expected = (
        account.replay(unhexed([s["statement"] for s in case["steps"]])),
        case["state"],
    )
    assert (state.account, state.seq, state.head) == (
        expected["account"],
        expected["seq"],
        expected["head"],
    )
    assert vars(state.profile) == expected["profile"]
    assert [
        (d, r.device.kind, r.device.label, r.added_at, r.revoked_at)
        for d, r in state.devices.items()
    ] == [tuple(device.values()) for device in expected["devices"]]


@cases("account", "bad")
def test_a_chain_is_refused_at_its_last_statement(case: Json) -> None:
    *before, last = unhexed(case["statements"])
    state = account.replay(before) if before else None
    refused(case["reason"], lambda: account.apply(state, last))


@cases("ledger", "good")
def test_a_ledger_replays_to_the_state_of_the_vector(case: Json) -> None:
    state = ledger.replay(unhexed([s["entry"] for s in case["steps"]]), authors("ledger"))
    expected = case["state"]
    assert (state.circle, state.seq, state.closed) == (
        expected["circle"],
        expected["seq"],
        expected["closed"],
    )
    assert list(state.heads) == expected["heads"]
    assert [
        [(p.since, p.until, p.removed_at, p.role, sorted(p.audiences)) for p in member.periods]
        for member in state.members.values()
    ] == [
        [
            (p["since"], p["until"], p["removed_at"], p["role"], p["audiences"])
            for p in member["periods"]
        ]
        for member in expected["members"]
    ]
    assert {a.name: a.epoch for a in state.audiences.values()} == {
        a["name"]: a["epoch"] for a in expected["audiences"]
    }


@cases("ledger", "good")
def test_what_follows_from_a_ledger_is_what_the_vector_says(case: Json) -> None:
    entries = unhexed([step["entry"] for step in case["steps"]])
    for check in case["checks"]:
        state = ledger.replay(entries[: check["after"] + 1], authors("ledger"))
        accounts = {who: chain("ledger", label) for who, label in check["chains"].items()}
        at = check["at"]
        entitled = ledger.entitled(state, accounts, at)
        assert sorted(list(one) for one in entitled) == check["entitled"]
        assert [m.account for m in ledger.active_members(state, at)] == check["active"]
        for audience, due in check["rotation"].items():
            found = ledger.rotation_due(state, audience, at=at, accounts=accounts)
            assert (audience, found) == (audience, due)


@cases("ledger", "bad")
def test_a_ledger_is_refused_at_its_last_entry(case: Json) -> None:
    *before, last = unhexed(case["entries"])
    find = authors("ledger")
    state = ledger.replay(before, find) if before else None

    def follow() -> None:
        entry = ledger.peek_entry(last)
        ledger.apply(state, entry, find(entry.account))

    refused(case["reason"], follow)


def sealed_circle(name: str) -> ledger.CircleState:
    return ledger.replay(unhexed(FILES[name]["entries"]), authors(name))


def opened(case: Json) -> dict[tuple[str, int], bytes]:
    return grant.open_grant(
        bytes.fromhex(case["grant"]),
        device_keys("grant", case["to"]),
        sealed_circle("grant"),
        chain("grant", case["granter"]),
    )


@cases("grant", "good")
def test_a_grant_opens_to_the_keys_of_the_vector(case: Json) -> None:
    keys = {(k["audience"], k["epoch"]): bytes.fromhex(k["key"]) for k in case["opened"]}
    assert opened(case) == keys


@cases("grant", "bad")
def test_a_grant_with_a_defect_is_refused(case: Json) -> None:
    refused(case["reason"], lambda: opened(case))


KEYS = {(k["audience"], k["epoch"]): bytes.fromhex(k["key"]) for k in FILES["envelope"]["keys"]}


def peeked(values: list[str]) -> list[Envelope]:
    return [envelope.peek(data) for data in unhexed(values)]


def pass_stages(data: bytes, previous: list[str], *, until: str) -> None:
    """Judge a note as a reader does, up to and with one stage."""
    read = envelope.peek(data)
    stages: dict[str, Callable[[], Any]] = {
        "peek": lambda: read,
        "verify": lambda: envelope.verify(read, authors("envelope")(read.header.account)),
        "posting": lambda: posting.check_could_post(sealed_circle("envelope"), read.header),
        "follows": lambda: envelope.check_follows(read, peeked(previous)),
        "open": lambda: envelope.open_envelope(read, KEYS),
    }
    for stage, check in stages.items():
        if stage == until or until == "all":
            check()


@cases("envelope", "good")
def test_a_note_passes_every_stage_and_reads_as_the_vector_says(case: Json) -> None:
    data = bytes.fromhex(case["envelope"])
    pass_stages(data, case["previous"], until="all")
    read = envelope.open_envelope(envelope.peek(data), KEYS)
    assert (read.type, read.text) == (case["content"]["type"], case["content"]["text"])
    assert [a.id for a in read.attachments] == [a["id"] for a in case["content"]["attachments"]]


@cases("envelope", "good")
def test_a_note_sealed_again_comes_out_the_same(case: Json) -> None:
    data, said = bytes.fromhex(case["envelope"]), case["draft"]
    draft = envelope.Draft(**{**said, "mentions": tuple(said["mentions"])})
    to = [
        envelope.To(
            t["audience"],
            t["epoch"],
            key=bytes.fromhex(t["key"]) if t["key"] else None,
            inbox_key=bytes.fromhex(t["inbox_key"]) if t["inbox_key"] else None,
        )
        for t in case["to"]
    ]
    again = envelope.seal(
        device_keys("envelope", case["by"]),
        draft,
        envelope.open_envelope(envelope.peek(data), KEYS),
        to=to,
        entropy=bytes.fromhex(case["entropy"]),
    )
    assert (again == data) == case["is_deterministic"]
    assert envelope.peek(again).header.commitment == envelope.peek(data).header.commitment


@cases("envelope", "bad")
def test_a_note_with_a_defect_is_refused_at_its_stage(case: Json) -> None:
    data = bytes.fromhex(case["envelope"])
    refused(case["reason"], lambda: pass_stages(data, case["previous"], until=case["stage"]))


@cases("envelope", "bad")
def test_a_defect_is_found_no_sooner_than_its_stage(case: Json) -> None:
    order = ["peek", "verify", "posting", "follows", "open"]
    before = order[: order.index(case["stage"])]
    for stage in before[: 2 if case["stage"] == "open" else None]:
        if not (stage == "posting" and case["stage"] == "follows"):
            pass_stages(bytes.fromhex(case["envelope"]), case["previous"], until=stage)


@cases("hpke", "good")
def test_a_seal_of_the_vector_opens(case: Json) -> None:
    if "seed" in case:
        info = cbor.decode(bytes.fromhex(case["info"]))
        plaintext = suite.open_sealed(
            bytes.fromhex(case["seed"]), bytes.fromhex(case["sealed"]), info=info
        )
        assert plaintext.hex() == case["plaintext"]
    assert len(case["sealed"]) == len(case["plaintext"]) + 2 * suite.SEAL_OVERHEAD


@cases("hpke", "bad")
def test_a_seal_with_a_defect_does_not_open(case: Json) -> None:
    info = cbor.decode(bytes.fromhex(case["info"]))
    seed, sealed = bytes.fromhex(case["seed"]), bytes.fromhex(case["sealed"])
    refused(case["reason"], lambda: suite.open_sealed(seed, sealed, info=info))

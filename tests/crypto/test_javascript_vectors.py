"""What the web client makes is read, verified and opened here: keys and objects are new in every run."""

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from relais.crypto import (
    account,
    emergency,
    envelope,
    escrow,
    grant,
    join,
    kit,
    ledger,
    login,
    posting,
    receipt,
    safety,
)
from relais.crypto.account import AccountState
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import CircleState
from relais.models.ids import AccountId

WEB_CLIENT = Path(__file__).parents[2] / "web_client"


@cache
def made() -> dict[str, Any]:
    node = shutil.which("node")
    assert node, "these tests run the web client's code: install Node.js 20 or newer"
    ran = subprocess.run(
        [node, "test/make-vectors.js"],
        cwd=WEB_CLIENT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    value: dict[str, Any] = json.loads(ran.stdout)
    return value


@cache
def accounts() -> dict[AccountId, AccountState]:
    chains = (map(bytes.fromhex, chain["statements"]) for chain in made()["chains"])
    return {state.account: state for state in map(account.replay, chains)}


@cache
def circle() -> CircleState:
    return ledger.replay(map(bytes.fromhex, made()["circle"]["entries"]), accounts().__getitem__)


def epoch_keys() -> dict[tuple[str, int], bytes]:
    return {(key["audience"], key["epoch"]): bytes.fromhex(key["key"]) for key in made()["keys"]}


def test_chains_of_accounts_replay_to_the_heads_javascript_has() -> None:
    for chain in made()["chains"]:
        assert accounts()[chain["account"]].head == chain["head"]
    lead = accounts()[made()["chains"][0]["account"]]
    assert lead.profile.name == "Zoé Ménard 🩺"
    assert [record.is_revoked for record in lead.devices.values()] == [False, True, False]


def test_a_ledger_replays_to_the_head_javascript_has() -> None:
    assert (circle().circle, circle().head) == (made()["circle"]["id"], made()["circle"]["head"])
    assert circle().audiences["team"].epoch == 2


def test_grants_open_to_the_keys_they_were_made_of() -> None:
    grants, lead = made()["grants"], accounts()[made()["chains"][0]["account"]]
    openers = {
        "to_kit": kit.keys_of(bytes.fromhex(grants["kit"])),
        "to_colleague": DeviceKeys.from_random(bytes.fromhex(grants["colleague"])),
    }
    for name, keys in openers.items():
        opened = grant.open_grant(bytes.fromhex(grants[name]), keys, circle(), lead)
        assert opened == epoch_keys()


@pytest.mark.parametrize("index", range(5))
def test_a_note_passes_every_stage_and_reads_as_written(index: int) -> None:
    case = made()["notes"][index]
    note = envelope.peek(bytes.fromhex(case["envelope"]))
    envelope.verify(note, accounts()[note.header.account])
    posting.check_could_post(circle(), note.header)
    envelope.check_follows(note, [envelope.peek(bytes.fromhex(one)) for one in case["previous"]])
    content = envelope.open_envelope(note, epoch_keys())
    assert (note.digest, content.text) == (case["digest"], case["text"])


def test_there_are_as_many_notes_as_are_checked() -> None:
    assert len(made()["notes"]) == 5


def test_receipts_hold() -> None:
    for case in made()["receipts"]:
        read = receipt.peek(bytes.fromhex(case["receipt"]))
        receipt.verify(read, accounts()[read.account])
        assert (read.kind, read.envelope) == (case["kind"], made()["notes"][0]["digest"])


def test_a_login_holds_under_the_key_of_its_device() -> None:
    case = made()["login"]
    read = login.peek(bytes.fromhex(case["login"]))
    assert (read.challenge.hex(), read.origin, read.at) == (
        case["challenge"],
        case["origin"],
        case["at"],
    )
    login.verify(read, accounts()[made()["chains"][0]["account"]].device(read.device).sign)


def test_kits_and_joining_codes_are_the_same_words() -> None:
    case, joined = made()["kit"], made()["join"]
    seed, secret = bytes.fromhex(case["seed"]), bytes.fromhex(joined["secret"])
    assert kit.seed_of(case["en"]) == kit.seed_of(case["fr"]) == kit.seed_of_qr(case["qr"]) == seed
    assert join.make_code(secret) == joined["code"]
    assert join.ticket(secret) == joined["ticket"]
    requested = join.request_mac(secret, bytes.fromhex(joined["possession"]))
    answered = join.answer_mac(secret, bytes.fromhex(joined["statement"]))
    assert (requested.hex(), answered.hex()) == (joined["request_mac"], joined["answer_mac"])


def test_two_accounts_have_one_safety_number_in_both_languages() -> None:
    lead, colleague, _ = (accounts()[one["account"]] for one in made()["chains"])
    assert safety.number(colleague, lead) == made()["safety"]


def lead() -> AccountState:
    return accounts()[made()["chains"][0]["account"]]


def colleague() -> AccountState:
    return accounts()[made()["chains"][1]["account"]]


def _account(data: bytes) -> None:
    account.replay([*map(bytes.fromhex, made()["chains"][1]["statements"]), data])


def _circle(data: bytes) -> None:
    before = list(map(bytes.fromhex, made()["circle"]["entries"]))[:-1]
    ledger.replay([*before, data], accounts().__getitem__)


def _grant(data: bytes) -> None:
    mine = DeviceKeys.from_random(bytes.fromhex(made()["grants"]["colleague"]))
    grant.open_grant(data, mine, circle(), lead())


def _note(data: bytes) -> None:
    envelope.verify(envelope.peek(data), lead())


def _receipt(data: bytes) -> None:
    receipt.verify(receipt.peek(data), colleague())


def _login(data: bytes) -> None:
    phone = next(iter(lead().devices.values())).device
    login.verify(login.peek(data), phone.sign)


def _escrow(data: bytes) -> None:
    escrow.verify(escrow.peek(data), colleague())


def _emergency(data: bytes) -> None:
    emergency.verify(emergency.peek(data), colleague())


def _answer(data: bytes) -> None:
    emergency.verify_answer(emergency.peek_answer(data), colleague(), request=made()["asked"])


CHECKS: dict[str, Callable[[bytes], None]] = {
    "account": _account,
    "circle": _circle,
    "grant": _grant,
    "note": _note,
    "receipt": _receipt,
    "login": _login,
    "escrow": _escrow,
    "emergency": _emergency,
    "answer": _answer,
}


@pytest.mark.parametrize("structure", CHECKS)
def test_what_javascript_spoils_and_refuses_is_refused_here_by_the_same_word(
    structure: str,
) -> None:
    cases = [case for case in made()["spoilt"] if case["structure"] == structure]
    words = {case["name"]: case["reason"] for case in cases}
    assert {case["name"]: _said(structure, case["object"]) for case in cases} == words
    assert words["untouched"] == "taken"
    assert {"bad-signature", "missing-field", "non-canonical", "wrong-type"} <= set(words.values())


def test_every_kind_of_signed_object_is_spoilt() -> None:
    assert set(map(itemgetter("structure"), made()["spoilt"])) == set(CHECKS)


def _said(structure: str, data: str) -> str:
    try:
        CHECKS[structure](bytes.fromhex(data))
    except ProtocolError as error:
        return error.reason
    return "taken"

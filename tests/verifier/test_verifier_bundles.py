"""The verifier as others run it: one file, no Relais; it says what a bundle proves, and refuses what was changed, by name."""

import base64
import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from protocol_vectors import VECTORS

from relais.crypto.canonical_json import encode_canonical
from relais.crypto.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from relais.crypto.merkle import TreeHead, inclusion_proof, leaf_hash, root_of
from relais.crypto.signed_note import SignerKey, parse_signed_note
from verifier import FILE as PROGRAM
from verifier import Outcome, load, run

VECTOR = json.loads((VECTORS / "proof-bundle.json").read_text("utf-8"))
FILES = {case["name"]: case["file"] for case in VECTOR["good"]}
KEY = ("--key", VECTOR["log"])
NOTE = "a note and all there is"
verify = load()

Bundle = dict[str, Any]


def bundle(name: str) -> Bundle:
    value: Bundle = json.loads(FILES[name])
    return value


def checked(value: Bundle, tmp_path: Path, *more: str) -> Outcome:
    path = tmp_path / "bundle.json"
    path.write_bytes(encode_canonical(value))
    return run(path, *(more or KEY), "--json")


def reason(value: Bundle) -> str | None:
    """Why it is refused, asked in this process: the program is the same file."""
    trust = verify.Trust(key=verify.read_vkey(VECTOR["log"]))
    try:
        verify.check_bundle(encode_canonical(value), trust)
    except verify.Refused as refused:
        return str(refused.reason)
    return None


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def raw(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def flipped(value: str, place: int = -1) -> str:
    data = bytearray(raw(value))
    data[place] ^= 1
    return text(bytes(data))


def resigned(lines: list[str], key: SignerKey, places: list[int]) -> Bundle:
    """A whole log of one's own, signed with one's own key."""
    leaves = [leaf_hash(line.encode()) for line in lines]

    def hash_at(level: int, index: int) -> bytes:
        return root_of(leaves[index << level : (index + 1) << level])

    head = TreeHead(len(leaves), root_of(leaves))
    entries = [
        {
            "index": n,
            "entry": lines[n],
            "path": [text(h) for h in inclusion_proof(hash_at, index=n, size=head.size)],
        }
        for n in places
    ]
    note = sign_checkpoint(Checkpoint(key.name, head.size, head.root), [key])
    made = {"log": key.verifier.encode(), "checkpoint": note.encode().decode(), "entries": entries}
    return {**bundle("a selection"), **made}


@pytest.mark.parametrize("name", FILES)
def test_a_good_bundle_holds_on_a_machine_without_relais(name: str, tmp_path: Path) -> None:
    outcome = checked(bundle(name), tmp_path)
    assert (outcome.code, outcome.json["verified"], outcome.errors) == (0, True, "")
    tree = outcome.claims["signed-tree"][0]
    assert (tree["size"], tree["proven"]) == (VECTOR["size"], True)


def test_relais_really_is_not_there_where_the_verifier_runs(tmp_path: Path) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text(
        "import sys\ntry:\n    import relais.crypto\nexcept ModuleNotFoundError:\n    sys.exit(0)\nsys.exit(9)"
    )
    assert run(tmp_path / "nothing", program=probe).code == 0


def test_it_runs_as_a_copy_anywhere(tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere.py"
    shutil.copy(PROGRAM, copied)
    (tmp_path / "bundle.json").write_text(FILES["a selection"], "utf-8")
    assert run(tmp_path / "bundle.json", *KEY, program=copied).code == 0


@pytest.mark.parametrize(("language", "proven"), [("fr", "PROUVÉ"), ("en", "PROVEN")])
def test_it_says_in_words_what_is_proven_and_what_is_not(
    language: str, proven: str, tmp_path: Path
) -> None:
    path = tmp_path / "b.json"
    path.write_text(FILES[NOTE], "utf-8")
    outcome = run(path, *KEY, "--language", language)
    assert outcome.code == 0
    head, _, rest = outcome.text.partition(f"\n\n{'NON ' if language == 'fr' else 'NOT '}{proven}")
    assert head.startswith(proven)
    assert "Anne" in head
    assert "Bruno Petit" in head
    assert "Plaie propre, pansement refait." in rest
    assert ("vrai" if language == "fr" else "is true") in rest


def test_every_claim_has_its_sentence_in_both_languages() -> None:
    source = PROGRAM.read_text("utf-8")
    words = {
        part.split('"')[0]
        for call in ('.proven("', '.open("', '.proven(\n            "')
        for part in source.split(call)[1:]
    }
    listed = source.split("for word in (")[1].split(")")[0]
    words |= {word.strip().strip('"') for word in listed.split(",")} - {""}
    assert words - set(verify.WORDS) == set()
    assert all(len(pair) == 2 and all(pair) for pair in verify.WORDS.values())


def test_without_a_key_from_elsewhere_nothing_is_anchored(tmp_path: Path) -> None:
    outcome = checked(bundle("a selection"), tmp_path, "--language", "en")
    assert outcome.code == 3
    assert not outcome.claims["key-from-bundle"][0]["proven"]
    assert "key-from-bundle" not in checked(bundle("a selection"), tmp_path).claims


def test_a_stretch_is_known_to_be_whole_and_a_selection_is_not(tmp_path: Path) -> None:
    stretch = checked(bundle("a stretch, and what it continues"), tmp_path).claims
    assert (stretch["no-gap"][0]["first"], stretch["no-gap"][0]["last"]) == (3, 6)
    less = bundle("a stretch, and what it continues")
    del less["entries"][1]
    claims = checked(less, tmp_path).claims
    assert "no-gap" not in claims
    assert not claims["selection"][0]["proven"]


def test_a_tree_that_was_kept_is_compared(tmp_path: Path) -> None:
    value, kept = bundle("a stretch, and what it continues"), VECTOR["older"]
    claims = checked(value, tmp_path, *KEY, "--since", kept).claims
    assert "older-unknown" not in claims
    assert claims["continues"][0]["size"] == 5
    assert "older-unknown" in checked(value, tmp_path).claims
    other = f"5:{'ab' * 32}"
    assert checked(value, tmp_path, *KEY, "--since", other).json["reason"] == "forked-tree"
    bare = checked(bundle("a selection"), tmp_path, *KEY, "--since", kept)
    assert (bare.code, bare.json["reason"]) == (1, "consistency-missing")


def test_a_policy_asks_for_witnesses(tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    known = f"log {VECTOR['log']}\nwitness w1 {VECTOR['witness']}\nquorum w1\n"
    policy.write_text(known)
    claims = checked(bundle("a selection"), tmp_path, "--policy", str(policy)).claims
    assert claims["cosigned"][0]["name"] == "witness.example/w1"
    (told,) = claims["witnesses"]
    assert (told["proven"], told["signed"], told["known"]) == (True, 1, 1)
    assert "no-witness" not in claims
    stripped = bundle("a selection")
    *lines, _, _ = stripped["checkpoint"].split("\n")
    stripped["checkpoint"] = "\n".join([*lines, ""])
    assert checked(stripped, tmp_path).code == 0
    outcome = checked(stripped, tmp_path, "--policy", str(policy))
    assert (outcome.code, outcome.json["reason"]) == (1, "too-few-witnesses")
    assert outcome.json["where"].endswith("0/1")


def edit_entry(value: Bundle) -> None:
    value["entries"][1]["entry"] = value["entries"][1]["entry"].replace("192.0.2.7", "192.0.2.8")


def insert_entry(value: Bundle) -> None:
    made = copy.deepcopy(value["entries"][0])
    made["index"] += 1
    made["entry"] = made["entry"].replace("8000-0", "8000-1")
    value["entries"].insert(1, made)


def swap_entries(value: Bundle) -> None:
    one, two = value["entries"][0], value["entries"][1]
    one["entry"], two["entry"] = two["entry"], one["entry"]


def reorder(value: Bundle) -> None:
    value["entries"].reverse()


def twice(value: Bundle) -> None:
    value["entries"].insert(1, copy.deepcopy(value["entries"][0]))


def other_index(value: Bundle) -> None:
    value["entries"][0]["index"] += 1


def beyond(value: Bundle) -> None:
    value["entries"][-1]["index"] = VECTOR["size"]


def shorter_path(value: Bundle) -> None:
    value["entries"][0]["path"].pop()


def longer_path(value: Bundle) -> None:
    value["entries"][0]["path"].append(value["entries"][0]["path"][0])


def other_hash(value: Bundle) -> None:
    value["entries"][0]["path"][0] = flipped(value["entries"][0]["path"][0])


def half_a_hash(value: Bundle) -> None:
    value["entries"][0]["path"][0] = text(raw(value["entries"][0]["path"][0])[:16])


def other_root(value: Bundle) -> None:
    lines = value["checkpoint"].split("\n")
    lines[2] = base64.b64encode(bytes(32)).decode()
    value["checkpoint"] = "\n".join(lines)


def other_size(value: Bundle) -> None:
    value["checkpoint"] = value["checkpoint"].replace("\n11\n", "\n12\n")


def unknown_field(value: Bundle) -> None:
    value["note_"] = None


def missing_field(value: Bundle) -> None:
    del value["consistency"]


def newer_format(value: Bundle) -> None:
    value["version"] = 2


def other_format(value: Bundle) -> None:
    value["format"] = "something"


def padded_base64(value: Bundle) -> None:
    value["entries"][0]["path"][0] += "="


def standard_base64(value: Bundle) -> None:
    value["entries"][0]["path"][0] = "+" * 43


ATTACKS: list[tuple[Callable[[Bundle], None], str]] = [
    (edit_entry, "root-mismatch"),
    (insert_entry, "root-mismatch"),
    (swap_entries, "root-mismatch"),
    (reorder, "entry-reordered"),
    (twice, "entry-reordered"),
    (other_index, "root-mismatch"),
    (beyond, "index-out-of-range"),
    (shorter_path, "proof-length"),
    (longer_path, "proof-length"),
    (other_hash, "root-mismatch"),
    (half_a_hash, "hash-length"),
    (other_root, "bad-signature"),
    (other_size, "bad-signature"),
    (unknown_field, "bundle-malformed"),
    (missing_field, "bundle-malformed"),
    (newer_format, "bundle-version"),
    (other_format, "bundle-malformed"),
    (padded_base64, "bundle-malformed"),
    (standard_base64, "bundle-malformed"),
]


@pytest.mark.parametrize(
    ("attack", "expected"), ATTACKS, ids=lambda one: getattr(one, "__name__", one)
)
def test_a_bundle_that_was_changed_is_refused(
    attack: Callable[[Bundle], None], expected: str
) -> None:
    value = bundle("a selection")
    assert reason(value) is None
    attack(value)
    assert reason(value) == expected


def test_a_refusal_names_the_place_and_has_its_exit_code(tmp_path: Path) -> None:
    value = bundle("a selection")
    edit_entry(value)
    outcome = checked(value, tmp_path)
    assert outcome.code == 1
    assert outcome.json == {"verified": False, "reason": "root-mismatch", "where": "entries[1]"}
    (tmp_path / "b.json").write_bytes(encode_canonical(value))
    told = run(tmp_path / "b.json", *KEY, "--language", "fr")
    assert (told.code, told.text.startswith("REFUSÉ : root-mismatch")) == (1, True)


def test_a_file_cut_short_or_spelt_another_way_is_refused(tmp_path: Path) -> None:
    whole = FILES["a selection"].encode()
    for data, expected in (
        (whole[:-9], "not-json"),
        (whole + b"\n", "not-canonical"),
        (b"", "not-json"),
    ):
        (tmp_path / "b.json").write_bytes(data)
        outcome = run(tmp_path / "b.json", *KEY, "--json")
        assert (outcome.code, outcome.json["reason"]) == (1, expected)
    assert run(tmp_path / "missing.json", *KEY).code == 2


def test_another_log_is_refused_however_well_it_is_made(tmp_path: Path) -> None:
    name = VECTOR["log"].split("+")[0]
    forger = SignerKey(name, Ed25519PrivateKey.from_private_bytes(bytes([7] * 32)))
    value = resigned(VECTOR["lines"], forger, [2, 4])
    outcome = checked(value, tmp_path)
    assert (outcome.code, outcome.json["reason"]) == (1, "no-known-signature")
    assert checked(value, tmp_path, "--key", forger.verifier.encode()).code == 0


def test_a_proof_for_another_checkpoint_of_the_same_log_is_refused() -> None:
    value = bundle("a selection")
    log = parse_checkpoint(parse_signed_note(value["checkpoint"].encode()).text)
    key = SignerKey(log.origin, Ed25519PrivateKey.from_private_bytes(bytes([7] * 32)))
    other = resigned(VECTOR["lines"][:9], key, [2, 4, 7])
    trust = verify.Trust(key=verify.read_vkey(key.verifier.encode()))
    verify.check_bundle(encode_canonical(other), trust)
    mixed = {**other, "entries": value["entries"]}
    with pytest.raises(verify.Refused) as caught:
        verify.check_bundle(encode_canonical(mixed), trust)
    assert caught.value.reason in ("root-mismatch", "proof-length")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda older: older.update(size=6), "proof-length"),
        (lambda older: older.update(root=flipped(older["root"])), "old-root-mismatch"),
        (lambda older: older["path"].pop(), "proof-length"),
        (
            lambda older: older["path"].append(flipped(older["path"].pop())),
            "new-root-mismatch",
        ),
        (lambda older: older.update(size=12), "rolled-back"),
    ],
    ids=["size", "root", "path cut", "path changed", "beyond"],
)
def test_a_false_continuation_is_refused(change: Any, expected: str) -> None:
    value = bundle("a stretch, and what it continues")
    change(value["consistency"])
    assert reason(value) == expected

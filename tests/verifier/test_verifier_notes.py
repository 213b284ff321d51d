"""A disclosed note: the verifier says who signed it and what it said, and refuses whatever was exchanged in it, by name."""

import base64
import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from protocol_vectors import FILES, VECTORS

from relais.crypto.canonical_json import encode_canonical
from relais.crypto.stream import open_bytes, seal_bytes
from verifier import load, run

verify = load()
VECTOR = json.loads((VECTORS / "proof-bundle.json").read_text("utf-8"))
BARE, WHOLE = "a note, bare", "a note and all there is"
MADE = {case["name"]: case["file"] for case in VECTOR["good"]}
ENVELOPES = {case["name"]: case for case in FILES["envelope"]["good"]}

Bundle = dict[str, Any]


def bundle(name: str) -> Bundle:
    value: Bundle = json.loads(MADE[name])
    return value


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def raw(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def flipped(value: str) -> str:
    data = raw(value)
    return text(data[:-1] + bytes([data[-1] ^ 1]))


def checked(value: Bundle) -> Any:
    trust = verify.Trust(key=verify.read_vkey(VECTOR["log"]))
    return verify.check_bundle(encode_canonical(value), trust)


def reason(value: Bundle) -> tuple[str, str] | None:
    try:
        checked(value)
    except verify.Refused as refused:
        return refused.reason, refused.where
    return None


def words(value: Bundle) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for claim in checked(value).claims:
        found.setdefault(claim.word, []).append(claim)
    return found


def test_it_says_who_signed_when_in_which_role_and_that_the_log_has_it() -> None:
    found = words(bundle(WHOLE))
    (signed,) = found["note-signed"]
    assert signed.facts["name"].startswith("Anne")
    assert (signed.facts["version"], signed.facts["kind"]) == (1, "post")
    assert found["note-member"][0].facts["role"] == "lead"
    assert found["note-logged"][0].facts["index"] == 4
    assert found["note-hash-logged"][0].is_proven
    assert found["receipt"][0].facts["kind"] == "read"
    assert found["receipt-logged"][0].facts["index"] == 7
    assert found["attachment"][0].is_proven
    assert not any(
        found[word][0].is_proven for word in ("note-truth", "note-readers", "note-moment")
    )


def test_without_entries_receipts_and_blobs_it_says_what_is_missing() -> None:
    found = words(bundle(BARE))
    assert not found["note-not-logged"][0].is_proven
    assert not found["attachment-missing"][0].is_proven
    assert {"note-logged", "receipt", "attachment"} & set(found) == set()


def test_the_text_and_the_attachments_are_saved_under_harmless_names(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(MADE[WHOLE], "utf-8")
    outcome = run(tmp_path / "b.json", "--key", VECTOR["log"], "--save", str(tmp_path / "out"))
    assert outcome.code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"note.txt", "1-plaie.jpg"}
    assert (tmp_path / "out/note.txt").read_text("utf-8").startswith("Plaie propre")
    report = verify.Report(files=[("../../.evil\x1b[2J", b"x")])
    verify.save(report, tmp_path / "two")
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["1-_.._.evil__2J"]


def test_what_a_terminal_would_obey_is_spelt_out() -> None:
    assert verify.visible("a\x9b2J\u202eb\nc") == "a\\u009b2J\\u202eb\nc"


def test_the_disclosed_key_opens_this_version_and_no_other_note() -> None:
    key = raw(bundle(WHOLE)["note"]["key"])
    for case in FILES["envelope"]["good"]:
        envelope = verify.read_envelope(bytes.fromhex(case["envelope"]))
        with pytest.raises(verify.Refused) as caught:
            verify.open_content(envelope, key)
        assert caught.value.reason == "commitment-differs"
        assert verify.open_content(envelope, bytes.fromhex(case["entropy"])[:32])


def other_key(note: Bundle) -> None:
    note["key"] = text(bytes(32))


def other_signature(note: Bundle) -> None:
    note["envelope"] = flipped(note["envelope"])


def other_envelope(note: Bundle) -> None:
    note["envelope"] = text(bytes.fromhex(ENVELOPES["a post to the team"]["envelope"]))


def no_author(note: Bundle) -> None:
    del note["accounts"][0]


def shortened_chain(note: Bundle) -> None:
    del note["accounts"][0][0]


def no_ledger(note: Bundle) -> None:
    note["ledger"] = []


def shortened_ledger(note: Bundle) -> None:
    note["ledger"].pop()


def entry_left_out(note: Bundle) -> None:
    del note["ledger"][0]


def other_ledger(note: Bundle) -> None:
    note["ledger"][-1] = flipped(note["ledger"][-1])


def other_receipt(note: Bundle) -> None:
    note["receipts"][0] = flipped(note["receipts"][0])


def receipt_of_another(note: Bundle) -> None:
    note["receipts"] = [text(bytes.fromhex(FILES["receipt"]["good"][0]["receipt"]))]


def reader_left_out(note: Bundle) -> None:
    del note["accounts"][1]


def other_blob(note: Bundle) -> None:
    note["blobs"] = {name: flipped(data) for name, data in note["blobs"].items()}


def blob_nobody_named(note: Bundle) -> None:
    note["blobs"]["ab" * 32] = text(b"x")


ATTACKS: list[tuple[Callable[[Bundle], None], str, str]] = [
    (other_key, "commitment-differs", "note.key"),
    (other_signature, "bad-signature", "note.envelope"),
    (other_envelope, "commitment-differs", "note.key"),
    (no_author, "chain-missing", "note.envelope"),
    (shortened_chain, "misplaced-create", "note.accounts[0]"),
    (no_ledger, "broken-chain", "note.ledger"),
    (shortened_ledger, "rollback", "note.ledger"),
    (entry_left_out, "wrong-circle", "note.ledger.[0]"),
    (other_ledger, "bad-signature", "note.ledger.[1]"),
    (other_receipt, "bad-signature", "note.receipts[0]"),
    (receipt_of_another, "wrong-version", "note.receipts[0]"),
    (reader_left_out, "chain-missing", "note.receipts[0]"),
    (other_blob, "wrong-hash", "note.blobs"),
    (blob_nobody_named, "blobs-differ", "note.blobs"),
]


@pytest.mark.parametrize(
    ("attack", "word", "where"), ATTACKS, ids=[one[0].__name__ for one in ATTACKS]
)
def test_a_note_that_was_changed_is_refused(
    attack: Callable[[Bundle], None], word: str, where: str
) -> None:
    value = bundle(WHOLE)
    assert reason(value) is None
    attack(value["note"])
    found = reason(value)
    assert found is not None
    assert (found[0], found[1].startswith(where)) == (word, True)


def test_another_envelope_than_the_one_the_log_names_is_refused() -> None:
    """Even with its own key, signature and author in order: the log has another hash at that place."""
    value = bundle(WHOLE)
    entry = json.loads(value["entries"][0]["entry"])
    assert entry["action"] == "note.post"
    checks = verify._NoteCheck(value["note"], {4: entry}, verify.Report())
    checks.run()
    entry["subject"]["envelope"] = "ab" * 32
    with pytest.raises(verify.Refused) as caught:
        verify._NoteCheck(value["note"], {4: entry}, verify.Report()).run()
    assert caught.value.reason == "envelope-differs"


def test_an_entry_of_another_author_is_refused() -> None:
    value = bundle(WHOLE)
    entry = json.loads(value["entries"][0]["entry"])
    other = {**copy.deepcopy(entry), "account": "ab" * 32}
    with pytest.raises(verify.Refused) as caught:
        verify._NoteCheck(value["note"], {4: other}, verify.Report()).run()
    assert caught.value.reason == "envelope-differs"


def test_a_long_attachment_opens_and_a_cut_one_does_not() -> None:
    stream = json.loads((VECTORS / "stream.json").read_text("utf-8"))
    case = next(one for one in stream["good"] if one["size"] == 9)
    sealed, key = bytes.fromhex(case["sealed"]), bytes.fromhex(case["key"])
    content = open_bytes(key, sealed, size=9)
    long = content * 20_000
    for plain, data in ((content, sealed), (long, seal_bytes(key, long))):
        described = {
            "blob": hashlib.sha256(data).hexdigest(),
            "key": key,
            "size": len(plain),
            "sha256": hashlib.sha256(plain).hexdigest(),
        }
        assert verify.open_blob(described, data) == plain
        cut = {**described, "blob": hashlib.sha256(data[:-1]).hexdigest()}
        with pytest.raises(verify.Refused) as caught:
            verify.open_blob(cut, data[:-1])
        assert caught.value.reason == "stream-tampered"

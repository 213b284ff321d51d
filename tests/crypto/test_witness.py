"""A witness cosigns what its log signed and what extends the tree it cosigned last, and nothing else."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sample_log import LOG_KEY, ORIGIN

from relais.crypto.checkpoint import Checkpoint, sign_checkpoint
from relais.crypto.merkle import (
    EMPTY_ROOT,
    Frontier,
    TreeHead,
    consistency_proof,
    leaf_hash,
    root_of,
)
from relais.crypto.signed_note import KeyKind, SignedNoteError, SignerKey
from relais.crypto.trust_policy import PolicyError, parse_trust_policy
from relais.crypto.witness import (
    NOTHING_SEEN,
    AddCheckpoint,
    WitnessError,
    cosignature_in,
    judge,
    origin_asked,
    parse_add_checkpoint,
)

LEAVES = [leaf_hash(f"entry {number}".encode()) for number in range(40)]
FORK = [*LEAVES[:5], leaf_hash(b"another"), *LEAVES[6:]]
KEYS = (LOG_KEY.verifier,)
W1 = SignerKey("w1.example", Ed25519PrivateKey.from_private_bytes(b"\1" * 32), KeyKind.COSIGNATURE)
W2 = SignerKey("w2.example", Ed25519PrivateKey.from_private_bytes(b"\2" * 32), KeyKind.COSIGNATURE)


def head(size: int, leaves: list[bytes] = LEAVES) -> TreeHead:
    return TreeHead(size, root_of(leaves[:size]))


def note(of: TreeHead, key: SignerKey = LOG_KEY) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, of.size, of.root), [key]).encode()


def request(old: int, new: int, leaves: list[bytes] = LEAVES) -> AddCheckpoint:
    proof = consistency_proof(
        lambda level, index: root_of(leaves[index << level : (index + 1) << level]),
        old_size=old,
        new_size=new,
    )
    return AddCheckpoint(old, proof, note(head(new, leaves)))


def refusal(asked: AddCheckpoint, seen: TreeHead) -> tuple[str, int | None]:
    with pytest.raises(WitnessError) as refused:
        judge(asked, KEYS, seen)
    return refused.value.reason, refused.value.size


@given(st.integers(0, 40), st.integers(0, 40))
def test_whatever_extends_the_tree_seen_last_is_cosigned(one: int, other: int) -> None:
    old, new = sorted((one, other))
    asked = parse_add_checkpoint(request(old, new).encode())
    assert asked == request(old, new)
    assert origin_asked(asked) == ORIGIN
    assert judge(asked, KEYS, head(old)).head == head(new)


def test_a_fork_is_refused_whatever_its_proof() -> None:
    assert judge(request(9, 20), KEYS, head(9)).head == head(20)
    assert refusal(request(9, 20, FORK), head(9)) == ("not-consistent", None)
    mixed = replace(request(9, 20), note=note(head(20, FORK)))
    assert refusal(mixed, head(9)) == ("not-consistent", None)
    assert refusal(request(20, 20, FORK), head(20)) == ("not-consistent", None)


def test_a_log_that_went_back_is_refused() -> None:
    assert refusal(request(9, 20), head(30)) == ("old-size-differs", 30)
    assert refusal(replace(request(20, 20), old_size=30), head(30)) == ("old-size-too-large", None)
    assert refusal(request(0, 20), head(30)) == ("old-size-differs", 30)


def test_a_proof_from_nothing_must_be_empty_and_the_empty_tree_has_one_root() -> None:
    assert judge(request(0, 0), KEYS, NOTHING_SEEN).head == NOTHING_SEEN
    padded = replace(request(0, 20), proof=(LEAVES[0],))
    assert refusal(padded, NOTHING_SEEN) == ("not-consistent", None)
    hollow = AddCheckpoint(0, (), note(TreeHead(0, LEAVES[0])))
    assert refusal(hollow, NOTHING_SEEN) == ("not-consistent", None)
    assert Frontier().root() == EMPTY_ROOT


def test_only_what_the_log_signed_is_looked_at() -> None:
    stranger = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\3" * 32))
    assert refusal(replace(request(0, 20), note=note(head(20), stranger)), NOTHING_SEEN) == (
        "not-signed",
        None,
    )
    forged = request(0, 20).note.replace(b"\n20\n", b"\n21\n")
    assert refusal(replace(request(0, 20), note=forged), NOTHING_SEEN) == ("not-signed", None)
    with pytest.raises(WitnessError, match="unknown-log"):
        judge(request(0, 20), (), NOTHING_SEEN)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"old 5\n",
        b"old 05\n\nx",
        b"old -1\n\nx",
        b"old 5\r\n\nx",
        b"new 5\n\nx",
        b"old 5\nYQ==\n\nx",
        b"old 5\n!\n\nx",
        b"old 5\n\xff\n\nx",
        b"old 5\n" + b"A" * 43 + b"B\n\nx",
        b"old 5\n" + (b"A" * 43 + b"=\n") * 64 + b"\nx",
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(WitnessError, match="request-malformed"):
        parse_add_checkpoint(data)


def test_a_hash_has_one_spelling() -> None:
    good = request(9, 20).encode()
    line = good.split(b"\n")[1]
    assert line.endswith(b"=")
    other = line[:-2] + bytes([line[-2] + 1]) + b"="  # the same bytes, other stray bits
    with pytest.raises(WitnessError, match="request-malformed"):
        parse_add_checkpoint(good.replace(line, other))
    assert parse_add_checkpoint(good).old_size == 9


def test_a_request_without_a_checkpoint_names_no_log() -> None:
    with pytest.raises(WitnessError, match="request-malformed"):
        origin_asked(AddCheckpoint(0, (), b"nothing"))
    no_checkpoint = note(head(3)).replace(b"\n3\n", b"\nthree\n")
    with pytest.raises(WitnessError, match="request-malformed"):
        origin_asked(AddCheckpoint(0, (), no_checkpoint))


def test_an_answer_is_the_witness_s_own_signature_and_strangers_lines_are_ignored() -> None:
    signed = sign_checkpoint(Checkpoint(ORIGIN, 20, head(20).root), [LOG_KEY])
    ours, theirs = signed.cosigned_by(W1, at=7), signed.cosigned_by(W2, at=7)
    answer = (theirs.signatures[-1].encode() + ours.signatures[-1].encode()).encode()
    found = cosignature_in(answer, signed, W1.verifier)
    assert found == ours.signatures[-1]
    with pytest.raises(SignedNoteError, match="no-known-signature"):
        cosignature_in(theirs.signatures[-1].encode().encode(), signed, W1.verifier)
    other = sign_checkpoint(Checkpoint(ORIGIN, 21, head(21).root), [LOG_KEY])
    with pytest.raises(SignedNoteError, match="bad-signature"):
        cosignature_in(answer, other, W1.verifier)
    with pytest.raises(SignedNoteError, match="note-malformed"):
        cosignature_in(b"20\n", signed, W1.verifier)


def test_a_policy_is_for_the_logs_it_lists_or_else_for_the_one_that_is_known() -> None:
    log, other = LOG_KEY.verifier, replace(LOG_KEY.verifier, name="other.example")
    listed = parse_trust_policy(f"log {log.encode()} https://a\nquorum none\n".encode())
    assert listed.logs[0].url == "https://a"
    assert listed.policy().logs == listed.policy(log).logs == (log,)
    with pytest.raises(PolicyError, match="policy-log"):
        listed.policy(other)
    silent = parse_trust_policy(f"witness w {W1.verifier.encode()} http://w\nquorum w\n".encode())
    assert silent.policy(log).logs == (log,)
    assert (silent.witnesses[0].url, silent.policy(log).cosigners.keys) == (
        "http://w",
        (W1.verifier,),
    )
    with pytest.raises(PolicyError, match="policy-log"):
        silent.policy()


def test_a_policy_s_error_says_the_line() -> None:
    with pytest.raises(PolicyError) as wrong:
        parse_trust_policy(b"# whom we believe\n\nquorum nobody\n")
    assert (wrong.value.reason, wrong.value.line) == ("policy-name", 3)
    with pytest.raises(PolicyError) as missing:
        parse_trust_policy(b"")
    assert (missing.value.reason, missing.value.line) == ("policy-quorum", None)

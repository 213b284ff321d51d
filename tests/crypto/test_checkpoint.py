import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales import signing, tlog

from relais.crypto.checkpoint import (
    Checkpoint,
    CheckpointError,
    Policy,
    parse_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
)
from relais.crypto.merkle import MAX_SIZE, TreeHead
from relais.crypto.signed_note import KeyKind, SignedNoteError, SignerKey

ROOT = hashlib.sha256(b"a tree").digest()
ORIGIN = "log.example/relais"
CHECKPOINT = Checkpoint(ORIGIN, 42, ROOT)


def signer(label: str, *, name: str = ORIGIN, kind: KeyKind = KeyKind.ED25519) -> SignerKey:
    seed = hashlib.sha256(label.encode()).digest()
    return SignerKey(name, Ed25519PrivateKey.from_private_bytes(seed), kind)


LOG, NEXT_LOG = signer("log"), signer("the log's next key")
W1 = signer("w1", name="w1.example", kind=KeyKind.COSIGNATURE)
W2 = signer("w2", name="w2.example", kind=KeyKind.COSIGNATURE)
POLICY = Policy((LOG.verifier,))
WITNESSED = Policy((LOG.verifier,), (W1.verifier, W2.verifier), quorum=2)


def test_a_signed_checkpoint_verifies_and_says_its_head() -> None:
    note = sign_checkpoint(CHECKPOINT, [LOG])
    found = verify_checkpoint(note.encode(), POLICY)
    assert found.checkpoint == CHECKPOINT
    assert found.head == TreeHead(42, ROOT)
    assert found.note == note


@given(
    st.text("abc.-/ é+", min_size=1).filter(str.strip),
    st.integers(0, MAX_SIZE),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text("xyz ", min_size=1), max_size=3),
)
def test_a_checkpoint_reads_as_it_was_written(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert parse_checkpoint(checkpoint.encode()) == checkpoint


@pytest.mark.parametrize(
    "text", ["", "\n", f"{ORIGIN}\n42\n", "a\n1\n€\n", "a\n1\nYQ=\n", "a\n1\n!\n"]
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError, match="checkpoint-malformed"):
        parse_checkpoint(text)


def test_a_quorum_of_witnesses_must_have_cosigned() -> None:
    note = sign_checkpoint(CHECKPOINT, [LOG]).cosigned_by(W1, at=1)
    with pytest.raises(CheckpointError, match="too-few-witnesses"):
        verify_checkpoint(note.encode(), WITNESSED)
    both = note.cosigned_by(W2, at=2)
    found = verify_checkpoint(both.encode(), WITNESSED)
    assert {entry.key.name: entry.at for entry in found.signed if entry.at} == {
        "w1.example": 1,
        "w2.example": 2,
    }


def test_witnesses_do_not_stand_in_for_the_log() -> None:
    note = sign_checkpoint(CHECKPOINT, []).cosigned_by(W1, at=1).cosigned_by(W2, at=2)
    with pytest.raises(CheckpointError, match="not-signed-by-log"):
        verify_checkpoint(note.encode(), WITNESSED)


def test_a_log_may_change_its_key_and_sign_with_both_meanwhile() -> None:
    policy = Policy((LOG.verifier, NEXT_LOG.verifier))
    for keys in ([LOG], [LOG, NEXT_LOG], [NEXT_LOG]):
        assert verify_checkpoint(sign_checkpoint(CHECKPOINT, keys).encode(), policy)
    with pytest.raises(SignedNoteError, match="no-known-signature"):
        verify_checkpoint(sign_checkpoint(CHECKPOINT, [NEXT_LOG]).encode(), POLICY)


def test_the_key_of_one_log_does_not_sign_for_another() -> None:
    note = sign_checkpoint(Checkpoint("other.example", 42, ROOT), [LOG])
    with pytest.raises(CheckpointError, match="wrong-origin"):
        verify_checkpoint(note.encode(), POLICY)


def test_a_policy_nobody_can_fulfil_or_anybody_is_a_mistake_of_the_operator() -> None:
    log, w1 = LOG.verifier, W1.verifier
    plain_w1 = SignerKey(W1.name, W1.private).verifier
    log_as_witness = SignerKey("w3", LOG.private, KeyKind.COSIGNATURE).verifier
    for logs, witnesses, quorum, words in [
        ((w1,), (), 0, "of kind Ed25519"),
        ((log,), (plain_w1,), 0, "of kind cosignature"),
        ((), (w1,), 1, "has a log"),
        ((log,), (w1,), 2, "fewer witnesses"),
        ((log,), (w1,), -1, "fewer witnesses"),
        ((log, log), (), 0, "lists a key once"),
        ((log,), (w1, w1), 2, "lists a key once"),
        ((log,), (log_as_witness,), 1, "lists a key once"),
    ]:
        with pytest.raises(ValueError, match=words):
            Policy(logs, witnesses, quorum)


def test_an_independent_library_reads_and_verifies_our_checkpoints() -> None:
    note = sign_checkpoint(CHECKPOINT, [LOG]).cosigned_by(W1, at=1_770_000_000)
    theirs = tlog.Checkpoint.from_text(note.encode().decode())
    assert (theirs.origin, theirs.size, theirs.root_hash) == (ORIGIN, 42, ROOT)
    assert theirs.serialize() == note.encode().decode()
    for key in (LOG, W1):
        theirs.verify(signing.Vkey.from_string(key.verifier.encode()))
    stranger = signing.Vkey.from_string(NEXT_LOG.verifier.encode())
    with pytest.raises(RuntimeError, match="no signature matched"):
        theirs.verify(stranger)
    changed = tlog.Checkpoint.from_text(note.encode().decode().replace("\n42\n", "\n43\n"))
    with pytest.raises(InvalidSignature):
        changed.verify(signing.Vkey.from_string(LOG.verifier.encode()))


def test_we_read_and_verify_the_checkpoints_of_an_independent_library() -> None:
    theirs = signing.PlainEd25519Signer(ORIGIN, LOG.private)
    note = tlog.Checkpoint.make_signed(ORIGIN, 42, ROOT, [theirs])
    assert theirs.vkey.serialize() == LOG.verifier.encode()
    found = verify_checkpoint(note.serialize().encode(), POLICY)
    assert found.checkpoint == CHECKPOINT

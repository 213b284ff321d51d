import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.signing import Vkey

from relais.crypto.signed_note import (
    KeyKind,
    SignedNote,
    SignedNoteError,
    SignerKey,
    VerifierKey,
    parse_signed_note,
    parse_vkey,
    verify_signed_note,
)


def signer(name: str, kind: KeyKind = KeyKind.ED25519) -> SignerKey:
    seed = hashlib.sha256(name.encode()).digest()
    return SignerKey(name, Ed25519PrivateKey.from_private_bytes(seed), kind)


LOG = signer("log.example/relais")
WITNESS = signer("witness.example", KeyKind.COSIGNATURE)
NOTE = SignedNote("one\n\ntwo\n", ()).signed_by(LOG).cosigned_by(WITNESS, at=1_770_000_000)
KEYS = [LOG.verifier, WITNESS.verifier]


def test_a_note_signed_and_cosigned_verifies_under_both_keys() -> None:
    note = parse_signed_note(NOTE.encode())
    assert note == NOTE
    signed = verify_signed_note(note, KEYS)
    assert [(entry.key, entry.at) for entry in signed] == [
        (LOG.verifier, None),
        (WITNESS.verifier, 1_770_000_000),
    ]


def test_signatures_of_unknown_keys_are_ignored() -> None:
    note = NOTE.signed_by(signer("stranger.example"))
    assert len(verify_signed_note(note, [LOG.verifier])) == 1
    with pytest.raises(SignedNoteError, match="no-known-signature"):
        verify_signed_note(note, [signer("absent.example").verifier])


def test_a_key_of_the_same_name_and_another_id_is_unknown() -> None:
    impostor = SignerKey(LOG.name, signer("impostor").private)
    note = SignedNote("text\n", ()).signed_by(impostor)
    assert verify_signed_note(note, [impostor.verifier])
    with pytest.raises(SignedNoteError, match="no-known-signature"):
        verify_signed_note(note, [LOG.verifier])


@given(st.integers(0, 8 + 64 - 1), st.integers(0, 7))
def test_a_cosignature_with_one_bit_changed_spoils_the_whole_note(byte: int, bit: int) -> None:
    good, cosignature = NOTE.signatures
    value = bytearray(cosignature.value)
    value[byte] ^= 1 << bit
    changed = type(cosignature)(cosignature.name, cosignature.key_id, bytes(value))
    note = SignedNote(NOTE.text, (good, changed))
    assert verify_signed_note(note, [LOG.verifier])
    with pytest.raises(SignedNoteError, match="bad-signature"):
        verify_signed_note(note, KEYS)


@pytest.mark.parametrize("size", [0, 1, 63, 65, 72])
def test_a_signature_of_another_length_is_false(size: int) -> None:
    signature = type(NOTE.signatures[0])(LOG.name, LOG.verifier.key_id, bytes(size))
    with pytest.raises(SignedNoteError, match="bad-signature"):
        verify_signed_note(SignedNote("text\n", (signature,)), [LOG.verifier])


def test_a_cosignature_of_a_time_no_clock_shows_is_false() -> None:
    far = SignedNote("text\n", ()).cosigned_by(WITNESS, at=2**53 - 1)
    assert verify_signed_note(far, [WITNESS.verifier])[0].at == 2**53 - 1
    farther = SignedNote("text\n", ()).cosigned_by(WITNESS, at=2**53)
    with pytest.raises(SignedNoteError, match="bad-signature"):
        verify_signed_note(farther, [WITNESS.verifier])


def test_a_key_for_one_kind_of_signature_makes_no_other() -> None:
    with pytest.raises(ValueError, match="another kind"):
        NOTE.signed_by(WITNESS)
    with pytest.raises(ValueError, match="another kind"):
        NOTE.cosigned_by(LOG, at=0)


def test_a_signature_of_one_kind_does_not_pass_for_the_other() -> None:
    cosigner = SignerKey(LOG.name, LOG.private, KeyKind.COSIGNATURE)
    assert cosigner.verifier.key_id != LOG.verifier.key_id
    note = SignedNote("text\n", ()).signed_by(LOG)
    with pytest.raises(SignedNoteError, match="no-known-signature"):
        verify_signed_note(note, [cosigner.verifier])


def test_two_keys_with_one_name_and_id_are_refused() -> None:
    one, other = colliding_keys()
    assert one.key_id == other.key_id
    note = SignedNote("text\n", ()).signed_by(LOG)
    assert verify_signed_note(note, [LOG.verifier, one, one])
    with pytest.raises(SignedNoteError, match="ambiguous-key"):
        verify_signed_note(note, [LOG.verifier, one, other])


def colliding_keys() -> tuple[VerifierKey, VerifierKey]:
    """Ids have 32 bits: among some 100,000 keys two are bound to agree."""
    seen: dict[bytes, bytes] = {}
    number = 0
    while True:
        public = hashlib.sha256(number.to_bytes(4, "big")).digest()
        key_id = hashlib.sha256(b"x\n\1" + public).digest()[:4]
        if key_id in seen:
            return VerifierKey("x", seen[key_id]), VerifierKey("x", public)
        seen[key_id] = public
        number += 1


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\u2003b", "a\n"])
def test_a_name_with_spaces_or_plus_signs_is_a_mistake_of_the_operator(name: str) -> None:
    assert VerifierKey("a-b/ç", bytes(32)).name == "a-b/ç"
    with pytest.raises(ValueError, match="without spaces"):
        VerifierKey(name, bytes(32))


def test_a_public_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        VerifierKey("a", bytes(31))


@given(st.binary(min_size=32, max_size=32), st.sampled_from(KeyKind))
def test_a_vkey_reads_as_it_was_written_and_an_independent_library_agrees(
    public: bytes, kind: KeyKind
) -> None:
    key = VerifierKey("log.example/relais", public, kind)
    assert parse_vkey(key.encode()) == key
    theirs = Vkey.from_string(key.encode())
    assert (theirs.name, theirs.pubkey, theirs.sig_type) == (key.name, public, kind)
    assert Vkey(key.name, None, kind, public).serialize() == key.encode()


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_note_or_refused(data: bytes) -> None:
    text = b"text\n\n" + data
    try:
        written = parse_signed_note(text).encode()
    except SignedNoteError as error:
        written, text = error.reason.encode(), b"note-malformed"
    assert written == text


def test_a_note_of_256_kib_is_the_largest_that_is_read() -> None:
    note = SignedNote("x" * 1000 + "\n", ()).signed_by(LOG)
    padding = 256 * 1024 - len(note.encode())
    largest = SignedNote("x" * (1000 + padding) + "\n", ()).signed_by(LOG)
    assert parse_signed_note(largest.encode()) == largest
    larger = SignedNote("x" * (1001 + padding) + "\n", ()).signed_by(LOG)
    with pytest.raises(SignedNoteError, match="note-too-large"):
        parse_signed_note(larger.encode())

import pytest
from care import random, refused
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import suite

# draft-connolly-cfrg-xwing-kem-08, appendix C: the seed, and the public key's first 36 bytes
# (of its ML-KEM part) and its last ones (of its X25519 part).
XWING = [
    (
        "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
        "e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5b19cfc3d",
        "859edb06eff389b27dce59844570216223593d4ba32d9abac8cd049040ef6534",
    ),
    (
        "badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
        "0333285fa253661508c9fb444852caa4061636cb060e69943b431400134ae1fbc0228724",
        "b48fd4c562a576549f85b528c953926d96ea8a160b8843f1c89c62",
    ),
]
LOW_ORDER_POINTS = [
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
SEED = random("kem seed")
PUBLIC = suite.kem_public(SEED)
INFO: suite.Info = ["relais/1 test", b"\1", 2]


@pytest.mark.parametrize(("seed", "start", "end"), XWING)
def test_a_seed_expands_to_the_public_key_of_the_draft(seed: str, start: str, end: str) -> None:
    public = suite.kem_public(bytes.fromhex(seed)).hex()
    assert len(public) == 2 * suite.KEM_PUBLIC_SIZE
    assert public.startswith(start)
    assert public.endswith(end)


@given(st.binary(max_size=300))
def test_what_is_sealed_to_a_key_opens_with_its_seed(plaintext: bytes) -> None:
    sealed = suite.seal_to(PUBLIC, plaintext, info=INFO)
    assert len(sealed) == len(plaintext) + suite.SEAL_OVERHEAD
    assert suite.open_sealed(SEED, sealed, info=INFO) == plaintext


def test_a_seal_opens_with_no_other_seed_and_no_other_info() -> None:
    sealed = suite.seal_to(PUBLIC, b"key", info=INFO)
    refused("cannot-open", lambda: suite.open_sealed(random("other"), sealed, info=INFO))
    refused("cannot-open", lambda: suite.open_sealed(SEED, sealed, info=[*INFO, 0]))


@given(st.integers(0, 1120 + 16 + 2), st.integers(1, 255))
def test_a_seal_with_any_byte_changed_does_not_open(place: int, flip: int) -> None:
    sealed = bytearray(suite.seal_to(PUBLIC, b"key", info=INFO))
    sealed[place] ^= flip
    refused("cannot-open", lambda: suite.open_sealed(SEED, bytes(sealed), info=INFO))


@pytest.mark.parametrize("length", [0, 1, 1119, 1120, 1135])
def test_a_seal_cut_short_does_not_open(length: int) -> None:
    sealed = suite.seal_to(PUBLIC, b"key", info=INFO)[:length]
    refused("cannot-open", lambda: suite.open_sealed(SEED, sealed, info=INFO))


def test_a_seed_of_another_length_is_a_bug() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        suite.kem_public(SEED[:31])


@pytest.mark.parametrize("point", LOW_ORDER_POINTS)
def test_a_key_with_a_point_of_low_order_is_refused(point: str) -> None:
    suite.check_kem_public(PUBLIC)
    broken = PUBLIC[:1184] + bytes.fromhex(point)
    refused("wrong-type", lambda: suite.check_kem_public(broken))
    refused("wrong-type", lambda: suite.seal_to(broken, b"key", info=INFO))


@pytest.mark.parametrize("public", [b"\xff" * 3 + PUBLIC[3:], PUBLIC[:-1], PUBLIC + b"\0", b""])
def test_a_key_nobody_can_seal_to_is_refused(public: bytes) -> None:
    refused("wrong-type", lambda: suite.check_kem_public(public))


def test_a_signature_holds_for_its_key_and_its_bytes() -> None:
    seed = random("sign seed")
    signature = suite.sign(seed, b"data")
    suite.verify(suite.sign_public(seed), b"data", signature=signature)
    other = suite.sign_public(random("other"))
    refused("bad-signature", lambda: suite.verify(other, b"data", signature=signature))
    public = suite.sign_public(seed)
    refused("bad-signature", lambda: suite.verify(public, b"Data", signature=signature))
    refused("bad-signature", lambda: suite.verify(public, b"data", signature=signature[:-1]))
    refused("bad-signature", lambda: suite.verify(b"\xff" * 32, b"data", signature=signature))
    refused("bad-signature", lambda: suite.verify(b"short", b"data", signature=signature))


def test_what_is_encrypted_opens_with_the_same_key_nonce_and_context_only() -> None:
    key, nonce = random("key"), random("nonce", 12)
    sealed = suite.encrypt(key, b"text", nonce=nonce, aad=b"aad")
    assert suite.decrypt(key, sealed, nonce=nonce, aad=b"aad") == b"text"
    refused("cannot-open", lambda: suite.decrypt(key, sealed, nonce=nonce, aad=b"other"))
    refused("cannot-open", lambda: suite.decrypt(random("k"), sealed, nonce=nonce, aad=b"aad"))
    refused("cannot-open", lambda: suite.decrypt(key, sealed, nonce=bytes(12), aad=b"aad"))
    refused("cannot-open", lambda: suite.decrypt(key, b"", nonce=nonce, aad=b"aad"))


def test_a_derived_key_is_bound_to_every_part_of_its_info() -> None:
    infos: list[suite.Info] = [["a", 1], ["a", 2], ["b", 1], ["a", b"1"], ["a", 1, ""], ["a1"]]
    keys = {suite.hkdf(b"key", info) for info in infos}
    assert len(keys) == len(infos)
    assert len(suite.hkdf(b"key", ["a"], 10)) == 10

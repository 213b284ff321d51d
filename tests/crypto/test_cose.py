"""COSE objects, and an independent library's word on them (pycose)."""

from typing import Any

import pytest
from care import device_keys, random, refused
from hypothesis import given
from hypothesis import strategies as st
from pycose.algorithms import A256GCM, EdDSA
from pycose.headers import IV, KID, Algorithm
from pycose.keys import OKPKey, SymmetricKey
from pycose.keys.curves import Ed25519
from pycose.messages import Enc0Message, Sign1Message

from relais.crypto import cbor, cose
from relais.crypto.errors import ProtocolError

KEYS, OTHER = device_keys("signer"), device_keys("other")
KEY, NONCE = random("key"), random("nonce", 12)


def signed(payload: bytes = b"payload", context: str = cose.NOTE) -> bytes:
    return cose.sign(payload, keys=KEYS, context=context)


@given(st.binary(max_size=300))
def test_pycose_verifies_what_we_sign(payload: bytes) -> None:
    message: Any = Sign1Message.from_cose_obj(
        cbor.decode(signed(payload)), allow_unknown_attributes=False
    )
    message.external_aad = cose.NOTE.encode()
    message.key = OKPKey(crv=Ed25519, x=KEYS.sign_public)
    assert message.verify_signature()
    assert message.payload == payload
    assert message.phdr == {Algorithm: EdDSA, KID: bytes.fromhex(KEYS.id)}
    message.external_aad = b"relais/1 other"
    assert not message.verify_signature()


@given(st.binary(max_size=300))
def test_we_verify_what_pycose_signs(payload: bytes) -> None:
    message: Any = Sign1Message(
        phdr={Algorithm: EdDSA, KID: bytes.fromhex(KEYS.id)},
        payload=payload,
        external_aad=cose.NOTE.encode(),
    )
    message.key = OKPKey(crv=Ed25519, x=KEYS.sign_public, d=KEYS.sign_seed)
    data = message.encode(tag=False)
    assert data == signed(payload)
    cose.verify(cose.peek(data), KEYS.sign_public, context=cose.NOTE)


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_pycose_decrypts_what_we_encrypt(plaintext: bytes, aad: bytes) -> None:
    data = cose.encrypt0(KEY, plaintext, nonce=NONCE, aad=aad)
    message: Any = Enc0Message.from_cose_obj(cbor.decode(data), allow_unknown_attributes=False)
    message.external_aad = aad
    message.key = SymmetricKey(k=KEY)
    assert message.decrypt() == plaintext


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_we_decrypt_what_pycose_encrypts(plaintext: bytes, aad: bytes) -> None:
    message: Any = Enc0Message(
        phdr={Algorithm: A256GCM}, uhdr={IV: NONCE}, payload=plaintext, external_aad=aad
    )
    message.key = SymmetricKey(k=KEY)
    data = message.encode(tag=False)
    assert data == cose.encrypt0(KEY, plaintext, nonce=NONCE, aad=aad)
    assert cose.decrypt0(KEY, data, aad=aad) == plaintext


def test_a_signature_serves_one_purpose() -> None:
    contexts = [
        cose.ACCOUNT,
        cose.DEVICE,
        cose.LOGIN,
        cose.CIRCLE,
        cose.GRANT,
        cose.NOTE,
        cose.RECEIPT,
    ]
    assert len(set(contexts)) == 7
    for context in contexts:
        read = cose.peek(signed(context=context))
        for other in contexts:
            if other == context:
                cose.verify(read, KEYS.sign_public, context=other)
            else:
                refused(
                    "bad-signature",
                    lambda other=other, read=read: cose.verify(  # type: ignore[misc]
                        read, KEYS.sign_public, context=other
                    ),
                )


def test_peeking_trusts_nothing_and_tells_what_was_said() -> None:
    data = cose.sign(b"payload", keys=OTHER, context=cose.LOGIN)
    read = cose.peek(data)
    assert (read.kid, read.payload, read.raw) == (OTHER.id, b"payload", data)
    assert read.digest == cose.digest(data)
    refused("bad-signature", lambda: cose.verify(read, KEYS.sign_public, context=cose.LOGIN))


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_signed_object_with_any_byte_changed_is_refused(place: int, flip: int) -> None:
    data = bytearray(signed())
    data[place % len(data)] ^= flip

    def check() -> None:
        read = cose.peek(bytes(data))
        cose.verify(read, KEYS.sign_public, context=cose.NOTE)

    with pytest.raises(ProtocolError):
        check()


PARTS = cbor.decode(signed())


@pytest.mark.parametrize(
    "parts",
    [
        {},
        [],
        PARTS[:3],
        [*PARTS, b""],
        ["", *PARTS[1:]],
        [PARTS[0], [], *PARTS[2:]],
        [PARTS[0], {1: -8}, *PARTS[2:]],
        [PARTS[0], {}, None, PARTS[3]],
        [PARTS[0], {}, b"", PARTS[3][:-1]],
        [PARTS[0][:-1], *PARTS[1:]],
        [PARTS[0] + b"\0", *PARTS[1:]],
        [b"", *PARTS[1:]],
        [bytes.fromhex("a201380750") + PARTS[0][5:], *PARTS[1:]],
    ],
)
def test_an_object_of_another_shape_is_refused(parts: Any) -> None:
    refused("wrong-type", lambda: cose.peek(cbor.encode(parts)))


SEALED = cbor.decode(cose.encrypt0(KEY, b"text", nonce=NONCE, aad=b""))


@pytest.mark.parametrize(
    "parts",
    [
        {},
        SEALED[:2],
        [*SEALED, b""],
        [b"\xa1\x01\x01", *SEALED[1:]],
        [SEALED[0], {}, SEALED[2]],
        [SEALED[0], {5: b"short"}, SEALED[2]],
        [SEALED[0], {5: None}, SEALED[2]],
        [SEALED[0], {4: b"", 5: NONCE}, SEALED[2]],
        [SEALED[0], {5: NONCE}, None],
    ],
)
def test_a_ciphertext_of_another_shape_is_refused(parts: Any) -> None:
    refused("wrong-type", lambda: cose.decrypt0(KEY, cbor.encode(parts), aad=b""))


def test_a_ciphertext_opens_only_with_its_key_and_its_context() -> None:
    data = cose.encrypt0(KEY, b"text", nonce=NONCE, aad=b"header")
    assert cose.decrypt0(KEY, data, aad=b"header") == b"text"
    refused("cannot-open", lambda: cose.decrypt0(KEY, data, aad=b"Header"))
    refused("cannot-open", lambda: cose.decrypt0(random("other"), data, aad=b"header"))

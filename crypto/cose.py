"""COSE_Sign1 and COSE_Encrypt0 (RFC 9052 §4.2, §5.2), untagged and in one shape each.

COSE_Sign1    [ << {1: -8, 4: kid} >>, {}, payload, signature ]      EdDSA with Ed25519, kid = device id
COSE_Encrypt0 [ << {1: 3} >>, {5: nonce}, ciphertext ]               AES-256-GCM
"""

from dataclasses import dataclass
from typing import Final

import cbor2

from relais.crypto import cbor, suite
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.models.ids import DeviceId, Digest

ACCOUNT: Final = "relais/1 account"
DEVICE: Final = "relais/1 device"
LOGIN: Final = "relais/1 login"
CIRCLE: Final = "relais/1 circle"
GRANT: Final = "relais/1 grant"
NOTE: Final = "relais/1 note"
RECEIPT: Final = "relais/1 receipt"
ESCROW: Final = "relais/1 escrow"
EMERGENCY: Final = "relais/1 emergency"
ANSWER: Final = "relais/1 answer"

_SIGN_HEADER: Final = bytes.fromhex("a201270450")  # {1: -8, 4: bytes(16)} up to the kid
_ENCRYPT_HEADER: Final = bytes.fromhex("a10103")  # {1: 3}
_KID_SIZE: Final = 16
_SIGNATURE_SIZE: Final = 64


@dataclass(frozen=True)
class Signed:
    """A signed object taken apart. Nothing in it is to be trusted before `verify`."""

    kid: DeviceId
    payload: bytes
    signature: bytes
    digest: Digest
    raw: bytes


def sign(payload: bytes, *, keys: DeviceKeys, context: str) -> bytes:
    """Sign a payload for one purpose; the encoded COSE_Sign1."""
    protected = _SIGN_HEADER + bytes.fromhex(keys.id)
    signature = suite.sign(keys.sign_seed, _to_sign(protected, payload, context))
    return cbor.encode([protected, {}, payload, signature])


def peek(data: bytes) -> Signed:
    """Take a COSE_Sign1 apart; it does not check the signature.

    Raises ProtocolError `non-canonical`, `wrong-type`.
    """
    parts = cbor.decode(data)
    if type(parts) is not list or [type(part) for part in parts] != [bytes, dict, bytes, bytes]:
        raise ProtocolError("wrong-type")
    protected, unprotected, payload, signature = parts
    if unprotected or len(signature) != _SIGNATURE_SIZE or not _is_sign_header(protected):
        raise ProtocolError("wrong-type")
    kid = protected[len(_SIGN_HEADER) :].hex()
    return Signed(kid, payload, signature, digest(data), data)


def verify(signed: Signed, sign_public: bytes, *, context: str) -> None:
    """Check the signature under a device's key for one purpose. Raises ProtocolError `bad-signature`.

    It does not check that the key is that of `signed.kid`, nor that the device is in force.
    """
    protected = _SIGN_HEADER + bytes.fromhex(signed.kid)
    data = _to_sign(protected, signed.payload, context)
    suite.verify(sign_public, data, signature=signed.signature)


def digest(data: bytes) -> Digest:
    """The hash of a signed object: SHA-256 over its whole encoding."""
    return suite.digest(data)


def encrypt0(key: bytes, plaintext: bytes, *, nonce: bytes, aad: bytes) -> bytes:
    """Encrypt under a key that serves this once; the encoded COSE_Encrypt0."""
    ciphertext = suite.encrypt(key, plaintext, nonce=nonce, aad=_encrypt_aad(aad))
    return cbor.encode([_ENCRYPT_HEADER, {5: nonce}, ciphertext])


def decrypt0(key: bytes, data: bytes, *, aad: bytes) -> bytes:
    """Raises ProtocolError `non-canonical`, `wrong-type`, `cannot-open`."""
    parts = cbor.decode(data)
    if type(parts) is not list or [type(part) for part in parts] != [bytes, dict, bytes]:
        raise ProtocolError("wrong-type")
    protected, unprotected, ciphertext = parts
    nonce = unprotected.get(5)
    if protected != _ENCRYPT_HEADER or len(unprotected) != 1 or not _is_nonce(nonce):
        raise ProtocolError("wrong-type")
    return suite.decrypt(key, ciphertext, nonce=nonce, aad=_encrypt_aad(aad))


def _is_sign_header(protected: bytes) -> bool:
    is_long_enough = len(protected) == len(_SIGN_HEADER) + _KID_SIZE
    return is_long_enough and protected.startswith(_SIGN_HEADER)


def _is_nonce(value: object) -> bool:
    return type(value) is bytes and len(value) == suite.NONCE_SIZE


def _to_sign(protected: bytes, payload: bytes, context: str) -> bytes:
    return cbor2.dumps(["Signature1", protected, context.encode(), payload])


def _encrypt_aad(aad: bytes) -> bytes:
    return cbor2.dumps(["Encrypt0", _ENCRYPT_HEADER, aad])

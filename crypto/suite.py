"""Suite 1 (docs/protocol.md §2): the primitives, each as one function.

HPKE (RFC 9180) base mode with KEM X-Wing (draft-connolly-cfrg-xwing-kem), HKDF-SHA256, AES-256-GCM;
HKDF-SHA256 (RFC 5869); AES-256-GCM (NIST SP 800-38D); Ed25519 (RFC 8032).
"""

import hashlib
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from relais.crypto import cbor
from relais.crypto.errors import ProtocolError

SIGN_PUBLIC_SIZE: Final = 32
KEM_PUBLIC_SIZE: Final = 1216
KEY_SIZE: Final = 32
NONCE_SIZE: Final = 12
SEAL_OVERHEAD: Final = 1120 + 16
_MLKEM_PUBLIC_SIZE: Final = 1184
_HPKE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)

Info = list[str | bytes | int]
"""What a derivation or a seal is bound to: the label first."""


def hkdf(key: bytes, info: Info, length: int = KEY_SIZE) -> bytes:
    """Derive `length` bytes: HKDF-SHA256, empty salt, info = deterministic CBOR of the list."""
    return HKDF(SHA256(), length=length, salt=None, info=cbor.encode(info)).derive(key)


def seal_to(public: bytes, plaintext: bytes, *, info: Info) -> bytes:
    """HPKE to an X-Wing public key (1,216 bytes): enc ‖ ct, 1,136 bytes longer than the plaintext.

    Raises ProtocolError `wrong-type` for a public key nobody can seal to.
    """
    return _HPKE.encrypt(plaintext, _kem_public_key(public), cbor.encode(info))


def open_sealed(kem_seed: bytes, data: bytes, *, info: Info) -> bytes:
    """Open what `seal_to` sealed to the key pair of a 32-byte seed. Raises ProtocolError `cannot-open`."""
    try:
        return _HPKE.decrypt(data, _kem_private_key(kem_seed), cbor.encode(info))
    except (InvalidTag, ValueError) as error:
        raise ProtocolError("cannot-open") from error


def kem_public(kem_seed: bytes) -> bytes:
    """The X-Wing public key of a 32-byte seed: ML-KEM-768 (1,184 bytes) ‖ X25519 (32)."""
    mlkem, x25519 = _expand(kem_seed)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def sign_public(sign_seed: bytes) -> bytes:
    """The Ed25519 public key of a 32-byte seed."""
    return Ed25519PrivateKey.from_private_bytes(sign_seed).public_key().public_bytes_raw()


def sign(sign_seed: bytes, data: bytes) -> bytes:
    """The 64-byte Ed25519 signature."""
    return Ed25519PrivateKey.from_private_bytes(sign_seed).sign(data)


def verify(public: bytes, data: bytes, *, signature: bytes) -> None:
    """Raises ProtocolError `bad-signature`."""
    try:
        _sign_public_key(public).verify(signature, data)
    except (InvalidSignature, ValueError) as error:
        raise ProtocolError("bad-signature") from error


def check_kem_public(public: bytes) -> None:
    """Whether anybody can seal to this X-Wing key: FIPS 203 §7.2 and no X25519 point of low order.

    A member with another key could stop everybody from granting. Raises ProtocolError `wrong-type`.
    """
    _kem_public_key(public)


def encrypt(key: bytes, plaintext: bytes, *, nonce: bytes, aad: bytes) -> bytes:
    """AES-256-GCM: ciphertext ‖ tag. A nonce (12 bytes) must never serve a key twice."""
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def decrypt(key: bytes, ciphertext: bytes, *, nonce: bytes, aad: bytes) -> bytes:
    """Raises ProtocolError `cannot-open`."""
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, aad)
    except (InvalidTag, ValueError) as error:
        raise ProtocolError("cannot-open") from error


def digest(data: bytes) -> str:
    """SHA-256, as 64 lowercase hex digits."""
    return hashlib.sha256(data).hexdigest()


def _expand(kem_seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    if len(kem_seed) != KEY_SIZE:
        raise ValueError("a KEM seed is 32 bytes")
    expanded = hashlib.shake_256(kem_seed).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    return mlkem, X25519PrivateKey.from_private_bytes(expanded[64:])


def _kem_private_key(kem_seed: bytes) -> MLKEM768X25519PrivateKey:
    return MLKEM768X25519PrivateKey(*_expand(kem_seed))


@lru_cache(maxsize=4096)
def _sign_public_key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


# Any fixed private key tells a point of low order: the exchange fails for those and no others.
_PROBE: Final = X25519PrivateKey.from_private_bytes(bytes([8] * 32))


@lru_cache(maxsize=1024)  # an expanded key takes some 10 KiB
def _kem_public_key(public: bytes) -> MLKEM768X25519PublicKey:
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_SIZE])
        x25519 = X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_SIZE:])
        _PROBE.exchange(x25519)
    except ValueError as error:
        raise ProtocolError("wrong-type") from error
    return MLKEM768X25519PublicKey(mlkem, x25519)

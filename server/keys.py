"""The server's own keys: Ed25519, in PEM files that only the operator reads."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from relais.server.config import SettingsError


def load_key(path: Path, *, setting: str) -> Ed25519PrivateKey:
    """Read a key. Raises `SettingsError` naming `setting` when the file holds none."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(setting, "must be a readable, unencrypted PEM private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(setting, "must be an Ed25519 key")
    return key


def load_or_make_key(path: Path, *, setting: str) -> Ed25519PrivateKey:
    """Read a key, made at the first start with mode 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return load_key(path, setting=setting)
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    return key


def derive_secret(key: Ed25519PrivateKey, label: str) -> bytes:
    """32 bytes that every node with the same key derives alike (RFC 5869)."""
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=label.encode())
    return hkdf.derive(key.private_bytes_raw())

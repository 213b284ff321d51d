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

from relais.crypto.signed_note import SignerKey
from relais.crypto.trust_policy import PolicyError, TrustPolicy, parse_trust_policy
from relais.server.config import Settings, SettingsError


def load_token_key(settings: Settings) -> Ed25519PrivateKey:
    """The key that signs tokens: as given, or this node's own."""
    return _given_or_own(settings, "token_key_file")


def load_log_key(settings: Settings) -> SignerKey:
    """The key that signs checkpoints: as given, or this node's own, under the log's name."""
    key = SignerKey(settings.log_name, _given_or_own(settings, "log_key_file"))
    try:
        key.verifier  # noqa: B018  # raises ValueError for a name that a signature line cannot hold
    except ValueError as error:
        raise SettingsError("log_name", "must have no space and no plus sign in it") from error
    return key


def load_log_policy(settings: Settings) -> TrustPolicy | None:
    """The log's witnesses, where it has some."""
    if settings.log_policy_file is None:
        return None
    try:
        return parse_trust_policy(settings.log_policy_file.read_bytes())
    except PolicyError as error:
        place = f" (line {error.line}: {error.reason})" if error.line else f" ({error.reason})"
        raise SettingsError("log_policy_file", "must be a C2SP tlog-policy" + place) from error


def log_key_place(settings: Settings) -> Path:
    """Where the key that signs checkpoints is, or will be."""
    return settings.log_key_file or _own(settings, "log_key_file")


def _given_or_own(settings: Settings, setting: str) -> Ed25519PrivateKey:
    given: Path | None = getattr(settings, setting)
    if given:
        return load_key(given, setting=setting)
    return load_or_make_key(_own(settings, setting), setting="data")


def _own(settings: Settings, setting: str) -> Path:
    return settings.data / "keys" / f"{setting.removesuffix('_key_file')}.pem"


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

"""Where a folder's key comes from: the OS keyring, or a passphrase (Argon2id, RFC 9106 §4 second choice)."""

import base64
import getpass
import os
import secrets
import sys
import uuid
from collections.abc import Callable
from typing import Any

import keyring
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from keyring.errors import KeyringError

from relais.client.errors import DamagedHome, PassphraseNeeded

Ask = Callable[[str], str]
"""Shows a question, returns what the person typed."""

_SERVICE = "relais"
_MEMORY_KIB = 65_536
_ITERATIONS = 3
_LANES = 4


def ask_in_terminal(question: str) -> str:
    if not sys.stdin.isatty():
        raise PassphraseNeeded
    return getpass.getpass(question)


def new_lock(ask: Ask) -> tuple[dict[str, Any], bytes]:
    """Choose where the key is kept; returns what ``lock.json`` says, and the key (32 bytes)."""
    passphrase = os.environ.get("RELAIS_PASSPHRASE")
    if passphrase is None and (entry := _store_in_keyring()):
        return entry
    return _new_passphrase(passphrase or _ask_twice(ask))


def key_of(lock: dict[str, Any], ask: Ask) -> bytes:
    """The key a lock stands for. Raises `PassphraseNeeded`, `DamagedHome`."""
    try:
        if lock["kind"] == "keyring":
            return _from_keyring(lock["entry"])
        passphrase = os.environ.get("RELAIS_PASSPHRASE") or ask("Passphrase: ")
        return _derive(passphrase, base64.b64decode(lock["salt"]), lock)
    except (KeyError, TypeError, ValueError):
        raise DamagedHome("lock.json") from None


def _store_in_keyring() -> tuple[dict[str, Any], bytes] | None:
    key, entry = secrets.token_bytes(32), str(uuid.uuid4())
    try:
        keyring.set_password(_SERVICE, entry, base64.b64encode(key).decode())
    except KeyringError:  # no backend on this machine: a passphrase then
        return None
    return {"version": 1, "kind": "keyring", "entry": entry}, key


def _from_keyring(entry: str) -> bytes:
    try:
        text = keyring.get_password(_SERVICE, entry)
    except KeyringError as error:
        raise PassphraseNeeded("the keyring is locked") from error
    if text is None:
        raise PassphraseNeeded("the keyring no longer holds this folder's key")
    return base64.b64decode(text)


def _ask_twice(ask: Ask) -> str:
    first = ask("Choose a passphrase: ")
    if len(first) < 8 or ask("Once more: ") != first:
        raise PassphraseNeeded("at least 8 characters, twice the same")
    return first


def _new_passphrase(passphrase: str) -> tuple[dict[str, Any], bytes]:
    salt = secrets.token_bytes(16)
    lock = {
        "version": 1,
        "kind": "passphrase",
        "salt": base64.b64encode(salt).decode(),
        **_costs(),
    }
    return lock, _derive(passphrase, salt, lock)


def stretched(text: str, salt: bytes) -> bytes:
    """A slow hash (32 bytes) of something short, at the cost of a new passphrase; `salt` is 16 bytes."""
    return _derive(text, salt, _costs())


def _costs() -> dict[str, Any]:
    return {"memory_kib": _MEMORY_KIB, "iterations": _ITERATIONS, "lanes": _LANES}


def _derive(passphrase: str, salt: bytes, costs: dict[str, Any]) -> bytes:
    argon = Argon2id(
        salt=salt,
        length=32,
        iterations=costs["iterations"],
        lanes=costs["lanes"],
        memory_cost=costs["memory_kib"],
    )
    return argon.derive(passphrase.encode())

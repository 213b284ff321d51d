"""What a witness has cosigned: one file a log, replaced whole, durable before anybody is answered.

    FILE            the witness's private key (PEM, mode 0600)
    FILE.seen/
        vkey            the name and public key that FILE belongs to
        lock            held by the one process that uses the folder
        <SHA-256 of the log's origin, hex>      the last checkpoint cosigned, with the log's signature and ours

Without its memory a witness would cosign a second history. So the folder is made once, together with the key, and a key whose
folder is gone is never used again.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from filelock import FileLock, Timeout

from relais.crypto.checkpoint import parse_checkpoint
from relais.crypto.merkle import TreeHead
from relais.crypto.signed_note import (
    KeyKind,
    SignedNoteError,
    SignerKey,
    VerifierKey,
    parse_signed_note,
    parse_vkey,
    verify_signed_note,
)
from relais.crypto.witness import NOTHING_SEEN
from relais.server.config import SettingsError
from relais.server.keys import load_key


class MemoryDamaged(Exception):
    """A file of the witness's memory is not what it wrote: retire this key, and make another."""


def make_witness(path: Path, name: str) -> VerifierKey:
    """Make a key under a name, and its empty memory.

    Raises `FileExistsError` where there is a key or a memory already, `SettingsError` for a name no signature line can hold.
    """
    private = Ed25519PrivateKey.generate()
    key = SignerKey(name, private, KeyKind.COSIGNATURE)
    try:
        vkey = key.verifier.encode()
    except ValueError as error:
        raise SettingsError("name", "must have no space and no plus sign in it") from error
    folder = _folder(path)
    if path.exists():
        raise FileExistsError(f"{path} is there already: a witness keeps its key")
    folder.mkdir(mode=0o700, parents=True)
    _replace(folder / "vkey", f"{vkey}\n".encode())
    _replace(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key.verifier


@contextmanager
def opened(path: Path) -> Iterator["Memory"]:
    """The key and its memory, for this process alone.

    Raises `SettingsError` where one of them is missing, they are not of each other, or another process has them.
    """
    folder = _folder(path)
    private = load_key(path, setting="key")
    try:
        told = parse_vkey((folder / "vkey").read_text("utf-8").removesuffix("\n"))
    except (OSError, UnicodeDecodeError, SignedNoteError) as error:
        raise SettingsError(
            "key",
            f"has no memory in {folder}: it may have cosigned what it does not know any more; make a new one",
        ) from error
    key = SignerKey(told.name, private, KeyKind.COSIGNATURE)
    if key.verifier != told:
        raise SettingsError("key", f"is not the one whose memory is in {folder}")
    try:
        with FileLock(folder / "lock", timeout=0):
            yield Memory(folder, key)
    except Timeout as error:
        raise SettingsError("key", "is in use by another witness process") from error


class Memory:
    """The last checkpoint of each log. `key` is the witness's own."""

    def __init__(self, folder: Path, key: SignerKey) -> None:
        self.key = key
        self._folder = folder

    def head(self, origin: str) -> TreeHead:
        """The tree cosigned last; `NOTHING_SEEN` before the first. Raises `MemoryDamaged`."""
        data = self.checkpoint(_digest(origin))
        if data is None:
            return NOTHING_SEEN
        try:
            note = parse_signed_note(data)
            verify_signed_note(note, [self.key.verifier])
            found = parse_checkpoint(note.text)
        except SignedNoteError as error:
            raise MemoryDamaged(str(MemoryDamaged.__doc__)) from error
        if found.origin != origin:
            raise MemoryDamaged(str(MemoryDamaged.__doc__))
        return found.head

    def checkpoint(self, digest: str) -> bytes | None:
        """The stored checkpoint, by the hash of its origin in hex."""
        try:
            return (self._folder / digest).read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, origin: str, note: bytes) -> None:
        """Replace what was cosigned last. Durable when it returns."""
        _replace(self._folder / _digest(origin), note)


def _folder(path: Path) -> Path:
    return path.with_name(path.name + ".seen")


def _digest(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()


def _replace(path: Path, data: bytes) -> None:
    """Write beside, make durable, rename, make the rename durable: whole before or whole after, whenever it ends."""
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows opens no folders; a rename there is durable with its file
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

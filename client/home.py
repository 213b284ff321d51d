"""A member's folder: sealed files, written atomically, readable by their owner only.

``lock.json`` says where the folder's 32-byte key comes from (the OS keyring or a passphrase); every other file is
``nonce(12) ‖ AES-256-GCM(key, content, AAD = "relais/1 home " + name)``.
"""

import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from filelock import FileLock

from relais.client import unlocking
from relais.client.errors import AlreadyEnrolled, DamagedHome, NotEnrolled, WrongPassphrase
from relais.crypto import cbor
from relais.crypto.errors import ProtocolError

_PROBE = "probe"


class Home:
    """An unlocked folder. Files have plain names; values are anything deterministic CBOR can say."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._key = AESGCM(key)

    @classmethod
    def create(cls, path: Path, *, ask: unlocking.Ask = unlocking.ask_in_terminal) -> "Home":
        """Make the folder and its key. Raises `AlreadyEnrolled`, `PassphraseNeeded`."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        if (path / "lock.json").exists():
            raise AlreadyEnrolled
        lock, key = unlocking.new_lock(ask)
        home = cls(path, key)
        home.write(_PROBE, "relais")
        write_atomically(path / "lock.json", json.dumps(lock, indent=1).encode())
        return home

    @classmethod
    def open(cls, path: Path, *, ask: unlocking.Ask = unlocking.ask_in_terminal) -> "Home":
        """Unlock the folder. Raises `NotEnrolled`, `WrongPassphrase`, `PassphraseNeeded`, `DamagedHome`."""
        try:
            lock: dict[str, Any] = json.loads((path / "lock.json").read_bytes())
        except FileNotFoundError:
            raise NotEnrolled from None
        except ValueError:
            raise DamagedHome("lock.json") from None
        home = cls(path, unlocking.key_of(lock, ask))
        try:
            home.read(_PROBE)
        except DamagedHome:
            raise WrongPassphrase from None
        return home

    def read(self, name: str) -> Any:
        """The value of a file, None if there is none. Raises `DamagedHome`."""
        try:
            sealed = (self.path / f"{name}.relais").read_bytes()
        except FileNotFoundError:
            return None
        try:
            return cbor.decode(self._key.decrypt(sealed[:12], sealed[12:], _context(name)))
        except (InvalidTag, ValueError, ProtocolError):
            raise DamagedHome(name) from None

    def write(self, name: str, value: Any) -> None:
        """Replace a file; after this returns it survives a power cut."""
        nonce = secrets.token_bytes(12)
        sealed = self._key.encrypt(nonce, cbor.encode(value), _context(name))
        target = self.path / f"{name}.relais"
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(target, nonce + sealed)

    def update(self, name: str, change: Callable[[Any], Any]) -> Any:
        """Read, change and write under a lock that other processes on this folder respect."""
        with self.locked():
            value = change(self.read(name))
            self.write(name, value)
        return value

    def remove(self, name: str) -> None:
        (self.path / f"{name}.relais").unlink(missing_ok=True)

    def remove_all(self) -> None:
        """Forget everything, keys first: for a folder whose account never came to be."""
        for name in ("keys", _PROBE, "pins"):
            self.remove(name)
        (self.path / "lock.json").unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        """The files of a subfolder, oldest name first."""
        found = (self.path / folder).glob("*.relais")
        return sorted(f"{folder}/{file.name.removesuffix('.relais')}" for file in found)

    @contextmanager
    def locked(self) -> Iterator[None]:
        with FileLock(self.path / ".lock", mode=0o600):
            yield


class HomeInMemory(Home):
    """For keys that are kept nowhere: gone with the process. It keeps no files, and what would write one fails."""

    def __init__(self) -> None:
        super().__init__(Path(os.devnull), secrets.token_bytes(32))
        self._values: dict[str, bytes] = {}

    def read(self, name: str) -> Any:
        value = self._values.get(name)
        return None if value is None else cbor.decode(value)

    def write(self, name: str, value: Any) -> None:
        self._values[name] = cbor.encode(value)

    def remove(self, name: str) -> None:
        self._values.pop(name, None)

    def names(self, folder: str) -> list[str]:
        return sorted(name for name in self._values if name.startswith(f"{folder}/"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        yield


def write_atomically(target: Path, data: bytes) -> None:
    """Write beside, sync, rename, sync the folder: the old or the new content, never a mixture. Mode 0600."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there; the rename is journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _context(name: str) -> bytes:
    return f"relais/1 home {name}".encode()

"""The embedded database's data folder: who holds it, which version wrote it, its credentials, where it listens.

DATA/runtime.json            pid of the holder, pid and port of the database; there while it runs, 0600
DATA/database/               0700
    lock                     locked by the process that holds the folder, with its pid inside
    FORMAT                   the version that wrote it; missing until the first start is complete
    credentials.json         the database's only user, 0600
    server.toml              empty, so that the database does not look for a configuration elsewhere
    files/                   the database's own, with WiredTiger.config: how often it cuts its journal
"""

import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from relais.models.store.errors import EmbeddedFormat, EmbeddedHeld
from relais.models.store.private_file import private_file

FORMAT = "secantusdb==0.6.0b17"
USER = "relais"
CHECKPOINTS = "checkpoint=(wait=30,log_size=128MB)\n"  # every 30 s or 128 MB, whichever comes first
OPTIONS = (
    "authSource=admin&authMechanism=SCRAM-SHA-256&w=1&journal=true"
    # This server scans every remembered retryable write at each further one.
    "&retryWrites=false"
)


@dataclass(frozen=True)
class Running:
    """An embedded database that runs: process ids of its holder and of itself, and its port on loopback."""

    holder: int
    database: int
    port: int


class Folder:
    """The files around one embedded database. Nothing here is asynchronous or slow."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.root = data / "database"
        self.files = self.root / "files"
        self.config = self.root / "server.toml"
        self._stamp = self.root / "FORMAT"
        self._runtime = data / "runtime.json"
        self._lock: int | None = None

    def hold(self) -> None:
        """Make the folder and take its lock. Raises `EmbeddedHeld`, `EmbeddedFormat`."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        self._lock = self._take_lock()
        try:
            self._check_format()
        except EmbeddedFormat:
            self.release()
            raise
        self._runtime.unlink(missing_ok=True)
        self.config.touch(mode=0o600)
        self._bound_journal()

    def release(self) -> None:
        """Give the folder free. Does nothing when it is not held."""
        if self._lock is not None:
            self._runtime.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def is_complete(self) -> bool:
        """Whether a first start went through."""
        return self._stamp.exists()

    def complete(self) -> None:
        _write_private(self._stamp, FORMAT)

    def password(self) -> str:
        """The database user's password, made at the first call."""
        path = self.root / "credentials.json"
        if not path.exists():
            _write_private(path, json.dumps({"user": USER, "password": secrets.token_urlsafe(24)}))
        return str(_read_json(path)["password"])

    def announce(self, running: Running) -> None:
        """Say where the database listens to the commands that run beside this process."""
        body = {"holder": running.holder, "database": running.database, "port": running.port}
        _write_private(self._runtime, json.dumps(body))

    def running(self) -> Running | None:
        """Where a running database of this folder listens, or None when nobody holds the folder."""
        try:
            body = _read_json(self._runtime)
        except FileNotFoundError:
            return None
        if not _is_locked(self.root / "lock"):
            return None  # its holder died without tidying up
        return Running(int(body["holder"]), int(body["database"]), int(body["port"]))

    def uri(self, port: int, name: str) -> str:
        """Address with credentials of database `name`. A secret: never log it."""
        return f"mongodb://{USER}:{quote_plus(self.password())}@127.0.0.1:{port}/{name}?{OPTIONS}"

    def _bound_journal(self) -> None:
        """Let the storage engine checkpoint by itself and cut its journal; this server never asks it to.

        The server's own way, `--data-nonlogged --checkpoint-seconds`, forgets what unique indexes hold when it is killed
        before its first checkpoint after their creation: from then on they accept duplicates.
        """
        self.files.mkdir(mode=0o700, exist_ok=True)
        config = self.files / "WiredTiger.config"
        if not config.exists() or config.read_text() != CHECKPOINTS:
            _write_private(config, CHECKPOINTS)

    def _take_lock(self) -> int:
        lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not _try_lock(lock):
            holder = os.pread(lock, 32, 1) if hasattr(os, "pread") else b""
            os.close(lock)
            raise EmbeddedHeld(str(self.data), int(holder) if holder.strip().isdigit() else 0)
        os.ftruncate(lock, 0)
        os.write(lock, b"\n%d\n" % os.getpid())  # byte 0 is what Windows locks
        return lock

    def _check_format(self) -> None:
        written = self._stamp.read_text() if self._stamp.exists() else FORMAT
        if written != FORMAT:
            raise EmbeddedFormat(
                f"{self.data} was written by {written}, this release needs {FORMAT}:"
                " back it up with the release that wrote it, restore into a new folder"
            )


def _read_json(path: Path) -> dict[str, Any]:
    body = json.loads(path.read_text())
    if not isinstance(body, dict):
        raise EmbeddedFormat(f"{path} is damaged")
    return body


def _write_private(path: Path, text: str) -> None:
    with private_file(path) as file:
        file.write(text.encode())


def _is_locked(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(lock, shared=True)
    finally:
        os.close(lock)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(lock: int, *, shared: bool = False) -> bool:
        os.lseek(lock, 0, os.SEEK_SET)
        try:
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(lock: int, *, shared: bool = False) -> bool:
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

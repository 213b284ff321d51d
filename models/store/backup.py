"""A whole database as one file, and back: the way to another folder, to a later release, from the embedded server to MongoDB.

A ZIP file:

    NAME.bson        a collection: its documents one after the other, as `mongodump` writes them
    manifest.json    {format, at, migrations, counts}, written last: without it, what is there is no backup

It is one snapshot, taken beside a server that goes on writing: all that was acknowledged before it began, nothing that came after.
Indexes and validators are not in it: they are declared, and made where it is restored. The server's keys are no part of the database.
"""

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from bson.errors import InvalidBSON

from relais.models.ids import Millis
from relais.models.store.database import Database, Document
from relais.models.store.errors import BackupUnusable, DatabaseNotEmpty, Unavailable
from relais.models.store.migrations import RELEASE, applied, is_restoring, restoring
from relais.models.store.private_file import private_file

FORMAT = "relais-backup/1"
AT_ONCE, BYTES_AT_ONCE = 500, 4 * 1024 * 1024
SMALLEST, LARGEST = 5, 17 * 1024 * 1024
"""Bytes of a BSON document (bsonspec.org; what MongoDB stores is at most 16 MiB)."""
OWN = "migrations"
"""Is written anew where a backup is restored."""
Progress = Callable[[int, int | None], None]
"""Documents done, and of how many where that is known."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `at`: when it was taken; `counts`: documents of each collection."""

    at: Millis
    migrations: Mapping[int, str]
    counts: Mapping[str, int]

    @property
    def documents(self) -> int:
        return sum(self.counts.values())


async def write_backup(
    database: Database, path: Path, *, at: Millis, progress: Progress
) -> Manifest:
    """Write what is stored now to a new file that only its owner reads; there is no half a file at `path`.

    Raises `FileExistsError`, `OSError`, `Unavailable`.
    """
    _refuse_to_replace(path)
    with (
        private_file(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        done = await applied(database)
        try:
            counts = await _copy(database, archive, progress)
        except Unavailable as error:
            raise Unavailable(
                "the database's snapshot ended before all of it was read: see Backup in docs/operations.md"
            ) from error
        manifest = Manifest(at, done, counts)
        archive.writestr("manifest.json", json.dumps({"format": FORMAT, **asdict(manifest)}))
    return manifest


async def _copy(database: Database, archive: zipfile.ZipFile, progress: Progress) -> dict[str, int]:
    counts, done = dict[str, int](), 0
    names = [name for name in await database.names() if name != OWN]
    async with database.snapshot() as session:
        for name in names:
            before = done
            with archive.open(f"{name}.bson", "w", force_zip64=True) as member:
                async for document in database.collection(name).encoded(session):
                    member.write(document)
                    done += 1
                    progress(done, None)
            counts[name] = done - before
    return counts


async def restore_backup(
    database: Database, path: Path, *, audit: Document, progress: Progress
) -> Manifest:
    """Bring a backup's documents into an empty database; `audit` is an entry that waits among them. `migrate` comes after.

    What broke off is begun anew. Raises `BackupUnusable`, `DatabaseNotEmpty`, `OSError`, `Unavailable`.
    """
    with _readable(path) as archive:
        manifest = _manifest(archive)
        await _make_empty(database)
        async with restoring(database, manifest.migrations):
            done = 0
            for name, count in manifest.counts.items():
                for documents in _parts(archive, name, count):
                    await database.collection(name).insert_encoded(documents)
                    done += len(documents)
                    progress(done, manifest.documents)
            await database.collection("audit_pending").insert(dict(audit))
    return manifest


async def _make_empty(database: Database) -> None:
    if await is_restoring(database):
        await database.drop()
    elif await database.names():
        raise DatabaseNotEmpty(
            "there is something in this database already: restore into a new folder, or a database of another name"
        )


def _refuse_to_replace(path: Path) -> None:
    if path.exists():
        raise FileExistsError(f"{path} is there already: choose another file")


@contextmanager
def _readable(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, InvalidBSON, zlib.error) as error:
        raise BackupUnusable(f"{path} is no backup, or it is damaged") from error


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        read: dict[str, Any] = json.loads(archive.read("manifest.json"))
        known = read["format"] == FORMAT
        done = {int(number): str(name) for number, name in read["migrations"].items()}
        counts = {str(name): int(count) for name, count in read["counts"].items()}
        manifest = Manifest(int(read["at"]), done, counts)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise BackupUnusable("this file is no backup of a relay: it has no manifest") from error
    if gone := [name for name in counts if f"{name}.bson" not in archive.namelist()]:
        raise BackupUnusable(f"this backup is damaged: {gone[0]} is missing")
    if not known or max(done, default=0) > RELEASE.latest:
        raise BackupUnusable("this backup was made by a newer release: restore it with that one")
    return manifest


def _parts(archive: zipfile.ZipFile, name: str, count: int) -> Iterator[Sequence[bytes]]:
    """A collection's documents, some at a time. Raises `BackupUnusable` where there are not as many as was said."""
    found, some, size = 0, list[bytes](), 0
    with archive.open(f"{name}.bson") as member:
        while document := _next(member):
            found += 1
            some.append(document)
            size += len(document)
            if len(some) == AT_ONCE or size >= BYTES_AT_ONCE:
                yield some
                some, size = [], 0
    if found != count:
        raise BackupUnusable(f"this backup is damaged: {found} of {count} documents of {name}")
    if some:
        yield some


def _next(member: IO[bytes]) -> bytes:
    """One document, or nothing at the end. Its first four bytes are its length, little endian."""
    head = member.read(4)
    if not head:
        return b""
    size = int.from_bytes(head, "little")
    if not SMALLEST <= size <= LARGEST:
        raise BackupUnusable("this backup is damaged: a document has no length")
    return head + member.read(size - len(head))

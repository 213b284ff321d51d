"""A database as one file, and back."""

import json
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import pytest_asyncio
from bson import Binary

from relais.models.store.backup import Manifest, restore_backup, write_backup
from relais.models.store.database import Database
from relais.models.store.errors import (
    BackupUnusable,
    DatabaseNotEmpty,
    DuplicateKey,
    RestoreUnfinished,
)
from relais.models.store.migrations import RELEASE, migrate

TAKEN = 1_790_000_000_000
ENTRY = {"_id": "restored", "at": TAKEN, "entry": b"{}"}
NOTES = 700
"""More than are brought back at once."""


def note(seq: int) -> dict[str, object]:
    facts = {"circle": "c", "seq": seq, "note": f"n{seq}", "version": 1, "kind": "post"}
    rest = {"account": "a", "at": TAKEN, "urgent": False, "digest": "d"}
    return {"_id": seq, **facts, **rest, "envelope": Binary(random.Random(seq).randbytes(1_500))}


@pytest_asyncio.fixture
async def source(empty_database: Database) -> Database:
    await migrate(empty_database)
    await empty_database.collection("notes").insert_many([note(seq) for seq in range(1, NOTES + 1)])
    await empty_database.collection("settings").insert({"_id": "x", "value": {"deep": [1, None]}})
    return empty_database


async def written(source: Database, path: Path) -> Manifest:
    return await write_backup(source, path, at=TAKEN, progress=_unseen)


async def restored(another_database: Database, path: Path) -> Manifest:
    return await restore_backup(another_database, path, audit=ENTRY, progress=_unseen)


def _unseen(done: int, total: int | None) -> None:
    assert total is None or done <= total


async def everything(database: Database) -> dict[str, list[object]]:
    names = [name for name in await database.names() if name != "migrations"]
    found = {name: await database.collection(name).find({}) for name in names}
    return {name: sorted(rows, key=str) for name, rows in found.items() if rows}


async def test_what_was_stored_is_there_again_and_its_indexes_are(
    source: Database, another_database: Database, tmp_path: Path
) -> None:
    manifest = await written(source, tmp_path / "all.zip")
    assert await restored(another_database, tmp_path / "all.zip") == manifest
    assert await migrate(another_database) == [], "the migrations done are known"

    before, after = await everything(source), await everything(another_database)
    assert after.pop("audit_pending") == [ENTRY]
    assert after == before
    assert manifest.documents == NOTES + 1
    with pytest.raises(DuplicateKey):
        await another_database.collection("notes").insert({**note(1), "_id": "another"})


async def test_a_file_is_private_and_never_written_over(source: Database, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    await written(source, path)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="choose another"):
        await written(source, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


async def test_a_backup_that_breaks_off_leaves_no_file(source: Database, tmp_path: Path) -> None:
    def gone(done: int, total: int | None) -> None:
        if done == NOTES // 2:
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        await write_backup(source, tmp_path / "all.zip", at=TAKEN, progress=gone)
    assert os.listdir(tmp_path) == []


async def test_what_is_written_meanwhile_is_in_all_of_it_or_in_nothing(source: Database) -> None:
    settings, notes = source.collection("settings"), source.collection("notes")
    async with source.snapshot() as session:
        assert len([one async for one in settings.encoded(session)]) == 1
        await settings.insert({"_id": "later", "value": 1})
        await notes.insert(note(NOTES + 1))
        await notes.delete({"_id": 1})
        assert len([one async for one in notes.encoded(session)]) == NOTES
    assert len(await notes.find({})) == NOTES
    assert len(await settings.find({})) == 2


async def test_a_database_with_something_in_it_is_left_as_it_is(
    source: Database, another_database: Database, tmp_path: Path
) -> None:
    await written(source, tmp_path / "all.zip")
    await another_database.collection("settings").insert({"_id": "mine"})
    with pytest.raises(DatabaseNotEmpty, match="something in this database"):
        await restored(another_database, tmp_path / "all.zip")
    assert await everything(another_database) == {"settings": [{"_id": "mine"}]}


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    """One bit within the notes, which lie far from either end."""
    middle = len(data) // 3
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("spoil", [_cut, _flipped, lambda _: b"", lambda _: b"no backup"])
async def test_a_damaged_file_is_refused_and_the_whole_one_is_taken_after_it(
    source: Database, another_database: Database, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    whole, damaged = tmp_path / "all.zip", tmp_path / "damaged.zip"
    await written(source, whole)
    damaged.write_bytes(spoil(whole.read_bytes()))

    with pytest.raises(BackupUnusable, match="damaged"):
        await restored(another_database, damaged)
    await restored(another_database, whole)
    await migrate(another_database)

    assert len(await another_database.collection("notes").find({})) == NOTES


async def test_no_server_starts_on_half_a_restore(
    source: Database, another_database: Database, tmp_path: Path
) -> None:
    whole, short = tmp_path / "all.zip", tmp_path / "short.zip"
    await written(source, whole)
    with_other(whole, short, "notes.bson", lambda data: data[: 2 * len(data) // 3])

    with pytest.raises(BackupUnusable, match="damaged"):
        await restored(another_database, short)
    with pytest.raises(RestoreUnfinished, match="broke off"):
        await migrate(another_database)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": "relais-backup/2"}, "newer release"),
        ({"migrations": {str(RELEASE.latest + 1): "later"}}, "newer release"),
        ({"counts": None}, "no manifest"),
        ({"counts": {"notes": NOTES + 1}}, "700 of 701"),
        ({"counts": {"elsewhere": 1}}, "damaged"),
    ],
)
async def test_a_manifest_that_does_not_fit_is_refused(
    source: Database,
    another_database: Database,
    tmp_path: Path,
    change: dict[str, object],
    says: str,
) -> None:
    whole, other = tmp_path / "all.zip", tmp_path / "other.zip"
    await written(source, whole)
    with_other(
        whole, other, "manifest.json", lambda data: json.dumps(json.loads(data) | change).encode()
    )
    with pytest.raises(BackupUnusable, match=says):
        await restored(another_database, other)


def with_other(whole: Path, other: Path, member: str, change: Callable[[bytes], bytes]) -> None:
    """The same backup with one part of it changed, and every checksum right."""
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(other, "w") as made:
        for name in archive.namelist():
            data = archive.read(name)
            made.writestr(name, change(data) if name == member else data)

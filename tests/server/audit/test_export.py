"""An export verifies with the log's key alone; whatever was done to the database behind the server's back, it names."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from audit_store import AuditLog, check_export, pending
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sample_log import LOG_KEY, ORIGIN

from relais.crypto.export_check import ExportError
from relais.crypto.merkle import TreeHead, leaf_hash
from relais.crypto.signed_note import SignerKey
from relais.crypto.tiles import TileEdge
from relais.models.store.database import Document
from relais.server.audit.checkpoints import edge_of, signed_head
from relais.server.audit.export import export_log
from relais.server.callers import Stranger

SIZE = 700


class Intruder:
    """Somebody with the database's password, who knows all of Relais, and not the log's key."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._log = audit.database.collection("audit_log")

    async def lines(self) -> list[Document]:
        return await self._log.find({"index": {"$gte": 0, "$lt": 10_000}}, sort=[("index", 1)])

    async def put_back(self, lines: list[Document]) -> None:
        """Make the log these entries, numbered without a gap."""
        await self._log.delete_many({"index": {"$gte": 0, "$lt": 10_000}})
        for at in range(0, len(lines), 500):
            some = lines[at : at + 500]
            await self._log.insert_many([{**one, "index": at + i} for i, one in enumerate(some)])

    async def rehash(self) -> TileEdge:
        """Make all tiles, and the unfilled ones of the head, those of the entries as they are now."""
        lines = await self.lines()
        edge, filled = TileEdge().append([leaf_hash(bytes(one["entry"])) for one in lines])
        tiles = self._audit.database.collection("audit_tiles")
        for part in filled:
            key = {"_id": f"{part.tile.level}/{part.tile.index}"}
            await tiles.update(key, {"$set": {"hashes": part.encode()}})
        await self.head(rows=[b"".join(row) for row in edge.rows])
        return edge

    async def head(self, **fields: Any) -> None:
        heads = self._audit.database.collection("audit_heads")
        await heads.update({"log": "audit"}, {"$set": fields})


@pytest.fixture
async def filled(audit: AuditLog) -> AuditLog:
    await audit.filled(SIZE)
    return audit


@pytest.fixture
def intruder(filled: AuditLog) -> Intruder:
    return Intruder(filled)


async def test_an_export_of_an_untouched_log_verifies(filled: AuditLog, tmp_path: Path) -> None:
    report = await filled.verify(tmp_path / "a")
    assert report.signed.head.size == SIZE
    assert names_in(tmp_path / "a") == ["checkpoint", "entries.ndjson", "log.vkey", "tile"]


async def test_an_export_of_an_empty_log_verifies(audit: AuditLog, tmp_path: Path) -> None:
    await audit.integrate()
    report = await audit.verify(tmp_path / "a")
    assert (report.signed.head.size, report.first_at) == (0, None)


async def test_exports_of_every_size_around_a_full_tile_verify(
    audit: AuditLog, tmp_path: Path
) -> None:
    for number, size in enumerate((255, 1, 1, 254, 1, 1)):
        await audit.put([pending(1_000 * number + one) for one in range(size)])
        head = await audit.integrate()
        report = await audit.verify(tmp_path / str(number))
        assert report.signed.head == edge_of(head).head()


async def test_an_export_made_while_the_log_grows_is_that_of_one_checkpoint(
    filled: AuditLog, tmp_path: Path
) -> None:
    leader = await filled.integrator(batch=30)
    await leader.load()
    await filled.put([pending(number) for number in range(SIZE, SIZE + 300)])
    done = asyncio.Event()

    async def grow() -> None:
        while await leader.step():
            continue
        done.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(grow())
        number = 0
        while not done.is_set():
            number += 1
            await filled.verify(tmp_path / str(number))
    assert (await filled.verify(tmp_path / "last")).signed.head.size >= SIZE + 300


async def test_the_export_is_recorded_before_a_file_is_written_and_its_progress_told(
    filled: AuditLog, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    head = await export_log(
        filled.stores,
        filled.recorder,
        Stranger("console"),
        tmp_path / "a",
        progress=lambda done, size: told.append((done, size)),
    )
    assert told[-1] == (SIZE, SIZE)
    waiting = await filled.stores.pending.first(10)
    assert [b'"action":"audit.export"' in one.entry for one in waiting] == [True]
    await filled.integrate()
    grown = await filled.verify(tmp_path / "b", older=head)
    assert grown.signed.head.size == SIZE + 1


async def test_a_folder_that_is_not_empty_is_left_alone(filled: AuditLog, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(FileExistsError):
        await filled.export(tmp_path)
    assert names_in(tmp_path) == ["mine"]


async def test_an_edited_entry_is_named(
    filled: AuditLog, intruder: Intruder, tmp_path: Path
) -> None:
    lines = await intruder.lines()
    lines[300]["entry"] = bytes(lines[300]["entry"]).replace(b"note.post", b"note.read")
    await intruder.put_back(lines)
    assert await filled.fault(tmp_path / "a") == ("entry-changed", 300)


async def test_an_entry_edited_together_with_its_tile_is_named_or_the_tree_does_not_match(
    filled: AuditLog, intruder: Intruder, tmp_path: Path
) -> None:
    lines = await intruder.lines()
    lines[300]["entry"] = bytes(lines[300]["entry"]).replace(b"note.post", b"note.read")
    await intruder.put_back(lines)
    await intruder.rehash()
    assert await filled.fault(tmp_path / "a") == ("tree-mismatch", None)


@pytest.mark.parametrize("index", [0, 255, 256, 500, SIZE - 1])
@pytest.mark.parametrize("closes_the_gap", [True, False])
async def test_a_deleted_entry_is_named(
    filled: AuditLog, intruder: Intruder, tmp_path: Path, index: int, closes_the_gap: bool
) -> None:
    if closes_the_gap:
        lines = await intruder.lines()
        await intruder.put_back(lines[:index] + lines[index + 1 :])
    else:
        await filled.database.collection("audit_log").delete({"index": index})
    last = index == SIZE - 1
    reason = "entries-truncated" if last else "entry-deleted"
    assert await filled.fault(tmp_path / "a") == (reason, index)


async def test_an_inserted_entry_is_named(
    filled: AuditLog, intruder: Intruder, tmp_path: Path
) -> None:
    lines = await intruder.lines()
    await intruder.put_back([*lines[:300], _forged(), *lines[300:]])
    assert await filled.fault(tmp_path / "a") == ("entry-inserted", 300)


async def test_entries_in_another_order_are_named(
    filled: AuditLog, intruder: Intruder, tmp_path: Path
) -> None:
    lines = await intruder.lines()
    lines[300], lines[302] = lines[302], lines[300]
    await intruder.put_back(lines)
    assert await filled.fault(tmp_path / "a") == ("entry-reordered", 300)


async def test_a_truncated_log_is_named(
    filled: AuditLog, intruder: Intruder, tmp_path: Path
) -> None:
    await intruder.put_back((await intruder.lines())[:650])
    assert await filled.fault(tmp_path / "a") == ("entries-truncated", 650)


async def test_a_log_cut_back_to_an_old_checkpoint_is_found_by_whoever_kept_a_newer_one(
    filled: AuditLog, intruder: Intruder, tmp_path: Path
) -> None:
    old = await filled.stores.heads.read()
    await filled.put([pending(number) for number in range(SIZE, SIZE + 100)])
    kept = edge_of(await filled.integrate()).head()
    await intruder.put_back((await intruder.lines())[:SIZE])
    await intruder.head(size=old.size, rows=list(old.rows), checkpoint=old.checkpoint)
    assert await filled.fault(tmp_path / "a", older=kept) == ("rolled-back", None)
    assert (await filled.verify(tmp_path / "b", older=edge_of(old).head())).signed.head.size == SIZE


@pytest.mark.parametrize("changed", [{"hashes": b"\0" * 8192}, None], ids=["edited", "removed"])
async def test_a_tile_that_was_changed_or_removed_is_named(
    filled: AuditLog, tmp_path: Path, changed: dict[str, bytes] | None
) -> None:
    tiles = filled.database.collection("audit_tiles")
    if changed:
        await tiles.update({"_id": "0/1"}, {"$set": changed})
    else:
        await tiles.delete({"_id": "0/1"})
    reason = "tile-changed" if changed else "tile-missing"
    assert await filled.fault(tmp_path / "a") == (reason, None)


async def test_a_changed_checkpoint_is_named(
    filled: AuditLog, intruder: Intruder, tmp_path: Path
) -> None:
    head = await filled.stores.heads.read()
    root = edge_of(head).head().root
    await intruder.head(checkpoint=head.checkpoint.replace(b"\n700\n", b"\n699\n"))
    assert await filled.fault(tmp_path / "a") == ("checkpoint-forged", None)
    await intruder.head(checkpoint=head.checkpoint)
    assert (await filled.verify(tmp_path / "b")).signed.head == TreeHead(SIZE, root)


async def test_a_log_signed_again_with_another_key_is_named(
    filled: AuditLog, intruder: Intruder, tmp_path: Path
) -> None:
    lines = await intruder.lines()
    await intruder.put_back(lines[:300] + lines[301:])
    await intruder.head(size=SIZE - 1)
    edge = await intruder.rehash()
    forger = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x09"))
    forged = signed_head(forger, edge, newest=0, late=0)
    await intruder.head(checkpoint=forged.checkpoint, vkey=forged.vkey)
    await filled.export(tmp_path / "a")
    with pytest.raises(ExportError, match="foreign-key"):
        check_export(tmp_path / "a", LOG_KEY)
    assert check_export(tmp_path / "a", forger).signed.head.size == SIZE - 1


async def test_a_fork_signed_with_the_logs_own_key_is_found_by_whoever_kept_a_checkpoint(
    filled: AuditLog, intruder: Intruder, tmp_path: Path
) -> None:
    kept = edge_of(await filled.stores.heads.read()).head()
    lines = await intruder.lines()
    lines[300]["entry"] = bytes(lines[300]["entry"]).replace(b"note.post", b"note.read")
    await intruder.put_back(lines)
    forged = signed_head(LOG_KEY, await intruder.rehash(), newest=0, late=0)
    await intruder.head(checkpoint=forged.checkpoint)
    assert await filled.fault(tmp_path / "a", older=kept) == ("forked-tree", None)
    assert (await filled.verify(tmp_path / "b")).signed.head.size == SIZE


async def test_an_entry_put_among_those_that_wait_is_logged_where_it_came_not_where_it_claims(
    filled: AuditLog, tmp_path: Path
) -> None:
    """Backdating what has not happened: the tree cannot tell, but it stands after what was there."""
    backdated = pending(0, at=1_700_000_000_000)
    await filled.put([backdated])
    await filled.integrate()
    assert (await filled.stores.entries.between(SIZE, SIZE + 1))[0].id == backdated["_id"]
    await filled.verify(tmp_path / "a")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _forged() -> Document:
    document = pending(5, action="note.get")
    searched = {"account": None, "circle": None, "action": "note.get", "outcome": "ok"}
    return {**document, **searched}

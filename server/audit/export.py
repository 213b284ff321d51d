"""``relais-server audit export DIR``: the whole log as files that anybody can check (docs/audit-log.md).

    log.vkey · entries.ndjson · tile/<L>/… · checkpoint

Files hold what is stored, as it is stored: whether that is what was signed, `relais audit verify` finds out, not the server.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from relais.crypto.merkle import TreeHead
from relais.crypto.pruning import pruned_line
from relais.crypto.tiles import TILE_WIDTH, Tile, tiles_of
from relais.models.store.audit_head import LogHead
from relais.models.store.audit_log import TILES_AT_ONCE, LogEntry
from relais.server.audit.checkpoints import edge_of
from relais.server.audit.parts import LogStores
from relais.server.audit.record import Act, Recorder
from relais.server.callers import Anyone

Progress = Callable[[int, int], Any]
"""Called with (entries written, entries in all)."""


async def export_log(
    stores: LogStores, recorder: Recorder, who: Anyone, directory: Path, *, progress: Progress
) -> TreeHead:
    """Record the export, then write the log as its newest checkpoint has it; answers that tree head.

    Works beside nodes that go on writing. Memory holds some thousand entries. The checkpoint is written last: without it, what
    is there is no export.

    Raises `FileExistsError` where the directory is not empty, `LogMissing`, `LogDamaged`, `Unavailable`.
    """
    _make_empty(directory)
    head = await stores.heads.published()
    tree = edge_of(head).head()
    await recorder.record(who, Act("audit.export", subject={"format": "tiles", "size": tree.size}))
    _write(directory / "log.vkey", f"{head.vkey}\n".encode())
    await _write_entries(stores, directory / "entries.ndjson", tree.size, progress)
    await _write_tiles(stores, directory, head)
    _write(directory / "checkpoint", head.checkpoint)
    return tree


def _make_empty(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty: choose another folder")


async def _write_entries(stores: LogStores, path: Path, size: int, progress: Progress) -> None:
    _write(path, b"")
    done = 0
    async for entries in stores.entries.every(size):
        _append(path, entries)
        done += len(entries)
        progress(done, size)


async def _write_tiles(stores: LogStores, directory: Path, head: LogHead) -> None:
    """The full tiles that are there, some at a time, and the unfilled ones of the head."""
    full: list[tuple[int, int]] = []
    for tile in tiles_of(head.size):
        level = int(tile.level)
        if tile.width < TILE_WIDTH:
            _write(directory / tile.path, head.rows[level])
            continue
        full.append((level, tile.index))
        if len(full) == TILES_AT_ONCE:
            await _write_full(stores, directory, full)
            full = []
    await _write_full(stores, directory, full)


async def _write_full(
    stores: LogStores, directory: Path, places: Sequence[tuple[int, int]]
) -> None:
    for (level, index), hashes in (await stores.tiles.read(places)).items():
        _write(directory / Tile(level, index).path, hashes)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _append(path: Path, entries: Sequence[LogEntry]) -> None:
    with path.open("ab") as file:
        file.writelines(line_of(one) + b"\n" for one in entries)


def line_of(one: LogEntry) -> bytes:
    """An entry's own bytes; of a pruned one, what is left."""
    return one.entry if one.leaf is None else pruned_line(one.leaf)

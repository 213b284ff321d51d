"""Reading the tree as it is stored: the tiles that are served, and the hashes that proofs are made of.

Nothing is verified here. A reader has no reason to believe the server, and checks by itself.
"""

from collections.abc import Iterable

from relais.crypto.merkle import HASH_SIZE, HashAt, root_of
from relais.crypto.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, encode_entries
from relais.models.store.audit_head import LogHead
from relais.server.audit.checkpoints import split_hashes
from relais.server.audit.parts import LogDamaged, LogStores


async def tile_bytes(stores: LogStores, tile: Tile) -> bytes | None:
    """A hash tile or an entry bundle of the log as it stands; None where it has none so wide. A pruned entry is of no bytes in
    its bundle; its leaf hash is in the tile.

    Raises `LogDamaged` where entries of a bundle are gone.
    """
    head = await stores.heads.read()
    if tile.level == "entries":
        return await _bundle(stores, tile, head.size)
    level, full = int(tile.level), head.size >> TILE_HEIGHT * (int(tile.level) + 1)
    if tile.index < full:
        found = await stores.tiles.read([(level, tile.index)])
        row = found.get((level, tile.index), b"")
    else:
        row = head.rows[level] if tile.index == full and level < len(head.rows) else b""
    wide = tile.width * HASH_SIZE
    return row[:wide] if len(row) >= wide else None


async def _bundle(stores: LogStores, tile: Tile, size: int) -> bytes | None:
    start = tile.index * TILE_WIDTH
    end = start + tile.width
    if end > size:
        return None
    entries = await stores.entries.between(start, end)
    if len(entries) != tile.width:
        raise LogDamaged(f"entries from {start} on are not all there")
    return encode_entries([entry.entry for entry in entries])


async def hashes_of(stores: LogStores, head: LogHead, needed: Iterable[Tile]) -> HashAt:
    """Read these tiles, at most one of a level for each step of a proof; answers what makes proofs of them.

    Raises `LogDamaged` where one is gone.
    """
    full = [(int(tile.level), tile.index) for tile in needed if tile.width == TILE_WIDTH]
    rows = {place: split_hashes(row) for place, row in (await stores.tiles.read(full)).items()}
    if len(rows) != len(set(full)):
        raise LogDamaged("full tiles are not all there")
    for level, row in enumerate(head.rows):
        rows[level, head.size >> TILE_HEIGHT * (level + 1)] = split_hashes(row)

    def hash_at(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile, at = divmod(index << height, TILE_WIDTH)
        return root_of(rows[tile_level, tile][at : at + (1 << height)])

    return hash_at

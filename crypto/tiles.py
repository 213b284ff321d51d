"""The tree cut into files: C2SP tlog-tiles (c2sp.org/tlog-tiles), 256 hashes each.

    tile/<L>/<N>[.p/<W>]        32 W bytes: the complete subtrees of level 8 L, from 256 N on
    tile/entries/<N>[.p/<W>]    the entries from 256 N on, each uint16 big-endian length || bytes
    N: three digits each, all but the last with an x: 1234067 is x001/x234/067
    .p/<W>: the last, unfilled tile of its level, of W < 256 hashes; a full one has no suffix

A full tile never changes. Its own root is one hash of the tile above, and the unfilled tiles
together make up the tree's root: so every hash is checked up to a tree head.
"""

import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from relais.crypto.errors import ProtocolError
from relais.crypto.merkle import (
    HASH_SIZE,
    MAX_SIZE,
    Frontier,
    Span,
    Subtree,
    TreeHead,
    consistency_spans,
    fold,
    inclusion_spans,
    root_of,
    span_root,
)

TILE_HEIGHT = 8
TILE_WIDTH = 256
MAX_ENTRY_SIZE = 2**16 - 1

Level = int | Literal["entries"]
Fetch = Callable[[str], bytes | None]
"""Tile path -> its bytes; None where there is no such file."""

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


class TileError(ProtocolError):
    """A tile is missing, malformed or not of this tree. `path` says which, where one is to blame."""

    def __init__(self, reason: str, path: str | None = None) -> None:
        super().__init__(reason)
        self.path = path


@dataclass(frozen=True)
class Tile:
    """The name of one tile: its level (0 holds the leaf hashes), index and width (1 to 256)."""

    level: Level
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        number, rest = f"{self.index % 1000:03d}", self.index // 1000
        while rest:
            number, rest = f"x{rest % 1000:03d}/{number}", rest // 1000
        suffix = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{number}{suffix}"


@dataclass(frozen=True)
class HashTile:
    """A hash tile and what is in it: `tile.width` hashes of 32 bytes."""

    tile: Tile
    hashes: tuple[bytes, ...]

    def encode(self) -> bytes:
        return b"".join(self.hashes)


@dataclass(frozen=True)
class TileEdge:
    """The unfilled tiles of a tree: enough to append, to know the root and to write tiles.

    `rows[L]` holds the hashes of the unfilled tile of level L (0 to 255 of them).
    """

    size: int = 0
    rows: tuple[tuple[bytes, ...], ...] = ()

    def __post_init__(self) -> None:
        if [len(row) for row in self.rows] != edge_widths(self.size):
            raise ValueError("the rows of an edge are as wide as its size says")

    def append(self, leaves: Sequence[bytes]) -> tuple["TileEdge", tuple[HashTile, ...]]:
        """Add leaf hashes; also returns the tiles this filled, lowest level first."""
        rows, filled, carry, level = list(self.rows), [], tuple(leaves), 0
        while carry:
            row = (rows[level] if level < len(rows) else ()) + carry
            full = len(row) // TILE_WIDTH * TILE_WIDTH
            first = self.size >> TILE_HEIGHT * (level + 1)
            tiles = [
                HashTile(Tile(level, first + at // TILE_WIDTH), row[at : at + TILE_WIDTH])
                for at in range(0, full, TILE_WIDTH)
            ]
            rows[level : level + 1] = [row[full:]]
            filled += tiles
            carry = tuple(root_of(tile.hashes) for tile in tiles)
            level += 1
        return TileEdge(self.size + len(leaves), tuple(rows)), tuple(filled)

    def unfilled(self) -> tuple[HashTile, ...]:
        """The unfilled tiles that are to be served for a checkpoint of this size."""
        return tuple(
            HashTile(tile, self.rows[level]) for level, tile in enumerate_unfilled(self.size)
        )

    def root(self) -> bytes:
        peaks = (_frontier(row).peaks for row in reversed(self.rows))
        return fold(list(chain.from_iterable(peaks)))

    def head(self) -> TreeHead:
        return TreeHead(self.size, self.root())


class VerifiedTiles:
    """Hashes of the tree under one head, read from tiles, each checked up to that head's root.

    Args:
        fetch: reads one tile; what it returns is not trusted.
        head: the tree head to check against, whose signature the caller has checked.
        cached: number of full tiles to keep (8 KiB each).

    Every method raises TileError: `tile-missing`, `tile-malformed`, `tile-changed` (not what
    the tile above holds), `tree-mismatch` (the unfilled tiles do not make up the root).
    """

    def __init__(self, fetch: Fetch, head: TreeHead, *, cached: int = 64) -> None:
        self.head = head
        self._fetch = fetch
        self._cached = cached
        self._full: OrderedDict[tuple[int, int], tuple[bytes, ...]] = OrderedDict()
        self._edge: TileEdge | None = None

    def hash_at(self, level: int, index: int) -> bytes:
        """Root of the complete subtree (level, index); a reader for merkle.py's proofs.

        Raises:
            ValueError: the tree has no such subtree.
        """
        if index < 0 or (index + 1) << level > self.head.size:
            raise ValueError("no such subtree in this tree")
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        hashes = self.hashes(tile_level, first // TILE_WIDTH)
        at = first % TILE_WIDTH
        return root_of(hashes[at : at + (1 << height)])

    def hashes(self, level: int, index: int) -> tuple[bytes, ...]:
        """All hashes of one tile: of a full one, or of the unfilled one of its level."""
        if index == self.head.size >> TILE_HEIGHT * (level + 1):
            return self._read_edge().rows[level]
        known = self._full.get((level, index)) or self._read_full(level, index)
        self._full[level, index] = known
        self._full.move_to_end((level, index))
        if len(self._full) > self._cached:
            self._full.popitem(last=False)
        return known

    def verify_leaf(self, leaf: bytes, *, index: int) -> None:
        """Check that the tree has this leaf hash at this index.

        Raises:
            TileError: also `index-out-of-range`, `leaf-mismatch`.
        """
        if not 0 <= index < self.head.size:
            raise TileError("index-out-of-range")
        if not hmac.compare_digest(leaf, self.hash_at(0, index)):
            raise TileError("leaf-mismatch")

    def verify_extends(self, older: TreeHead) -> None:
        """Check that an older tree is the beginning of this one.

        Raises:
            TileError: also `rolled-back` (this tree is smaller), `forked-tree` (another one).
        """
        if older.size > self.head.size:
            raise TileError("rolled-back")
        root = span_root(self.hash_at, Span(0, older.size))
        if not hmac.compare_digest(root, older.root):
            raise TileError("forked-tree")

    def _read_edge(self) -> TileEdge:
        if self._edge is None:
            rows: list[tuple[bytes, ...]] = [()] * len(edge_widths(self.head.size))
            for level, tile in enumerate_unfilled(self.head.size):
                rows[level] = self._read_unfilled(tile)
            edge = TileEdge(self.head.size, tuple(rows))
            if not hmac.compare_digest(edge.root(), self.head.root):
                raise TileError("tree-mismatch")
            self._edge = edge
        return self._edge

    def _read_unfilled(self, tile: Tile) -> tuple[bytes, ...]:
        """An unfilled tile may be gone once its full one exists: then that one's beginning."""
        data = self._fetch(tile.path)
        if data is not None:
            return decode_hashes(data, tile)
        full = Tile(tile.level, tile.index)
        data = self._fetch(full.path)
        if data is None:
            raise TileError("tile-missing", tile.path)
        return decode_hashes(data, full)[: tile.width]

    def _read_full(self, level: int, index: int) -> tuple[bytes, ...]:
        tile = Tile(level, index)
        data = self._fetch(tile.path)
        if data is None:
            raise TileError("tile-missing", tile.path)
        hashes = decode_hashes(data, tile)
        above = self.hashes(level + 1, index // TILE_WIDTH)[index % TILE_WIDTH]
        if not hmac.compare_digest(root_of(hashes), above):
            raise TileError("tile-changed", tile.path)
        return hashes


def edge_widths(size: int) -> list[int]:
    """How many hashes the unfilled tile of each level has in a tree of `size` leaves."""
    levels = -(-size.bit_length() // TILE_HEIGHT)
    return [size >> TILE_HEIGHT * level & TILE_WIDTH - 1 for level in range(levels)]


def enumerate_unfilled(size: int) -> Iterator[tuple[int, Tile]]:
    """(level, unfilled tile) for each level of a tree that has one."""
    for level, width in enumerate(edge_widths(size)):
        if width:
            yield level, Tile(level, size >> TILE_HEIGHT * (level + 1), width)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every hash tile of a tree of `size` leaves, lowest level first."""
    return new_tiles(0, size)


def new_tiles(old_size: int, new_size: int) -> Iterator[Tile]:
    """The hash tiles a tree of `new_size` has and one of `old_size` has not."""
    for level, width in enumerate(edge_widths(new_size)):
        filled = new_size >> TILE_HEIGHT * (level + 1)
        for index in range(old_size >> TILE_HEIGHT * (level + 1), filled):
            yield Tile(level, index)
        if width and new_size >> TILE_HEIGHT * level != old_size >> TILE_HEIGHT * level:
            yield Tile(level, filled, width)


def entry_bundles_of(size: int) -> Iterator[Tile]:
    """Every entry bundle of a tree of `size` leaves."""
    for index in range(size // TILE_WIDTH):
        yield Tile("entries", index)
    if size % TILE_WIDTH:
        yield Tile("entries", size // TILE_WIDTH, size % TILE_WIDTH)


def tiles_for_inclusion(index: int, size: int) -> tuple[Tile, ...]:
    """What VerifiedTiles reads for the inclusion proof of one leaf: fetch it all beforehand."""
    return _tiles_for(inclusion_spans(index, size), size)


def tiles_for_consistency(old_size: int, new_size: int) -> tuple[Tile, ...]:
    """What VerifiedTiles reads for a consistency proof, and for verify_extends."""
    spans = consistency_spans(old_size, new_size)
    return _tiles_for((*spans, Span(0, old_size)), new_size)


def _tiles_for(spans: Iterable[Span], size: int) -> tuple[Tile, ...]:
    needed = dict.fromkeys(tile for _, tile in enumerate_unfilled(size))
    for part in chain.from_iterable(span.subtrees() for span in spans):
        needed |= dict.fromkeys(_full_tiles_above(part, size))
    return tuple(needed)


def _full_tiles_above(part: Subtree, size: int) -> Iterator[Tile]:
    level, height = divmod(part.level, TILE_HEIGHT)
    index = (part.index << height) // TILE_WIDTH
    while index < size >> TILE_HEIGHT * (level + 1):
        yield Tile(level, index)
        level, index = level + 1, index // TILE_WIDTH


def parse_path(path: str) -> Tile:
    """The tile of a path.

    Raises:
        TileError: `path-malformed`, also for a path that names a tile in a second way.
    """
    found = _PATH.fullmatch(path)
    if not found:
        raise TileError("path-malformed")
    level: Level = "entries" if found[1] == "entries" else int(found[1])
    index = int(found[2].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(found[3]) if found[3] else TILE_WIDTH)
    if not _is_possible(tile) or tile.path != path:
        raise TileError("path-malformed")
    return tile


def _is_possible(tile: Tile) -> bool:
    level = 0 if tile.level == "entries" else tile.level
    return 1 <= tile.width <= TILE_WIDTH and tile.index << TILE_HEIGHT * (level + 1) <= MAX_SIZE


def decode_hashes(data: bytes, tile: Tile) -> tuple[bytes, ...]:
    """The hashes in a tile's bytes.

    Raises:
        TileError: `tile-malformed`, where it is not as long as its width says.
    """
    if len(data) != tile.width * HASH_SIZE:
        raise TileError("tile-malformed", tile.path)
    return tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """An entry bundle of 1 to 256 entries of at most 65,535 bytes each.

    Raises:
        ValueError: there are more, or one is longer.
    """
    if not 1 <= len(entries) <= TILE_WIDTH or max(map(len, entries)) > MAX_ENTRY_SIZE:
        raise ValueError("a bundle holds 1 to 256 entries of at most 65,535 bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_entries(data: bytes, *, width: int) -> tuple[bytes, ...]:
    """The entries of a bundle that is to hold `width` of them.

    Raises:
        TileError: `bundle-malformed`.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < width:
        size = int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    if at != len(data) or len(entries) != width:
        raise TileError("bundle-malformed")
    return tuple(entries)


def _frontier(hashes: Iterable[bytes]) -> Frontier:
    frontier = Frontier()
    for value in hashes:
        frontier = frontier.append(value)
    return frontier

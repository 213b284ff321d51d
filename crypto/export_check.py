"""Is an exported audit log the one that was signed? The pure core of `relais audit verify`.

An export is a directory:

    log.vkey          the log's verifier key, one line
    checkpoint        a signed note (checkpoint.py)
    entries.ndjson    one entry a line, in the order of the tree: exactly the leaves' bytes; or what is left of a pruned one
    tile/<L>/...      the hash tiles of the checkpoint's tree (tiles.py)

The entries are read once, from first to last, and the tree is built from them again: its tiles
must be those of the export, its root the one that was signed. Where an entry is not that of its
leaf, the tiles, checked up to the signed root, tell an edited entry from one that was deleted,
inserted or moved. Memory holds the entries of one tile, whatever the size of the log.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NoReturn

from relais.crypto.audit_entry import AuditEntryError, decode_audit_entry
from relais.crypto.checkpoint import Policy, SignedCheckpoint, verify_checkpoint
from relais.crypto.errors import ProtocolError
from relais.crypto.merkle import HASH_SIZE, TreeHead
from relais.crypto.pruning import PrunedPlaces, leaf_of, pruned_leaf
from relais.crypto.signed_note import MAX_NOTE_SIZE, SignedNoteError, parse_vkey
from relais.crypto.tiles import (
    MAX_ENTRY_SIZE,
    TILE_HEIGHT,
    TILE_WIDTH,
    HashTile,
    Tile,
    TileEdge,
    TileError,
    VerifiedTiles,
)

Read = Callable[[str], Iterable[bytes] | None]
"""Path in the export -> its bytes in pieces of any size; None where there is no such file."""
Progress = Callable[[int, int], None]
"""(entries checked, entries in all), after every 256."""

_KEY, _CHECKPOINT, _ENTRIES = "log.vkey", "checkpoint", "entries.ndjson"
_MAX_KEY_SIZE = 1024
_FOREIGN = {"no-known-signature", "wrong-origin"}
_SEARCH = 65_536
"""How many entries on a deleted, inserted or moved entry is looked for."""


class ExportError(ProtocolError):
    """The first thing found wrong with an export.

    Attributes:
        path: the file it is about.
        index: the entry it is about, from 0, where it is about one. Where entries were rewritten
            together with their tile, the first of those under the hash that betrays it.
    """

    def __init__(self, reason: str, *, path: str, index: int | None = None) -> None:
        super().__init__(reason)
        self.path = path
        self.index = index


@dataclass(frozen=True)
class ExportReport:
    """What was found good: the checkpoint, the times (RFC 3339) of first and last entry, how many are pruned."""

    signed: SignedCheckpoint
    first_at: str | None
    last_at: str | None
    pruned: int = 0


def verify_export(
    read: Read, trusted: Policy, *, progress: Progress, older: TreeHead | None = None
) -> ExportReport:
    """Check an export against the keys of the log and of its witnesses, and a tree head the caller has kept.

    Does not check that the keys are theirs: the caller has them from where he trusts. An export
    that ends early under an earlier checkpoint of the log shows only against `older`.

    Raises:
        ExportError: `file-missing`, `key-malformed`, `foreign-key` (another log's key, or a
            checkpoint this log's key has not signed), `checkpoint-malformed`,
            `checkpoint-forged`, `too-few-witnesses`, `rolled-back` (smaller than `older`), `forked-tree` (`older` is
            not its beginning), `entry-changed`, `entry-deleted`, `entry-inserted`,
            `entry-reordered`, `entry-malformed` (it was logged so), `entries-truncated`,
            `entry-withheld` (its content is gone, and no entry of the log allows that),
            `tile-missing`, `tile-changed`, `tree-mismatch` (entries and tiles agree with each
            other, not with the checkpoint).
    """
    signed = _read_checkpoint(read, trusted)
    if older is not None and older.size > signed.head.size:
        raise ExportError("rolled-back", path=_CHECKPOINT)
    lines = _entry_lines(read)
    return _Pass(read, signed, older).run(lines, progress)


def _read_checkpoint(read: Read, trusted: Policy) -> SignedCheckpoint:
    text = _read_file(read, _KEY, most=_MAX_KEY_SIZE)
    try:
        exported = parse_vkey(text.decode("utf-8", "replace").removesuffix("\n"))
    except SignedNoteError:
        raise ExportError("key-malformed", path=_KEY) from None
    if exported not in trusted.logs:
        raise ExportError("foreign-key", path=_KEY)
    note = _read_file(read, _CHECKPOINT, most=MAX_NOTE_SIZE)
    try:
        return verify_checkpoint(note, trusted)
    except SignedNoteError as error:
        raise ExportError(_checkpoint_reason(error.reason), path=_CHECKPOINT) from None


def _checkpoint_reason(reason: str) -> str:
    if reason == "bad-signature":
        return "checkpoint-forged"
    if reason == "too-few-witnesses":
        return reason
    return "foreign-key" if reason in _FOREIGN else "checkpoint-malformed"


def _read_file(read: Read, path: str, *, most: int) -> bytes:
    """A small file; of one longer than `most` bytes, the beginning, which no parser takes."""
    data = _read_optional(read, path, most=most)
    if data is None:
        raise ExportError("file-missing", path=path)
    return data


def _read_optional(read: Read, path: str, *, most: int) -> bytes | None:
    pieces = read(path)
    if pieces is None:
        return None
    data = b""
    for piece in pieces:
        data += piece
        if len(data) > most:
            break
    return data[: most + 1]


def _entry_lines(read: Read) -> Iterator[bytes]:
    pieces = read(_ENTRIES)
    if pieces is None:
        raise ExportError("file-missing", path=_ENTRIES)
    return _lines(pieces)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines without their newlines; one too long to be an entry is cut, to bound memory."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        while len(rest) > MAX_ENTRY_SIZE:
            yield rest[: MAX_ENTRY_SIZE + 1]
            rest = rest[MAX_ENTRY_SIZE + 1 :]
    if rest:
        yield rest


class _Pass:
    """One pass over the entries; `edge` is the tree built from them so far."""

    def __init__(self, read: Read, signed: SignedCheckpoint, older: TreeHead | None) -> None:
        self.read = read
        self.signed = signed
        self.older = older
        self.edge = TileEdge()
        self.tiles = VerifiedTiles(self._fetch, signed.head)
        self.first_at: str | None = None
        self.last_at: str | None = None
        self.pruned = PrunedPlaces()

    def run(self, lines: Iterator[bytes], progress: Progress) -> ExportReport:
        size = self.signed.head.size
        self._check_older(())
        while self.edge.size < size:
            width = min(TILE_WIDTH, size - self.edge.size)
            self._take(tuple(islice(lines, width)), width, lines)
            progress(self.edge.size, size)
        if next(lines, None) is not None:
            raise _wrong_entry("entry-inserted", size)
        self._check_above(self.edge.unfilled())
        if not self._is_signed(self.edge):
            raise ExportError("tree-mismatch", path=_CHECKPOINT)
        withheld = self.pruned.withheld()
        if withheld is not None:
            raise _wrong_entry("entry-withheld", withheld)
        return ExportReport(self.signed, self.first_at, self.last_at, self.pruned.count)

    def _take(self, entries: tuple[bytes, ...], width: int, rest: Iterator[bytes]) -> None:
        """Check the entries of one tile and put them into the tree. `rest`: those after them."""
        leaves = tuple(map(leaf_of, entries))
        self._check_leaves(leaves, width, rest)
        self._check_older(leaves)
        self._decode(entries)
        self.edge, filled = self.edge.append(leaves)
        self._check_above(filled)

    def _check_leaves(self, leaves: tuple[bytes, ...], width: int, rest: Iterator[bytes]) -> None:
        """Compare with the tile as it stands; only where they differ is it worth proving."""
        tile = Tile(0, self.edge.size // TILE_WIDTH, width)
        data = self._fetch(tile.path)
        if data == b"".join(leaves):
            return
        if data is None:
            if len(leaves) < width:
                raise _wrong_entry("entries-truncated", self.edge.size + len(leaves))
            raise ExportError("tile-missing", path=tile.path)
        if self._is_signed(self.edge.append(leaves)[0]):
            raise ExportError("tile-changed", path=tile.path)
        self._explain(chain(leaves, map(leaf_of, rest)))

    def _explain(self, found: Iterator[bytes]) -> NoReturn:
        """Name the first entry, from the edge on, that is not its leaf, and what became of it."""
        index, expected = self.edge.size, self._signed_leaves(self.edge.size)
        for leaf, signed in zip(found, expected, strict=False):
            if leaf != signed:
                after = next(found, None)
                earlier = leaf in islice(expected, _SEARCH)
                later = after == signed or signed in islice(found, _SEARCH)
                ends = after is None and index + 1 < self.signed.head.size
                raise _wrong_entry(_difference(earlier, later, ends), index)
            index += 1
        raise _wrong_entry("entries-truncated", index)

    def _signed_leaves(self, start: int) -> Iterator[bytes]:
        """The leaves the log has signed, from the tile that begins at `start` on."""
        for first in range(start, self.signed.head.size, TILE_WIDTH):
            yield from self._signed_hashes(Tile(0, first // TILE_WIDTH))

    def _signed_hashes(self, tile: Tile) -> tuple[bytes, ...]:
        try:
            return self.tiles.hashes(int(tile.level), tile.index)
        except TileError as error:
            raise _wrong_tile(error) from None

    def _check_above(self, built: Iterable[HashTile]) -> None:
        """Compare the tiles above the leaves, built from entries that are as their own tiles."""
        for part in built:
            data = self._fetch(part.tile.path)
            if data == part.encode() or part.tile.level == 0:
                continue
            if data is None:
                raise ExportError("tile-missing", path=part.tile.path)
            if self._is_signed(self.edge):
                raise ExportError("tile-changed", path=part.tile.path)
            raise self._changed_below(part)

    def _changed_below(self, part: HashTile) -> ExportError:
        """Entries and their tile were changed together, and the tile above was not."""
        signed = self._signed_hashes(part.tile)
        at = next(at for at, value in enumerate(part.hashes) if value != signed[at])
        place = part.tile.index * TILE_WIDTH + at
        return _wrong_entry("entry-changed", place << TILE_HEIGHT * int(part.tile.level))

    def _check_older(self, leaves: Sequence[bytes]) -> None:
        """Once the tree is as large as the one the caller has kept, it must be that one."""
        cut = self.older.size - self.edge.size if self.older else -1
        if 0 <= cut <= len(leaves) and self.edge.append(leaves[:cut])[0].head() != self.older:
            raise ExportError("forked-tree", path=_CHECKPOINT)

    def _decode(self, entries: tuple[bytes, ...]) -> None:
        for index, line in enumerate(entries, self.edge.size):
            if pruned_leaf(line) is not None:
                self.pruned.find(index)
                continue
            try:
                entry = decode_audit_entry(line)
            except AuditEntryError:
                raise _wrong_entry("entry-malformed", index) from None
            self.pruned.allow(entry, index)
            self.last_at = entry.at
            self.first_at = self.first_at or self.last_at

    def _is_signed(self, edge: TileEdge) -> bool:
        return edge.head() == self.signed.head

    def _fetch(self, path: str) -> bytes | None:
        return _read_optional(self.read, path, most=TILE_WIDTH * HASH_SIZE)


def _difference(earlier: bool, later: bool, ends: bool) -> str:
    """What became of an entry: the one in its place comes too early, it comes too late, or both."""
    if earlier:
        return "entry-reordered" if later else "entry-deleted"
    if later:
        return "entry-inserted"
    return "entries-truncated" if ends else "entry-changed"


def _wrong_entry(reason: str, index: int) -> ExportError:
    return ExportError(reason, path=_ENTRIES, index=index)


def _wrong_tile(error: TileError) -> ExportError:
    reason = "tile-changed" if error.reason == "tile-malformed" else error.reason
    return ExportError(reason, path=error.path or _CHECKPOINT)

"""Entries of the audit log whose content is gone, and whether it was allowed to go.

A pruned entry keeps its place and its leaf hash, so every tree and every proof stays what it was. In an export its line is

    {"pruned":"<leaf hash, hex>"}

and it may stand there only if an entry of the log itself says so, logged before the content went:

    action audit.prune, subject {index_from, index_to, count, places}

It speaks of the 256 places under one tile: `places` is a number of 256 bits in hex, the lowest bit for the tile's first place;
`index_from` and `index_to` are the first and last place it names, `count` how many. All lie before the entry's own.
"""

import re
from dataclasses import dataclass, field

from relais.crypto.audit_entry import AuditEntry, SubjectValue
from relais.crypto.merkle import leaf_hash
from relais.crypto.tiles import TILE_WIDTH

ACTION = "audit.prune"

_LINE = re.compile(rb'\{"pruned":"([0-9a-f]{64})"\}')
_PLACES = re.compile(r"[0-9a-f]{64}")


def pruned_line(leaf: bytes) -> bytes:
    """A pruned entry's line, from its leaf hash (32 bytes)."""
    return b'{"pruned":"%s"}' % leaf.hex().encode()


def pruned_leaf(line: bytes) -> bytes | None:
    """The leaf hash of a pruned entry's line; None for an entry's own bytes, whatever they are."""
    found = _LINE.fullmatch(line)
    return bytes.fromhex(found[1].decode()) if found else None


def leaf_of(line: bytes) -> bytes:
    """The leaf hash of a line: that of its bytes, or the one that is left of them."""
    return pruned_leaf(line) or leaf_hash(line)


def prune_subject(tile: int, places: int) -> dict[str, SubjectValue]:
    """The subject of an entry that prunes these places (a bit each, at least one) of a tile."""
    start = tile * TILE_WIDTH
    return {
        "index_from": start + (places & -places).bit_length() - 1,
        "index_to": start + places.bit_length() - 1,
        "count": places.bit_count(),
        "places": f"{places:064x}",
    }


def pruned_by(entry: AuditEntry, index: int) -> tuple[int, int] | None:
    """(tile, places) that the entry at `index` prunes; None where it prunes nothing, or says so in no sound way."""
    subject = entry.subject
    first, places = subject.get("index_from"), subject.get("places")
    if entry.action != ACTION or type(first) is not int or not isinstance(places, str):
        return None
    if first < 0 or not _PLACES.fullmatch(places) or int(places, 16) == 0:
        return None
    tile, bits = first // TILE_WIDTH, int(places, 16)
    sound = prune_subject(tile, bits)
    last = tile * TILE_WIDTH + bits.bit_length() - 1
    return (tile, bits) if dict(subject) == sound and last < index else None


@dataclass
class PrunedPlaces:
    """What was found pruned and what was allowed to be, a bit a place: 10 million entries take some megabytes."""

    _found: dict[int, int] = field(default_factory=dict)
    _allowed: dict[int, int] = field(default_factory=dict)
    count: int = 0

    def find(self, index: int) -> None:
        """The entry at this place is pruned. Each place once."""
        tile, place = divmod(index, TILE_WIDTH)
        self._found[tile] = self._found.get(tile, 0) | 1 << place
        self.count += 1

    def allow(self, entry: AuditEntry, index: int) -> None:
        """Take up what the entry at `index` prunes, if it does."""
        if named := pruned_by(entry, index):
            tile, places = named
            self._allowed[tile] = self._allowed.get(tile, 0) | places

    def withheld(self) -> int | None:
        """The first place that is pruned and that no entry allows to be; None where there is none."""
        for tile, found in sorted(self._found.items()):
            if left := found & ~self._allowed.get(tile, 0):
                return tile * TILE_WIDTH + (left & -left).bit_length() - 1
        return None

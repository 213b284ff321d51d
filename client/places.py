"""Which version stood at which number of a circle when this device read it: nothing moves, and nothing goes.

Kept in the folder, so that a later run notices. The newest numbers stand one by one; what is older, in hashes of whole blocks
of 128, which are compared when a run reads the block again (docs/protocol.md §14).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from relais.client.home import Home
from relais.crypto.errors import ProtocolError
from relais.models.ids import CircleId, Digest

BLOCK = 128
NEWEST = 256
Told = Mapping[int, Digest | None]
"""Number → the envelope's hash, None for a version that is for other audiences."""


@dataclass(frozen=True)
class Places:
    """What was read of one circle. ``rights``: as whom; with other rights one is given other versions."""

    rights: str
    newest: Told = field(default_factory=dict)
    blocks: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The highest number read, 0 for none."""
        return max(self.newest, default=0)

    def check(self, told: Told, read: Told, last_seq: int) -> None:
        """Compare what is ``told`` now, and all that was ``read`` in this run, with before. Raises ProtocolError `wrong-order`."""
        numbers = {digest: number for number, digest in self.newest.items() if digest}
        is_same = last_seq >= self.last
        for number, digest in told.items():
            before = self.newest.get(number)
            is_same &= before is None or before == digest
            is_same &= digest is None or numbers.get(digest, number) == number
        for block in {_block(number) for number in told} & self.blocks.keys():
            is_same &= not _is_whole(block, read) or _hash(block, read) == self.blocks[block]
        if not is_same:
            raise ProtocolError("wrong-order")

    def grown(self, told: Told, read: Told) -> "Places":
        """With what was told, which agrees; what is no longer among the newest is folded into its block."""
        known = {**self.newest, **told}
        first = _block(max(max(known, default=1) - NEWEST, 1))
        old = {_block(number) for number in known if _block(number) < first}
        everything = {**read, **known}
        folded = {block: _hash(block, everything) for block in old if _is_whole(block, everything)}
        newest = {number: digest for number, digest in known.items() if _block(number) >= first}
        return Places(self.rights, newest, {**folded, **self.blocks})


class PlaceBook:
    """The places of every circle of a folder."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._read: dict[CircleId, dict[int, Digest | None]] = {}

    def meet(self, circle: CircleId, rights: str, told: Told, *, last_seq: int) -> None:
        """Compare what a page tells with what was read before, and remember it. ``last_seq``: the circle's newest number.

        Raises ProtocolError `wrong-order`. Whoever reads with other rights begins anew.
        """
        before = self._kept(circle)
        read = self._read.setdefault(circle, {})
        if before is None or before.rights != rights:
            before = Places(rights)
            read.clear()
        before.check(told, {**read, **told}, last_seq)
        read.update(told)
        after = before.grown(told, read)
        if after != before:
            self._home.write(_name(circle), _plain(after))

    def forget(self, circle: CircleId) -> None:
        """Somebody looked into it: from now on it is as the server has it."""
        self._read.pop(circle, None)
        self._home.remove(_name(circle))

    def _kept(self, circle: CircleId) -> Places | None:
        kept = self._home.read(_name(circle))
        if kept is None:
            return None
        newest = {number: digest.hex() or None for number, digest in kept["newest"]}
        return Places(kept["rights"], newest, dict(kept["blocks"]))


def _plain(places: Places) -> dict[str, Any]:
    newest = [[number, bytes.fromhex(digest or "")] for number, digest in places.newest.items()]
    blocks = [[block, digest] for block, digest in places.blocks.items()]
    return {"rights": places.rights, "newest": newest, "blocks": blocks}


def _name(circle: CircleId) -> str:
    return f"places/{circle}"


def _block(number: int) -> int:
    return (number - 1) // BLOCK


def _numbers(block: int) -> Iterable[int]:
    return range(block * BLOCK + 1, (block + 1) * BLOCK + 1)


def _is_whole(block: int, read: Told) -> bool:
    return all(number in read for number in _numbers(block))


def _hash(block: int, read: Told) -> bytes:
    digests = (bytes.fromhex(read[number] or "0" * 64) for number in _numbers(block))
    return hashlib.sha256(b"".join(digests)).digest()

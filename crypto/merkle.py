"""The hash tree of an append-only log, and the proofs a reader checks (RFC 9162 §2.1, SHA-256).

    leaf hash = SHA-256(0x00 || entry)
    node hash = SHA-256(0x01 || left || right)
    root of n = node(root of the first k, root of the rest), k the largest power of two below n

A *complete subtree* is named by (level, index): the root over the 2^level leaves from
index * 2^level on. Proofs are made from complete subtrees only, read one at a time, so that
whoever keeps them (tiles.py) needs no more memory than the proof itself.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from relais.crypto.errors import ProtocolError

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
MAX_SIZE = 2**53 - 1
"""Most leaves of a tree: what JavaScript counts exactly."""

HashAt = Callable[[int, int], bytes]
"""(level, index) -> root of that complete subtree, 32 bytes."""


class ProofError(ProtocolError):
    """A proof, or the tree head it is for, does not hold. The log is at fault."""


@dataclass(frozen=True)
class TreeHead:
    """What identifies a tree: its number of leaves and its root (32 bytes)."""

    size: int
    root: bytes


@dataclass(frozen=True)
class Subtree:
    """A complete subtree: 2^level leaves from index * 2^level on."""

    level: int
    index: int


@dataclass(frozen=True)
class Span:
    """The leaves start..end-1 of a subtree that a root splits into (RFC 9162 §2.1.1)."""

    start: int
    end: int

    def subtrees(self) -> tuple[Subtree, ...]:
        """Cut into complete subtrees, largest first."""
        found, start = [], self.start
        while start < self.end:
            level = (self.end - start).bit_length() - 1
            found.append(Subtree(level, start >> level))
            start += 1 << level
        return tuple(found)

    def cut(self) -> int:
        """Where the root over these leaves (two or more) splits them."""
        return self.start + (1 << (self.end - self.start - 1).bit_length() - 1)


@dataclass(frozen=True)
class Frontier:
    """The right edge of a tree: enough to append and to know the root, in O(log size).

    `peaks` are the roots of the complete subtrees, largest first, one per set bit of `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError("a frontier has one peak per set bit of its size")

    def append(self, leaf: bytes) -> "Frontier":
        """The tree with one more leaf hash (32 bytes)."""
        peaks, size, node = list(self.peaks), self.size, leaf
        while size & 1:
            node = node_hash(peaks.pop(), node)
            size >>= 1
        return Frontier(self.size + 1, (*peaks, node))

    def root(self) -> bytes:
        return fold(self.peaks)

    def head(self) -> TreeHead:
        return TreeHead(self.size, self.root())


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry's bytes into its leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours (32 bytes each) into their parent."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(peaks: Sequence[bytes]) -> bytes:
    """The root over neighbouring complete subtrees, largest first; of nothing, the empty root."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over a list of leaf hashes (RFC 9162 §2.1.1)."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier.root()


def span_root(hash_at: HashAt, span: Span) -> bytes:
    """The root over a span, from its complete subtrees."""
    return fold([hash_at(part.level, part.index) for part in span.subtrees()])


def inclusion_spans(index: int, size: int) -> tuple[Span, ...]:
    """The siblings on the way from leaf `index` to the root of `size` leaves, leaf first."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of that size")
    spans, span = [], Span(0, size)
    while span.end - span.start > 1:
        cut = span.cut()
        left, right = Span(span.start, cut), Span(cut, span.end)
        span, sibling = (left, right) if index < cut else (right, left)
        spans.append(sibling)
    return tuple(reversed(spans))


def consistency_spans(old_size: int, new_size: int) -> tuple[Span, ...]:
    """The subtrees that join a tree to the later one it is the beginning of, lowest first."""
    if not 0 <= old_size <= new_size:
        raise ValueError("a tree grows only")
    if old_size in (0, new_size):
        return ()
    spans, span = [], Span(0, new_size)
    while span.end != old_size:
        cut = span.cut()
        left, right = Span(span.start, cut), Span(cut, span.end)
        span, sibling = (left, right) if old_size <= cut else (right, left)
        spans.append(sibling)
    if span.start > 0:  # else it is the old tree itself, whose root the verifier has
        spans.append(span)
    return tuple(reversed(spans))


def inclusion_proof(hash_at: HashAt, *, index: int, size: int) -> tuple[bytes, ...]:
    """The audit path of leaf `index` in the tree of `size` leaves (RFC 9162 §2.1.3.1)."""
    return tuple(span_root(hash_at, span) for span in inclusion_spans(index, size))


def consistency_proof(hash_at: HashAt, *, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """Proof that the first `old_size` leaves are unchanged (RFC 9162 §2.1.4.1)."""
    return tuple(span_root(hash_at, span) for span in consistency_spans(old_size, new_size))


def verify_inclusion(leaf: bytes, *, index: int, head: TreeHead, proof: Sequence[bytes]) -> None:
    """Check that the tree has this leaf hash at this index (RFC 9162 §2.1.3.2).

    Does not check that the head is one the log has signed.

    Raises:
        ProofError: `hash-length`, `size-out-of-range`, `index-out-of-range`, `proof-length`,
            `root-mismatch`.
    """
    _check_hashes(leaf, head.root, *proof)
    _check_size(head.size)
    if not 0 <= index < head.size:
        raise ProofError("index-out-of-range")
    position, last, root = index, head.size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("proof-length")
        if position & 1 or position == last:
            root = node_hash(sibling, root)
            while not position & 1:
                position, last = position >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofError("proof-length")
    _check_equal(root, head.root, "root-mismatch")


def verify_consistency(old: TreeHead, new: TreeHead, proof: Sequence[bytes]) -> None:
    """Check that the old tree is the beginning of the new one (RFC 9162 §2.1.4.2).

    Beyond the RFC, equal sizes need equal roots and the empty tree begins every tree, both with
    an empty proof.

    Raises:
        ProofError: `hash-length`, `size-out-of-range`, `rolled-back` (the new tree is smaller),
            `proof-length`, `old-root-mismatch`, `new-root-mismatch`.
    """
    _check_hashes(old.root, new.root, *proof)
    _check_size(old.size, new.size)
    if old.size > new.size:
        raise ProofError("rolled-back")
    if old.size in (0, new.size):
        if proof:
            raise ProofError("proof-length")
        expected = EMPTY_ROOT if old.size == 0 else new.root
        _check_equal(old.root, expected, "old-root-mismatch")
        return
    old_root, new_root = _consistency_roots(old, new, proof)
    _check_equal(old_root, old.root, "old-root-mismatch")
    _check_equal(new_root, new.root, "new-root-mismatch")


def _consistency_roots(old: TreeHead, new: TreeHead, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots as the proof has them, for 0 < old size < new size."""
    if not proof:
        raise ProofError("proof-length")
    path = [old.root, *proof] if old.size & old.size - 1 == 0 else proof
    position, last = old.size - 1, new.size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_root = new_root = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("proof-length")
        if position & 1 or position == last:
            old_root, new_root = node_hash(sibling, old_root), node_hash(sibling, new_root)
            while not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new_root = node_hash(new_root, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofError("proof-length")
    return old_root, new_root


def _check_hashes(*hashes: bytes) -> None:
    if any(len(value) != HASH_SIZE for value in hashes):
        raise ProofError("hash-length")


def _check_size(*sizes: int) -> None:
    if any(not 0 <= size <= MAX_SIZE for size in sizes):
        raise ProofError("size-out-of-range")


def _check_equal(computed: bytes, expected: bytes, reason: str) -> None:
    if not hmac.compare_digest(computed, expected):
        raise ProofError(reason)

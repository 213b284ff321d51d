"""Proof bundles of the log: entries with their paths towards one checkpoint, made from tiles.

Nothing is verified here: whoever gets a bundle checks it, with a program that is not this one.
"""

from collections.abc import Sequence
from typing import Final

from relais.crypto.merkle import (
    HashAt,
    Span,
    TreeHead,
    consistency_proof,
    inclusion_proof,
    span_root,
)
from relais.crypto.proof_bundle import OlderTree, ProofBundle, ProvenEntry
from relais.crypto.tiles import tiles_for_consistency, tiles_for_inclusion
from relais.models.refusal import Code, Refusal
from relais.models.store.audit_head import LogHead
from relais.models.store.audit_log import LogEntry
from relais.server.audit.parts import LogStores
from relais.server.audit.tree import hashes_of

MOST_PROVEN: Final = 10_000
"""Entries of one bundle: some 20 MB. Whoever needs more needs the whole log, which `relais-server audit export` writes."""

AT_ONCE: Final = 256
"""Proofs that share the tiles that were read for them."""


async def proven(
    stores: LogStores, head: LogHead, entries: Sequence[LogEntry]
) -> tuple[ProvenEntry, ...]:
    """Entries below the head's size, each with its path to the head's root. Raises `LogDamaged`."""
    made: list[ProvenEntry] = []
    for start in range(0, len(entries), AT_ONCE):
        some = entries[start : start + AT_ONCE]
        needed = {tile for one in some for tile in tiles_for_inclusion(one.index, head.size)}
        hash_at = await hashes_of(stores, head, needed)
        made += [_proven(hash_at, head.size, one) for one in some]
    return tuple(made)


def _proven(hash_at: HashAt, size: int, one: LogEntry) -> ProvenEntry:
    path = inclusion_proof(hash_at, index=one.index, size=size)
    return ProvenEntry(one.index, one.entry, path)


async def older_tree(stores: LogStores, head: LogHead, size: int) -> OlderTree:
    """The tree of the first `size` entries, and that the head continues it.

    Raises ``not_found`` where the log is not that long, `LogDamaged`.
    """
    if not 0 < size <= head.size:
        raise Refusal(Code.NOT_FOUND, size=head.size)
    hash_at = await hashes_of(stores, head, tiles_for_consistency(size, head.size))
    root = span_root(hash_at, Span(0, size))
    path = consistency_proof(hash_at, old_size=size, new_size=head.size)
    return OlderTree(TreeHead(size, root), path)


async def bundle_of(
    stores: LogStores, head: LogHead, entries: Sequence[LogEntry], *, older: int | None
) -> ProofBundle:
    """A bundle of these entries towards the head's checkpoint, and from the tree of `older` entries on."""
    return ProofBundle(
        log=head.vkey,
        checkpoint=head.checkpoint,
        entries=await proven(stores, head, entries),
        older=None if older is None else await older_tree(stores, head, older),
    )

"""Are the ledgers one is shown those that everybody is shown? Their heads, as the audit log has them.

Each statement of an account and each entry of a circle's ledger is followed by an entry of the audit log:

    action ledger.head, subject {ledger: <account or circle>, seq, head: <hash of that statement or entry>}

It names nobody, so whoever meets the ledger may see it. A hash chain ends in its head; the log is one for all. So a server
that shows two people two ledgers either logs both heads, which both see, or leaves one out, which misses it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relais.crypto.audit_entry import decode_audit_entry
from relais.crypto.checkpoint import Policy, SignedCheckpoint, verify_checkpoint
from relais.crypto.errors import ProtocolError
from relais.crypto.merkle import TreeHead, leaf_hash, verify_consistency, verify_inclusion

ACTION = "ledger.head"


class LedgerHeadError(ProtocolError):
    """What the log says of a ledger contradicts the ledger, or is no such thing. The server is at fault."""


@dataclass(frozen=True)
class ProvenHead:
    """One entry: its place in the log, the ledger (32 bytes in hex), and the hash at that seq (hex)."""

    index: int
    ledger: str
    seq: int
    head: str


@dataclass(frozen=True)
class HeadProof:
    """An entry's bytes at its place, and its path to the root, 32 bytes each."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]


def verify_growth(
    checkpoint: bytes, trusted: Policy, *, seen: TreeHead, proof: Sequence[bytes]
) -> SignedCheckpoint:
    """Check a checkpoint, and that it extends the tree seen last (of size 0 before the first).

    Raises:
        SignedNoteError, CheckpointError: as verify_checkpoint.
        ProofError: as verify_consistency; `rolled-back` where the log went back.
    """
    signed = verify_checkpoint(checkpoint, trusted)
    verify_consistency(seen, signed.head, proof)
    return signed


def verify_head(proof: HeadProof, head: TreeHead) -> ProvenHead:
    """Check that the log has this entry, and read which ledger's head it tells.

    Raises:
        ProofError: as verify_inclusion.
        AuditEntryError: as decode_audit_entry.
        LedgerHeadError: `not-a-ledger-head`.
    """
    verify_inclusion(leaf_hash(proof.entry), index=proof.index, head=head, proof=proof.path)
    entry = decode_audit_entry(proof.entry)
    ledger, seq, digest = (entry.subject.get(name) for name in ("ledger", "seq", "head"))
    is_one = entry.action == ACTION and set(entry.subject) == {"ledger", "seq", "head"}
    if not is_one or type(seq) is not int or not isinstance(ledger, str):
        raise LedgerHeadError("not-a-ledger-head")
    if not isinstance(digest, str) or seq < 0:
        raise LedgerHeadError("not-a-ledger-head")
    return ProvenHead(proof.index, ledger, seq, digest)


def check_heads(proven: Sequence[ProvenHead], ledger: str, heads: Sequence[str]) -> int:
    """Compare what the log says of a ledger with the ledger, `heads[n]` being the hash at seq n.

    Answers how many of the entries, in their order, were judged: one beyond the ledger's end is not, nor what follows it. The
    ledger is there to be fetched, and judged when it has come.

    Raises:
        LedgerHeadError: `another-ledger`, `forked-ledger` (the log has another hash at that seq: somebody was shown that).
    """
    for count, one in enumerate(proven):
        if one.ledger != ledger:
            raise LedgerHeadError("another-ledger")
        if one.seq >= len(heads):
            return count
        if heads[one.seq] != one.head:
            raise LedgerHeadError("forked-ledger")
    return len(proven)

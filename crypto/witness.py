"""What a log asks of a witness, and when a witness cosigns (c2sp.org/tlog-witness, `add-checkpoint`).

old <size of the tree the witness has cosigned last>
base64(<hash>)                         the proof that the new tree extends it (RFC 9162 §2.1.4), a hash a line
(an empty line)
<checkpoint>
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from relais.crypto.checkpoint import (
    CheckpointError,
    Policy,
    SignedCheckpoint,
    parse_checkpoint,
    verify_checkpoint,
)
from relais.crypto.errors import ProtocolError
from relais.crypto.merkle import EMPTY_ROOT, HASH_SIZE, ProofError, TreeHead, verify_consistency
from relais.crypto.signed_note import (
    Signature,
    SignedNote,
    SignedNoteError,
    VerifierKey,
    parse_signed_note,
    verify_signed_note,
)

MOST_HASHES = 63
NOTHING_SEEN = TreeHead(0, EMPTY_ROOT)

_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})")


class WitnessError(ProtocolError):
    """A witness does not cosign. `size`: of the tree it has cosigned last, where that is what differs."""

    def __init__(self, reason: str, *, size: int | None = None) -> None:
        super().__init__(reason)
        self.size = size


@dataclass(frozen=True)
class AddCheckpoint:
    """One request. `proof`: hashes of 32 bytes each, from `old_size` on; `note`: the checkpoint's bytes."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        lines = [f"old {self.old_size}", *(b64encode(value).decode() for value in self.proof)]
        return "".join(f"{line}\n" for line in (*lines, "")).encode() + self.note


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Take a request apart. Checks no signature and no proof.

    Raises:
        WitnessError: `request-malformed`.
    """
    head, separator, note = data.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
        proof = tuple(b64decode(line, validate=True) for line in hashes)
    except ValueError:
        raise WitnessError("request-malformed") from None
    old = _OLD.fullmatch(first)
    is_good = separator and len(proof) <= MOST_HASHES and all(len(h) == HASH_SIZE for h in proof)
    if not old or not is_good:
        raise WitnessError("request-malformed")
    asked = AddCheckpoint(int(old[1]), proof, note)
    if asked.encode() != data:  # one spelling of each hash
        raise WitnessError("request-malformed")
    return asked


def origin_asked(asked: AddCheckpoint) -> str:
    """Which log the request says to be about. Raises `WitnessError` `request-malformed`."""
    try:
        return parse_checkpoint(parse_signed_note(asked.note).text).origin
    except SignedNoteError:
        raise WitnessError("request-malformed") from None


def judge(asked: AddCheckpoint, logs: Sequence[VerifierKey], seen: TreeHead) -> SignedCheckpoint:
    """Decide whether to cosign: signed by one of the log's keys, and grown from the tree cosigned last.

    Args:
        logs: the keys known for the request's origin.
        seen: the tree cosigned last for that origin; `NOTHING_SEEN` before the first.

    Raises:
        WitnessError: `unknown-log`, `not-signed`, `old-size-too-large`, `old-size-differs` (with
            `size`), `not-consistent`. In this order.
    """
    if not logs:
        raise WitnessError("unknown-log")
    try:
        signed = verify_checkpoint(asked.note, Policy(tuple(logs)))
    except (SignedNoteError, CheckpointError):
        raise WitnessError("not-signed") from None
    if asked.old_size > signed.head.size:
        raise WitnessError("old-size-too-large")
    if asked.old_size != seen.size:
        raise WitnessError("old-size-differs", size=seen.size)
    if signed.head.size == 0 and signed.head.root != EMPTY_ROOT:
        raise WitnessError("not-consistent")
    try:
        verify_consistency(seen, signed.head, asked.proof)
    except ProofError:
        raise WitnessError("not-consistent") from None
    return signed


def cosignature_in(answer: bytes, note: SignedNote, key: VerifierKey) -> Signature:
    """The witness's signature line among those it answered with; lines of other keys are ignored.

    Raises:
        SignedNoteError: `note-malformed`, `note-too-large`, `no-known-signature`, `bad-signature`.
    """
    answered = parse_signed_note(f"{note.text}\n".encode() + answer)
    verify_signed_note(answered, [key])
    return next(
        one for one in answered.signatures if (one.name, one.key_id) == (key.name, key.key_id)
    )

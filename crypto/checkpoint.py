"""Tree heads the log has signed: C2SP checkpoints (c2sp.org/tlog-checkpoint), and whom to believe.

<origin>
<tree size, decimal>
base64(<root, 32 bytes>)
<extension lines, if any>

— <log's key name = origin> <signature>
— <witness's key name> <cosignature>
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from relais.crypto.merkle import HASH_SIZE, MAX_SIZE, TreeHead
from relais.crypto.signed_note import (
    KeyKind,
    Signed,
    SignedNote,
    SignedNoteError,
    SignerKey,
    VerifierKey,
    parse_signed_note,
    verify_signed_note,
)

_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")


class CheckpointError(SignedNoteError):
    """A checkpoint's text is malformed, or not signed by whom the policy asks for."""


@dataclass(frozen=True)
class Checkpoint:
    """What a log signs: whose tree it is (origin), its size and its root (32 bytes).

    `extensions` are further lines, not empty, without newlines. We write none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def head(self) -> TreeHead:
        return TreeHead(self.size, self.root)

    def encode(self) -> str:
        """The text that is signed; it ends in a newline."""
        root = b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))


@dataclass(frozen=True)
class Group:
    """Witnesses, and groups of them, that count as one once `least` of them have cosigned.

    Raises:
        ValueError: there are fewer members than `least`.
    """

    members: "tuple[VerifierKey | Group, ...]"
    least: int

    def __post_init__(self) -> None:
        if not 0 <= self.least <= len(self.members):
            raise ValueError("a group has no fewer witnesses than must have cosigned")

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """Those of all witnesses in it, at any depth."""
        inner = (one.keys if isinstance(one, Group) else (one,) for one in self.members)
        return tuple(key for keys in inner for key in keys)

    def has_cosigned(self, keys: Collection[VerifierKey]) -> bool:
        """Whether these keys' cosignatures are enough."""
        cosigned = sum(
            one.has_cosigned(keys) if isinstance(one, Group) else one in keys
            for one in self.members
        )
        return cosigned >= self.least


@dataclass(frozen=True)
class Policy:
    """Which keys must have signed: one of the logs', and `quorum` of the witnesses, each a key or a group of keys.

    Raises:
        ValueError: a log's key is of kind cosignature or the reverse, there are fewer
            witnesses than the quorum, or one key is listed twice (it would count twice).
    """

    logs: tuple[VerifierKey, ...]
    witnesses: tuple[VerifierKey | Group, ...] = ()
    quorum: int = 0

    def __post_init__(self) -> None:
        cosigners = self.cosigners.keys
        if any(key.kind is not KeyKind.ED25519 for key in self.logs):
            raise ValueError("a log signs with a key of kind Ed25519")
        if any(key.kind is not KeyKind.COSIGNATURE for key in cosigners):
            raise ValueError("a witness signs with a key of kind cosignature")
        if not self.logs:
            raise ValueError("a policy has a log")
        keys = [key.public for key in (*self.logs, *cosigners)]
        if len(set(keys)) != len(keys):
            raise ValueError("a policy lists a key once")

    @property
    def cosigners(self) -> Group:
        """The witnesses as one group."""
        return Group(self.witnesses, self.quorum)


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint whose signatures satisfied a policy, and the note it came in."""

    checkpoint: Checkpoint
    note: SignedNote
    signed: tuple[Signed, ...]

    @property
    def head(self) -> TreeHead:
        return self.checkpoint.head


def parse_checkpoint(text: str) -> Checkpoint:
    """Take a signed note's text apart. Checks no signature.

    Raises:
        CheckpointError: `checkpoint-malformed`.
    """
    origin, size, root, *extensions = _lines(text)
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise CheckpointError("checkpoint-malformed")
    try:
        checkpoint = Checkpoint(origin, int(size), b64decode(root), tuple(extensions))
    except ValueError:
        raise CheckpointError("checkpoint-malformed") from None
    if len(checkpoint.root) != HASH_SIZE or checkpoint.encode() != text:
        raise CheckpointError("checkpoint-malformed")
    return checkpoint


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise CheckpointError("checkpoint-malformed")
    return lines


def sign_checkpoint(checkpoint: Checkpoint, keys: Sequence[SignerKey]) -> SignedNote:
    """Sign as the log. The caller answers for the tree: it extends every one signed before."""
    note = SignedNote(checkpoint.encode(), ())
    for key in keys:
        note = note.signed_by(key)
    return note


def verify_checkpoint(data: bytes, policy: Policy) -> SignedCheckpoint:
    """Read a checkpoint and check that the policy's keys signed it.

    Does not check that it extends a checkpoint seen before (merkle.verify_consistency).

    Raises:
        SignedNoteError: `note-too-large`, `note-malformed`, `bad-signature`,
            `no-known-signature`, `ambiguous-key`.
        CheckpointError: `checkpoint-malformed`, and what verify_policy raises.
    """
    note = parse_signed_note(data)
    signed = verify_signed_note(note, (*policy.logs, *policy.cosigners.keys))
    checkpoint = parse_checkpoint(note.text)
    verify_policy(policy, checkpoint.origin, signed)
    return SignedCheckpoint(checkpoint, note, signed)


def verify_policy(policy: Policy, origin: str, signed: Sequence[Signed]) -> None:
    """Check that enough of the right keys signed.

    Raises:
        CheckpointError: `not-signed-by-log` (none of the logs' keys), `wrong-origin` (signed by
            a log's key of another name), `too-few-witnesses`.
    """
    keys = {entry.key for entry in signed}
    logs = keys.intersection(policy.logs)
    if not logs:
        raise CheckpointError("not-signed-by-log")
    if all(key.name != origin for key in logs):
        raise CheckpointError("wrong-origin")
    if not policy.cosigners.has_cosigned(keys):
        raise CheckpointError("too-few-witnesses")

"""The head of the log and its signature: what a leader goes on from, and what it signs."""

import hmac

from relais.crypto.checkpoint import Checkpoint, Policy, sign_checkpoint, verify_checkpoint
from relais.crypto.merkle import HASH_SIZE
from relais.crypto.signed_note import SignedNoteError, SignerKey
from relais.crypto.tiles import TileEdge
from relais.models.ids import Millis
from relais.models.store.audit_head import LogHead
from relais.server.audit.parts import LogDamaged
from relais.server.config import SettingsError


def empty_head(key: SignerKey) -> LogHead:
    """The head of a log that holds nothing yet."""
    return signed_head(key, TileEdge(), newest=0, late=0)


def signed_head(key: SignerKey, edge: TileEdge, *, newest: Millis, late: Millis) -> LogHead:
    """The head over these unfilled tiles, with its checkpoint. The caller answers for the entries: they are durable."""
    tree = edge.head()
    note = sign_checkpoint(Checkpoint(key.name, tree.size, tree.root), [key])
    return LogHead(
        size=edge.size,
        rows=tuple(b"".join(row) for row in edge.rows),
        newest=newest,
        late=late,
        checkpoint=note.encode(),
        vkey=key.verifier.encode(),
    )


def edge_of(head: LogHead) -> TileEdge:
    """The unfilled tiles of a stored head. Raises `LogDamaged`."""
    try:
        return TileEdge(head.size, tuple(map(split_hashes, head.rows)))
    except ValueError as error:
        raise LogDamaged("the log's unfilled tiles do not fit its size") from error


def split_hashes(row: bytes) -> tuple[bytes, ...]:
    return tuple(row[at : at + HASH_SIZE] for at in range(0, len(row), HASH_SIZE))


def check_key(head: LogHead, key: SignerKey) -> None:
    """Check that a stored log is signed with our key. Raises `SettingsError` naming the setting that differs."""
    name, _, rest = head.vkey.partition("+")
    if name != key.name:
        raise SettingsError("log_name", f"must be {name}: the log in this database has that name")
    if not hmac.compare_digest(head.vkey, key.verifier.encode()):
        known = rest.partition("+")[0]
        raise SettingsError(
            "log_key_file", f"must be the key {known}: the log in this database is signed with it"
        )


def check_head(head: LogHead, key: SignerKey) -> TileEdge:
    """Check that a stored head is one we have signed: only then is it gone on from. Raises `LogDamaged`."""
    edge = edge_of(head)
    try:
        signed = verify_checkpoint(head.checkpoint, Policy((key.verifier,)))
    except SignedNoteError as error:
        raise LogDamaged(f"the stored checkpoint is not ours: {error.reason}") from error
    if signed.head != edge.head():
        raise LogDamaged("the log's unfilled tiles are not those of its checkpoint")
    return edge

"""Epoch keys (docs/protocol.md §5): what one random 32-byte key of an audience gives by derivation."""

from dataclasses import dataclass

from relais.crypto import suite
from relais.crypto.ledger_operations import EpochOpen
from relais.crypto.structure import to_bytes
from relais.models.ids import CircleId, NoteId


@dataclass(frozen=True)
class NotePlace:
    """Where a content key belongs: one version of one note of one circle."""

    circle: CircleId
    note: NoteId
    version: int


def commitment(key: bytes, audience: str, epoch: int) -> bytes:
    """What `epoch.open` publishes, 32 bytes: nobody can be handed another key for this epoch."""
    return suite.hkdf(key, ["relais/1 commit", audience, epoch])


def inbox_seed(key: bytes, audience: str, epoch: int) -> bytes:
    """The 32-byte seed of the X-Wing key pair through which one writes without reading."""
    return suite.hkdf(key, ["relais/1 inbox", audience, epoch])


def inbox_public(key: bytes, audience: str, epoch: int) -> bytes:
    """The 1,216-byte public key of that pair."""
    return suite.kem_public(inbox_seed(key, audience, epoch))


def wrap_key(key: bytes, audience: str, epoch: int, *, place: NotePlace) -> bytes:
    """The 32-byte key that wraps the content key of one note version."""
    return suite.hkdf(key, _bound("relais/1 wrap", audience, epoch, place=place))


def inbox_info(audience: str, epoch: int, *, place: NotePlace) -> suite.Info:
    """What a content key sealed to the inbox key is bound to."""
    return _bound("relais/1 inbox", audience, epoch, place=place)


def open_operation(audience: str, epoch: int, key: bytes) -> EpochOpen:
    """The ledger operation that opens an epoch with a key."""
    return EpochOpen(
        audience=audience,
        epoch=epoch,
        commitment=commitment(key, audience, epoch),
        inbox_key=inbox_public(key, audience, epoch),
    )


def _bound(label: str, audience: str, epoch: int, *, place: NotePlace) -> suite.Info:
    return [label, to_bytes(place.circle), audience, epoch, to_bytes(place.note), place.version]

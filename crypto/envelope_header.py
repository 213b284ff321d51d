"""The header of an envelope (docs/protocol.md §6): in clear, signed, and authenticated by the ciphertext."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from relais.crypto import suite
from relais.crypto.errors import ProtocolError
from relais.crypto.structure import (
    BOOL,
    BYTES,
    ID16,
    ID32,
    TIME,
    UINT,
    UUID,
    Kind,
    Structure,
    array,
    bytes_of,
    choice,
    optional,
    text,
)
from relais.models.ids import AccountId, BlobId, CircleId, DeviceId, Digest, Millis, NoteId

POST: Final = "post"
CORRECTION: Final = "correction"
WITHDRAWAL: Final = "withdrawal"
PROFILE: Final = "profile"
EPOCH_METHOD: Final = "epoch"
INBOX_METHOD: Final = "inbox"
MOST_KEYS: Final = 8
MOST_BLOBS: Final = 20
MOST_MENTIONS: Final = 60

_AUDIENCE = re.compile(r"[a-z][a-z0-9-]{0,19}", re.ASCII)
_SEALED_SIZES: Final = {
    EPOCH_METHOD: suite.NONCE_SIZE + suite.KEY_SIZE + 16,
    INBOX_METHOD: suite.SEAL_OVERHEAD + suite.KEY_SIZE,
}
_KEY = Structure(
    "Key",
    {
        "audience": text(20),
        "epoch": UINT,
        "method": choice(EPOCH_METHOD, INBOX_METHOD),
        "sealed": BYTES,
    },
)


@dataclass(frozen=True)
class SealedKey:
    """The content key, sealed to one audience by the method `epoch` (60 bytes) or `inbox` (1,168)."""

    audience: str
    epoch: int
    method: str
    sealed: bytes


@dataclass(frozen=True)
class Draft:
    """What the author says about a version before it is sealed; see `Header`."""

    circle: CircleId
    note: NoteId
    version: int
    replaces: Digest | None
    kind: str
    account: AccountId
    at: Millis
    ledger_seq: int
    ledger_head: Digest
    urgent: bool = False
    acknowledge: bool = False
    mentions: tuple[AccountId, ...] = ()


@dataclass(frozen=True)
class Origin:
    """What all versions of a note have in common: who wrote it, and for whom, in ascending order."""

    account: AccountId
    audiences: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """The clear part of a version: where it belongs, who wrote it, and who may read it."""

    circle: CircleId
    note: NoteId
    version: int
    replaces: Digest | None
    kind: str
    account: AccountId
    device: DeviceId
    at: Millis
    ledger_seq: int
    ledger_head: Digest
    keys: tuple[SealedKey, ...]
    commitment: bytes
    blobs: tuple[BlobId, ...]
    urgent: bool
    acknowledge: bool
    mentions: tuple[AccountId, ...]

    @property
    def audiences(self) -> tuple[str, ...]:
        return tuple(key.audience for key in self.keys)

    @property
    def origin(self) -> Origin:
        return Origin(self.account, self.audiences)


_HEADER = Structure(
    "Header",
    {
        "circle": ID32,
        "note": UUID,
        "version": UINT,
        "replaces": optional(ID32),
        "kind": choice(POST, CORRECTION, WITHDRAWAL, PROFILE),
        "account": ID32,
        "device": ID16,
        "at": TIME,
        "ledger_seq": UINT,
        "ledger_head": ID32,
        "keys": array(
            Kind(lambda value: SealedKey(**_KEY.read(value)), lambda key: _KEY.write(vars(key))),
            most=MOST_KEYS,
            least=1,
        ),
        "commitment": bytes_of(suite.KEY_SIZE),
        "blobs": array(ID32, most=MOST_BLOBS),
        "urgent": BOOL,
        "acknowledge": BOOL,
        "mentions": array(ID32, most=MOST_MENTIONS),
    },
)


def _read(data: Any) -> Header:
    return Header(**_HEADER.decode(data))


def _write(header: Header) -> bytes:
    return _HEADER.encode(vars(header))


HEADER: Final = Kind(_read, _write)
"""A header from and to its bytes."""


def check_header(header: Header) -> None:
    """What the table alone does not say.

    Raises ProtocolError `wrong-version` (version, kind and `replaces` contradict each other),
    `bad-audience`, `wrong-type` (audiences out of order, a sealed key of another size).
    """
    is_first = header.version == 1
    if header.version == 0 or is_first != (header.replaces is None):
        raise ProtocolError("wrong-version")
    if header.kind != PROFILE and is_first != (header.kind == POST):
        raise ProtocolError("wrong-version")
    if not all(_AUDIENCE.fullmatch(key.audience) for key in header.keys):
        raise ProtocolError("bad-audience")
    if not all(a.audience < b.audience for a, b in pairwise(header.keys)):
        raise ProtocolError("wrong-type")
    if any(len(key.sealed) != _SEALED_SIZES[key.method] for key in header.keys):
        raise ProtocolError("wrong-type")

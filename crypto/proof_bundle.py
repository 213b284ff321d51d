"""Proof bundles (docs/audit-log.md): entries of the audit log with their proofs, and at times one disclosed note, in one file.

Only written here. What is written is checked by `verifier/relais_verify.py`, which shares no code with this package.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from relais.crypto.canonical_json import Json, encode_canonical
from relais.crypto.merkle import TreeHead
from relais.models.ids import BlobId

FORMAT: Final = "relais-proof"
VERSION: Final = 1


@dataclass(frozen=True)
class ProvenEntry:
    """An entry of the log: its place, its bytes, and its path (RFC 9162 §2.1.3) in the bundle's tree."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class OlderTree:
    """An earlier tree of the log, and the proof (RFC 9162 §2.1.4) that the bundle's tree continues it."""

    head: TreeHead
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class DisclosedNote:
    """One version of one note, opened to whoever has the bundle.

    Attributes:
        envelope: as it was posted.
        key: its content key (32 bytes), which opens this version and nothing else.
        accounts: chains of statements: the author's and the receipts' whole, of those who signed the ledger as far as it needs.
        ledger: the circle's entries from the first to the one the envelope names.
        receipts: of this version.
        blobs: ciphertexts of its attachments, by their ids.
    """

    envelope: bytes
    key: bytes = field(repr=False)
    accounts: tuple[tuple[bytes, ...], ...]
    ledger: tuple[bytes, ...]
    receipts: tuple[bytes, ...] = ()
    blobs: Mapping[BlobId, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class ProofBundle:
    """What one checkpoint of the log proves. `log`: the log's vkey; `entries` in the order of their places."""

    log: str
    checkpoint: bytes
    entries: tuple[ProvenEntry, ...]
    older: OlderTree | None = None
    note: DisclosedNote | None = None

    def encode(self) -> bytes:
        """The file: canonical JSON (RFC 8785), byte strings as base64url without padding."""
        return encode_canonical(
            {
                "format": FORMAT,
                "version": VERSION,
                "log": self.log,
                "checkpoint": self.checkpoint.decode(),
                "consistency": _older(self.older) if self.older else None,
                "entries": [_entry(one) for one in self.entries],
                "note": _note(self.note) if self.note else None,
            }
        )


def _older(older: OlderTree) -> Json:
    head = older.head
    return {"size": head.size, "root": _text(head.root), "path": _texts(older.path)}


def _entry(one: ProvenEntry) -> Json:
    return {"index": one.index, "entry": one.entry.decode(), "path": _texts(one.path)}


def _note(note: DisclosedNote) -> Json:
    return {
        "envelope": _text(note.envelope),
        "key": _text(note.key),
        "accounts": [_texts(chain) for chain in note.accounts],
        "ledger": _texts(note.ledger),
        "receipts": _texts(note.receipts),
        "blobs": {blob: _text(data) for blob, data in note.blobs.items()},
    }


def _texts(values: Iterable[bytes]) -> list[Json]:
    return [_text(value) for value in values]


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")

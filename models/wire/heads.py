"""Heads of ledgers in the audit log: what a client checks to know that everybody is shown the same ledger."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from relais.models.ids import Digest, Length


@dataclass(frozen=True)
class LedgerFrom:
    """``ledger``: a circle or an account. ``index``: from which place of the log on."""

    ledger: Digest
    index: int


@dataclass(frozen=True)
class ProveHeads:
    """The log's entries about these ledgers, in its order, at most 100. ``size``: of the tree one has seen last (0: none)."""

    EVENT: ClassVar = "audit.heads"
    ledgers: Annotated[tuple[LedgerFrom, ...], Length(50)]
    size: int


@dataclass(frozen=True)
class ToldHead:
    """An entry and its path to the root of the checkpoint (RFC 9162 §2.1.3)."""

    index: int
    entry: Annotated[bytes, Length(65_535)]
    path: Annotated[tuple[bytes, ...], Length(64)]


@dataclass(frozen=True)
class HeadsProven:
    """``consistency``: from the size asked with to the checkpoint's (RFC 9162 §2.1.4). ``more``: there are more entries."""

    entries: tuple[ToldHead, ...]
    consistency: Annotated[tuple[bytes, ...], Length(64)]
    checkpoint: Annotated[bytes, Length(65_536)]
    more: bool

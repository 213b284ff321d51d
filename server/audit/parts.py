"""What the audit log is kept in, the key that signs it, and what the operator sees of it."""

from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, Gauge

from relais.models.ids import Millis
from relais.models.store.audit_head import LogHeads
from relais.models.store.audit_ledgers import LogLedgers
from relais.models.store.audit_log import LogEntries, LogTiles, PendingEntries, Waiting
from relais.models.store.audit_postings import PostingStore
from relais.models.store.audit_retention import RetentionStore
from relais.models.store.audit_search import LogSearch
from relais.models.store.database import Database
from relais.server.clock import now_ms


class LogDamaged(Exception):
    """The stored log contradicts itself: it was changed past this program."""


@dataclass(frozen=True)
class LogStores:
    """The collections of the audit log."""

    pending: PendingEntries
    entries: LogEntries
    tiles: LogTiles
    heads: LogHeads
    ledgers: LogLedgers
    postings: PostingStore
    search: LogSearch
    retention: RetentionStore

    @classmethod
    def of(cls, database: Database) -> Self:
        return cls(
            pending=PendingEntries(database),
            entries=LogEntries(database),
            tiles=LogTiles(database),
            heads=LogHeads(database),
            ledgers=LogLedgers(database),
            postings=PostingStore(database),
            search=LogSearch(database),
            retention=RetentionStore(database),
        )


class LogGauges:
    """What a node tells about the log; every node sees the same size, one of them leads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._oldest: Millis | None = None
        self.leads = Gauge("relais_audit_leads", "1 where this node leads", registry=registry)
        self._size = Gauge("relais_audit_entries", "Entries in the tree", registry=registry)
        self._pending = Gauge(
            "relais_audit_pending", "Entries that wait for their place", registry=registry
        )
        age = Gauge(
            "relais_audit_pending_seconds", "Age of the oldest that waits", registry=registry
        )
        age.set_function(self._age)

    def show(self, size: int, waiting: Waiting) -> None:
        self._size.set(size)
        self._pending.set(waiting.count)
        self._oldest = waiting.oldest

    def _age(self) -> float:
        """Grows by itself when nobody looks any more."""
        return 0.0 if self._oldest is None else max(0, now_ms() - self._oldest) / 1000

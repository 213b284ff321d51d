"""Audit entries that wait for their place in the tree."""

from relais.models.store.database import Document
from relais.models.store.journal import GroupWriter


class AuditPending:
    """Collection `audit_pending`: _id, at, entry."""

    def __init__(self, writer: GroupWriter) -> None:
        self._writer = writer

    async def add(self, document: Document) -> None:
        """Store one entry, durably. Raises `Unavailable`."""
        await self._writer.append([("audit_pending", document)])

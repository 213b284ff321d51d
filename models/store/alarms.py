"""Alarms that devices reported: which of them are entries of the audit log already."""

from relais.models.store.database import Database, Document, Session
from relais.models.store.errors import DuplicateKey


class AlarmStore:
    """Collection `alarms`: one document for each alarm of a device, by a key of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._alarms = database.collection("alarms")
        self._audit = database.collection("audit_pending")

    async def note(self, key: str, *, audit: Document) -> bool:
        """Remember an alarm; `audit` goes with it. False, and nothing stored, when it was noted before."""

        async def work(session: Session) -> None:
            await self._alarms.insert({"_id": key, "at": audit["at"]}, session=session)
            await self._audit.insert(dict(audit), session=session)

        try:
            await self._database.transaction(work)
        except DuplicateKey:
            return False
        return True

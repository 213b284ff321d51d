"""What all nodes of one service must agree on, by name."""

from typing import Any

from relais.models.store.database import Database, Document, Session
from relais.models.store.errors import DuplicateKey


class SettingStore:
    """Collection `settings`: what is settled once, and maps with a `version` that people change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settings = database.collection("settings")
        self._audit = database.collection("audit_pending")

    async def get(self, name: str) -> Any:
        """The value, or None."""
        found = await self._settings.find_one({"_id": name})
        return found["value"] if found else None

    async def settle(self, name: str, value: Any) -> Any:
        """Keep `value` unless another was kept before; answers the one that stands."""
        try:
            await self._settings.insert({"_id": name, "value": value})
        except DuplicateKey:
            return await self.get(name)
        return value

    async def replace(self, name: str, value: Document, *, version: int, audit: Document) -> bool:
        """Keep a map in place of the one with this `version` (0: of none); `audit` goes with it. False where another stands."""

        async def work(session: Session) -> bool:
            found = await self._settings.find_one({"_id": name}, session=session)
            if (found["value"]["version"] if found else 0) != version:
                return False
            change = {"$set": {"value": value}}
            await self._settings.update({"_id": name}, change, upsert=True, session=session)
            await self._audit.insert(dict(audit), session=session)
            return True

        return await self._database.transaction(work)

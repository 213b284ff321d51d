"""What all nodes of one service must agree on, by name. First come, first kept."""

from typing import Any

from relais.models.store.database import Database
from relais.models.store.errors import DuplicateKey


class SettingStore:
    """Collection `settings`."""

    def __init__(self, database: Database) -> None:
        self._settings = database.collection("settings")

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

"""Challenges that were answered: each serves once. The database forgets them after they have expired."""

from datetime import UTC, datetime

from relais.models.ids import Millis
from relais.models.store.database import Database
from relais.models.store.errors import DuplicateKey


class ChallengeStore:
    """Collection `challenges`."""

    def __init__(self, database: Database) -> None:
        self._challenges = database.collection("challenges")

    async def spend(self, challenge: bytes, *, expires_at: Millis) -> bool:
        """Use a challenge up. False when it was used before."""
        expires = datetime.fromtimestamp(expires_at / 1000, UTC)
        try:
            await self._challenges.insert({"_id": challenge.hex(), "expires": expires})
        except DuplicateKey:
            return False
        return True

"""One-time invitations. Stored under the hash of their token: who reads the database cannot use one."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from relais.models.ids import AccountId, Millis
from relais.models.roles import AccountRole
from relais.models.store.database import Database, Document, Session


@dataclass(frozen=True)
class InvitationRow:
    """What an invitation is for. `resets`: the account that the one enrolled with it takes the place of."""

    roles: tuple[AccountRole, ...]
    organisation: str
    expires_at: Millis
    resets: AccountId | None = None


def invitation_key(token: str) -> str:
    """Where an invitation is found: SHA-256 of its token, hex."""
    return hashlib.sha256(token.encode()).hexdigest()


class InvitationStore:
    """Collection `invitations`; the database forgets them when their time is up."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._invitations = database.collection("invitations")
        self._audit = database.collection("audit_pending")

    async def add(self, token: str, row: InvitationRow, *, audit: Document) -> None:
        """Store an invitation together with the audit entry of whoever made it."""
        document = {
            "_id": invitation_key(token),
            "roles": list(row.roles),
            "organisation": row.organisation,
            "expires_at": row.expires_at,
            "resets": row.resets,
            "expires": datetime.fromtimestamp(row.expires_at / 1000, UTC),
        }

        async def work(session: Session) -> None:
            await self._invitations.insert(dict(document), session=session)
            await self._audit.insert(dict(audit), session=session)

        await self._database.transaction(work)

    async def find(self, token: str, *, now: Millis) -> InvitationRow | None:
        """The invitation, if it was not used and its time is not up."""
        found = await self._invitations.find_one({"_id": invitation_key(token)})
        if found is None or found["expires_at"] <= now:
            return None
        return InvitationRow(
            roles=tuple(found["roles"]),
            organisation=found["organisation"],
            expires_at=found["expires_at"],
            resets=found.get("resets"),
        )

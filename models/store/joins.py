"""Devices on their way into an account: an offer, a request, an answer, each stored once under the ticket.

Whoever comes first has the place, and the database forgets all of them. Only the device that offered may begin anew.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from relais.models.ids import AccountId, DeviceId, Millis, TicketId
from relais.models.store.database import Database, Document, Session
from relais.models.store.errors import DuplicateKey


@dataclass(frozen=True)
class Offer:
    account: AccountId
    device: DeviceId
    expires_at: Millis


@dataclass(frozen=True)
class Request:
    """What a new device says of itself, kept as long as the offer is valid."""

    possession: bytes
    until: Millis


@dataclass(frozen=True)
class Answer:
    """`mac`: the offering device's word to the new one, 32 bytes."""

    account: AccountId
    mac: bytes


class JoinStore:
    """Collection `joins`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._joins = database.collection("joins")
        self._audit = database.collection("audit_pending")

    async def offer(self, ticket: TicketId, offer: Offer, *, audit: Document) -> bool:
        """Offer a ticket, or again by the device that did: then a new request has its turn. `audit` goes with it.

        False when another device's offer has the ticket.
        """
        expires = datetime.fromtimestamp(offer.expires_at / 1000, UTC)
        facts = {**vars(offer), "expires": expires}

        async def work(session: Session) -> bool:
            before = await self._joins.find_one({"_id": ticket}, session=session)
            if before is None:
                await self._joins.insert({"_id": ticket, **facts}, session=session)
            elif (before["account"], before["device"]) != (offer.account, offer.device):
                return False
            else:
                for part in ("request", "answer"):
                    await self._joins.delete({"_id": f"{ticket}/{part}"}, session=session)
                await self._joins.update({"_id": ticket}, {"$set": facts}, session=session)
            await self._audit.insert(dict(audit), session=session)
            return True

        try:
            return await self._database.transaction(work)
        except DuplicateKey:
            return False  # another offer was quicker

    async def find(self, ticket: TicketId, *, now: Millis) -> Offer | None:
        """The offer, while it is valid."""
        found = await self._joins.find_one({"_id": ticket})
        if found is None or found["expires_at"] <= now:
            return None
        return Offer(found["account"], found["device"], found["expires_at"])

    async def request(self, ticket: TicketId, request: Request, *, audit: Document) -> bool:
        """Note that a device asked; `audit` goes with it. False, and nothing stored, when one did before: a code serves once."""
        expires = datetime.fromtimestamp(request.until / 1000, UTC)
        facts = {"possession": request.possession, "expires": expires}

        async def work(session: Session) -> None:
            await self._joins.insert({"_id": f"{ticket}/request", **facts}, session=session)
            await self._audit.insert(dict(audit), session=session)

        try:
            await self._database.transaction(work)
        except DuplicateKey:
            return False
        return True

    async def requested(self, ticket: TicketId) -> bytes | None:
        found = await self._joins.find_one({"_id": f"{ticket}/request"})
        return bytes(found["possession"]) if found else None

    async def answer(self, ticket: TicketId, answer: Answer, *, until: Millis) -> bool:
        return await self._add(f"{ticket}/answer", vars(answer), until)

    async def answered(self, ticket: TicketId) -> Answer | None:
        found = await self._joins.find_one({"_id": f"{ticket}/answer"})
        return Answer(found["account"], bytes(found["mac"])) if found else None

    async def _add(self, key: str, facts: Document, until: Millis) -> bool:
        expires = datetime.fromtimestamp(until / 1000, UTC)
        try:
            await self._joins.insert({"_id": key, **facts, "expires": expires})
        except DuplicateKey:
            return False
        return True

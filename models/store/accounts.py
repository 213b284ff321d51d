"""Accounts: their chains of statements, the devices in them, and what the directory shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relais.models.ids import AccountId, CircleId, DeviceId, Digest, Millis
from relais.models.roles import AccountRole
from relais.models.store.database import Collection, Database, Document, Session
from relais.models.store.errors import StoreError

MOST_STATEMENTS = 1_000
PAGE = 500


class InvitationSpent(StoreError):
    """Somebody else used the invitation first, or its time is up."""


class AlreadyReplaced(StoreError):
    """Another account took the place of this one first."""


@dataclass(frozen=True)
class AccountRow:
    """An account as the server lists it; `number` counts enrolments from 1."""

    number: int
    account: AccountId
    seq: int
    head: Digest
    name: str
    profession: str
    organisation: str
    roles: tuple[AccountRole, ...]
    enrolled_at: Millis
    replaced_by: AccountId | None = None
    doors: Mapping[CircleId, Millis] = field(default_factory=dict)
    """The circles it was let into by emergency access, and until when."""


@dataclass(frozen=True)
class NewAccount:
    """What an enrolment stores, all or nothing. `invitation`: hash of the one it spends; `replaces`: who was reset."""

    invitation: str
    account: AccountId
    device: DeviceId
    statement: bytes
    shown: Mapping[str, str]
    roles: tuple[AccountRole, ...]
    at: Millis
    audit: tuple[Document, ...]
    replaces: AccountId | None = None


@dataclass(frozen=True)
class NextStatement:
    """What the next statement of an account stores. `shown`: its profile; `adds`: a device that is new."""

    account: AccountId
    seq: int
    head: Digest
    statement: bytes
    shown: Mapping[str, str]
    adds: DeviceId | None
    audit: tuple[Document, ...]


class AccountStore:
    """Collections `accounts`, `statements`, `devices`; `counters` gives accounts their numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._accounts = database.collection("accounts")
        self._statements = database.collection("statements")
        self._devices = database.collection("devices")
        self._invitations = database.collection("invitations")
        self._counters = database.collection("counters")
        self._members = database.collection("members")
        self._circles = database.collection("circles")
        self._audit = database.collection("audit_pending")

    async def enrol(self, new: NewAccount) -> None:
        """Store a new account, and that it replaces an older one.

        Raises `InvitationSpent`; `AlreadyReplaced`; `DuplicateKey` for a device that has an account.
        """

        async def work(session: Session) -> None:
            if not await self._invitations.delete({"_id": new.invitation}, session=session):
                raise InvitationSpent(str(InvitationSpent.__doc__))
            if new.replaces:
                await self._replace(new.replaces, new.account, session)
            number = await self._next_number(session)
            await self._accounts.insert(_account(new, number), session=session)
            await self._insert_statement(new.account, 0, new.statement, session=session)
            await self._devices.insert(_device(new.device, new.account), session=session)
            await self._record(new.audit, session)

        await self._database.transaction(work)

    async def append(self, change: NextStatement) -> None:
        """Store the next statement, and make every circle of the account look again at its members.

        Raises `DuplicateKey` ``(account, seq)`` when another statement took the place, ``(_id,)`` when
        the device belongs to an account already.
        """

        async def work(session: Session) -> None:
            key = (change.account, change.seq)
            await self._insert_statement(*key, change.statement, session=session)
            if change.adds:
                await self._devices.insert(_device(change.adds, change.account), session=session)
            head = {"seq": change.seq, "head": change.head, **change.shown}
            await self._accounts.update({"_id": change.account}, {"$set": head}, session=session)
            await self._touch_circles(change.account, session)
            await self._record(change.audit, session)

        await self._database.transaction(work)

    async def _record(self, audit: Sequence[Document], session: Session) -> None:
        await self._audit.insert_many([dict(document) for document in audit], session=session)

    async def row(self, account: AccountId) -> AccountRow | None:
        found = await self._accounts.find_one({"_id": account})
        return _row(found) if found else None

    async def rows(self, accounts: Sequence[AccountId]) -> dict[AccountId, AccountRow]:
        found = await self._accounts.find({"_id": {"$in": list(accounts)}})
        return {document["_id"]: _row(document) for document in found}

    async def with_role(self, role: str) -> list[AccountRow]:
        """The accounts that have a role, but for those that were replaced."""
        some = {"roles": role, "replaced_by": {"$exists": False}}
        return [_row(found) for found in await self._accounts.find(some)]

    async def page(self, after: int, limit: int) -> list[AccountRow]:
        """Accounts numbered after `after`, in order of enrolment."""
        numbers = {"number": {"$gt": after, "$lte": after + limit}}
        return [_row(found) for found in await self._accounts.find(numbers, sort=[("number", 1)])]

    async def statements(self, account: AccountId) -> list[bytes]:
        """The whole chain; empty for an account that does not exist."""
        whole = {"account": account, "seq": {"$gte": 0, "$lt": MOST_STATEMENTS}}
        found = await self._statements.find(whole, sort=[("seq", 1)])
        return [bytes(document["statement"]) for document in found]

    async def account_of(self, device: DeviceId) -> AccountId | None:
        found = await self._devices.find_one({"_id": device})
        return found["account"] if found else None

    async def last_seen(self, devices: Sequence[DeviceId]) -> dict[DeviceId, Millis | None]:
        found = await self._devices.find({"_id": {"$in": list(devices)}})
        return {document["_id"]: document["seen_at"] for document in found}

    async def saw(self, device: DeviceId, account: AccountId, at: Millis) -> None:
        """Remember when a device, and with it its account, was last there."""
        await self._devices.update({"_id": device}, {"$set": {"seen_at": at}})
        await self._accounts.update({"_id": account}, {"$set": {"seen_at": at}})

    async def accounts_seen(self, accounts: Sequence[AccountId]) -> dict[AccountId, Millis | None]:
        found = await self._accounts.find({"_id": {"$in": list(accounts)}}, fields=["seen_at"])
        return {document["_id"]: document["seen_at"] for document in found}

    async def _replace(self, old: AccountId, new: AccountId, session: Session) -> None:
        once = {"_id": old, "replaced_by": {"$exists": False}}
        if not await self._accounts.update(once, {"$set": {"replaced_by": new}}, session=session):
            raise AlreadyReplaced(str(AlreadyReplaced.__doc__))

    async def _next_number(self, session: Session) -> int:
        counter = {"_id": "accounts"}
        await self._counters.update(counter, {"$inc": {"last": 1}}, upsert=True, session=session)
        found = await self._counters.find_one(counter, session=session)
        assert found is not None
        return int(found["last"])

    async def _insert_statement(
        self, account: AccountId, seq: int, statement: bytes, *, session: Session
    ) -> None:
        document = {"account": account, "seq": seq, "statement": statement}
        await self._statements.insert(document, session=session)

    async def _touch_circles(self, account: AccountId, session: Session) -> None:
        found = await self._members.find({"account": account}, fields=["circle"], session=session)
        await touch(self._circles, [member["circle"] for member in found], session)


async def touch(circles: Collection, named: Sequence[str], session: Session) -> None:
    """Tell every node that what it remembers of these circles is old."""
    if named:
        every = {"_id": {"$in": list(named)}}
        await circles.update_many(every, {"$inc": {"revision": 1}}, session=session)


def _account(new: NewAccount, number: int) -> Document:
    return {
        "_id": new.account,
        "number": number,
        "seq": 0,
        "head": new.account,
        **new.shown,
        "roles": list(new.roles),
        "enrolled_at": new.at,
        "seen_at": None,
    }


def _device(device: DeviceId, account: AccountId) -> Document:
    return {"_id": device, "account": account, "seen_at": None}


def _row(document: Mapping[str, Any]) -> AccountRow:
    return AccountRow(
        number=document["number"],
        account=document["_id"],
        seq=document["seq"],
        head=document["head"],
        name=document["name"],
        profession=document["profession"],
        organisation=document["organisation"],
        roles=tuple(document["roles"]),
        enrolled_at=document["enrolled_at"],
        replaced_by=document.get("replaced_by"),
        doors=document.get("doors", {}),
    )

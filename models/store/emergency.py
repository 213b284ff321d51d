"""Escrows, whose keys guardians share, and requests to be let in by them (docs/protocol.md §13).

escrows         {_id: the escrow's device, account, guardians, at, statement}       how its key is shared, kept for good
escrow_shares   {_id: "<escrow's device>/<device>", escrow_device, device, sealed}   as long as the escrow's device is in force
emergencies     {_id: id of the request, circle, account, …}                         kept for good
emergency_doors {_id: "<account>/<circle>", request}                                 as long as that request is open
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from relais.models.ids import AccountId, CircleId, DeviceId, Digest, Millis
from relais.models.store.database import Database, Document, Session
from relais.models.store.errors import DuplicateKey

OPEN: Final = "open"
RELEASED: Final = "released"
DECLINED: Final = "declined"
EXPIRED: Final = "expired"
WITHDRAWN: Final = "withdrawn"
State = Literal["open", "released", "declined", "expired", "withdrawn"]


@dataclass(frozen=True)
class SealedRow:
    """Something sealed to one device."""

    device: DeviceId
    sealed: bytes


@dataclass(frozen=True)
class EscrowRow:
    """How the key of one device of an escrow is shared."""

    device: DeviceId
    account: AccountId
    guardians: tuple[AccountId, ...]
    at: Millis
    statement: bytes


@dataclass(frozen=True)
class AnswerRow:
    """What one guardian said last."""

    account: AccountId
    escrow_device: DeviceId
    approved: bool
    answer: bytes


@dataclass(frozen=True)
class EmergencyRow:
    """A request as it is stored. `escrow_device`: the one it was closed under.

    That a quorum approved follows from `answers`, and whether it still does.
    `approved_at`: when a quorum had approved for the first time. `changes`: how often it was answered.
    """

    id: Digest
    circle: CircleId
    account: AccountId
    escrow: AccountId
    guardians: tuple[AccountId, ...]
    at: Millis
    until: Millis
    request: bytes
    state: State = OPEN
    answers: tuple[AnswerRow, ...] = ()
    explained: tuple[SealedRow, ...] = ()
    escrow_device: DeviceId | None = None
    approved_at: Millis | None = None
    closed_at: Millis | None = None
    changes: int = 0


@dataclass(frozen=True)
class Concern:
    """Whom a request concerns, without all that belongs to it: there are more and more of them."""

    request: Digest
    circle: CircleId
    account: AccountId
    guardians: tuple[AccountId, ...]


@dataclass(frozen=True)
class Closing:
    """How a request ends. `changes`: what it was judged by, so that one answered since does not end; None: it ends whatever was said."""

    state: State
    at: Millis
    escrow_device: DeviceId
    changes: int | None = None


@dataclass(frozen=True)
class Release:
    """What an entry that lets somebody in ends, and for whom it opens the circle until when."""

    request: Digest
    account: AccountId
    until: Millis
    closing: Closing


@dataclass(frozen=True)
class Judged:
    """What follows from an answer: how the request ends by it, if it does; and that a quorum has approved."""

    closing: Closing | None
    approved_at: Millis | None
    audit: Document


class EscrowStore:
    """Collections `escrows`, `escrow_shares`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._escrows = database.collection("escrows")
        self._shares = database.collection("escrow_shares")
        self._audit = database.collection("audit_pending")

    async def keep(self, row: EscrowRow, shares: Iterable[SealedRow], *, audit: Document) -> bool:
        """Store how a key is shared. False where another statement about that device is stored already."""

        async def work(session: Session) -> bool:
            found = await self._escrows.find_one({"_id": row.device}, session=session)
            if found is not None and bytes(found["statement"]) != row.statement:
                return False
            if found is None:
                await self._escrows.insert(_escrow(row), session=session)
            await self._put(row.device, shares, session)
            await self._audit.insert(dict(audit), session=session)
            return True

        return await self._database.transaction(work)

    async def reshare(
        self, escrow_device: DeviceId, shares: Iterable[SealedRow], *, audit: Document
    ) -> None:
        async def work(session: Session) -> None:
            await self._put(escrow_device, shares, session)
            await self._audit.insert(dict(audit), session=session)

        await self._database.transaction(work)

    async def row(self, escrow_device: DeviceId) -> EscrowRow | None:
        found = await self._escrows.find_one({"_id": escrow_device})
        return _escrow_row(found) if found else None

    async def rows(self, escrow_devices: Collection[DeviceId]) -> dict[DeviceId, EscrowRow]:
        """Those of some devices that are stored."""
        found = await self._escrows.find({"_id": {"$in": list(escrow_devices)}})
        return {one["_id"]: _escrow_row(one) for one in found}

    async def of(self, account: AccountId) -> list[EscrowRow]:
        """What is stored of an escrow, of all the devices it ever had: one more for each time it let somebody in."""
        return [_escrow_row(one) for one in await self._escrows.find({"account": account})]

    async def guarded_by(self, account: AccountId) -> set[AccountId]:
        found = await self._escrows.find({"guardians": account}, fields=["account"])
        return {one["account"] for one in found}

    async def accounts(self) -> set[AccountId]:
        """Every escrow: an organisation has one or a few."""
        return {one["account"] for one in await self._escrows.find({}, fields=["account"])}

    async def shares(
        self, escrow_devices: Sequence[DeviceId], devices: Sequence[DeviceId]
    ) -> dict[DeviceId, list[SealedRow]]:
        """By the escrow's device: the shares that were made for some devices."""
        keys = [_key(one, device) for one in escrow_devices for device in devices]
        shares: dict[DeviceId, list[SealedRow]] = {}
        for one in await self._shares.find({"_id": {"$in": keys}}):
            share = SealedRow(one["device"], bytes(one["sealed"]))
            shares.setdefault(one["escrow_device"], []).append(share)
        return shares

    async def shared(self) -> list[DeviceId]:
        """The devices of escrows of which there are shares."""
        found = await self._shares.find({}, fields=["escrow_device"])
        return sorted({one["escrow_device"] for one in found})

    async def forget(self, escrow_device: DeviceId) -> int:
        """Remove the shares for a device that is in force no more; the statement stays."""
        return await self._shares.delete_many({"escrow_device": escrow_device})

    async def _put(
        self, escrow_device: DeviceId, shares: Iterable[SealedRow], session: Session
    ) -> None:
        """A share that is there stays: whoever stole one device must not spoil those of the others."""
        for share in shares:
            facts = {"escrow_device": escrow_device, **asdict(share)}
            key = {"_id": _key(escrow_device, share.device)}
            await self._shares.update(key, {"$setOnInsert": facts}, upsert=True, session=session)


class EmergencyStore:
    """Collection `emergencies`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._emergencies = database.collection("emergencies")
        self._doors = database.collection("emergency_doors")
        self._escrows = database.collection("escrows")
        self._audit = database.collection("audit_pending")

    async def add(self, row: EmergencyRow, *, audit: Document) -> None:
        """Raises `DuplicateKey` while one of the same account and circle is open."""

        async def work(session: Session) -> None:
            door = {"_id": _door(row.account, row.circle), "request": row.id}
            await self._doors.insert(door, session=session)
            await self._emergencies.insert(_emergency(row), session=session)
            await self._audit.insert(dict(audit), session=session)

        await self._database.transaction(work)

    async def row(self, request: Digest) -> EmergencyRow | None:
        found = await self._emergencies.find_one({"_id": request})
        return _row(found) if found else None

    async def open_of(self, account: AccountId, circle: CircleId) -> EmergencyRow | None:
        door = await self._doors.find_one({"_id": _door(account, circle)})
        return await self.row(door["request"]) if door else None

    async def rows(self, requests: Sequence[Digest]) -> list[EmergencyRow]:
        """Those of some ids that are there, in that order."""
        found = await self._emergencies.find({"_id": {"$in": list(requests)}})
        rows = {one["_id"]: _row(one) for one in found}
        return [rows[one] for one in requests if one in rows]

    async def concerning(self, account: AccountId, circles: Sequence[CircleId]) -> list[Concern]:
        """Those that an account made or guards, and those for some circles; newest first."""
        asked = ({"account": account}, {"guardians": account}, {"circle": {"$in": list(circles)}})
        fields = ["circle", "account", "guardians", "at"]
        found: dict[Digest, Document] = {}
        for some in asked:
            for one in await self._emergencies.find(some, fields=fields):
                found[one["_id"]] = one
        newest = sorted(found.values(), key=lambda one: one["at"], reverse=True)
        return [
            Concern(one["_id"], one["circle"], one["account"], tuple(one["guardians"]))
            for one in newest
        ]

    async def open(self, *, escrow: AccountId | None = None) -> list[EmergencyRow]:
        """Those that are open, of one escrow or of all."""
        key = {"state": OPEN} | ({"escrow": escrow} if escrow else {})
        return [_row(one) for one in await self._emergencies.find(key)]

    async def approved_at(self, account: AccountId, *, since: Millis) -> list[Millis]:
        """When quorums approved the requests to an escrow, from a moment on."""
        some = {"escrow": account, "approved_at": {"$gte": since}}
        found = await self._emergencies.find(some, fields=["approved_at"])
        return [one["approved_at"] for one in found]

    async def was_shared(self, account: AccountId, at: Millis) -> bool:
        """Whether guardians had parts of an escrow's key by then."""
        found = await self._escrows.find({"account": account}, fields=["at"])
        return any(one["at"] <= at for one in found)

    async def answer(
        self, request: Digest, answer: AnswerRow, judge: Callable[[EmergencyRow], Judged]
    ) -> EmergencyRow | None:
        """Store a guardian's answer in the place of an earlier one, with all that follows. None: it is open no more."""

        async def work(session: Session) -> EmergencyRow | None:
            key = {"_id": request, "state": OPEN}
            if not await self._emergencies.update(key, {"$inc": {"changes": 1}}, session=session):
                return None
            found = await self._emergencies.find_one({"_id": request}, session=session)
            assert found is not None
            others = [one for one in found["answers"] if one["account"] != answer.account]
            found |= {"answers": [*others, asdict(answer)]}
            judged = judge(_row(found))
            change = {"answers": found["answers"]}
            if found["approved_at"] is None and judged.approved_at is not None:
                change["approved_at"] = judged.approved_at
            if judged.closing is not None:
                change |= _closed(judged.closing)
                await _shut(self._database, request, session)
            await self._emergencies.update(key, {"$set": change}, session=session)
            await self._audit.insert(dict(judged.audit), session=session)
            return _row({**found, **change})

        return await self._database.transaction(work)

    async def close(self, request: Digest, closing: Closing, *, audit: Document) -> bool:
        """End a request that is open. False where it was ended before, or answered since it was judged."""

        async def work(session: Session) -> bool:
            if not await close_one(self._database, request, closing, session):
                return False
            await self._audit.insert(dict(audit), session=session)
            return True

        return await self._database.transaction(work)


async def close_one(
    database: Database, request: Digest, closing: Closing, session: Session
) -> bool:
    """End a request that is open, in the transaction of what ends it. False as of `EmergencyStore.close`."""
    key: Document = {"_id": request, "state": OPEN}
    if closing.changes is not None:
        key["changes"] = closing.changes
    emergencies = database.collection("emergencies")
    if not await emergencies.update(key, {"$set": _closed(closing)}, session=session):
        return False
    await _shut(database, request, session)
    return True


async def let_in(
    database: Database, release: Release, *, circle: CircleId, session: Session
) -> None:
    """End a request by the entry that lets somebody in, and note until when.

    Raises `DuplicateKey` where it was ended before, or answered since it was judged.
    """
    if not await close_one(database, release.request, release.closing, session):
        raise DuplicateKey(("_id", "state"), collection="emergencies")
    doors = {f"doors.{circle}": release.until}
    accounts = database.collection("accounts")
    await accounts.update({"_id": release.account}, {"$set": doors}, session=session)


async def _shut(database: Database, request: Digest, session: Session) -> None:
    """Another request of the same account and circle can be made."""
    await database.collection("emergency_doors").delete({"request": request}, session=session)


def _closed(closing: Closing) -> Document:
    return {
        "state": closing.state,
        "closed_at": closing.at,
        "escrow_device": closing.escrow_device,
    }


def _door(account: AccountId, circle: CircleId) -> str:
    return f"{account}/{circle}"


def _key(escrow_device: DeviceId, device: DeviceId) -> str:
    return f"{escrow_device}/{device}"


def _escrow(row: EscrowRow) -> Document:
    return {
        "_id": row.device,
        "account": row.account,
        "guardians": list(row.guardians),
        "at": row.at,
        "statement": row.statement,
    }


def _escrow_row(document: Mapping[str, Any]) -> EscrowRow:
    return EscrowRow(
        device=document["_id"],
        account=document["account"],
        guardians=tuple(document["guardians"]),
        at=document["at"],
        statement=bytes(document["statement"]),
    )


def _emergency(row: EmergencyRow) -> Document:
    facts = asdict(row)
    facts |= {name: list(facts[name]) for name in ("guardians", "answers", "explained")}
    return {"_id": facts.pop("id"), **facts}


def _row(document: Mapping[str, Any]) -> EmergencyRow:
    names = EmergencyRow.__dataclass_fields__.keys() - {"id", "answers", "explained", "guardians"}
    facts = {name: document[name] for name in names} | {"request": bytes(document["request"])}
    answers = ({**one, "answer": bytes(one["answer"])} for one in document["answers"])
    sealed = (SealedRow(one["device"], bytes(one["sealed"])) for one in document["explained"])
    return EmergencyRow(
        id=document["_id"],
        guardians=tuple(document["guardians"]),
        answers=tuple(AnswerRow(**one) for one in answers),
        explained=tuple(sealed),
        **facts,
    )

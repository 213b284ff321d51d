"""Circles: their ledgers, who is in them, grants, and the sealed profile.

Whatever changes a circle does it in one transaction that begins with its own document: two changes
of one circle never interleave, and grants get their numbers in the order in which they can be seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from relais.models.ids import AccountId, CircleId, DeviceId, Digest
from relais.models.store.database import Database, Document, Session
from relais.models.store.emergency import Release, let_in
from relais.models.store.errors import DuplicateKey

MOST_ENTRIES = 500
SLICES = 256
"""Into so many parts of about the same size circles fall by their ids, which are hashes."""


@dataclass(frozen=True)
class CircleRow:
    """A circle as the server remembers it. `revision` changes whenever what follows from it may have changed."""

    circle: CircleId
    seq: int
    head: Digest
    closed: bool
    revision: int
    profile: bytes | None
    profile_version: int


@dataclass(frozen=True)
class ProfileRow:
    """The newest version of a circle's sealed profile."""

    version: int
    envelope: bytes


@dataclass(frozen=True)
class GrantRow:
    """One grant by `granter`. `keys` names the (audience, epoch) pairs inside."""

    granter: AccountId
    account: AccountId
    device: DeviceId
    keys: tuple[tuple[str, int], ...]
    grant: bytes


class GrantMade(NamedTuple):
    """One key that a device was granted. `granter`: None for one that was stored before that was noted.

    `unopenable`: the device said that the grant does not open.
    """

    device: DeviceId
    audience: str
    epoch: int
    granter: AccountId | None
    unopenable: bool = False


@dataclass(frozen=True)
class LedgerChange:
    """What one ledger entry stores, all or nothing. `opens`: it is entry 0; `release`: the request it answers."""

    circle: CircleId
    seq: int
    head: Digest
    entry: bytes
    closed: bool
    members: tuple[AccountId, ...]
    grants: tuple[GrantRow, ...]
    audit: tuple[Document, ...]
    profile: ProfileRow | None = None
    release: Release | None = None

    @property
    def opens(self) -> bool:
        return self.seq == 0


@dataclass(frozen=True)
class CircleChange:
    """What else changes a circle: healing grants, a new profile, the numbers of grants that do not open."""

    circle: CircleId
    audit: tuple[Document, ...]
    grants: tuple[GrantRow, ...] = ()
    profile: ProfileRow | None = None
    unopenable: tuple[int, ...] = ()
    expected_profile: int = 0
    """The profile's version before, when a new one is given; another one is a `DuplicateKey`."""


class CircleStore:
    """Collections `circles`, `entries`, `members`, `grants`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._circles = database.collection("circles")
        self._entries = database.collection("entries")
        self._members = database.collection("members")
        self._grants = database.collection("grants")
        self._audit = database.collection("audit_pending")

    async def write_entry(self, change: LedgerChange) -> int:
        """Store an entry with all that belongs to it; answers the circle's new revision.

        Raises `DuplicateKey` when another entry took the place, or the request it answers was ended.
        """

        async def work(session: Session) -> int:
            row = await self._lock(change.circle, session, opens=change.opens)
            if not change.opens and row["seq"] != change.seq - 1:
                raise DuplicateKey(("circle", "seq"), collection="entries")
            await self._set(change.circle, _facts(change), session)
            entry = {"circle": change.circle, "seq": change.seq, "entry": change.entry}
            await self._entries.insert(entry, session=session)
            await self._enter(change, session)
            if change.release:
                await let_in(self._database, change.release, circle=change.circle, session=session)
            await self._add_grants(row, change.circle, change.grants, session)
            await self._record(change.audit, session)
            return int(row["revision"])

        return await self._database.transaction(work)

    async def write_change(self, change: CircleChange) -> int:
        """Store grants, a profile or a report beside the ledger; answers the circle's new revision."""

        async def work(session: Session) -> int:
            row = await self._lock(change.circle, session)
            if change.profile:
                if row["profile_version"] != change.expected_profile:
                    raise DuplicateKey(("circle", "profile_version"), collection="circles")
                await self._set(change.circle, _profile(change.profile), session)
            await self._add_grants(row, change.circle, change.grants, session)
            for number in change.unopenable:
                one = {"circle": change.circle, "seq": number}
                await self._grants.update(one, {"$set": {"unopenable": True}}, session=session)
            await self._record(change.audit, session)
            return int(row["revision"])

        return await self._database.transaction(work)

    async def row(self, circle: CircleId) -> CircleRow | None:
        found = await self._circles.find_one({"_id": circle})
        return _row(found) if found else None

    async def rows(self, circles: Sequence[CircleId]) -> list[CircleRow]:
        found = await self._circles.find({"_id": {"$in": list(circles)}})
        return [_row(document) for document in found]

    async def part(self, number: int) -> list[CircleId]:
        """The circles of one of the `SLICES` parts, from 0 on."""
        start = f"{number:02x}"
        some = {"_id": {"$gte": start, "$lt": f"{start}g"}}  # no hexadecimal digit comes after f
        return [document["_id"] for document in await self._circles.find(some, fields=["_id"])]

    async def revisions(self, circles: Sequence[CircleId]) -> dict[CircleId, int]:
        """How new what one remembers would have to be."""
        found = await self._circles.find({"_id": {"$in": list(circles)}}, fields=["revision"])
        return {document["_id"]: document["revision"] for document in found}

    async def circles_of(self, account: AccountId) -> list[CircleId]:
        """Every circle the account is or was a member of."""
        found = await self._members.find({"account": account}, fields=["circle"])
        return [document["circle"] for document in found]

    async def members_among(
        self, accounts: Sequence[AccountId], circles: Sequence[CircleId]
    ) -> set[AccountId]:
        """Which of some accounts are or were members of any of some circles."""
        some = {"account": {"$in": list(accounts)}, "circle": {"$in": list(circles)}}
        found = await self._members.find(some, fields=["account"])
        return {document["account"] for document in found}

    async def entries(self, circle: CircleId, from_seq: int) -> list[bytes]:
        """At most `MOST_ENTRIES` entries with seq ≥ `from_seq`, in order."""
        some = {"circle": circle, "seq": {"$gte": from_seq, "$lt": from_seq + MOST_ENTRIES}}
        found = await self._entries.find(some, sort=[("seq", 1)])
        return [bytes(document["entry"]) for document in found]

    async def grants_made(self, circle: CircleId) -> list[GrantMade]:
        """Of every key that was granted: to which device, by whom, and whether in vain."""
        fields = ["device", "keys", "granter", "unopenable"]
        found = await self._grants.find({"circle": circle}, fields=fields)
        return [
            GrantMade(
                grant["device"],
                name,
                epoch,
                grant.get("granter"),
                unopenable=grant.get("unopenable", False),
            )
            for grant in found
            for name, epoch in grant["keys"]
        ]

    async def grants_to(
        self, circle: CircleId, device: DeviceId, *, after: int
    ) -> list[tuple[int, bytes]]:
        """A device's grants numbered after `after`, with their numbers, in order; none that it reported."""
        some = {
            "circle": circle,
            "device": device,
            "seq": {"$gt": after},
            "unopenable": {"$ne": True},
        }
        found = await self._grants.find(some, sort=[("seq", 1)])
        return [(document["seq"], bytes(document["grant"])) for document in found]

    async def _lock(
        self, circle: CircleId, session: Session, *, opens: bool = False
    ) -> dict[str, Any]:
        """Take the circle's own document first, so that rivals wait or start again."""
        if opens:
            await self._circles.insert(_new(circle), session=session)
        else:
            step = {"$inc": {"revision": 1}}
            await self._circles.update({"_id": circle}, step, session=session)
        found = await self._circles.find_one({"_id": circle}, session=session)
        assert found is not None  # callers have read it before
        return found

    async def _set(self, circle: CircleId, facts: Document, session: Session) -> None:
        await self._circles.update({"_id": circle}, {"$set": facts}, session=session)

    async def _enter(self, change: LedgerChange, session: Session) -> None:
        for account in change.members:
            key = {"account": account, "circle": change.circle}
            await self._members.update(key, {"$setOnInsert": key}, upsert=True, session=session)

    async def _add_grants(
        self,
        row: Mapping[str, Any],
        circle: CircleId,
        grants: Sequence[GrantRow],
        session: Session,
    ) -> None:
        if not grants:
            return
        first = row["grants"] + 1
        documents = [_grant(grant, circle, first + index) for index, grant in enumerate(grants)]
        await self._grants.insert_many(documents, session=session)
        await self._set(circle, {"grants": row["grants"] + len(grants)}, session)

    async def _record(self, audit: Sequence[Document], session: Session) -> None:
        await self._audit.insert_many([dict(document) for document in audit], session=session)


def _new(circle: CircleId) -> Document:
    return {
        "_id": circle,
        "seq": -1,
        "head": circle,
        "closed": False,
        "revision": 1,
        "grants": 0,
        "profile": None,
        "profile_version": 0,
    }


def _facts(change: LedgerChange) -> Document:
    facts = {"seq": change.seq, "head": change.head, "closed": change.closed}
    return facts | (_profile(change.profile) if change.profile else {})


def _profile(profile: ProfileRow) -> Document:
    return {"profile": profile.envelope, "profile_version": profile.version}


def _grant(grant: GrantRow, circle: CircleId, number: int) -> Document:
    return {
        "circle": circle,
        "seq": number,
        "granter": grant.granter,
        "account": grant.account,
        "device": grant.device,
        "keys": [list(key) for key in grant.keys],
        "grant": grant.grant,
    }


def _row(document: Mapping[str, Any]) -> CircleRow:
    profile = document["profile"]
    return CircleRow(
        circle=document["_id"],
        seq=document["seq"],
        head=document["head"],
        closed=document["closed"],
        revision=document["revision"],
        profile=None if profile is None else bytes(profile),
        profile_version=document["profile_version"],
    )

"""Notes: every accepted version, numbered without gaps in its circle; and how far each account has read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relais.models.ids import AccountId, CircleId, Digest, Millis, NoteId
from relais.models.store.database import Database, Document
from relais.models.store.journal import GroupWriter
from relais.models.store.numbering import LastNumbers, Numbering

MOST_VERSIONS = 1_000


@dataclass(frozen=True)
class NewVersion:
    """A version that may be stored: what the server knows of it, and the envelope it does not open."""

    circle: CircleId
    note: NoteId
    version: int
    kind: str
    account: AccountId
    at: Millis
    urgent: bool
    digest: Digest
    envelope: bytes


@dataclass(frozen=True)
class StoredVersion(NewVersion):
    """A version in its place. `at` is the server's time."""

    seq: int


@dataclass(frozen=True)
class Unread:
    """Versions by others after the last one read, and whether one of them is urgent."""

    count: int
    urgent: bool


class NoteStore:
    """Collections `notes`, `positions`."""

    def __init__(self, database: Database, writer: GroupWriter, *, alone: bool = False) -> None:
        """`alone`: no other process writes notes, so the last number is the one this one gave."""
        self._notes = database.collection("notes")
        self._positions = database.collection("positions")
        self._writer = writer
        self._last = LastNumbers(database)
        self._alone = alone

    async def append(self, version: NewVersion, *, audit: Callable[[int], Document]) -> int:
        """Store a version and its audit entry under the circle's next number; answers the number.

        `audit` makes the entry for a number; it may be asked again for another one.

        Raises `DuplicateKey` ``(circle, note, version)`` when that version exists.
        """
        facts = dict(vars(version))

        def build(seq: int) -> Sequence[tuple[str, Document]]:
            return [("notes", {**facts, "seq": seq}), ("audit_pending", audit(seq))]

        numbering = _numbering(version.circle)
        seq = await self._writer.append_next(numbering, build)
        self._last.learn(numbering, max(seq, self._last.known(numbering) or 0))
        return seq

    async def last_seq(self, circle: CircleId) -> int:
        """The number of the newest version, 0 when there is none."""
        numbering = _numbering(circle)
        known = self._last.known(numbering)
        if known is not None and self._alone:
            return known
        return await self._last.find(numbering)

    async def version(self, circle: CircleId, note: NoteId, version: int) -> StoredVersion | None:
        key = {"circle": circle, "note": note, "version": version}
        found = await self._notes.find_one(key)
        return _version(found) if found else None

    async def versions(self, circle: CircleId, note: NoteId) -> list[StoredVersion]:
        """All versions of one note, oldest first."""
        every = {"circle": circle, "note": note, "version": {"$gte": 1, "$lt": MOST_VERSIONS}}
        return [_version(found) for found in await self._notes.find(every, sort=[("version", 1)])]

    async def between(self, circle: CircleId, after: int, up_to: int) -> list[StoredVersion]:
        """Versions with after < seq ≤ up_to, oldest first."""
        some = {"circle": circle, "seq": {"$gt": after, "$lte": up_to}}
        return [_version(found) for found in await self._notes.find(some, sort=[("seq", 1)])]

    async def at_seq(self, circle: CircleId, seq: int) -> Millis | None:
        """The server's time of one version."""
        found = await self._notes.find_one({"circle": circle, "seq": seq}, fields=["at"])
        return found["at"] if found else None

    async def first_where(self, circle: CircleId, holds: Callable[[StoredVersion], bool]) -> int:
        """The number of the first version for which `holds`, where it holds for all that follow; one past the last
        if there is none."""
        low, high = 1, await self.last_seq(circle) + 1
        while low < high:
            middle = (low + high) // 2
            found = await self._notes.find_one({"circle": circle, "seq": middle})
            if found is None or holds(_version(found)):
                high = middle
            else:
                low = middle + 1
        return low

    async def unread(
        self, circle: CircleId, account: AccountId, *, after: int, up_to: int
    ) -> Unread:
        """What others wrote after `after`."""
        some = {"circle": circle, "seq": {"$gt": after, "$lte": up_to}}
        found = await self._notes.find(some, fields=["account", "urgent"])
        others = [document for document in found if document["account"] != account]
        return Unread(len(others), any(document["urgent"] for document in others))

    async def positions(self, account: AccountId) -> dict[CircleId, int]:
        """The number of the newest version the account has read, for each circle it has read in."""
        found = await self._positions.find({"account": account})
        return {document["circle"]: document["seq"] for document in found}

    async def read_up_to(self, circle: CircleId, account: AccountId, seq: int) -> None:
        """Move the account's position forward, never back."""
        key = {"account": account, "circle": circle}
        await self._positions.update(key, {"$max": {"seq": seq}}, upsert=True)


def _numbering(circle: CircleId) -> Numbering:
    return Numbering("notes", "circle", circle)


def _version(document: Mapping[str, Any]) -> StoredVersion:
    return StoredVersion(
        circle=document["circle"],
        note=document["note"],
        version=document["version"],
        kind=document["kind"],
        account=document["account"],
        at=document["at"],
        urgent=document["urgent"],
        digest=document["digest"],
        envelope=bytes(document["envelope"]),
        seq=document["seq"],
    )

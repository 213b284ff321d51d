"""Where the audit log stands, and who may move it: one document.

    audit_heads   {log, term, beat, free, size, rows, newest, late, checkpoint, vkey, published}

`published` is what readers are shown: the same facts (size … vkey) of the newest head that enough witnesses have cosigned, with
their cosignatures in its checkpoint. It is null where no witness is asked: then each head is published as it is signed.

Size, unfilled tiles and signed checkpoint change in one write, so that no reader and no crash ever sees one without the others.
A **term** is one process's time as the leader. Whoever claims the next term thereby ends the one before: `advance` and `beat`
are compare-and-set on the term, and fail for whoever lost it. A claim is due when the head has not moved for as long as a lease
lasts, on the claimant's own clock: no two clocks are ever compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relais.models.ids import Millis
from relais.models.store.database import Database, Document
from relais.models.store.errors import DuplicateKey, StoreError

LOG = "audit"


class LogMissing(StoreError):
    """The audit log was never begun in this database."""


@dataclass(frozen=True)
class LogHead:
    """The log as it stands.

    Attributes:
        size: number of entries that are in the tree.
        rows: for each level, the hashes (32 bytes each, joined) of its unfilled tile.
        newest: the greatest `at` of an entry in the tree; 0 where there is none.
        late: by how much an entry's `at` lay behind the greatest before it, at most.
        checkpoint: the signed note for exactly this size.
        vkey: the key that signed it, as a line.
    """

    size: int
    rows: tuple[bytes, ...]
    newest: Millis
    late: Millis
    checkpoint: bytes
    vkey: str


@dataclass(frozen=True)
class Pulse:
    """What changes while somebody leads. `free`: the last leader laid its term down; `late` as in `LogHead`."""

    term: int
    beat: int
    size: int
    late: Millis
    free: bool


class LogHeads:
    """Collection `audit_heads`."""

    def __init__(self, database: Database) -> None:
        self._heads = database.collection("audit_heads")

    async def begin(self, empty: LogHead) -> LogHead:
        """Store the head of an empty log, unless there is one; answers the one that stands."""
        document = {
            "log": LOG,
            "term": 0,
            "beat": 0,
            "free": True,
            "published": None,
            **_facts(empty),
        }
        try:
            await self._heads.insert(document)
        except DuplicateKey:
            return await self.read()
        return empty

    async def read(self) -> LogHead:
        """The head. Raises `LogMissing`."""
        return _head(await self._find())

    async def published(self) -> LogHead:
        """The head that readers are shown. Raises `LogMissing`."""
        found = await self._find()
        return _head(found.get("published") or found)

    async def hold(self) -> None:
        """From now on publish only what `publish` says; until it does, readers see what they saw last."""
        while True:
            found = await self._find()
            if found.get("published") is not None:
                return
            key = {"log": LOG, "size": found["size"], "published": None}
            change = {"$set": {"published": _facts(_head(found))}}
            if await self._heads.update(key, change):
                return

    async def release(self) -> None:
        """From now on each head is published as it is signed."""
        await self._heads.update({"log": LOG}, {"$set": {"published": None}})

    async def publish(self, head: LogHead) -> bool:
        """Show readers this head. False, and nothing changed, where they were shown a larger one."""
        key = {"log": LOG, "published.size": {"$lte": head.size}}
        return await self._heads.update(key, {"$set": {"published": _facts(head)}})

    async def pulse(self) -> Pulse:
        """Raises `LogMissing`."""
        names = ("term", "beat", "size", "late", "free")
        found = await self._find(*names)
        return Pulse(**{name: found[name] for name in names})

    async def claim(self, seen: Pulse) -> int | None:
        """Begin the term after the one seen; None where another process was faster, or the head moved."""
        key = {"log": LOG, "term": seen.term, "beat": seen.beat}
        change = {"$set": {"term": seen.term + 1, "beat": 0, "free": False}}
        return seen.term + 1 if await self._heads.update(key, change) else None

    async def beat(self, term: int) -> bool:
        """Show that the leader lives. False when the term is over."""
        return await self._heads.update({"log": LOG, "term": term}, {"$inc": {"beat": 1}})

    async def lay_down(self, term: int) -> None:
        """End one's own term, so that another process need not wait."""
        await self._heads.update({"log": LOG, "term": term}, {"$set": {"free": True}})

    async def advance(self, term: int, *, size: int, head: LogHead) -> bool:
        """Move the log from `size` on. False, and nothing changed, when the term is over."""
        key = {"log": LOG, "term": term, "size": size}
        return await self._heads.update(key, {"$set": _facts(head), "$inc": {"beat": 1}})

    async def _find(self, *fields: str) -> Document:
        found = await self._heads.find_one({"log": LOG}, fields=fields or None)
        if found is None:
            raise LogMissing(str(LogMissing.__doc__))
        return found


def _facts(head: LogHead) -> Document:
    return {**vars(head), "rows": list(head.rows)}


def _head(document: Mapping[str, Any]) -> LogHead:
    return LogHead(
        size=document["size"],
        rows=tuple(bytes(row) for row in document["rows"]),
        newest=document["newest"],
        late=document["late"],
        checkpoint=bytes(document["checkpoint"]),
        vkey=document["vkey"],
    )

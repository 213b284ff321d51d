"""Opening a database, and the few operations the rest of the store is written with.

    async with await open_database(uri, name="relais") as database:
        notes = database.collection("notes")
        await notes.insert({"circle": circle, "seq": 7, …})
        found = await notes.find({"circle": circle, "seq": {"$gt": 3, "$lte": 53}}, sort=[("seq", 1)])

A `Collection` has no more than MongoDB and the embedded server both do well. Each operation waits for one of a few slots,
first come first served, for the driver's own pool starves those who wait; and fails with an error of `errors` alone.
Write for both servers: a filter is `_id` alone (equality or `$in`), or a prefix of one compound index with a range on its
last field only; pages are bounded at both ends; there is no find-and-modify.
"""

import asyncio
import random
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from relais.models.store.driver import heeded, translated
from relais.models.store.errors import DatabaseUnsuitable, Unavailable

Document = dict[str, Any]
Filter = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]
Session = AsyncClientSession
Kind = Literal["mongodb", "embedded"]
T = TypeVar("T")

SLOTS = 12
TRANSACTION_SECONDS = 15.0
SETTLE_SECONDS = 0.1
ENCODED_AT_ONCE = 200


@dataclass(frozen=True)
class Limits:
    """How much of a database one process uses: operations at once, and seconds before an answer counts as lost."""

    slots: int = SLOTS
    answer_seconds: float = 20.0
    find_server_seconds: float = 10.0


class Database:
    """One database of one server. Made by `open_database`; close it, or use it in `async with`."""

    def __init__(
        self, client: AsyncMongoClient[Document], *, name: str, kind: Kind, limits: Limits
    ) -> None:
        self.kind: Kind = kind
        self.name = name
        self._client = client
        self._slots = asyncio.Semaphore(limits.slots)
        # Durable where it is told: on MongoDB by most of the members, on the embedded server by its only one. Reads see
        # what most members have, so that nobody is shown a note that a change of primary takes back.
        self._write = WriteConcern(w="majority" if kind == "mongodb" else 1, j=True)
        self._read = ReadConcern("majority") if kind == "mongodb" else ReadConcern()
        self._raw = client.get_database(name, write_concern=self._write, read_concern=self._read)

    @property
    def raw(self) -> AsyncDatabase[Document]:
        """The driver's own database, for schema, GridFS and backups. Wrap it in `using`."""
        return self._raw

    def collection(self, name: str) -> "Collection":
        return Collection(self, self._raw[name])

    @asynccontextmanager
    async def using(self, session: Session | None = None) -> AsyncIterator[None]:
        """Hold a slot, and turn the driver's errors into the store's. Inside a transaction neither: it does both itself."""
        if session is not None:
            with heeded():
                yield
            return
        async with self._slots:
            with translated(), heeded():
                yield

    async def transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run `work` in a transaction: its writes happen all or not at all, durably, before this returns.

        `work` runs again from its start when it met another transaction. Pass it the session for every operation. Errors
        reach the caller after the abort and translated as elsewhere; inside `work` they are the driver's: let them pass.
        Keep it short, for it holds locks and a slot. `Unavailable` after `TRANSACTION_SECONDS`, and when the commit
        failed: nobody knows then whether it arrived, and a server that crashed cannot tell either.
        """
        async with self._slots:
            with translated():
                async with (
                    asyncio.timeout(TRANSACTION_SECONDS),
                    self._client.start_session() as session,
                ):
                    with heeded():
                        return await self._attempts(session, work)

    async def _attempts(self, session: Session, work: Callable[[Session], Awaitable[T]]) -> T:
        for attempt in count():
            await session.start_transaction(self._read, self._write)
            try:
                result = await work(session)
            except PyMongoError as error:
                await session.abort_transaction()
                if not error.has_error_label("TransientTransactionError"):
                    raise
                await asyncio.sleep(random.random() * min(0.5, 0.005 * 1.5**attempt))
                continue
            except BaseException:
                await session.abort_transaction()
                raise
            await _commit(session)
            return result
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """A session that sees the database as it is now, whatever is written meanwhile. It holds a slot.

        MongoDB ends it after `transactionLifetimeLimitSeconds` (60 unless set otherwise); reads raise `Unavailable` then.
        """
        async with self._slots:
            with translated():
                async with self._client.start_session() as session:
                    await session.start_transaction(ReadConcern("snapshot"))
                    try:
                        yield session
                    finally:
                        await session.abort_transaction()

    async def names(self) -> list[str]:
        """Of all collections that are there, in order."""
        async with self.using():
            found = await self._raw.list_collection_names()
        return sorted(name for name in found if not name.startswith("system."))

    async def ping(self) -> None:
        """Ask the server for a sign of life. Raises `Unavailable`."""
        async with self.using():
            await self._raw.command("ping")

    async def drop(self) -> None:
        """Remove this database with all it holds."""
        async with self.using():
            await self._client.drop_database(self.name)

    async def close(self) -> None:
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


class Collection:
    """The operations both servers do well. `session` is that of the transaction one is in."""

    def __init__(self, database: Database, raw: AsyncCollection[Document]) -> None:
        self.name = raw.name
        self.database = database
        self._raw = raw

    async def insert(self, document: Document, *, session: Session | None = None) -> None:
        """Store a document, durably. Adds `_id` to it when it has none. Raises `DuplicateKey`."""
        async with self.database.using(session):
            await self._raw.insert_one(document, session=session)

    async def insert_many(
        self, documents: Sequence[Document], *, session: Session | None = None
    ) -> None:
        """Store documents in order up to the first that fails: `DuplicateKey.index` says which, those before it stay."""
        async with self.database.using(session):
            await self._raw.insert_many(documents, ordered=True, session=session)

    async def find_one(
        self, filter: Filter, *, fields: Sequence[str] | None = None, session: Session | None = None
    ) -> Document | None:
        async with self.database.using(session):
            return await self._raw.find_one(filter, fields, session=session)

    async def find(
        self,
        filter: Filter,
        *,
        sort: Sort | None = None,
        fields: Sequence[str] | None = None,
        session: Session | None = None,
    ) -> list[Document]:
        """All that match. Bound the filter: the embedded server reads everything that matches, whatever the limit."""
        async with self.database.using(session):
            return await self._raw.find(filter, fields, sort=sort, session=session).to_list()

    async def stream(
        self,
        filter: Filter,
        *,
        sort: Sort | None = None,
        fields: Sequence[str] | None = None,
        batch: int = 500,
    ) -> AsyncGenerator[Document, None]:
        """All that match, `batch` at a time; holds a slot for each batch only, however slow the reader is."""
        cursor = self._raw.find(filter, fields, sort=sort, batch_size=batch)
        try:
            while cursor.alive:
                async with self.database.using():
                    documents = await cursor.to_list(batch)
                for document in documents:
                    yield document
        finally:
            await cursor.close()

    async def encoded(
        self, session: Session, *, batch: int = ENCODED_AT_ONCE
    ) -> AsyncGenerator[bytes, None]:
        """Every document as the server has it, in BSON."""
        raw = self._raw.with_options(CodecOptions(document_class=RawBSONDocument))
        async with raw.find({}, batch_size=batch, session=session) as cursor:
            while cursor.alive:
                async with self.database.using(session):
                    documents = await cursor.to_list(batch)
                for document in documents:
                    yield bytes(document.raw)

    async def insert_encoded(self, documents: Sequence[bytes]) -> None:
        """Store documents as they are, durably. Raises `InvalidBSON` for what is none."""
        raw = [cast(Document, RawBSONDocument(one)) for one in documents]
        await self.insert_many(raw)

    async def update(
        self,
        filter: Filter,
        change: Mapping[str, Any],
        *,
        upsert: bool = False,
        session: Session | None = None,
    ) -> bool:
        """Change one document; answers whether one matched (never by an upsert's insert)."""
        async with self.database.using(session):
            result = await self._raw.update_one(filter, change, upsert=upsert, session=session)
            return result.matched_count == 1

    async def upsert_each(
        self, changes: Sequence[tuple[Filter, Mapping[str, Any]]], *, session: Session | None = None
    ) -> None:
        """Change a document for each filter, or insert it, in this order and in one round trip."""
        if not changes:
            return
        each = [UpdateOne(filter, change, upsert=True) for filter, change in changes]
        async with self.database.using(session):
            await self._raw.bulk_write(each, ordered=True, session=session)

    async def update_many(
        self, filter: Filter, change: Mapping[str, Any], *, session: Session | None = None
    ) -> int:
        """Change all that match; answers how many matched."""
        async with self.database.using(session):
            return (await self._raw.update_many(filter, change, session=session)).matched_count

    async def delete(self, filter: Filter, *, session: Session | None = None) -> bool:
        """Remove one document; answers whether there was one."""
        async with self.database.using(session):
            return (await self._raw.delete_one(filter, session=session)).deleted_count == 1

    async def delete_many(self, filter: Filter, *, session: Session | None = None) -> int:
        async with self.database.using(session):
            return (await self._raw.delete_many(filter, session=session)).deleted_count

    async def aggregate(
        self, stages: Sequence[Mapping[str, Any]], *, session: Session | None = None
    ) -> list[Document]:
        async with self.database.using(session):
            return await (await self._raw.aggregate(list(stages), session=session)).to_list()

    async def plan(self, filter: Filter, *, sort: Sort | None = None) -> list[str]:
        """The stages by which the server would find this, for instance ["FETCH", "IXSCAN"]. For tests of hot paths."""
        query: Document = {"find": self.name, "filter": dict(filter)}
        if sort:
            query["sort"] = dict(sort)
        async with self.database.using():
            answer = await self.database.raw.command("explain", query, verbosity="queryPlanner")
        return list(_stages(answer["queryPlanner"]["winningPlan"]))


async def open_database(
    uri: str, *, name: str = "relais", limits: Limits | None = None
) -> Database:
    """Connect, find out what answers, and make sure that it can do what the store needs.

    Raises `Unavailable` when nothing answers, `DatabaseUnsuitable` when it is a MongoDB without replica set.
    """
    limits = limits or Limits()
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        uri,
        tz_aware=True,
        maxPoolSize=limits.slots + 4,  # the slots, and what monitors and change streams take
        socketTimeoutMS=limits.answer_seconds * 1000,
        serverSelectionTimeoutMS=limits.find_server_seconds * 1000,
        appname="relais",
    )
    try:
        with translated():
            kind = await _kind_of(client)
    except BaseException:
        # Giving up falls together with the driver's next attempt, whose socket `close` would leave open (PyMongo 4.20).
        await asyncio.sleep(SETTLE_SECONDS)
        await client.close()
        raise
    return Database(client, name=name, kind=kind, limits=limits)


async def _commit(session: Session) -> None:
    try:
        await session.commit_transaction()
    except PyMongoError as error:
        raise Unavailable("the commit was not confirmed") from error


async def _kind_of(client: AsyncMongoClient[Document]) -> Kind:
    build = await client.admin.command("buildInfo")
    if "secantusVersion" in build:
        return "embedded"
    hello = await client.admin.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise DatabaseUnsuitable(
            "this MongoDB has no replica set, and so no transactions: start it with --replSet"
        )
    return "mongodb"


def _stages(plan: Mapping[str, Any]) -> Iterator[str]:
    """Stage names of an explained plan, outermost first, through the shapes that servers wrap them in."""
    if "stage" in plan:
        yield str(plan["stage"])
    inner = [plan[key] for key in ("queryPlan", "winningPlan", "inputStage") if key in plan]
    for part in (*inner, *plan.get("inputStages", ()), *plan.get("shards", ())):
        yield from _stages(part)

"""Bring a database to what this release needs, once, whichever of several nodes starts first.

The collection `migrations` holds one document for each migration done, one for the schema applied, and a lock:

    {_id: "lock", owner, until}      {_id: "schema", fingerprint, at}      {_id: 1, name, at}      {_id: "restore", at}

First the declared schema is applied if it changed (migration 1 of a new database), then the numbered migrations, in order.
Each can be repeated: a node may die in the middle of one. While a backup is being restored, nothing is migrated (`restoring`).
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from relais.models.store.database import Collection, Database
from relais.models.store.declared import CollectionSchema
from relais.models.store.errors import DuplicateKey, RestoreUnfinished, SchemaTooNew, Unavailable
from relais.models.store.schema import COLLECTIONS, apply_schema, fingerprint

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
PATIENCE = timedelta(minutes=10)
PAUSE = 0.2  # seconds between two looks at a lock that another node holds


@dataclass(frozen=True)
class Migration:
    """A change to stored documents, numbered from 2 upwards. `apply` can be repeated."""

    number: int
    name: str
    apply: Callable[[Database], Awaitable[None]]


@dataclass(frozen=True)
class Plan:
    """What a release needs: the schema declared and the migrations known, in ascending order."""

    collections: Sequence[CollectionSchema] = COLLECTIONS
    migrations: Sequence[Migration] = ()

    @property
    def latest(self) -> int:
        return max((migration.number for migration in self.migrations), default=1)


async def _drop_replaced_indexes(database: Database) -> None:
    """Postings answer what these were for; kept, they would cost each entry of the log its share."""
    log = database.raw["audit_log"]
    async with database.using():
        names = set(await log.index_information())
    for name in ("organisation_1_index_1", "action_1_index_1", "outcome_1_index_1"):
        if name in names:
            async with database.using():
                await log.drop_index(name)


async def _use_new_rules(database: Database) -> None:
    """Where somebody had set the rules over the log, those that came since are in use too: an emergency access has to be reviewed."""
    settings = database.collection("settings")
    found = await settings.find_one({"_id": "audit.rules"})
    if found is not None:
        on = dict.fromkeys((*found["value"]["on"], "alarm", "break-glass", "escrow-login"))
        await settings.update({"_id": "audit.rules"}, {"$set": {"value.on": list(on)}})


RELEASE = Plan(
    migrations=(
        Migration(2, "audit indexes", _drop_replaced_indexes),
        Migration(3, "rules in use", _use_new_rules),
    )
)


async def migrate(database: Database, plan: Plan = RELEASE) -> list[int]:
    """Do what is missing, and answer the numbers of the migrations done. Waits while another node does it.

    Raises `SchemaTooNew` if a newer release has been here, `Unavailable` if another node holds the lock for too long,
    `RestoreUnfinished`.
    """
    records = database.collection("migrations")
    if await is_restoring(database):
        raise RestoreUnfinished(
            "a restore broke off here: restore the backup again, or serve from another folder or database"
        )
    if await _is_done(records, plan):
        return []
    async with _lock(records):
        done = await _applied(records, plan)
        await _apply_schema(database, records, plan)
        new = [m for m in plan.migrations if m.number not in done]
        for migration in new:
            await migration.apply(database)
            await _record(records, migration.number, migration.name)
        if 1 not in done:
            await _record(records, 1, "schema")
        return ([] if 1 in done else [1]) + [m.number for m in new]


async def applied(database: Database) -> dict[int, str]:
    """The migrations done, by number and name."""
    found = await database.collection("migrations").find({})
    return {one["_id"]: one["name"] for one in found if isinstance(one["_id"], int)}


async def is_restoring(database: Database) -> bool:
    """Whether a restore began here and did not come to its end."""
    return await database.collection("migrations").find_one({"_id": "restore"}) is not None


@asynccontextmanager
async def restoring(database: Database, done: Mapping[int, str]) -> AsyncIterator[None]:
    """While the body brings documents to which the migrations `done` were done. What breaks off stays unfinished."""
    records = database.collection("migrations")
    await records.insert({"_id": "restore", "at": datetime.now(UTC)})
    yield
    for number, name in done.items():
        await _record(records, number, name)
    await records.delete({"_id": "restore"})


async def _is_done(records: Collection, plan: Plan) -> bool:
    done = await _applied(records, plan)
    wanted = {1, *(migration.number for migration in plan.migrations)}
    return wanted <= done and await _fingerprint(records) == fingerprint(plan.collections)


async def _applied(records: Collection, plan: Plan) -> set[int]:
    numbers = {d["_id"] for d in await records.find({}) if isinstance(d["_id"], int)}
    if newer := [number for number in numbers if number > plan.latest]:
        raise SchemaTooNew(
            f"migration {max(newer)} was done here, this release knows {plan.latest}"
        )
    return numbers


async def _fingerprint(records: Collection) -> str:
    return str((await records.find_one({"_id": "schema"}) or {}).get("fingerprint", ""))


async def _apply_schema(database: Database, records: Collection, plan: Plan) -> None:
    wanted = fingerprint(plan.collections)
    if await _fingerprint(records) != wanted:
        await apply_schema(database, plan.collections)
        change = {"$set": {"fingerprint": wanted, "at": datetime.now(UTC)}}
        await records.update({"_id": "schema"}, change, upsert=True)


async def _record(records: Collection, number: int, name: str) -> None:
    await records.update(
        {"_id": number}, {"$set": {"name": name, "at": datetime.now(UTC)}}, upsert=True
    )
    log.info("migration %d (%s) done", number, name)


@asynccontextmanager
async def _lock(records: Collection) -> AsyncIterator[None]:
    """Hold the lock, and keep it held while the body runs; a dead node's lock is free after `LEASE`."""
    owner = secrets.token_hex(8)
    await _wait_for(records, owner)
    try:
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(_keep(records, owner))
            try:
                yield
            finally:
                keeper.cancel()
    except ExceptionGroup as errors:  # the body's failure, or the lock's loss
        raise errors.exceptions[0] from None
    finally:
        await records.delete({"_id": "lock", "owner": owner})


async def _wait_for(records: Collection, owner: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while not await _take(records, owner):  # noqa: ASYNC110 (another machine holds it)
                await asyncio.sleep(PAUSE)
    except TimeoutError:
        raise Unavailable("another node has been migrating for too long") from None


async def _take(records: Collection, owner: str) -> bool:
    now = datetime.now(UTC)
    try:
        await records.insert({"_id": "lock", "owner": owner, "until": now + LEASE})
    except DuplicateKey:
        held = await records.find_one({"_id": "lock"})
        if held is None or held["until"] > now:
            return False
        log.warning("a node died while it migrated: its lock is taken over")
        stale = {"_id": "lock", "owner": held["owner"]}
        return await records.update(stale, {"$set": {"owner": owner, "until": now + LEASE}})
    return True


async def _keep(records: Collection, owner: str) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        until = datetime.now(UTC) + LEASE
        if not await records.update({"_id": "lock", "owner": owner}, {"$set": {"until": until}}):
            raise Unavailable("another node took the migration lock")

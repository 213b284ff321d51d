"""The schema and the numbered migrations, alone and from several nodes at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from relais.models.store import migrations
from relais.models.store.database import Database
from relais.models.store.declared import CollectionSchema, document, index
from relais.models.store.errors import DocumentRefused, DuplicateKey, SchemaTooNew, Unavailable
from relais.models.store.migrations import Migration, Plan, migrate

FIRST = CollectionSchema(
    "first", indexes=(index("a", unique=True),), validator=document({"a": "int"})
)
SECOND = CollectionSchema("second", indexes=(index("b"),))


async def test_a_new_database_gets_its_collections_once(empty_database: Database) -> None:
    plan = Plan(collections=(FIRST,))
    assert await migrate(empty_database, plan) == [1]
    assert await migrate(empty_database, plan) == []
    first = empty_database.collection("first")
    await first.insert({"a": 1})
    with pytest.raises(DuplicateKey):
        await first.insert({"a": 1})
    with pytest.raises(DocumentRefused):
        await first.insert({"a": "one"})


async def test_a_collection_declared_later_is_made_and_the_data_kept(
    empty_database: Database,
) -> None:
    await migrate(empty_database, Plan(collections=(FIRST,)))
    await empty_database.collection("first").insert({"a": 1})
    await migrate(empty_database, Plan(collections=(FIRST, SECOND)))
    assert "IXSCAN" in await empty_database.collection("second").plan({"b": 1})
    assert len(await empty_database.collection("first").find({})) == 1


async def test_migrations_run_once_in_order_whatever_the_number_of_nodes(
    empty_database: Database,
) -> None:
    ran: list[int] = []

    def step(number: int) -> Migration:
        async def apply(database: Database) -> None:
            ran.append(number)
            await database.collection("first").insert({"a": number})

        return Migration(number, f"step {number}", apply)

    plan = Plan(collections=(FIRST,), migrations=(step(2), step(3)))
    answers = await asyncio.gather(*(migrate(empty_database, plan) for _ in range(4)))
    assert sorted(map(len, answers)) == [0, 0, 0, 3]
    assert ran == [2, 3]


async def test_a_migration_that_failed_frees_the_lock_and_runs_again(
    empty_database: Database,
) -> None:
    tries: list[str] = []

    async def apply(_: Database) -> None:
        tries.append("try")
        if len(tries) == 1:
            raise Unavailable("cut")

    plan = Plan(collections=(FIRST,), migrations=(Migration(2, "cut once", apply),))
    with pytest.raises(Unavailable):
        await migrate(empty_database, plan)
    assert await migrate(empty_database, plan) == [1, 2]
    assert len(tries) == 2


async def test_a_dead_nodes_lock_is_taken_over_when_it_is_stale_and_not_before(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = empty_database.collection("migrations")
    now = datetime.now(UTC)
    await records.insert({"_id": "lock", "owner": "dead", "until": now + timedelta(minutes=1)})
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "PATIENCE", timedelta(seconds=0.3))
        with pytest.raises(Unavailable):
            await migrate(empty_database, Plan(collections=(FIRST,)))
    await records.update({"_id": "lock"}, {"$set": {"until": now - timedelta(seconds=1)}})
    assert await migrate(empty_database, Plan(collections=(FIRST,))) == [1]
    assert await records.find_one({"_id": "lock"}) is None


async def test_a_database_of_a_newer_release_is_refused(empty_database: Database) -> None:
    await migrate(empty_database, Plan(collections=(FIRST,)))
    await empty_database.collection("migrations").insert({"_id": 7, "name": "from the future"})
    with pytest.raises(SchemaTooNew):
        await migrate(empty_database, Plan(collections=(FIRST,)))


async def test_the_release_itself_can_be_applied_twice(empty_database: Database) -> None:
    assert await migrate(empty_database) == [1, 2, 3]
    assert await migrate(empty_database) == []


async def test_indexes_that_postings_replace_are_dropped_and_the_others_stay(
    empty_database: Database,
) -> None:
    await migrate(empty_database, Plan())
    log = empty_database.raw["audit_log"]
    async with empty_database.using():
        await log.create_index([("action", 1), ("index", 1)])
    assert await migrate(empty_database) == [2, 3]
    async with empty_database.using():
        names = set(await log.index_information())
    assert {"circle_1_index_1", "account_1_index_1"} <= names
    assert "action_1_index_1" not in names


async def test_rules_that_came_later_are_in_use_where_others_had_been_chosen(
    empty_database: Database,
) -> None:
    await migrate(empty_database, Plan())
    settings = empty_database.collection("settings")
    await settings.insert({"_id": "audit.rules", "value": {"version": 4, "on": ["refusals"]}})
    await migrate(empty_database)
    found = await settings.find_one({"_id": "audit.rules"})
    assert found is not None
    assert found["value"]["on"] == ["refusals", "alarm", "break-glass", "escrow-login"]
    assert found["value"]["version"] == 4

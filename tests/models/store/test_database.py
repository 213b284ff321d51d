"""Opening a database and the operations of a collection."""

import asyncio

import pytest
from patience import PATIENCE

from relais.models.store.database import Collection, Database, Limits, Session, open_database
from relais.models.store.declared import CollectionSchema, document, index
from relais.models.store.errors import DocumentRefused, DuplicateKey, Unavailable
from relais.models.store.schema import apply_schema

THINGS = CollectionSchema(
    "things",
    indexes=(index("owner", "seq", unique=True),),
    validator=document({"owner": "string", "seq": "int"}, optional={"body": "binData"}),
)


@pytest.fixture
async def things(database: Database) -> Collection:
    await apply_schema(database, [THINGS])
    collection = database.collection("things")
    await collection.delete_many({})
    return collection


async def test_a_stored_document_is_found_changed_and_removed(things: Collection) -> None:
    await things.insert({"owner": "a", "seq": 1})
    assert await things.update({"owner": "a", "seq": 1}, {"$set": {"body": b"x"}})
    found = await things.find_one({"owner": "a", "seq": 1}, fields=["body"])
    assert found is not None
    assert found["body"] == b"x"
    assert await things.delete({"owner": "a", "seq": 1})
    assert not await things.delete({"owner": "a", "seq": 1})
    assert not await things.update({"owner": "a", "seq": 1}, {"$set": {"body": b"y"}})


async def test_a_duplicate_key_names_the_index_and_the_position(things: Collection) -> None:
    await things.insert({"owner": "a", "seq": 2})
    with pytest.raises(DuplicateKey) as one:
        await things.insert({"owner": "a", "seq": 2})
    assert (one.value.pattern, one.value.index) == (("owner", "seq"), 0)
    with pytest.raises(DuplicateKey) as many:
        await things.insert_many([{"owner": "a", "seq": n} for n in (1, 2, 3)])
    assert (many.value.pattern, many.value.index) == (("owner", "seq"), 1)
    assert [d["seq"] for d in await things.find({"owner": "a"}, sort=[("seq", 1)])] == [1, 2]


async def test_several_are_changed_or_inserted_in_one_go_in_their_order(things: Collection) -> None:
    await things.insert({"owner": "a", "seq": 1, "body": b"old"})
    await things.upsert_each([])
    await things.upsert_each(
        [
            ({"owner": "a", "seq": 1}, {"$set": {"body": b"new"}}),
            ({"owner": "a", "seq": 2}, {"$set": {"body": b"first"}}),
            ({"owner": "a", "seq": 2}, {"$set": {"body": b"second"}}),
        ]
    )
    found = await things.find({"owner": "a"}, sort=[("seq", 1)])
    assert [(one["seq"], one["body"]) for one in found] == [(1, b"new"), (2, b"second")]


async def test_of_several_in_a_transaction_all_are_changed_or_none(
    database: Database, things: Collection
) -> None:
    async def work(session: Session) -> None:
        changes = [({"owner": "b", "seq": n}, {"$set": {"body": b"x"}}) for n in range(40)]
        await things.upsert_each(changes, session=session)
        await things.insert({"owner": "b", "seq": "not a number"}, session=session)

    with pytest.raises(DocumentRefused):
        await database.transaction(work)
    assert await things.find({"owner": "b"}) == []


async def test_an_error_names_no_value_of_a_document(things: Collection) -> None:
    await things.insert({"owner": "secret-owner", "seq": 2})
    with pytest.raises(DuplicateKey) as caught:
        await things.insert({"owner": "secret-owner", "seq": 2})
    assert "secret" not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize(
    "wrong", [{"owner": "a"}, {"owner": 1, "seq": 1}, {"owner": "a", "seq": 1, "name": "x"}]
)
async def test_a_document_that_breaks_the_validator_is_refused(
    things: Collection, wrong: dict[str, object]
) -> None:
    with pytest.raises(DocumentRefused):
        await things.insert(wrong)
    await things.insert({"owner": "a", "seq": 1, "body": b""})
    assert len(await things.find({})) == 1


async def test_a_stream_gives_every_document_in_order_in_whatever_batches(
    things: Collection,
) -> None:
    await things.insert_many([{"owner": "a", "seq": n} for n in range(25)])
    for batch in (1, 7, 25, 100):
        stream = things.stream({"owner": "a"}, sort=[("seq", 1)], batch=batch)
        assert [d["seq"] async for d in stream] == list(range(25))


async def test_a_page_by_a_bounded_number_uses_the_index_and_another_filter_does_not(
    things: Collection,
) -> None:
    plan = await things.plan({"owner": "a", "seq": {"$gt": 3, "$lte": 9}}, sort=[("seq", 1)])
    assert "IXSCAN" in plan
    assert "COLLSCAN" not in plan
    assert "COLLSCAN" in await things.plan({"body": b"x"})


async def test_a_transaction_stores_all_of_it(things: Collection, database: Database) -> None:
    async def work(session: Session) -> str:
        await things.insert({"owner": "t", "seq": 1}, session=session)
        await things.insert({"owner": "t", "seq": 2}, session=session)
        return "done"

    assert await database.transaction(work) == "done"
    assert len(await things.find({"owner": "t"})) == 2


async def test_a_transaction_that_fails_stores_nothing(
    things: Collection, database: Database
) -> None:
    async def work(session: Session) -> None:
        await things.insert({"owner": "t", "seq": 1}, session=session)
        await things.insert({"owner": "t", "seq": 1}, session=session)

    with pytest.raises(DuplicateKey) as caught:
        await database.transaction(work)
    assert caught.value.pattern == ("owner", "seq")
    assert await things.find({"owner": "t"}) == []


async def test_transactions_on_one_document_are_all_done_in_the_end(
    things: Collection, database: Database
) -> None:
    await things.insert({"owner": "counter", "seq": 0})

    async def work(session: Session) -> None:
        found = await things.find_one({"owner": "counter"}, session=session)
        assert found is not None
        await things.update(
            {"_id": found["_id"]}, {"$set": {"seq": found["seq"] + 1}}, session=session
        )

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(database.transaction(work))
    found = await things.find_one({"owner": "counter"})
    assert found is not None
    assert found["seq"] == 8


async def test_a_cancelled_transaction_leaves_no_lock(
    things: Collection, database: Database
) -> None:
    inside = asyncio.Event()

    async def stuck(session: Session) -> None:
        await things.insert({"owner": "lock", "seq": 1}, session=session)
        inside.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(database.transaction(stuck))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(PATIENCE):
        await things.insert({"owner": "lock", "seq": 1})


async def test_more_callers_than_slots_are_all_served(mongodb_uri: str, database_name: str) -> None:
    limits = Limits(slots=2)
    async with await open_database(mongodb_uri, name=database_name, limits=limits) as database:
        things = database.collection("served")
        async with asyncio.TaskGroup() as group:
            for n in range(40):
                group.create_task(things.insert({"n": n}))
        assert sorted(d["n"] for d in await things.find({})) == list(range(40))


async def test_nothing_at_the_address_is_unavailable() -> None:
    uri = "mongodb://127.0.0.1:9/?directConnection=true"
    with pytest.raises(Unavailable):
        await open_database(uri, limits=Limits(find_server_seconds=0.3))


async def test_a_server_that_answers_is_found_alive(database: Database) -> None:
    await database.ping()
    assert database.kind in ("mongodb", "embedded")

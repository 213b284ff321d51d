"""The group writer: durable, whole, in order, numbered without gaps, with several writers and many callers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relais.models.store.database import Database, Document
from relais.models.store.declared import CollectionSchema, document, index
from relais.models.store.errors import DocumentRefused, DuplicateKey, Unavailable
from relais.models.store.journal import GroupLimits, GroupWriter
from relais.models.store.numbering import LastNumbers, Numbering
from relais.models.store.schema import apply_schema

Build = Callable[[int], Sequence[tuple[str, Document]]]
SHEETS = CollectionSchema(
    "sheets",
    indexes=(index("circle", "seq", unique=True), index("sheet", unique=True)),
    validator=document({"circle": "string", "seq": "int", "sheet": "string"}),
)
LINES = CollectionSchema("lines", indexes=(index("sheet"),))


@pytest.fixture
async def shelf(database: Database) -> Database:
    await apply_schema(database, [SHEETS, LINES])
    for name in ("sheets", "lines"):
        await database.collection(name).delete_many({})
    return database


@pytest.fixture
async def writer(shelf: Database) -> AsyncIterator[GroupWriter]:
    async with GroupWriter(shelf) as writer:
        yield writer


def circle(name: str) -> Numbering:
    return Numbering("sheets", "circle", name)


def sheet(name: str, *, of: str) -> Build:
    def build(seq: int) -> Sequence[tuple[str, Document]]:
        return [
            ("lines", {"sheet": name, "of": of}),
            ("sheets", {"circle": of, "seq": seq, "sheet": name}),
        ]

    return build


async def sheets(shelf: Database, of: str) -> list[tuple[int, str]]:
    found = await shelf.collection("sheets").find({"circle": of}, sort=[("seq", 1)])
    return [(d["seq"], d["sheet"]) for d in found]


async def lines(shelf: Database) -> list[str]:
    return sorted(d["sheet"] for d in await shelf.collection("lines").find({}))


async def test_units_given_at_once_are_numbered_in_the_order_given(
    writer: GroupWriter, shelf: Database
) -> None:
    names = [f"s{n:03}" for n in range(60)]
    given_back = await asyncio.gather(
        *(writer.append_next(circle("a"), sheet(name, of="a")) for name in names)
    )
    assert given_back == list(range(1, 61))
    assert await sheets(shelf, "a") == list(zip(range(1, 61), names, strict=True))
    assert await lines(shelf) == names


async def test_numbering_goes_on_where_another_process_left_it(shelf: Database) -> None:
    for start in (1, 2, 3):
        async with GroupWriter(shelf) as writer:
            assert await writer.append_next(circle("a"), sheet(f"s{start}", of="a")) == start


async def test_a_duplicate_fails_alone_and_leaves_no_gap(
    writer: GroupWriter, shelf: Database
) -> None:
    await writer.append_next(circle("a"), sheet("taken", of="a"))
    answers = await asyncio.gather(
        *(
            writer.append_next(circle("a"), sheet(name, of="a"))
            for name in ("x", "taken", "y", "x", "z")
        ),
        return_exceptions=True,
    )
    assert [a for a in answers if isinstance(a, int)] == [2, 3, 4]
    for duplicate in (answers[1], answers[3]):
        assert isinstance(duplicate, DuplicateKey)
        assert (duplicate.pattern, duplicate.collection) == (("sheet",), "sheets")
    assert await sheets(shelf, "a") == [(1, "taken"), (2, "x"), (3, "y"), (4, "z")]
    assert await lines(shelf) == ["taken", "x", "y", "z"]


async def test_a_unit_is_stored_whole_or_not_at_all(writer: GroupWriter, shelf: Database) -> None:
    good = writer.append(
        [("lines", {"sheet": "good"}), ("sheets", {"circle": "a", "seq": 1, "sheet": "good"})]
    )
    bad = writer.append(
        [("lines", {"sheet": "bad"}), ("sheets", {"circle": "a", "seq": 2, "sheet": 7})]
    )
    answers = await asyncio.gather(good, bad, return_exceptions=True)
    assert answers[0] is None
    assert isinstance(answers[1], DocumentRefused)
    assert await lines(shelf) == ["good"]


async def test_many_failing_units_do_not_keep_the_good_ones_back(
    writer: GroupWriter, shelf: Database
) -> None:
    await writer.append_next(circle("a"), sheet("taken", of="a"))
    names = [name for n in range(20) for name in (f"s{n:02}", "taken")]
    answers = await asyncio.gather(
        *(writer.append_next(circle("a"), sheet(name, of="a")) for name in names),
        return_exceptions=True,
    )
    assert [a for a in answers if isinstance(a, int)] == list(range(2, 22))
    assert sum(isinstance(a, DuplicateKey) for a in answers) == 20


async def test_single_documents_of_one_collection_need_no_transaction_and_fail_alone_too(
    writer: GroupWriter, shelf: Database
) -> None:
    def alone(name: str) -> Build:
        return lambda seq: [("sheets", {"circle": "a", "seq": seq, "sheet": name})]

    answers = await asyncio.gather(
        *(writer.append_next(circle("a"), alone(name)) for name in ("x", "y", "x", "z")),
        return_exceptions=True,
    )
    assert [a for a in answers if isinstance(a, int)] == [1, 2, 3]
    assert isinstance(answers[2], DuplicateKey)
    assert await sheets(shelf, "a") == [(1, "x"), (2, "y"), (3, "z")]


async def test_a_build_that_raises_fails_alone(writer: GroupWriter, shelf: Database) -> None:
    def broken(seq: int) -> Sequence[tuple[str, Document]]:
        raise KeyError("broken")

    answers = await asyncio.gather(
        writer.append_next(circle("a"), sheet("x", of="a")),
        writer.append_next(circle("a"), broken),
        writer.append_next(circle("a"), sheet("y", of="a")),
        return_exceptions=True,
    )
    assert answers[0] == 1
    assert isinstance(answers[1], KeyError)
    assert answers[2] == 2
    assert await sheets(shelf, "a") == [(1, "x"), (2, "y")]


async def test_what_cannot_be_encoded_fails_alone(writer: GroupWriter, shelf: Database) -> None:
    answers = await asyncio.gather(
        writer.append([("lines", {"sheet": "good"})]),
        writer.append([("lines", {"sheet": object()})]),
        writer.append([("lines", {"sheet": "also good"})]),
        return_exceptions=True,
    )
    assert [type(a) for a in answers][0::2] == [type(None), type(None)]
    assert isinstance(answers[1], Exception)
    assert await lines(shelf) == ["also good", "good"]


async def test_two_nodes_number_one_circle_without_gap_or_double(shelf: Database) -> None:
    async with GroupWriter(shelf) as one, GroupWriter(shelf) as two:

        async def post(writer: GroupWriter, prefix: str) -> list[int]:
            return [
                await writer.append_next(circle("a"), sheet(f"{prefix}{n}", of="a"))
                for n in range(15)
            ]

        mine, theirs = await asyncio.gather(post(one, "one"), post(two, "two"))
    assert mine == sorted(mine)
    assert theirs == sorted(theirs)
    assert sorted(mine + theirs) == list(range(1, 31))
    assert [seq for seq, _ in await sheets(shelf, "a")] == list(range(1, 31))
    assert len(await lines(shelf)) == 30


async def test_too_many_waiting_units_are_turned_away_and_the_others_stored(
    shelf: Database,
) -> None:
    limits = GroupLimits(units=2, waiting=4)
    async with GroupWriter(shelf, limits=limits) as writer:
        answers = await asyncio.gather(
            *(writer.append_next(circle("a"), sheet(f"s{n}", of="a")) for n in range(10)),
            return_exceptions=True,
        )
    assert answers[:4] == [1, 2, 3, 4]
    assert all(isinstance(answer, Unavailable) for answer in answers[4:])
    assert len(await sheets(shelf, "a")) == 4


async def test_a_caller_who_leaves_before_its_turn_leaves_no_gap(
    writer: GroupWriter, shelf: Database
) -> None:
    tasks = [asyncio.create_task(writer.append_next(circle("a"), sheet(n, of="a"))) for n in "xyz"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[0] == 1
    assert isinstance(answers[1], asyncio.CancelledError)
    assert answers[2] == 2
    assert await sheets(shelf, "a") == [(1, "x"), (2, "z")]


async def test_closing_stores_what_waits_and_then_turns_away(shelf: Database) -> None:
    async with GroupWriter(shelf) as writer:
        waiting = [
            asyncio.ensure_future(writer.append_next(circle("a"), sheet(f"s{n}", of="a")))
            for n in range(5)
        ]
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == [1, 2, 3, 4, 5]
    with pytest.raises(Unavailable):
        await writer.append([("lines", {"sheet": "late"})])


async def test_the_last_number_is_found_by_the_index(shelf: Database) -> None:
    plan = await shelf.collection("sheets").plan({"circle": "a", "seq": 4})
    assert "IXSCAN" in plan
    assert "COLLSCAN" not in plan


@pytest.mark.parametrize("last", [0, 1, 2, 3, 7, 8, 31, 33])
async def test_the_last_number_is_found_from_any_known_one(shelf: Database, last: int) -> None:
    documents = [{"circle": "a", "seq": n, "sheet": f"s{n}"} for n in range(1, last + 1)]
    if documents:
        await shelf.collection("sheets").insert_many(documents)
    for known in {0, last // 2, last}:
        numbers = LastNumbers(shelf)
        numbers.learn(circle("a"), known)
        assert await numbers.find(circle("a")) == last


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    posts=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 12), st.booleans()),
        min_size=1,
        max_size=40,
    ),
    units=st.integers(1, 16),
)
async def test_any_mix_of_circles_duplicates_and_pauses_is_numbered_in_order_without_gaps(
    shelf: Database, posts: list[tuple[str, int, bool]], units: int
) -> None:
    for name in ("sheets", "lines"):
        await shelf.collection(name).delete_many({})
    async with GroupWriter(shelf, limits=GroupLimits(units=units)) as writer:
        tasks = []
        for name, number, pause in posts:
            build = sheet(f"{name}{number}", of=name)
            tasks.append(asyncio.ensure_future(writer.append_next(circle(name), build)))
            await asyncio.sleep(0.002 if pause else 0)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    for name in "abc":
        first_times = list(dict.fromkeys(number for circle_, number, _ in posts if circle_ == name))
        assert await sheets(shelf, name) == [
            (n + 1, f"{name}{x}") for n, x in enumerate(first_times)
        ]
    stored = [answer for answer in answers if isinstance(answer, int)]
    assert len(stored) == len({post[:2] for post in posts}) == len(await lines(shelf))
    assert all(isinstance(a, DuplicateKey) for a in answers if not isinstance(a, int))

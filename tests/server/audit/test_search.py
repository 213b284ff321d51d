"""A search finds what a naive filter finds, in the same order, page by page, and reads little for it."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import islice

import pytest
from audit_store import ACCOUNTS, CIRCLES, START, AuditLog, pending
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relais.models.store.audit_log import SEARCHED, LogEntry
from relais.models.store.audit_postings import BLOCK, MINUTE_MS
from relais.models.store.audit_search import Places, Wanted, places_between
from relais.models.store.database import Database
from relais.models.store.schema import apply_schema
from relais.models.store.schema_audit import AUDIT
from relais.server.audit.answers import places_of
from relais.server.audit.filing import Filer
from relais.server.audit.parts import LogStores

SIZE = 1_500
ACTIONS = ("note.post", "note.sync", "auth.token")
ORGANISATIONS = ("Beaune", "Dijon", "Nolay")


@dataclass(frozen=True)
class Shelf:
    """A log and all of its entries."""

    audit: AuditLog
    entries: list[LogEntry]

    def naive(self, wanted: Wanted, *, below: int) -> list[int]:
        found = [one.index for one in self.entries[:below] if _holds(wanted, one)]
        return found[::-1]

    async def search(self, wanted: Wanted, *, below: int, page: int) -> list[int]:
        """Up to a page, newest first, as the server does it."""
        places = await places_of(self.audit.stores, wanted)
        rest = Places(places.start, min(below, places.end))
        finding = self.audit.stores.search.find(wanted, rest, newest_first=True, page=page)
        found: list[int] = []
        async with aclosing(finding) as entries:
            async for entry in entries:
                found.append(entry.index)
                if len(found) == page:
                    break
        return found


def _holds(wanted: Wanted, entry: LogEntry) -> bool:
    """From the entry's own bytes, not from the fields beside them."""
    read = json.loads(entry.entry)
    given = {name: getattr(wanted, name) for name in SEARCHED}
    asked = {name: value for name, value in given.items() if value is not None}
    return (
        all(read[name] == value for name, value in asked.items())
        and (wanted.since is None or entry.at >= wanted.since)
        and (wanted.until is None or entry.at < wanted.until)
    )


def _mixed(number: int) -> dict[str, object]:
    """Some accounts and circles often, some seldom; times a little out of order, and one far out."""
    late = 40_000 if number == 900 else (number * 7) % 90
    refused = number % 17 == 0
    return pending(
        number,
        at=START + 100 * number - late,
        account=ACCOUNTS[min(5, number * number % 11)] if number % 5 else None,
        circle=CIRCLES[min(5, number % 23)] if 200 < number < 1_300 else None,
        organisation=ORGANISATIONS[number % 3] if number % 4 else None,
        action=ACTIONS[number % 7 % 3],
        outcome="refused" if refused else "ok",
        reason="forbidden" if refused else None,
    )


@pytest.fixture
async def shelf(database: Database) -> Shelf:
    """One log for all tests of this module; none of them changes it."""
    await apply_schema(database, AUDIT)
    audit = AuditLog(database, LogStores.of(database))
    if not await audit.stores.entries.at(0):
        numbers = iter(range(SIZE))
        while some := list(islice(numbers, 50)):
            await audit.put([_mixed(number) for number in some])
            await audit.integrate()
        assert await Filer(audit.stores).step()
    assert await audit.stores.postings.filed() == 1
    return Shelf(audit, await audit.stores.entries.between(0, SIZE))


TIMES = st.one_of(st.none(), st.integers(START - 50_000, START + 100 * SIZE + 1_000))
WANTED = st.builds(
    Wanted,
    account=st.sampled_from([None, *ACCOUNTS]),
    circle=st.sampled_from([None, *CIRCLES, "99" * 32]),
    action=st.sampled_from([None, *ACTIONS, "note.get"]),
    outcome=st.sampled_from([None, "ok", "refused"]),
    organisation=st.sampled_from([None, *ORGANISATIONS, "Autun"]),
    since=TIMES,
    until=TIMES,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(wanted=WANTED, below=st.integers(1, SIZE), page=st.sampled_from([1, 3, 50, 400]))
async def test_a_page_is_what_a_naive_filter_finds(
    shelf: Shelf, wanted: Wanted, below: int, page: int
) -> None:
    expected = shelf.naive(wanted, below=below)
    assert await shelf.search(wanted, below=below, page=page) == expected[:page]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=WANTED)
async def test_an_export_finds_the_same_in_the_order_of_the_tree(
    shelf: Shelf, wanted: Wanted
) -> None:
    places = await places_of(shelf.audit.stores, wanted)
    finding = shelf.audit.stores.search.find(wanted, places, newest_first=False, page=100)
    assert [one.index async for one in finding] == shelf.naive(wanted, below=SIZE)[::-1]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(since=TIMES, until=TIMES)
async def test_no_entry_of_a_time_lies_outside_of_the_places_it_is_looked_for(
    shelf: Shelf, since: int | None, until: int | None
) -> None:
    head = await shelf.audit.stores.heads.read()
    places = await places_between(
        shelf.audit.stores.tiles, SIZE, since=since, until=until, late=head.late
    )
    inside = [one.index for one in shelf.entries if _holds(Wanted(since=since, until=until), one)]
    assert all(places.start <= index < places.end for index in inside)


async def test_a_time_narrows_the_places_to_some_tiles(shelf: Shelf) -> None:
    head = await shelf.audit.stores.heads.read()
    assert 39_000 < head.late < 41_000
    tiles = shelf.audit.stores.tiles
    found = await places_between(
        tiles, SIZE, since=START + 30_000, until=START + 40_000, late=head.late
    )
    assert found == Places(256, 1_024)
    usual = await places_between(tiles, SIZE, since=START + 30_000, until=START + 40_000, late=90)
    assert usual == Places(256, 512)


@pytest.mark.parametrize("field", ["circle", "account", None])
async def test_every_query_is_answered_from_an_index(shelf: Shelf, field: str | None) -> None:
    log = shelf.audit.database.collection("audit_log")
    some = {"index": {"$gte": 100, "$lt": 200}}
    plan = await log.plan({field: "x", **some} if field else some, sort=[("index", -1)])
    assert "IXSCAN" in plan
    assert "COLLSCAN" not in plan


async def test_postings_are_read_by_their_index(shelf: Shelf) -> None:
    postings = shelf.audit.database.collection("audit_postings")
    some = {"field": "action", "block": {"$gte": 0, "$lt": 4}}
    plan = await postings.plan(some, sort=[("block", 1)])
    assert "IXSCAN" in plan
    assert "COLLSCAN" not in plan
    log = shelf.audit.database.collection("audit_log")
    assert "COLLSCAN" not in await log.plan({"index": {"$in": [3, 7]}}, sort=[("index", -1)])


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=WANTED)
async def test_a_count_is_that_of_a_naive_filter_by_the_minute(
    shelf: Shelf, wanted: Wanted
) -> None:
    places = await places_of(shelf.audit.stores, wanted)
    counted, complete = await shelf.audit.stores.search.count(wanted, places, most=SIZE)
    sums = {one.at: (one.ok, one.refused) for one in counted}
    assert complete
    whole = replace(wanted, since=_floor(wanted.since), until=_ceiling(wanted.until))
    at_least, at_most = _naive_sums(shelf, wanted), _naive_sums(shelf, whole)
    assert sums.keys() <= at_most.keys()
    for minute, (ok, refused) in at_most.items():
        least = at_least.get(minute, (0, 0))
        here = sums.get(minute, (0, 0))
        assert least[0] <= here[0] <= ok
        assert least[1] <= here[1] <= refused


def _floor(at: int | None) -> int | None:
    return None if at is None else at // MINUTE_MS * MINUTE_MS


def _ceiling(at: int | None) -> int | None:
    return None if at is None else -(-at // MINUTE_MS) * MINUTE_MS


def _naive_sums(shelf: Shelf, wanted: Wanted) -> dict[int, tuple[int, int]]:
    sums: dict[int, tuple[int, int]] = {}
    for one in shelf.entries:
        if _holds(wanted, one):
            minute = one.at // MINUTE_MS * MINUTE_MS
            ok, refused = sums.get(minute, (0, 0))
            sums[minute] = (ok + (one.outcome == "ok"), refused + (one.outcome != "ok"))
    return sums


async def test_a_count_of_what_is_not_filed_says_that_it_is_not_all(shelf: Shelf) -> None:
    wanted = Wanted(action="note.post")
    places = await places_of(shelf.audit.stores, wanted)
    counted, complete = await shelf.audit.stores.search.count(wanted, places, most=100)
    assert not complete
    assert 0 < sum(one.ok + one.refused for one in counted) <= 100
    filed = Places(0, BLOCK)
    assert (await shelf.audit.stores.search.count(wanted, filed, most=100))[1]


async def test_a_rare_combination_reads_the_entries_it_shows_and_no_others(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    collection = shelf.audit.stores.search._log
    find = collection.find

    async def counted(*arguments: object, **named: object) -> list[dict[str, object]]:
        documents = await find(*arguments, **named)
        read.extend(one["index"] for one in documents)
        return documents

    monkeypatch.setattr(collection, "find", counted)
    wanted = Wanted(action="auth.token", organisation="Nolay", outcome="refused")
    expected = shelf.naive(wanted, below=BLOCK)
    assert await shelf.search(wanted, below=BLOCK, page=50) == expected
    assert 0 < len(expected) < 50
    assert sorted(read, reverse=True) == expected
    read.clear()
    assert await shelf.search(replace(wanted, action="note.get"), below=BLOCK, page=50) == []
    assert read == []


async def test_a_page_reads_about_as_many_entries_as_it_shows(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0
    collection = shelf.audit.stores.search._log
    stream = collection.stream

    async def counted(*arguments: object, **named: object) -> AsyncIterator[object]:
        nonlocal read
        async with aclosing(stream(*arguments, **named)) as documents:
            async for document in documents:
                read += 1
                yield document

    monkeypatch.setattr(collection, "stream", counted)
    assert len(await shelf.search(Wanted(circle=CIRCLES[0]), below=SIZE, page=10)) == 10
    assert read <= 12
    read = 0
    assert await shelf.search(Wanted(circle="99" * 32), below=SIZE, page=10) == []
    assert read == 0

"""The rules follow the log: each entry is looked at once, whoever does it and wherever one dies."""

from typing import Any

import pytest
from audit_store import ACCOUNTS, CIRCLES, START, AuditLog, pending

from relais.models.refusal import Code, Refusal
from relais.models.store.accounts import AccountStore
from relais.models.store.audit_watch import EVERYBODY, StepTaken, WatchStore
from relais.models.store.database import Database
from relais.models.store.emergency import EmergencyStore
from relais.models.store.schema import CIRCLES as CIRCLE_SCHEMAS
from relais.models.store.schema import PEOPLE, apply_schema
from relais.models.store.settings import SettingStore
from relais.server.audit.watch.facts import Facts
from relais.server.audit.watch.seen import HOUR_MS
from relais.server.audit.watch.watcher import Watcher, WatcherParts


class NoCircles:
    """A server that knows no circle."""

    async def view(self, circle: str) -> Any:
        raise Refusal(Code.NOT_FOUND)


@pytest.fixture
async def parts(empty_database: Database, audit: AuditLog) -> WatcherParts:
    await apply_schema(empty_database, (*PEOPLE, *CIRCLE_SCHEMAS))
    return WatcherParts(
        log=audit.stores,
        store=WatchStore(empty_database),
        settings=SettingStore(empty_database),
        facts=Facts(NoCircles(), AccountStore(empty_database), EmergencyStore(empty_database)),
    )


def _refused(number: int, **fields: Any) -> dict[str, Any]:
    return pending(number, outcome="refused", reason="forbidden", action="note.get", **fields)


async def _findings(store: WatchStore) -> list[tuple[str, int]]:
    rows = await store.newest(only_open=False, account=None, before=1 << 40, most=1_000)
    return [(row.rule, row.index) for row in rows]


async def _all(watcher: Watcher) -> None:
    while await watcher.step():
        continue


async def test_findings_name_the_rule_and_the_entry_and_the_hours_are_summed(
    audit: AuditLog, parts: WatcherParts
) -> None:
    await audit.put([pending(0), *(_refused(number) for number in range(1, 7))])
    await audit.integrate()
    await _all(Watcher(parts))
    assert await _findings(parts.store) == [("refusals", 5)]
    (row,) = await parts.store.findings_at(5)
    assert (row.account, row.circle, row.count) == (ACCOUNTS[0], CIRCLES[0], 5)
    for account in (EVERYBODY, ACCOUNTS[0]):
        hour = START // HOUR_MS
        (count,) = await parts.store.hours(account, start=hour, end=hour + 1)
        assert (count.ok, count.refused) == (1, 6)


async def test_small_steps_find_the_same_as_large_ones(
    audit: AuditLog, parts: WatcherParts
) -> None:
    await audit.put([_refused(number) for number in range(23)])
    await audit.integrate()
    await _all(Watcher(parts, batch=3))
    assert await _findings(parts.store) == [("refusals", n) for n in (19, 14, 9, 4)]


async def test_of_two_who_look_at_once_one_has_the_step_and_nothing_is_counted_twice(
    audit: AuditLog, parts: WatcherParts
) -> None:
    await audit.put([_refused(number) for number in range(6)])
    await audit.integrate()
    taken = parts.store.take
    first, second = Watcher(parts), Watcher(parts)

    async def overtaken(step: Any) -> None:
        parts.store.take = taken  # type: ignore[method-assign]
        assert await second.step() == 6
        await taken(step)

    parts.store.take = overtaken  # type: ignore[method-assign]
    with pytest.raises(StepTaken):
        await first.step()
    assert await first.step() == 0
    assert await _findings(parts.store) == [("refusals", 4)]
    hour = START // HOUR_MS
    (count,) = await parts.store.hours(EVERYBODY, start=hour, end=hour + 1)
    assert count.refused == 6


async def test_a_step_that_dies_before_its_end_leaves_no_trace(
    audit: AuditLog, parts: WatcherParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await audit.put([_refused(number) for number in range(6)])
    await audit.integrate()

    class Killed(BaseException):
        pass

    async def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(parts.store._findings, "insert_many", dies)
        with pytest.raises(Killed):
            await Watcher(parts).step()
    hour = START // HOUR_MS
    assert await parts.store.hours(EVERYBODY, start=hour, end=hour + 1) == []
    assert await parts.store.next() == 0
    await _all(Watcher(parts))
    assert await _findings(parts.store) == [("refusals", 4)]


async def test_bytes_that_are_no_entry_are_passed_over(
    audit: AuditLog, parts: WatcherParts
) -> None:
    odd = {**pending(2), "entry": b"{}"}
    await audit.put([_refused(0), _refused(1), odd, *(_refused(n) for n in range(3, 6))])
    await audit.integrate()
    await _all(Watcher(parts))
    assert await _findings(parts.store) == [("refusals", 5)]
    assert await parts.store.next() == 6


async def test_a_page_of_findings_goes_on_below_the_last_and_leaves_out_what_was_reviewed(
    audit: AuditLog, parts: WatcherParts
) -> None:
    await audit.put([_refused(number, account=ACCOUNTS[number % 2]) for number in range(40)])
    await audit.integrate()
    await _all(Watcher(parts))
    every = await _findings(parts.store)
    assert len(every) == 8
    below = await parts.store.newest(
        only_open=False, account=ACCOUNTS[1], before=every[3][1], most=9
    )
    assert [one.index for one in below] == [index for _, index in every[4:] if index % 2 == 1]
    row = await parts.store.finding(*every[0])
    assert row is not None


@pytest.mark.parametrize(
    ("collection", "filter", "sort"),
    [
        ("audit_findings", {"reviewed": False, "index": {"$gte": 0, "$lt": 9}}, [("index", -1)]),
        ("audit_findings", {"account": "a", "index": {"$gte": 0, "$lt": 9}}, [("index", -1)]),
        ("audit_findings", {"account": "a", "at": {"$gte": 0, "$lt": 9}}, None),
        ("audit_findings", {"index": 7}, None),
        ("audit_hours", {"account": "a", "hour": {"$gte": 0, "$lt": 9}}, [("hour", 1)]),
        ("audit_people", {"_id": {"$in": ["a", "b"]}}, None),
    ],
)
async def test_every_question_is_answered_from_an_index(
    parts: WatcherParts, audit: AuditLog, collection: str, filter: Any, sort: Any
) -> None:
    stages = await audit.database.collection(collection).plan(filter, sort=sort)
    assert "COLLSCAN" not in stages

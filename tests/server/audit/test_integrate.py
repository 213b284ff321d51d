"""From what waits to the tree: in order, once, whatever dies at whatever step, whoever else believes to lead."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from audit_store import START, AuditLog, pending
from sample_log import ORIGIN

from relais.crypto.checkpoint import Policy, verify_checkpoint
from relais.crypto.merkle import leaf_hash, root_of
from relais.models.store.audit_head import LogHead
from relais.models.store.audit_log import LogEntry
from relais.models.store.errors import Unavailable
from relais.server.audit.checkpoints import edge_of, empty_head
from relais.server.audit.integrate import Integrator, TermLost
from relais.server.audit.parts import LogDamaged


class Killed(Exception):
    """The process ended here."""


def kill(store: Any, method: str, *, after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the leader before or after one call of a store."""
    original = getattr(store, method)

    async def call(*arguments: Any, **named: Any) -> Any:
        if after:
            await original(*arguments, **named)
        raise Killed

    monkeypatch.setattr(store, method, call)


async def check(audit: AuditLog) -> LogHead:
    """The head is that of the stored entries, and signed."""
    head = await audit.stores.heads.read()
    entries = await audit.stores.entries.between(0, head.size)
    assert [one.index for one in entries] == list(range(head.size))
    assert len({one.id for one in entries}) == head.size
    signed = verify_checkpoint(head.checkpoint, Policy((audit.key.verifier,)))
    assert signed.head == edge_of(head).head()
    assert signed.head.root == root_of(leaf_hash(one.entry) for one in entries)
    return head


async def test_an_empty_log_has_a_signed_checkpoint_of_size_nought(audit: AuditLog) -> None:
    await audit.stores.heads.begin(empty_head(audit.key))
    head = await check(audit)
    assert (head.size, head.checkpoint.decode().splitlines()[:2]) == (0, [ORIGIN, "0"])


async def test_what_waits_is_taken_in_the_order_of_time_and_waits_no_longer(
    audit: AuditLog,
) -> None:
    documents = [pending(number) for number in range(700)]
    random.Random(7).shuffle(documents)
    await audit.put(documents)
    await audit.integrate(batch=1_000)
    assert (await check(audit)).size == 700
    assert await audit.numbers() == list(range(700))
    assert (await audit.stores.pending.waiting()).count == 0


async def test_entries_that_come_later_are_appended_and_nothing_before_them_changes(
    audit: AuditLog,
) -> None:
    first = await audit.filled(300)
    before = await audit.stores.entries.between(0, 300)
    await audit.put([pending(number, at=START + number) for number in range(1_000, 1_100)])
    second = await audit.integrate()
    assert (first.size, second.size) == (300, 400)
    assert await audit.stores.entries.between(0, 300) == before
    await check(audit)


async def test_bytes_that_are_no_entry_are_logged_as_they_are_and_searched_by_nothing(
    audit: AuditLog, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = pending(1), {"_id": "written-past-us", "at": START, "entry": b"\xff not json"}
    await audit.put([good, bad])
    await audit.integrate()
    stored = await audit.stores.entries.between(0, 2)
    assert stored[0] == LogEntry(0, "written-past-us", START, b"\xff not json")
    assert stored[1].action == "note.post"
    assert "written past this program" in caplog.text


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("store", "method", "moved"),
    [
        ("entries", "add", (False, False)),
        ("tiles", "add", (False, False)),
        ("heads", "advance", (False, True)),
        ("pending", "drop", (True, True)),
    ],
)
async def test_a_leader_that_dies_at_any_step_leaves_a_log_the_next_one_completes(
    audit: AuditLog,
    monkeypatch: pytest.MonkeyPatch,
    store: str,
    method: str,
    moved: tuple[bool, bool],
    after: bool,
) -> None:
    await audit.filled(200)
    await audit.put([pending(number) for number in range(200, 600)])
    leader = await audit.integrator()
    await leader.load()
    with monkeypatch.context() as patch:
        kill(getattr(audit.stores, store), method, after=after, monkeypatch=patch)
        with pytest.raises(Killed):
            await leader.step()
    assert (await check(audit)).size == (600 if moved[after] else 200)
    await audit.integrate()
    assert (await check(audit)).size == 600
    assert sorted(await audit.numbers()) == list(range(600))
    assert (await audit.stores.pending.waiting()).count == 0


async def test_a_batch_that_was_half_stored_is_completed_without_a_gap_or_a_double(
    audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await audit.put([pending(number) for number in range(100)])
    leader = await audit.integrator()
    await leader.load()
    original = audit.stores.entries.add

    async def half(entries: list[LogEntry]) -> None:
        await original(entries[:40])
        raise Unavailable("the database died")

    with monkeypatch.context() as patch:
        patch.setattr(audit.stores.entries, "add", half)
        with pytest.raises(Unavailable):
            await leader.step()
    await audit.put([pending(-5)])  # older than all: it must not move what has its place
    await audit.integrate()
    assert await audit.numbers() == [*range(40), -5, *range(40, 100)]
    await check(audit)


async def test_the_checkpoint_speaks_of_durable_entries_only(
    audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await audit.put([pending(number) for number in range(50)])
    leader = await audit.integrator()
    await leader.load()
    advance = audit.stores.heads.advance

    async def look(term: int, *, size: int, head: LogHead) -> bool:
        stored = await audit.stores.entries.between(size, head.size)
        assert len(stored) == head.size - size == 50
        return await advance(term, size=size, head=head)

    monkeypatch.setattr(audit.stores.heads, "advance", look)
    await leader.step()
    assert leader.size == 50


async def test_whoever_lost_the_term_cannot_move_the_head_and_its_last_entries_stay_in_their_places(
    audit: AuditLog,
) -> None:
    old = await audit.integrator()
    await old.load()
    new = await audit.integrator()
    await new.load()
    await audit.put([pending(number) for number in range(30)])
    with pytest.raises(TermLost):
        await old.step()
    assert (await audit.stores.heads.read()).size == 0
    await new.step()
    await new.step()
    assert (await check(audit)).size == 30
    assert await audit.numbers() == list(range(30))


async def test_two_who_both_believe_to_lead_make_one_tree(audit: AuditLog) -> None:
    """Even if the term did not stop them: one of each pair is fenced anew, at every turn."""
    documents = [pending(number) for number in range(1_500)]
    leaders = [await audit.integrator(batch=37), await audit.integrator(batch=53)]
    seen: list[tuple[int, bytes]] = []

    async def lead(leader: Integrator) -> None:
        while True:
            try:
                await leader.load()
                while await leader.step():
                    head = edge_of(await audit.stores.heads.read()).head()
                    seen.append((head.size, head.root))
                if not (await audit.stores.pending.waiting()).count:
                    return
            except TermLost:
                leader.term = (
                    await audit.stores.heads.claim(await audit.stores.heads.pulse())
                ) or 0

    await audit.put(documents)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for leader in leaders:
            group.create_task(lead(leader))
    assert (await check(audit)).size == 1_500
    assert sorted(await audit.numbers()) == list(range(1_500))
    leaves = [leaf_hash(one.entry) for one in await audit.stores.entries.between(0, 1_500)]
    assert all(root == root_of(leaves[:size]) for size, root in seen[::10])
    assert len(dict(seen)) == len(set(seen))


async def test_a_head_changed_past_the_program_is_not_gone_on_from(audit: AuditLog) -> None:
    await audit.filled(10)
    heads = audit.database.collection("audit_heads")
    await heads.update({"log": "audit"}, {"$set": {"size": 9}})
    leader = await audit.integrator()
    with pytest.raises(LogDamaged):
        await leader.load()
    await heads.update({"log": "audit"}, {"$set": {"size": 10}})
    await leader.load()
    assert leader.size == 10


async def test_twenty_thousand_entries_are_taken_in_at_once_and_verify(
    audit: AuditLog, tmp_path: Path
) -> None:
    await audit.put([pending(number) for number in range(20_000)])
    head = await audit.integrate()
    assert head.size == 20_000
    report = await audit.verify(tmp_path / "export")
    assert report.signed.head.size == 20_000

"""Expired content goes, and nothing else: proofs verify, holds hold, and no export lacks what no entry of the log lets go."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audit_store import ACCOUNTS, CIRCLES, START, AuditLog, check_export, pending

from relais.crypto.export_check import ExportError
from relais.crypto.ledger_heads import ACTION as HEAD
from relais.crypto.merkle import leaf_hash
from relais.crypto.pruning import ACTION as PRUNE
from relais.crypto.pruning import pruned_line
from relais.models.store.audit_retention import DAY_MS, Hold
from relais.models.store.audit_search import Places, Wanted
from relais.server.audit.ledger_heads import head_entry
from relais.server.audit.parts import LogDamaged
from relais.server.audit.retention import Pruner, Swept, prune_entry

NOW = START + 100 * DAY_MS
SIZE = 600


class Killed(BaseException):
    """The process ends here."""


class Keeping:
    """A log whose entries are a hundred days old, and what prunes it."""

    def __init__(self, audit: AuditLog) -> None:
        self.audit = audit
        self.store = audit.stores.retention
        self.pruner = Pruner(audit.stores, audit.recorder)

    async def sweep(self, now: int = NOW) -> Swept:
        swept = await self.pruner.sweep(now)
        await self.audit.integrate()
        return swept

    async def period(self, days: int | None, organisation: str = "") -> None:
        entry = pending(9_000 + (days or 0), at=NOW, action="audit.retention")
        await self.store.set_period(organisation, days, audit=entry)

    async def hold(self, **facts: Any) -> None:
        entry = pending(9_500, at=NOW, action="audit.hold")
        await self.store.hold(Hold("h1", **facts), audit=entry)

    async def pruned(self) -> set[int]:
        size = (await self.audit.stores.heads.read()).size
        entries = await self.audit.stores.entries.between(0, size)
        return {one.index for one in entries if one.leaf is not None}


@pytest.fixture
async def keeping(audit: AuditLog) -> Keeping:
    some: dict[int, dict[str, Any]] = {
        5: {"circle": CIRCLES[1]},
        6: {"account": ACCOUNTS[1]},
        7: {"organisation": "Hôpital"},
    }
    documents = [pending(number, **some.get(number, {})) for number in range(SIZE)]
    documents[8] = head_entry("ab" * 32, seq=0, head="cd" * 32, at=START + 8)
    await audit.put(documents)
    await audit.integrate()
    return Keeping(audit)


async def test_without_a_period_everything_is_kept(keeping: Keeping) -> None:
    assert await keeping.sweep() == Swept(0, 0)
    await keeping.period(101)
    assert await keeping.sweep() == Swept(0, 0)
    assert await keeping.pruned() == set()


async def test_expired_content_goes_once_an_entry_names_it_and_every_proof_still_verifies(
    keeping: Keeping, tmp_path: Path
) -> None:
    before = await keeping.audit.export(tmp_path / "before")
    await keeping.period(90)
    assert await keeping.sweep() == Swept(511, 0), "two full tiles, but for the head of a ledger"
    assert await keeping.pruned() == set()
    assert await keeping.sweep() == Swept(0, 511)
    assert await keeping.pruned() == set(range(512)) - {8}
    report = await keeping.audit.verify(tmp_path / "after", older=before)
    assert report.pruned == 511
    lines = (tmp_path / "after" / "entries.ndjson").read_bytes().splitlines()
    old = (tmp_path / "before" / "entries.ndjson").read_bytes().splitlines()
    assert (lines[8], lines[512:SIZE]) == (old[8], old[512:SIZE])
    assert b'"account"' in b"".join(old[:8])
    assert b'"account"' not in b"".join(lines[:8])
    assert json.loads(lines[0]) == {"pruned": report_leaf(old[0])}
    stored = await keeping.audit.database.collection("audit_log").find_one({"index": 0})
    assert stored is not None
    assert {name for name, value in stored.items() if value} == {"_id", "at", "leaf"}
    assert await keeping.sweep() == Swept(0, 0)


def report_leaf(line: bytes) -> str:
    return leaf_hash(line).hex()


async def test_what_is_held_is_kept_until_it_is_released(keeping: Keeping) -> None:
    await keeping.period(90)
    await keeping.hold(circle=CIRCLES[1], since=START, until=START + 50)
    await keeping.sweep()
    await keeping.sweep()
    assert await keeping.pruned() == set(range(512)) - {5, 8}
    released = pending(9_600, at=NOW, action="audit.release")
    assert await keeping.store.release("h1", audit=released)
    assert not await keeping.store.release("h1", audit=released)
    assert await keeping.sweep() == Swept(1, 0)
    assert await keeping.sweep() == Swept(0, 1)


async def test_a_hold_that_comes_between_naming_and_pruning_still_holds(
    keeping: Keeping, tmp_path: Path
) -> None:
    await keeping.period(90)
    assert (await keeping.sweep()).named == 511
    await keeping.hold(account=ACCOUNTS[1])
    assert (await keeping.sweep()).pruned == 510
    assert 6 not in await keeping.pruned()
    assert (await keeping.audit.verify(tmp_path / "e")).pruned == 510


async def test_organisations_have_periods_of_their_own(keeping: Keeping) -> None:
    await keeping.period(90)
    await keeping.period(120, "Hôpital")
    await keeping.sweep()
    await keeping.sweep()
    assert await keeping.pruned() == set(range(512)) - {7, 8}
    await keeping.period(None)
    assert await keeping.sweep(NOW + 400 * DAY_MS) == Swept(1, 0)


async def test_searches_pass_over_what_is_pruned_and_count_it(keeping: Keeping) -> None:
    await keeping.period(90)
    await keeping.sweep()
    await keeping.sweep()
    places = Places(0, SIZE)
    finding = keeping.audit.stores.search.find(Wanted(), places, newest_first=False, page=50)
    assert [one.index async for one in finding] == [8, *range(512, SIZE)]
    assert (await keeping.store.count(0, 0), await keeping.store.count(0, 9)) == (255, 511)


Patch = Callable[[pytest.MonkeyPatch, Keeping], None]


def _at(name: str, of: Callable[[Keeping], Any], *, after: bool) -> Patch:
    def patch(monkeypatch: pytest.MonkeyPatch, keeping: Keeping) -> None:
        target = of(keeping)
        act = getattr(target, name)

        async def dies(*given: Any, **named: Any) -> Any:
            if after:
                await act(*given, **named)
            raise Killed

        monkeypatch.setattr(target, name, dies)

    return patch


STEPS = {
    "before an entry is made": _at("store", lambda k: k.pruner._recorder, after=False),
    "after the first entry": _at("store", lambda k: k.pruner._recorder, after=True),
    "before content goes": _at("prune", lambda k: k.audit.stores.entries, after=False),
    "after the first content went": _at("prune", lambda k: k.audit.stores.entries, after=True),
    "before the tile is noted": _at("note_tile", lambda k: k.store, after=False),
    "before it moves on": _at("move_on", lambda k: k.store, after=False),
    "after it moved on": _at("move_on", lambda k: k.store, after=True),
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_sweep_killed_at_any_step_is_finished_by_the_next_and_every_export_verifies(
    keeping: Keeping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await keeping.period(90)
    killed = 0
    for turn in range(2):
        with monkeypatch.context() as patched:
            keeping.pruner = Pruner(keeping.audit.stores, keeping.audit.recorder)
            STEPS[step](patched, keeping)
            try:
                await keeping.pruner.sweep(NOW)
            except Killed:
                killed += 1
        await keeping.audit.integrate()
        await keeping.audit.verify(tmp_path / f"{turn}")
    assert killed > 0
    keeping.pruner = Pruner(keeping.audit.stores, keeping.audit.recorder)
    for _ in range(3):
        await keeping.sweep()
    assert await keeping.pruned() == set(range(512)) - {8}
    assert (await keeping.audit.verify(tmp_path / "end")).pruned == 511
    assert await keeping.store.count(0, 9) == 511


async def test_what_was_tampered_with_is_evidence_and_is_not_pruned(keeping: Keeping) -> None:
    await keeping.period(90)
    await keeping.sweep()
    documents = keeping.audit.database.collection("audit_log")
    bad = pending(3, action="note.get")["entry"]
    await documents.update({"index": 3}, {"$set": {"entry": bad}})
    with pytest.raises(LogDamaged, match="entry 3 is not what its tile says"):
        await keeping.sweep()
    assert 3 not in await keeping.pruned()


async def test_content_gone_without_an_entry_that_allows_it_is_found(
    keeping: Keeping, tmp_path: Path
) -> None:
    await keeping.period(90)
    await keeping.sweep()
    await keeping.sweep()
    await keeping.audit.export(tmp_path / "e")
    file = tmp_path / "e" / "entries.ndjson"
    lines = file.read_bytes().splitlines(keepends=True)
    good = check_export(tmp_path / "e", keeping.audit.key)
    assert good.pruned == 511
    for index in (8, 550):
        leaf = bytes.fromhex(report_leaf(lines[index].removesuffix(b"\n")))
        forged = [*lines[:index], pruned_line(leaf) + b"\n", *lines[index + 1 :]]
        file.write_bytes(b"".join(forged))
        with pytest.raises(ExportError) as found:
            check_export(tmp_path / "e", keeping.audit.key)
        assert (found.value.reason, found.value.index) == ("entry-withheld", index)
    wrong = pruned_line(bytes(32)) + b"\n"
    file.write_bytes(b"".join([wrong, *lines[1:]]))
    with pytest.raises(ExportError, match="entry-changed"):
        check_export(tmp_path / "e", keeping.audit.key)


async def test_what_prunes_names_no_more_than_its_tile_and_is_kept_itself(keeping: Keeping) -> None:
    document = prune_entry(1, 1 << 255 | 2, at=NOW)
    assert json.loads(document["entry"])["subject"] | {"places": ""} == {
        "index_from": 257,
        "index_to": 511,
        "count": 2,
        "places": "",
    }
    await keeping.period(90)
    await keeping.sweep()
    far = NOW + 1_000 * DAY_MS
    await keeping.audit.put([pending(number, at=NOW) for number in range(1_000, 1_300)])
    await keeping.audit.integrate()
    for _ in range(3):
        await keeping.sweep(far)
    left = await keeping.audit.stores.entries.between(0, 768)
    assert {one.action for one in left if one.leaf is None} == {HEAD, PRUNE, "audit.retention"}

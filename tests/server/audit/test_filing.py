"""What searches are answered from is made of full blocks, whole after any crash, and forgets what was pruned."""

import asyncio
from contextlib import aclosing

import pytest
from audit_store import ACCOUNTS, AuditLog, pending

from relais.models.store.audit_log import LogEntry
from relais.models.store.audit_postings import BLOCK, Blocks
from relais.models.store.audit_search import Places, Wanted
from relais.models.store.errors import Unavailable
from relais.server.audit.filing import Filer, refile

FIRST = Blocks(0, 1)
WANTED = Wanted(account=ACCOUNTS[1], action="note.get")


class Leading:
    leads = True


@pytest.fixture
async def full(audit: AuditLog) -> AuditLog:
    """A log of one block and one entry: of every tenth of its entries the account and action are others."""
    others = {"account": ACCOUNTS[1], "action": "note.get"}
    await audit.put([pending(n, **({} if n % 10 else others)) for n in range(BLOCK + 1)])
    await audit.integrate()
    return audit


async def _found(audit: AuditLog, wanted: Wanted = WANTED) -> list[int]:
    finding = audit.stores.search.find(wanted, Places(0, BLOCK + 1), newest_first=False, page=500)
    async with aclosing(finding) as entries:
        return [one.index async for one in entries]


async def test_a_block_is_filed_once_it_is_full(audit: AuditLog) -> None:
    filer = Filer(audit.stores)
    await audit.filled(BLOCK - 1)
    assert not await filer.step()
    await audit.put([pending(BLOCK)])
    await audit.integrate()
    assert await filer.step()
    assert await audit.stores.postings.filed() == 1
    assert not await filer.step()


async def test_what_is_found_is_the_same_before_and_after_filing(full: AuditLog) -> None:
    before = await _found(full)
    assert before == list(range(0, BLOCK + 1, 10))
    assert await Filer(full.stores).step()
    assert await _found(full) == before


async def test_a_node_that_died_while_filing_leaves_nothing_out(
    full: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    postings = full.stores.postings
    collection, stored = postings._postings, 0
    insert = collection.insert

    async def failing(document: dict[str, object]) -> None:
        nonlocal stored
        if stored == 3:
            raise Unavailable("the node died")
        stored += 1
        await insert(document)

    with monkeypatch.context() as patch:
        patch.setattr(collection, "insert", failing)
        with pytest.raises(Unavailable):
            await Filer(full.stores).step()
    assert await postings.filed() == 0
    assert await _found(full) == list(range(0, BLOCK + 1, 10))
    assert await Filer(full.stores).step()
    assert await _found(full) == list(range(0, BLOCK + 1, 10))
    assert (await postings.places({"action": "note.get"}, FIRST))[0] == set(range(0, BLOCK, 10))


async def test_a_pruned_entry_is_taken_off_the_postings(full: AuditLog) -> None:
    await Filer(full.stores).step()
    postings = full.stores.postings
    await full.stores.entries.prune(20, bytes(32))
    await refile(full.stores, 0)
    left = set(range(0, BLOCK, 10)) - {20}
    assert (await postings.places({"account": ACCOUNTS[1]}, FIRST))[0] == left
    assert await _found(full) == sorted(left)


async def test_a_filer_that_read_before_a_pruning_does_not_bring_it_back(full: AuditLog) -> None:
    read = await full.stores.entries.between(0, BLOCK)
    await full.stores.entries.prune(20, bytes(32))
    await refile(full.stores, 0)
    await full.stores.postings.add(0, read)
    assert 20 not in (await full.stores.postings.places({"account": ACCOUNTS[1]}, FIRST))[0]


async def test_a_block_that_is_not_full_is_not_filed_again(audit: AuditLog) -> None:
    await audit.filled(300)
    await refile(audit.stores, 0)
    assert await audit.stores.postings.places({"action": "note.post"}, FIRST) == {}


async def test_values_that_are_nowhere_or_everywhere_are_told_apart(full: AuditLog) -> None:
    await Filer(full.stores).step()
    postings = full.stores.postings
    assert await postings.places({"action": "admin.invite"}, FIRST) == {}
    assert await postings.places({"outcome": "refused"}, FIRST) == {}
    assert (await postings.places({"outcome": "ok"}, FIRST))[0] == set(range(BLOCK))
    minutes = (await postings.minutes(FIRST))[0]
    assert [one * 60_000 for one in minutes] == [
        one.at // 60_000 * 60_000 for one in await full.stores.entries.between(0, BLOCK)
    ]


async def test_times_beyond_what_a_posting_holds_do_not_stop_the_filing(audit: AuditLog) -> None:
    entries = [LogEntry(n, str(n), at, b"") for n, at in enumerate([-5, 1 << 60] * (BLOCK // 2))]
    await audit.stores.postings.add(0, entries)
    assert (await audit.stores.postings.minutes(FIRST))[0][:2] == (0, 2**32 - 1)


async def test_the_filer_follows_the_log_while_its_node_leads(full: AuditLog) -> None:
    leading = Leading()
    task = asyncio.create_task(Filer(full.stores, look=0.01).run(leading))
    try:
        async with asyncio.timeout(60):
            while await full.stores.postings.filed() < 1:  # noqa: ASYNC110 (a database is looked at)
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.wait([task])

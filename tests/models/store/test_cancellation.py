"""A cancellation reaches its task, whenever it comes: some are lost in the driver, and are found again."""

import asyncio
import random

import pytest
from patience import PATIENCE

from relais.models.store.database import Database, Session
from relais.models.store.driver import heeded


# A task that is cancelled while the driver connects leaves the socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_a_task_that_works_with_the_database_without_pause_ends_when_it_is_cancelled(
    database: Database,
) -> None:
    """Without `heeded` about one cancellation in fifty of these is lost, on Python 3.11."""
    shelf = database.collection("sheets")
    dice = random.Random(11)

    async def work() -> None:
        while True:
            await shelf.find({"sheet": "none"})

    async with asyncio.timeout(30):
        for _ in range(300):
            task = asyncio.create_task(work())
            await asyncio.sleep(dice.random() * 0.003)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()


async def test_a_transaction_that_is_cancelled_ends_and_stores_nothing(database: Database) -> None:
    shelf = database.collection("sheets")
    begun = asyncio.Event()

    async def work(session: Session) -> None:
        await shelf.insert({"sheet": "half"}, session=session)
        begun.set()
        while True:
            await shelf.find_one({"sheet": "half"}, session=session)

    task = asyncio.create_task(database.transaction(work))
    await begun.wait()
    task.cancel()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([task])
    assert task.cancelled()
    assert await shelf.find({"sheet": "half"}) == []


async def test_a_lost_cancellation_is_passed_on_and_an_earlier_one_lets_work_be_finished() -> None:
    async def loses_one() -> str:
        with heeded():
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                pass
        return "went on"

    async def cleans_up() -> str:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            with heeded():
                await asyncio.sleep(0)
            return "finished"
        return "never"

    lost, clean = asyncio.create_task(loses_one()), asyncio.create_task(cleans_up())
    await asyncio.sleep(0)
    lost.cancel()
    clean.cancel()
    assert await clean == "finished"
    with pytest.raises(asyncio.CancelledError):
        await lost

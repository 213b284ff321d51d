"""The database for every test that needs one: the embedded server, or the MongoDB in RELAIS_TEST_MONGODB_URI."""

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from relais.models.store.database import Database, open_database
from relais.models.store.embedded import EmbeddedDatabase
from relais.models.store.migrations import migrate

# Property tests are judged by what they find, not by how busy the machine is.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


class EmbeddedForTests:
    """An embedded database with a loop and a thread of its own, so that it outlives the loops of single tests."""

    def __init__(self, data: Path) -> None:
        self.uri = ""
        self._data = data
        self._failure: BaseException | None = None
        self._ready, self._thread = threading.Event(), threading.Thread(target=self._run)
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()

    def start(self) -> str:
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise self._failure
        return self.uri

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # noqa: BLE001 (start tells it)
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        async with EmbeddedDatabase(self._data) as embedded:
            self.uri = embedded.uri
            self._ready.set()
            await self._end.wait()


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server for the whole run. A secret on some machines: print it nowhere."""
    if given := os.environ.get("RELAIS_TEST_MONGODB_URI"):
        yield given
        return
    server = EmbeddedForTests(tmp_path_factory.mktemp("embedded"))
    uri = server.start()
    try:
        yield uri
    finally:
        server.stop()


@pytest.fixture(scope="module")
def database_name(mongodb_uri: str) -> Iterator[str]:
    """A database of this test module's own, dropped after it."""
    name = f"relais_test_{secrets.token_hex(6)}"
    yield name

    async def drop() -> None:
        async with await open_database(mongodb_uri, name=name) as database:
            await database.drop()

    asyncio.run(drop())


@pytest.fixture
async def database(mongodb_uri: str, database_name: str) -> AsyncIterator[Database]:
    """The module's database, migrated and open in the test's loop. What other tests of the module stored is in it."""
    async with await open_database(mongodb_uri, name=database_name) as opened:
        await migrate(opened)
        yield opened


@pytest.fixture
async def empty_database(mongodb_uri: str) -> AsyncIterator[Database]:
    """A database with nothing in it, for this test alone."""
    async with _dropped_after(mongodb_uri) as opened:
        yield opened


@pytest.fixture
async def another_database(mongodb_uri: str) -> AsyncIterator[Database]:
    """A second one with nothing in it."""
    async with _dropped_after(mongodb_uri) as opened:
        yield opened


@asynccontextmanager
async def _dropped_after(mongodb_uri: str) -> AsyncIterator[Database]:
    name = f"relais_test_{secrets.token_hex(6)}"
    async with await open_database(mongodb_uri, name=name) as opened:
        yield opened
        await opened.drop()

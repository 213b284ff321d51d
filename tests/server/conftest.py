"""A node on a loopback port, on a database of the test module's own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from members import House

from relais.server.app import running
from relais.server.config import Settings

Build = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture(scope="module")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all nodes of a database: its log is signed with one key."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def build(mongodb_uri: str, database_name: str, keys_folder: Path) -> Build:
    """Make houses with settings of the test's own; two of them are two nodes of one service."""

    @asynccontextmanager
    async def built(**settings: Any) -> AsyncIterator[House]:
        stated = {
            "mongodb_uri": mongodb_uri,
            "database": database_name,
            "port": 0,
            "data": keys_folder,
            "drain_seconds": 1,
            **settings,
        }
        async with running(Settings(**stated)) as node, AsyncExitStack() as stack:
            yield House(node, stack)

    return built


@pytest.fixture
async def house(build: Build) -> AsyncIterator[House]:
    async with build() as one:
        yield one

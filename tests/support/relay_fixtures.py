"""Fixtures of tests that go through the whole house: a relay, and people who live by it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from people import Person, Town, enrol
from running_relay import RunningRelay


@pytest.fixture(scope="session")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRelay]:
    """A relay that many tests share: each makes its own people and circles."""
    running = RunningRelay(tmp_path_factory.mktemp("relay")).start()
    try:
        yield running
    finally:
        running.close()
    assert running.errors() == []


@pytest.fixture(scope="session")
def administrator(relay: RunningRelay, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Whoever invites the others to the shared relay."""
    return first_administrator(relay, tmp_path_factory.mktemp("administrator"))


def first_administrator(relay: RunningRelay, folder: Path) -> Person:
    """Somebody whom the console invited."""
    return asyncio.run(enrol(folder, relay.invite("administrator"), "Ada Régnier", "administrator"))


@pytest.fixture
async def town(relay: RunningRelay, administrator: Person, tmp_path: Path) -> AsyncIterator[Town]:
    """The shared relay, with nobody in it that this test knows but the administrator."""
    async with Town(relay, tmp_path, administrator) as opened:
        yield opened

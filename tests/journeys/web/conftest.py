"""A relay that serves the built web client, one browser, and two people whom many tests share."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import _web_bundle
import pytest
import pytest_asyncio
from people import Person, Town
from playwright.async_api import Browser
from relay_fixtures import first_administrator
from running_relay import RunningRelay
from web_stage import Stage, browser_of_tests
from web_window import Window
from web_words import WEB_CLIENT


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The web client as it is built now, in a folder that no later build changes."""
    if not _web_bundle.is_built(WEB_CLIENT):
        _web_bundle.build(WEB_CLIENT)
    return shutil.copytree(WEB_CLIENT / "dist", tmp_path_factory.mktemp("bundle") / "web")


@pytest.fixture(scope="session")
def relay(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRelay]:
    running = RunningRelay(tmp_path_factory.mktemp("web-relay"), web=str(bundle)).start()
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def administrator(relay: RunningRelay, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Of this relay: the one whom the other journeys share is at home on another."""
    return first_administrator(relay, tmp_path_factory.mktemp("web-administrator"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with browser_of_tests() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def town(relay: RunningRelay, administrator: Person, tmp_path: Path) -> AsyncIterator[Town]:
    """The relay's people who use the Python member; on the session's loop, where the browser is."""
    async with Town(relay, tmp_path, administrator) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(browser: Browser, town: Town) -> AsyncIterator[Stage]:
    """Windows of one test, closed after it; none of them may have complained."""
    opened = Stage(browser, town)
    yield opened
    complaints = opened.complaints()
    await opened.close()
    assert complaints == [], "a browser complained"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def regulars(
    browser: Browser,
    relay: RunningRelay,
    administrator: Person,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Window, Window]]:
    """A nurse and a doctor at their telephones, for tests that need two people and leave them as they were."""
    async with Town(relay, tmp_path_factory.mktemp("regulars"), administrator) as town:
        opened = Stage(browser, town)
        yield await opened.member("Nadia Ferrand"), await opened.member("Denis Quéré")
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def nurse(regulars: tuple[Window, Window], stage: Stage) -> Window:
    stage.watch(regulars[0])
    return regulars[0]


@pytest_asyncio.fixture(loop_scope="session")
async def doctor(regulars: tuple[Window, Window], stage: Stage) -> Window:
    stage.watch(regulars[1])
    return regulars[1]

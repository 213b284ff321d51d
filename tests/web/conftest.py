"""The views, built once; one browser for all tests of views, a fresh context for each page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from views_site import Views, build_views, open_views


@pytest.fixture(scope="session")
def view_assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_views(tmp_path_factory.mktemp("views"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def views_browser(view_assets: Path) -> AsyncIterator[Views]:
    async with open_views(view_assets) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def views(views_browser: Views) -> AsyncIterator[Views]:
    """Tests that ask for it run on the session's loop, where the browser is."""
    views_browser.complaints.clear()
    yield views_browser
    assert views_browser.complaints == [], "the browser complained"

"""A node for the tests of one module, each of which lives in a world of its own."""

from collections.abc import AsyncIterator

import pytest_asyncio
from days import Life, life


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alive() -> AsyncIterator[Life]:
    async with life() as node:
        yield node

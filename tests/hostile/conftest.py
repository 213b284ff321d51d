"""A relay and its members at the mercy of each other: one set scene that nothing may change, and one who is lied to."""

from collections.abc import AsyncIterator, Iterator

import pytest
from lied_to import Stage
from lying_relay import LyingRelay
from people import ODETTE, Town
from relay_fixtures import administrator, relay, town
from running_relay import RunningRelay
from scene import Scene

__all__ = ["administrator", "relay", "scene", "stage", "town", "unharmed"]
BOUNDLESS = {
    "requests_per_second": 1_000_000,
    "request_burst": 1_000_000,
    "logins_per_minute": 1_000_000,
    "login_burst": 1_000_000,
}
"""So many requests a second that no property test is turned away for its haste."""


@pytest.fixture(scope="session", params=["auto"])
def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """The parameter says where the relay checks envelopes."""
    folder = tmp_path_factory.mktemp("relay")
    running = RunningRelay(folder, **BOUNDLESS, checking=request.param).start()
    try:
        with Scene(running, tmp_path_factory.mktemp("people")) as made:
            yield made
    finally:
        running.close()
    assert running.errors() == []


@pytest.fixture
def unharmed(scene: Scene) -> Iterator[None]:
    """Nothing of what a test does is stored; each refusal is in the log; every socket still answers."""
    with scene.unharmed():
        yield


@pytest.fixture
async def stage(town: Town) -> AsyncIterator[Stage]:
    async with LyingRelay(town.relay.origin) as liar:
        nadia = await town.person("Nadia")
        denis, olga = await town.newcomer("Denis"), await town.newcomer("Olga")
        circle = await denis.create_circle(ODETTE)
        await circle.add(nadia.account, role="lead")
        await circle.add((await town.person("Paule")).account)
        for text in ("un", "deux", "trois"):
            await circle.post(text)
        liar.catch(nadia)
        yield Stage(town, liar, nadia, denis, olga, circle)
        await town.disconnect()

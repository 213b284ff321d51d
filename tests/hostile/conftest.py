"""A relay whose members are at the mercy of each other, and one set scene that none of it may change."""

from collections.abc import Iterator

import pytest
from running_relay import RunningRelay
from scene import Scene

BOUNDLESS = {
    "requests_per_second": 1_000_000,
    "request_burst": 1_000_000,
    "logins_per_minute": 1_000_000,
    "login_burst": 1_000_000,
}
"""So many requests a second that no property test is turned away for its haste."""


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    running = RunningRelay(tmp_path_factory.mktemp("relay"), **BOUNDLESS).start()
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

"""Time that passes for a node and for whoever is at its door, without anybody's waiting for it."""

import time

import pytest


class _Later:
    """Stands where a module named `time`: ahead of it."""

    def __init__(self, ms: int) -> None:
        self._ns = ms * 1_000_000

    def time_ns(self) -> int:
        return time.time_ns() + self._ns


def pass_by(patch: pytest.MonkeyPatch, ms: int) -> None:
    """From now on it is that many milliseconds later."""
    for clock in ("relais.server.clock.time", "connection.time"):
        patch.setattr(clock, _Later(ms))

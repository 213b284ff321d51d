"""Time as the server has it: a phone's clock may be wrong, signed times must not. And not as the server likes (docs/protocol.md §14).

The server's clock is followed, but never back by more than two minutes, in this run or since an earlier one; nor ahead where this
device itself saw that less time had passed. Where the two clocks are more than ten minutes apart, somebody is told.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from relais.client.alarms import CLOCK, SERVER_CLOCK
from relais.client.home import Home
from relais.models.ids import Millis

SKEW: Final[Millis] = 120_000
TOLERANCE: Final[Millis] = 600_000
_FILE = "clock"
_WORTH_KEEPING: Millis = 60_000


def wall() -> Millis:
    """What this device's own clock shows."""
    return time.time_ns() // 1_000_000


def _steady() -> Millis:
    """Since whenever; runs on, whatever the clock on the wall is set to."""
    return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True)
class _Moment:
    """The same moment by three clocks."""

    server: Millis
    wall: Millis
    steady: Millis


class ServerClock:
    """Milliseconds since 1970, UTC. ``floor``: what it is at least, from an earlier run."""

    def __init__(
        self,
        floor: Millis = 0,
        *,
        wall: Callable[[], Millis] = wall,
        steady: Callable[[], Millis] = _steady,
    ) -> None:
        self._wall, self._steady = wall, steady
        self._offset = 0
        self._floor = _Moment(floor, wall(), steady())
        self._heard: _Moment | None = None

    def now(self) -> Millis:
        return max(self._wall() + self._offset, self.floor - SKEW)

    @property
    def floor(self) -> Millis:
        """What the server's clock must have reached by now."""
        return self._floor.server + self._steady() - self._floor.steady

    @property
    def ahead(self) -> Millis:
        """How far the time gone by is ahead of this device's own clock."""
        return self.now() - self._wall()

    def set(self, now: Millis) -> None:
        """Go by this from here on, whatever was before."""
        self._floor = _Moment(now, self._wall(), self._steady())
        self._offset, self._heard = now - self._floor.wall, None

    def heard(self, server: Millis) -> str | None:
        """What the server's clock shows. Returns the word of an alarm: whose clock is off, or None."""
        told = _Moment(server, self._wall(), self._steady())
        fault = SERVER_CLOCK if (right := self._instead_of(told)) is not None else None
        taken = told.server if right is None else right
        self._offset = taken - told.wall
        self._heard = told if right is None else self._heard
        # no further than this device's clock bears out: a leap must not hold for good
        self._floor = _Moment(max(self.floor, min(taken, told.wall + SKEW)), told.wall, told.steady)
        return fault or (CLOCK if abs(taken - told.wall) > TOLERANCE else None)

    def _instead_of(self, told: _Moment) -> Millis | None:
        """What it must be instead, where the server's clock went back or leapt."""
        if told.server < self.floor - SKEW:
            return self.floor
        before = self._heard
        if before is None:
            return None
        walked, passed = told.wall - before.wall, told.steady - before.steady
        expected = before.server + max(walked, passed)
        is_wall_sound = walked >= passed - SKEW
        return expected if is_wall_sound and told.server > expected + TOLERANCE else None


def of_folder(home: Home) -> ServerClock:
    """Bounded by what was seen in earlier runs on this folder."""
    kept = home.read(_FILE) or {"floor": 0}
    return ServerClock(kept["floor"])


def keep(home: Home, clock: ServerClock) -> None:
    """Remember what the server's clock showed, for later runs."""
    kept = home.read(_FILE) or {"floor": 0}
    if clock.floor >= kept["floor"] + _WORTH_KEEPING:
        home.update(_FILE, lambda now: {"floor": max(clock.floor, (now or kept)["floor"])})

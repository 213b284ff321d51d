"""The server's clock, as far as it is to be believed."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from relais.client import clock
from relais.client.clock import ServerClock
from relais.client.home import Home

NOW = 1_790_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass
class Device:
    """Its clock on the wall, which somebody can set, and the steady one, which nobody can."""

    wall: int = NOW
    steady: int = 5

    def passes(self, span: int) -> None:
        self.wall, self.steady = self.wall + span, self.steady + span

    def clock(self, floor: int = 0) -> ServerClock:
        return ServerClock(floor, wall=lambda: self.wall, steady=lambda: self.steady)


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.mark.parametrize("off", [-MINUTE, 0, 9 * MINUTE])
def test_a_server_that_is_about_right_is_followed(device: Device, off: int) -> None:
    its = device.clock()
    assert its.heard(NOW + off) is None
    device.passes(HOUR)
    assert its.heard(NOW + HOUR + off - MINUTE) is None
    assert its.now() >= NOW + HOUR + off - MINUTE


@pytest.mark.parametrize("off", [-400 * DAY, -3 * HOUR, 3 * HOUR, 400 * DAY])
def test_a_device_whose_own_clock_is_wrong_goes_by_the_servers_and_is_told(
    device: Device, off: int
) -> None:
    its = device.clock()
    device.wall = NOW + off
    assert its.heard(NOW) == "clock"
    assert its.now() == NOW
    device.passes(HOUR)
    assert (its.heard(NOW + HOUR), its.now()) == ("clock", NOW + HOUR)


def test_a_server_that_goes_back_is_not_followed(device: Device) -> None:
    its = device.clock()
    its.heard(NOW)
    device.passes(HOUR)
    assert its.heard(NOW) == "server-clock"
    assert its.now() == NOW + HOUR
    assert its.heard(NOW + HOUR - MINUTE) is None, "so little is nothing"


def test_a_server_that_leaps_ahead_is_not_followed_and_is_when_it_comes_back(
    device: Device,
) -> None:
    its = device.clock()
    its.heard(NOW)
    device.passes(MINUTE)
    assert its.heard(NOW + DAY) == "server-clock"
    assert its.now() == NOW + MINUTE
    device.passes(MINUTE)
    assert (its.heard(NOW + 2 * MINUTE), its.now()) == (None, NOW + 2 * MINUTE)


def test_a_device_that_slept_or_whose_clock_was_set_accuses_nobody(device: Device) -> None:
    its = device.clock()
    its.heard(NOW)
    device.wall += 8 * HOUR  # asleep: the steady clock stood still
    assert its.heard(NOW + 8 * HOUR) is None
    device.wall -= 3 * HOUR
    device.passes(MINUTE)
    assert its.heard(NOW + 8 * HOUR + MINUTE) == "clock"
    assert its.now() == NOW + 8 * HOUR + MINUTE


def test_a_later_run_does_not_go_back_either(device: Device, tmp_path: Path) -> None:
    home = Home(tmp_path, bytes(32))
    first = device.clock()
    first.heard(NOW)
    clock.keep(home, first)
    kept = clock.of_folder(home).floor
    assert NOW <= kept < NOW + MINUTE
    device.passes(DAY)
    later = device.clock(kept)
    assert later.heard(NOW - HOUR) == "server-clock"
    assert later.now() == kept
    assert later.heard(NOW + DAY) is None


def test_a_servers_leap_does_not_hold_for_good(device: Device) -> None:
    """It was a year ahead when this run began, and nobody can tell whose clock it is; then it is set right."""
    its = device.clock()
    assert its.heard(NOW + 365 * DAY) == "clock"
    assert its.floor <= NOW + clock.SKEW
    device.passes(HOUR)
    assert its.heard(NOW + HOUR) is None
    assert its.now() == NOW + HOUR


def test_it_can_be_set_to_whatever_a_person_says(device: Device) -> None:
    its = device.clock()
    its.heard(NOW)
    its.set(NOW - DAY)
    device.passes(MINUTE)
    assert its.now() == NOW - DAY + MINUTE

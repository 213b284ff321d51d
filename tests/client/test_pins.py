"""What a device saw once cannot be taken back unseen."""

from pathlib import Path

import pytest

from relais.client.errors import LedgerAlarm
from relais.client.home import Home
from relais.client.pins import Pins

LEDGER = "a" * 64
FIRST, SECOND, THIRD, OTHER = ("1" * 64, "2" * 64, "3" * 64, "f" * 64)


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    pins = Pins(Home(tmp_path, bytes(32)))
    pins.check(LEDGER, [FIRST, SECOND])
    return pins


def test_a_ledger_that_grows_is_fine(pins: Pins) -> None:
    pins.check(LEDGER, [FIRST, SECOND, THIRD])
    pins.check(LEDGER, [FIRST, SECOND, THIRD])
    assert pins.alarm(LEDGER) is None


def test_a_ledger_that_lost_its_last_entry_is_a_rollback(pins: Pins) -> None:
    with pytest.raises(LedgerAlarm, match="rollback"):
        pins.check(LEDGER, [FIRST])
    assert pins.alarm(LEDGER) == "rollback"


def test_another_entry_in_a_place_that_was_seen_is_a_fork(pins: Pins) -> None:
    with pytest.raises(LedgerAlarm, match="fork"):
        pins.check(LEDGER, [FIRST, OTHER, THIRD])


def test_an_alarm_stays_when_the_server_returns_to_the_first_story(pins: Pins) -> None:
    with pytest.raises(LedgerAlarm):
        pins.check(LEDGER, [FIRST, OTHER])
    with pytest.raises(LedgerAlarm, match="fork"):
        pins.check(LEDGER, [FIRST, SECOND])


def test_what_another_member_saw_is_compared(pins: Pins) -> None:
    pins.check_head(LEDGER, 1, SECOND)
    pins.check_head(LEDGER, 0, OTHER)  # only the newest is kept: nothing to compare with
    with pytest.raises(LedgerAlarm, match="fork"):
        pins.check_head(LEDGER, 1, OTHER)


def test_ledgers_do_not_mix(pins: Pins) -> None:
    pins.check("b" * 64, [OTHER])
    assert pins.alarm("b" * 64) is None

"""The kit's third word: when it is asked for, what is kept of it, and what a wrong one does."""

from pathlib import Path

import pytest
from care import NOW, Person

from relais.client import rehearsal, unlocking
from relais.client.home import Home
from relais.client.rehearsal import DAY, NoKitHere
from relais.crypto import kit
from relais.crypto.device import RECOVERY, DeviceKeys

WORDS = kit.words(bytes(range(32)), "fr")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlocking, "_MEMORY_KIB", 64)


@pytest.fixture
def nadia() -> Person:
    return Person("nadia")


@pytest.fixture
def sheet(nadia: Person) -> DeviceKeys:
    """Her kit."""
    return nadia.join("kit", kind=RECOVERY)


@pytest.fixture
def home(tmp_path: Path, sheet: DeviceKeys) -> Home:
    home = Home(tmp_path, bytes(32))
    rehearsal.remember(home, sheet.id, WORDS, now=NOW)
    return home


def test_it_is_asked_after_a_week_and_then_twice_as_rarely_up_to_half_a_year(
    home: Home, nadia: Person
) -> None:
    now, waits = NOW, []
    for _ in range(7):
        known = rehearsal.load(home, nadia.state)
        assert known is not None
        assert not rehearsal.is_due(home, nadia.state, now=known.ask_at - 1)
        assert rehearsal.is_due(home, nadia.state, now=known.ask_at)
        waits.append((known.ask_at - now) // DAY)
        now = known.ask_at
        assert rehearsal.check(home, nadia.state, WORDS[2], now=now)
    assert waits == [7, 14, 28, 56, 112, 182, 182]


def test_the_word_is_read_without_case_and_accents_and_no_other_is_right(
    home: Home, nadia: Person
) -> None:
    assert rehearsal.check(home, nadia.state, f" {kit.bare(WORDS[2]).upper()} ", now=NOW)
    due = rehearsal.load(home, nadia.state)
    for wrong in (WORDS[1], WORDS[3], "", "relais"):
        assert not rehearsal.check(home, nadia.state, wrong, now=NOW)
    assert rehearsal.load(home, nadia.state) == due, "a wrong word changes nothing"


def test_nothing_of_the_other_words_is_kept(home: Home) -> None:
    kept = home.read("kit")
    assert set(kept) == {"device", "salt", "hash", "interval", "ask_at"}
    assert kept["hash"] == unlocking.stretched(kit.bare(WORDS[2]), kept["salt"])


def test_a_kit_that_was_revoked_or_made_elsewhere_is_not_asked_for(
    home: Home, nadia: Person, sheet: DeviceKeys, tmp_path: Path
) -> None:
    nadia.lose(sheet, at=NOW)
    elsewhere = Home(tmp_path / "elsewhere", bytes(32))
    for place in (home, elsewhere):
        assert not rehearsal.is_due(place, nadia.state, now=NOW + 400 * DAY)
        with pytest.raises(NoKitHere):
            rehearsal.check(place, nadia.state, WORDS[2], now=NOW)

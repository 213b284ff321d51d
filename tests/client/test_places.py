"""What was read stays where it was, in little room."""

import hashlib
from pathlib import Path

import pytest

from relais.client.acknowledged import MOST, Acknowledged, AcknowledgedBook
from relais.client.alarms import Alarm, Alarms
from relais.client.home import Home
from relais.client.outbox import Waiting
from relais.client.places import NEWEST, PlaceBook
from relais.crypto.content import Content
from relais.crypto.errors import ProtocolError
from relais.models.ids import uuid7

CIRCLE = "c" * 64
MANY = 1_000


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def told(first: int, last: int, **other: str) -> dict[int, str | None]:
    return {number: other.get(f"n{number}", digest(number)) for number in range(first, last + 1)}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, bytes(32))


@pytest.fixture
def much_read(home: Home) -> Home:
    """A thousand numbers, read in pages."""
    book = PlaceBook(home)
    for first in range(1, MANY + 1, 200):
        book.meet(CIRCLE, "0 team", told(first, first + 199), last_seq=MANY)
    return home


def meet(
    home: Home, told: dict[int, str | None], *, last: int = MANY, rights: str = "0 team"
) -> None:
    """In a run of its own."""
    PlaceBook(home).meet(CIRCLE, rights, told, last_seq=last)


def test_the_same_again_is_fine_wherever_one_begins(much_read: Home) -> None:
    for first, last in ((1, 200), (1, MANY), (150, 700), (MANY, MANY)):
        meet(much_read, told(first, last))
    meet(much_read, told(MANY, MANY + 50), last=MANY + 50)
    meet(much_read, {}, last=MANY + 50)


def test_another_note_is_noticed_among_the_newest_and_in_a_block_that_is_read_whole(
    much_read: Home,
) -> None:
    other = "f" * 64
    for number, first, last in (
        (MANY, MANY, MANY),
        (MANY - NEWEST + 1, 700, 800),
        (77, 1, 200),
        (130, 129, 256),
    ):
        with pytest.raises(ProtocolError, match="wrong-order"):
            meet(much_read, told(first, last, **{f"n{number}": other}))
    meet(much_read, told(100, 120, n110=other))  # a part of an old block says nothing


def test_a_number_that_is_gone_or_told_twice_is_noticed(much_read: Home) -> None:
    with pytest.raises(ProtocolError, match="wrong-order"):
        meet(much_read, told(1, MANY - 1), last=MANY - 1)
    with pytest.raises(ProtocolError, match="wrong-order"):
        meet(much_read, {MANY + 1: digest(MANY - 3)}, last=MANY + 1)
    with pytest.raises(ProtocolError, match="wrong-order"):
        meet(much_read, {MANY: None})


def test_a_version_for_others_takes_its_place_too(home: Home) -> None:
    meet(home, {1: digest(1), 2: None, 3: digest(3)}, last=3)
    meet(home, {2: None}, last=3)
    with pytest.raises(ProtocolError, match="wrong-order"):
        meet(home, {1: None}, last=3)


def test_what_is_kept_does_not_grow_with_what_was_read(much_read: Home) -> None:
    kept = much_read.path / "places" / f"{CIRCLE}.relais"
    assert kept.stat().st_size < 40 * (NEWEST + 128)
    before = kept.read_bytes()
    meet(much_read, told(1, MANY))
    assert kept.read_bytes() == before, "nothing new, nothing written"
    assert digest(MANY).encode() not in before


def test_other_rights_and_a_decision_begin_anew(much_read: Home) -> None:
    meet(much_read, {MANY: None}, rights="0 care team")
    with pytest.raises(ProtocolError, match="wrong-order"):
        meet(much_read, {MANY: None}, last=MANY - 1, rights="0 care team")
    PlaceBook(much_read).forget(CIRCLE)
    meet(much_read, {1: digest(5)}, last=1, rights="0 care team")


def waiting(number: int) -> Waiting:
    content = Content("GEN", f"texte {number}")
    note = uuid7(1_790_000_000_000 + number)
    return Waiting(CIRCLE, note, 1, None, "post", 1, ("team",), content, envelope=b"x")


def test_only_the_newest_of_what_nobody_reads_is_kept_and_whatever_was_lost(home: Home) -> None:
    book = AcknowledgedBook(home)
    book.put(Acknowledged(waiting(0), 1, lost=True))
    for number in range(1, MOST + 5):
        book.put(Acknowledged(waiting(number), number + 1))
    kept = book.of(CIRCLE)
    assert (len(kept), kept[0].lost, kept[-1].seq) == (MOST + 1, True, MOST + 5)
    assert book.of("d" * 64) == []


def test_an_alarm_is_kept_once_and_said_once_in_a_run(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    alarm = Alarm("lost-note", CIRCLE, seq=3)
    for _ in range(2):
        alarms = Alarms(home, lambda: 7)
        alarms.sound(alarm)
        alarms.sound(alarm)
    assert alarms.raised() == (alarm,)
    assert len(caplog.records) == 2

"""What the server said it stores, kept until this device has read it there (docs/protocol.md §14).

A server that answers and then drops a note, hides it or gives its number to another is found out when the circle is next read
past that number: the text is still here, and can be sent again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relais.client import outbox
from relais.client.home import Home
from relais.client.outbox import Waiting
from relais.crypto import cose
from relais.crypto.ledger_state import Member
from relais.models.ids import CircleId, Digest, NoteId

_FOLDER = "acknowledged"
MOST = 100
"""Of one circle; an author who writes more and never reads keeps the newest."""


@dataclass(frozen=True)
class Acknowledged:
    """``seq``: the number the server named. ``lost``: the circle was read, and it does not stand there."""

    waiting: Waiting
    seq: int
    lost: bool = False

    @property
    def digest(self) -> Digest:
        if self.waiting.envelope is None:
            raise ValueError("only what was sealed is acknowledged")
        return cose.digest(self.waiting.envelope)


@dataclass(frozen=True)
class Account:
    """What an answer accounts for: the versions it gives and the numbers of those for others, from ``first`` to ``reached``,
    and the circle's newest number."""

    notes: Mapping[int, Digest]
    others: frozenset[int]
    first: int
    reached: int
    last_seq: int


class AcknowledgedBook:
    """Those of a folder."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def put(self, one: Acknowledged) -> None:
        """Durable when this returns."""
        plain = {**outbox.plain(one.waiting), "seq": one.seq, "lost": one.lost}
        self._home.write(_name(one.waiting), plain)
        self._bound(one.waiting.circle)

    def remove(self, one: Acknowledged) -> None:
        self._home.remove(_name(one.waiting))

    def of(self, circle: CircleId) -> list[Acknowledged]:
        """Oldest first."""
        return [self._read(name) for name in self._names(circle)]

    def lost(self) -> list[Acknowledged]:
        """Of all circles: what is to be sent again, or let go."""
        return [one for one in map(self._read, self._home.names(_FOLDER)) if one.lost]

    def lost_note(self, note: NoteId) -> list[Acknowledged]:
        """The lost versions of one note, oldest first."""
        return [one for one in self.lost() if one.waiting.note == note]

    def judge(self, told: Account, circle: CircleId, reader: Member) -> list[Acknowledged]:
        """Compare with an answer: what stands where it was said to is let go; what does not is kept as lost, and returned."""
        lost = []
        for one in self.of(circle):
            found = _stands(one, told, reader)
            if found:
                self.remove(one)
            elif found is False and not one.lost:
                lost.append(one)
                self.put(Acknowledged(one.waiting, one.seq, lost=True))
        return lost

    def _names(self, circle: CircleId) -> list[str]:
        return [name for name in self._home.names(_FOLDER) if name.startswith(_prefix(circle))]

    def _read(self, name: str) -> Acknowledged:
        value: dict[str, Any] = self._home.read(name)
        seq, lost = value.pop("seq"), value.pop("lost")
        return Acknowledged(outbox.read(value), seq, lost)

    def _bound(self, circle: CircleId) -> None:
        names = self._names(circle)
        for name in names[: max(0, len(names) - MOST)]:
            if not self._read(name).lost:
                self._home.remove(name)


def _stands(one: Acknowledged, told: Account, reader: Member) -> bool | None:
    """Whether the answer shows it at its number; None where it does not say, or is not for this reader to know."""
    if one.seq in told.notes:
        return told.notes[one.seq] == one.digest
    if not _is_for(one.waiting, reader):
        return None if one.seq > told.reached else True
    is_past = told.first <= one.seq <= told.reached
    return False if is_past or one.seq > told.last_seq else None


def _is_for(waiting: Waiting, reader: Member) -> bool:
    """A lead may write for audiences it is not in, and somebody may have left one since."""
    return reader.history <= waiting.at and not reader.audiences.isdisjoint(waiting.audiences)


def _prefix(circle: CircleId) -> str:
    return f"{_FOLDER}/{circle[:32]}-"


def _name(waiting: Waiting) -> str:
    return f"{_prefix(waiting.circle)}{waiting.note}-{waiting.version:06d}"

"""What was written and is not acknowledged yet. Stored before anything is sent; a killed process loses nothing."""

from dataclasses import dataclass
from typing import Any

from relais.client.home import Home
from relais.crypto import content, envelope
from relais.crypto.content import Content
from relais.models.ids import BlobId, CircleId, NoteId

_FOLDER = "outbox"


@dataclass(frozen=True)
class Waiting:
    """One version on its way: the envelope to send, and what it takes to seal it again under a newer epoch."""

    circle: CircleId
    note: NoteId
    version: int
    envelope: bytes
    content: Content
    audiences: tuple[str, ...]

    @property
    def blobs(self) -> tuple[BlobId, ...]:
        return tuple(envelope.peek(self.envelope).header.blobs)


class Outbox:
    """Waiting versions in the order they were written."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def put(self, waiting: Waiting) -> None:
        """Store or replace; durable when this returns."""
        self._home.write(_name(waiting), _plain(waiting))

    def remove(self, waiting: Waiting) -> None:
        self._home.remove(_name(waiting))

    def waiting(self) -> list[Waiting]:
        found = (self._home.read(name) for name in self._home.names(_FOLDER))
        return [_read(value) for value in found if value is not None]


def _name(waiting: Waiting) -> str:
    return f"{_FOLDER}/{waiting.note}-{waiting.version:06d}"


def _plain(waiting: Waiting) -> dict[str, Any]:
    return {
        "circle": waiting.circle,
        "note": waiting.note,
        "version": waiting.version,
        "envelope": waiting.envelope,
        "content": content.encode(waiting.content),
        "audiences": list(waiting.audiences),
    }


def _read(value: dict[str, Any]) -> Waiting:
    return Waiting(
        circle=value["circle"],
        note=value["note"],
        version=value["version"],
        envelope=value["envelope"],
        content=content.decode(value["content"]),
        audiences=tuple(value["audiences"]),
    )

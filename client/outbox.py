"""What was written and is not acknowledged yet. Stored before anything is sent; a killed process loses nothing."""

from dataclasses import asdict, dataclass
from typing import Any

from relais.client.home import Home
from relais.crypto import content
from relais.crypto.content import Content
from relais.models.ids import AccountId, BlobId, CircleId, Digest, Millis, NoteId

_FOLDER = "outbox"


@dataclass(frozen=True)
class Waiting:
    """One version on its way. ``envelope`` is what was sealed last: kept, so that sending again sends the same."""

    circle: CircleId
    note: NoteId
    version: int
    replaces: Digest | None
    kind: str
    at: Millis
    audiences: tuple[str, ...]
    content: Content
    urgent: bool = False
    acknowledge: bool = False
    mentions: tuple[AccountId, ...] = ()
    envelope: bytes | None = None

    @property
    def blobs(self) -> tuple[BlobId, ...]:
        return tuple(attachment.blob for attachment in self.content.attachments)


class Outbox:
    """Waiting versions in the order they were written."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def put(self, waiting: Waiting) -> None:
        """Store or replace; durable when this returns."""
        self._home.write(_name(waiting), plain(waiting))

    def remove(self, waiting: Waiting) -> None:
        self._home.remove(_name(waiting))

    def waiting(self) -> list[Waiting]:
        found = (self._home.read(name) for name in self._home.names(_FOLDER))
        return [read(value) for value in found if value is not None]


def _name(waiting: Waiting) -> str:
    return f"{_FOLDER}/{waiting.note}-{waiting.version:06d}"


def plain(waiting: Waiting) -> dict[str, Any]:
    """As it stands in the folder."""
    return {
        **asdict(waiting),
        "content": content.encode(waiting.content),
        "audiences": list(waiting.audiences),
        "mentions": list(waiting.mentions),
    }


def read(value: dict[str, Any]) -> Waiting:
    """Of what `plain` wrote."""
    return Waiting(
        **{
            **value,
            "content": content.decode(value["content"]),
            "audiences": tuple(value["audiences"]),
            "mentions": tuple(value["mentions"]),
        }
    )

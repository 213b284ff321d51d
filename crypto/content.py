"""The content of a note (docs/protocol.md §6): what only readers see, and the padding around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from relais.crypto.errors import ProtocolError
from relais.crypto.padme import padme
from relais.crypto.structure import (
    ID32,
    UINT,
    UUID,
    Kind,
    Structure,
    array,
    bytes_of,
    bytes_up_to,
    choice,
    optional,
    plain_map,
    text,
)
from relais.models.ids import BlobId, Digest, NoteId

PROFILE: Final = "PROFILE"
NOTE_TYPES: Final = ("OBS", "INST", "INTERV", "DEM-AVIS", "GEN")
MOST_ATTACHMENTS: Final = 20
LARGEST_THUMBNAIL: Final = 24 * 1024
FORM_DEPTH: Final = 8
SHORTEST_PADDED: Final = 256
_LENGTH_SIZE: Final = 4


@dataclass(frozen=True)
class Form:
    """Structured content; a client that does not know the schema shows the note's text."""

    schema: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Attachment:
    """A sealed file a note points to. Sizes in bytes, dimensions in pixels.

    `blob` is the hash of the ciphertext, `key` its 32-byte file key; `size` and `sha256` are the
    plaintext's.
    """

    id: str
    blob: BlobId
    key: bytes
    name: str
    media_type: str
    size: int
    sha256: Digest
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None


@dataclass(frozen=True)
class Content:
    """What a note says. In a withdrawal, `text` is the reason."""

    type: str
    text: str
    form: Form | None = None
    attachments: tuple[Attachment, ...] = ()
    reply_to: NoteId | None = None
    broadcast: str | None = None


_FORM = Structure("Form", {"schema": text(60), "data": plain_map(FORM_DEPTH)})
_ATTACHMENT = Structure(
    "Attachment",
    {
        "id": UUID,
        "blob": ID32,
        "key": bytes_of(32),
        "name": text(200),
        "media_type": text(100),
        "size": UINT,
        "sha256": ID32,
        "width": optional(UINT),
        "height": optional(UINT),
        "thumbnail": optional(bytes_up_to(LARGEST_THUMBNAIL)),
    },
)
_CONTENT = Structure(
    "Content",
    {
        "type": choice(*NOTE_TYPES, PROFILE),
        "text": text(20_000),
        "form": optional(
            Kind(lambda value: Form(**_FORM.read(value)), lambda form: _FORM.write(vars(form)))
        ),
        "attachments": array(
            Kind(
                lambda value: Attachment(**_ATTACHMENT.read(value)),
                lambda attachment: _ATTACHMENT.write(vars(attachment)),
            ),
            most=MOST_ATTACHMENTS,
        ),
        "reply_to": optional(UUID),
        "broadcast": optional(UUID),
    },
)


def encode(content: Content) -> bytes:
    """Raises ProtocolError `wrong-type` for what no reader would take."""
    return _CONTENT.encode(vars(content))


def decode(data: bytes) -> Content:
    """Raises ProtocolError `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`."""
    return Content(**_CONTENT.decode(data))


def pad(content: bytes) -> bytes:
    """length (4 bytes, big-endian) ‖ content ‖ zeros, to the Padmé length and at least 256 bytes."""
    length = _padded_length(len(content))
    return (len(content).to_bytes(_LENGTH_SIZE, "big") + content).ljust(length, b"\0")


def unpad(padded: bytes) -> bytes:
    """Raises ProtocolError `bad-padding` for anything `pad` would not have made."""
    length = int.from_bytes(padded[:_LENGTH_SIZE], "big")
    content = padded[_LENGTH_SIZE : _LENGTH_SIZE + length]
    if pad(content) != padded:
        raise ProtocolError("bad-padding")
    return content


def _padded_length(length: int) -> int:
    return max(SHORTEST_PADDED, padme(_LENGTH_SIZE + length))

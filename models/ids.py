"""Identifiers as they stand outside CBOR: lowercase hex or RFC 9562 text (docs/protocol.md §1)."""

import re
import secrets
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Pattern:
    """What a text field must match, whole."""

    expression: str

    def matches(self, value: str) -> bool:
        return re.fullmatch(self.expression, value, re.ASCII) is not None


@dataclass(frozen=True)
class Length:
    """Bounds of a text (characters), byte string (bytes) or list (items)."""

    most: int
    least: int = 0


_HEX_32 = Pattern("[0-9a-f]{64}")
_HEX_16 = Pattern("[0-9a-f]{32}")
_UUID = Pattern("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Id32 = Annotated[str, _HEX_32]
Id16 = Annotated[str, _HEX_16]
AccountId = Annotated[str, _HEX_32]
CircleId = Annotated[str, _HEX_32]
BlobId = Annotated[str, _HEX_32]
Digest = Annotated[str, _HEX_32]
DeviceId = Annotated[str, _HEX_16]
TicketId = Annotated[str, _HEX_16]
NoteId = Annotated[str, _UUID]
Audience = Annotated[str, Pattern("[a-z][a-z0-9-]{0,19}")]
Word = Annotated[str, Pattern("[a-z][a-z0-9-]{0,39}")]
"""A stable reason word, such as ``fork``."""
Millis = int


def uuid7(at: int) -> str:
    """Make a UUIDv7 (RFC 9562 §5.7) for a time in milliseconds since 1970, UTC."""
    tail = secrets.randbits(74)
    value = (
        (at & (1 << 48) - 1) << 80 | 7 << 76 | (tail >> 62) << 64 | 2 << 62 | tail & (1 << 62) - 1
    )
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

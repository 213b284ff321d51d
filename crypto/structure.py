"""The tables of docs/protocol.md as values: a kind per field, a structure per table.

Inside CBOR an identifier is a byte string; outside it is text (hex, or RFC 9562 for a uuid). A structure
turns one into the other and refuses every map that is not exactly its table.
"""

import re
import uuid as _uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from relais.crypto import cbor
from relais.crypto.errors import ProtocolError

Values = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """How a field is read from CBOR, and how written to it. Both raise ProtocolError `wrong-type`."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]


class Structure:
    """One table: the names of its fields and their kinds; nothing else is let through."""

    def __init__(self, name: str, fields: Mapping[str, Kind]) -> None:
        self.name = name
        self.fields: Final = dict(fields)
        self._reads = [(field, kind.read) for field, kind in self.fields.items()]
        cbor.expect(self.fields)

    def decode(self, data: bytes) -> Values:
        """Read bytes. Raises ProtocolError `non-canonical` and those of `read`."""
        return self.read(cbor.decode(data))

    def read(self, value: object) -> Values:
        """Read a decoded value. Raises ProtocolError `unknown-field`, `missing-field`, `wrong-type`."""
        if type(value) is not dict:
            raise ProtocolError("wrong-type")
        if value.keys() != self.fields.keys():
            unknown = value.keys() - self.fields.keys()
            raise ProtocolError("unknown-field" if unknown else "missing-field")
        return {field: read(value[field]) for field, read in self._reads}

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """Write the fields. Raises ProtocolError `wrong-type` for what `decode` would refuse."""
        return cbor.encode(self.write(values))

    def write(self, values: Mapping[str, Any]) -> Values:
        """The value `encode` encodes. `values` may hold more than the fields."""
        written = {field: kind.write(values[field]) for field, kind in self.fields.items()}
        self.read(written)
        return written


def wrong_type() -> ProtocolError:
    return ProtocolError("wrong-type")


def _fixed(length: int) -> Callable[[Any], bytes]:
    def read(value: Any) -> bytes:
        if type(value) is not bytes or len(value) != length:
            raise wrong_type()
        return value

    return read


def _hex(length: int) -> Kind:
    def read(value: Any) -> str:
        if type(value) is not bytes or len(value) != length:
            raise wrong_type()
        return value.hex()

    return Kind(read, to_bytes)


def to_bytes(identifier: str) -> bytes:
    """The bytes of an id32, id16 or uuid. Raises ProtocolError `wrong-type` for other text."""
    try:
        raw = bytes.fromhex(identifier.replace("-", ""))
    except (ValueError, AttributeError) as error:
        raise wrong_type() from error
    if identifier not in (raw.hex(), _uuid_text(raw)):
        raise wrong_type()
    return raw


def _uuid_text(raw: bytes) -> str | None:
    return str(_uuid.UUID(bytes=raw)) if len(raw) == 16 else None


def _read_uuid(value: Any) -> str:
    if type(value) is not bytes or len(value) != 16:
        raise wrong_type()
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _read_uint(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= cbor.LARGEST_INTEGER:
        raise wrong_type()
    return value


def _exactly(expected: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not expected:
            raise wrong_type()
        return value

    return read


def _same(value: Any) -> Any:
    return value


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")


def _utf16_units(value: str) -> int:
    try:
        return len(value) if value.isascii() else len(value.encode("utf-16-le")) // 2
    except UnicodeEncodeError as error:  # a lone surrogate is no text
        raise wrong_type() from error


def text(most: int, *, least: int = 0) -> Kind:
    """Text of `least` to `most` UTF-16 code units, without control characters but tab and newline."""

    def read(value: Any) -> str:
        if type(value) is not str or not least <= _utf16_units(value) <= most:
            raise wrong_type()
        if _CONTROL.search(value):
            raise wrong_type()
        return value

    return Kind(read, _same)


def choice(*words: str) -> Kind:
    """One of these words."""

    def read(value: Any) -> str:
        if type(value) is not str or value not in words:
            raise wrong_type()
        return value

    return Kind(read, _same)


def bytes_of(length: int) -> Kind:
    return Kind(_fixed(length), _same)


def bytes_up_to(most: int) -> Kind:
    def read(value: Any) -> bytes:
        if type(value) is not bytes or len(value) > most:
            raise wrong_type()
        return value

    return Kind(read, _same)


def optional(kind: Kind) -> Kind:
    """The kind, or null."""
    return Kind(
        lambda value: None if value is None else kind.read(value),
        lambda value: None if value is None else kind.write(value),
    )


def array(kind: Kind, *, most: int, least: int = 0) -> Kind:
    """A list of `least` to `most` items; read as a tuple."""

    def read(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or not least <= len(value) <= most:
            raise wrong_type()
        return tuple([kind.read(item) for item in value])

    return Kind(read, lambda value: [kind.write(item) for item in value])


def one_of(tag: str, structures: Mapping[str, Structure]) -> Kind:
    """A map told apart by the word in its field `tag`, read as (word, fields).

    Raises ProtocolError `unknown-operation` for a word that is not there.
    """

    def read(value: Any) -> tuple[str, Values]:
        if type(value) is not dict:
            raise wrong_type()
        if tag not in value:
            raise ProtocolError("missing-field")
        fields = dict(value)
        word = fields.pop(tag)
        return word, _among(structures, word).read(fields)

    def write(value: tuple[str, Mapping[str, Any]]) -> Values:
        word, fields = value
        return {tag: word, **_among(structures, word).write(fields)}

    return Kind(read, write)


def _among(structures: Mapping[str, Structure], word: Any) -> Structure:
    if type(word) is not str:
        raise wrong_type()
    if word not in structures:
        raise ProtocolError("unknown-operation")
    return structures[word]


def plain_map(depth: int) -> Kind:
    """A map with text keys, nesting at most `depth` containers with itself, read as it is."""

    def read(value: Any) -> Values:
        if type(value) is not dict or not cbor.is_shallow(value, depth) or not _text_keys(value):
            raise wrong_type()
        return value

    return Kind(read, _same)


def _text_keys(value: object) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and _text_keys(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_text_keys(item) for item in value)
    return True


ID32: Final = _hex(32)
ID16: Final = _hex(16)
UUID: Final = Kind(_read_uuid, to_bytes)
UINT: Final = Kind(_read_uint, _same)
TIME: Final = UINT
BYTES: Final = Kind(_exactly(bytes), _same)
BOOL: Final = Kind(_exactly(bool), _same)

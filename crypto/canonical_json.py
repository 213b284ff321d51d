"""JSON with one spelling only (RFC 8785), without floats.

Values are strings, integers within ±(2^53 - 1), booleans, null, arrays and objects: what
Python and JavaScript hold exactly. Keys are sorted by their UTF-16 code units.
"""

import json
from collections.abc import Mapping
from typing import NoReturn

from relais.crypto.errors import ProtocolError

Json = None | bool | int | str | list["Json"] | tuple["Json", ...] | Mapping[str, "Json"]

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 16


class CanonicalJsonError(ProtocolError):
    """Bytes that are not JSON, or not the one spelling of it."""


def encode_canonical(value: Json) -> bytes:
    """The one spelling of a value, UTF-8.

    Raises:
        CanonicalJsonError: `not-representable` (a float, an integer too large, half a surrogate
            pair), `too-deep` (more than 16 arrays and objects inside each other).
    """
    return encode_ordered(_ordered(value, MAX_DEPTH))


def encode_ordered(value: object) -> bytes:
    """The same for a value of which only the texts are not known to be representable: its keys are in order.

    Raises:
        CanonicalJsonError: `not-representable` (half a surrogate pair).
    """
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        raise CanonicalJsonError("not-representable") from None


def decode_canonical(data: bytes) -> Json:
    """The value of bytes that encode_canonical has written.

    Raises:
        CanonicalJsonError: `not-json`, `not-canonical` (a second spelling: spaces, key order, a
            key twice, an escape that need not be), and what encode_canonical raises.
    """
    try:
        value: Json = _DECODER.decode(data.decode())
    except RecursionError:
        raise CanonicalJsonError("too-deep") from None
    except ValueError:
        raise CanonicalJsonError("not-json") from None
    if encode_canonical(value) != data:
        raise CanonicalJsonError("not-canonical")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    """Longer than any integer we write: as a float, as JavaScript reads it; refused later."""
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


_LEAVES = frozenset({str, bool, type(None)})
_MAX_DIGITS = len(str(-MAX_INTEGER))
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_integer)


def _ordered(value: object, depth: int) -> object:
    """The same value with sorted keys; refuses what has no exact spelling."""
    if type(value) in _LEAVES or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return _exact(value)
    if depth == 0:
        raise CanonicalJsonError("too-deep")
    if isinstance(value, Mapping):
        items = ((key, value[key]) for key in _sorted_keys(value))
        return {k: v if type(v) in _LEAVES else _ordered(v, depth - 1) for k, v in items}
    if isinstance(value, list | tuple):
        return [_ordered(item, depth - 1) for item in value]
    raise CanonicalJsonError("not-representable")


def _exact(value: float) -> int:
    """Whole floats pass, as they do in JavaScript, and are then found to be misspelt."""
    if abs(value) > MAX_INTEGER or (isinstance(value, float) and not value.is_integer()):
        raise CanonicalJsonError("not-representable")
    return int(value)


def _sorted_keys(value: Mapping[object, object]) -> list[str]:
    keys = [key for key in value if isinstance(key, str)]
    if len(keys) != len(value):
        raise CanonicalJsonError("not-representable")
    return sorted(keys) if "".join(keys).isascii() else sorted(keys, key=_utf16)


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")

"""Deterministic CBOR (RFC 8949 §4.2.1), narrowed to what the protocol writes (docs/protocol.md §1).

Maps, arrays, text, byte strings, integers within ±(2^53 − 1), true, false and null. No tags, floats,
`undefined`, simple values, indefinite lengths or duplicate keys. A map key is text, or (in COSE headers)
an integer from −24 to 23: for such keys the bytewise order of RFC 8949 and the length-first order that
`cbor2` calls canonical are the same.
"""

import operator
from collections.abc import Callable, Iterable
from typing import Any

import cbor2

from relais.crypto.errors import ProtocolError

LARGEST_INTEGER = 2**53 - 1
MAX_DEPTH = 16
_LEAVES = frozenset({str, bytes, bool, type(None)})
_TABLES: set[tuple[str, ...]] = set()
"""The keys of the protocol's tables, each in the order of its encoding: a map that has just these needs no second look."""


def encode(value: object) -> bytes:
    """The one encoding of a value. Raises ValueError for a value the protocol does not know."""
    if not _is_known(value, MAX_DEPTH, _are_keys):
        raise ValueError("not a value of this protocol")
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes) -> Any:
    """Read one value that fills `data`.

    Raises ProtocolError `non-canonical` for whatever `encode` would not have written.
    """
    value = _loads(data)
    # Maps keep the order they came in, so written again they show every other departure from the one
    # encoding; sorting them instead would take longer than all the rest.
    if not (_is_known(value, MAX_DEPTH, _are_ordered) and cbor2.dumps(value) == data):
        raise ProtocolError("non-canonical")
    return value


def expect(keys: Iterable[str]) -> None:
    """Say that maps with just these keys are to be read often."""
    _TABLES.add(tuple(sorted(keys, key=_place)))


def is_shallow(value: object, depth: int) -> bool:
    """Whether a value is known to the protocol and nests at most `depth` containers."""
    return _is_known(value, depth, _are_keys)


def _refuse_tag(*_: object) -> object:
    raise ValueError("tag")


# Every tag cbor2 would act upon, so that shared references, dates and big integers end here.
_TAGS = dict.fromkeys(
    [
        *range(6),
        *range(21, 39),
        *range(40, 49),
        52,
        54,
        100,
        256,
        258,
        260,
        261,
        1004,
        43000,
        55799,
    ],
    _refuse_tag,
)


def _loads(data: bytes) -> object:
    try:
        return cbor2.loads(
            data,
            tag_hook=_refuse_tag,
            semantic_decoders=_TAGS,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except (cbor2.CBORError, ValueError, TypeError, OverflowError) as error:
        raise ProtocolError("non-canonical") from error


def _is_known(value: object, depth: int, are_good: Callable[[dict[Any, Any]], bool]) -> bool:
    """Whether the protocol knows a value, and the keys of all its maps `are_good`."""
    if type(value) in _LEAVES:
        return True
    if type(value) is int:
        return -LARGEST_INTEGER <= value <= LARGEST_INTEGER
    if depth == 0:
        return False
    items: Iterable[object]
    if type(value) is dict:
        if not are_good(value):
            return False
        items = value.values()
    elif type(value) is list:
        items = value
    else:
        return False
    for item in items:
        if type(item) not in _LEAVES and not _is_known(item, depth - 1, are_good):
            return False
    return True


def _are_keys(value: dict[Any, Any]) -> bool:
    return all(map(_is_key, value))


def _are_ordered(value: dict[Any, Any]) -> bool:
    """Whether a map has keys of the protocol, ascending by the length of their encoding, then bytewise."""
    if tuple(value) in _TABLES:
        return True
    if not _are_keys(value):
        return False
    places = [_place(key) for key in value]
    return all(map(operator.lt, places, places[1:]))


def _place(key: str | int) -> tuple[int, bytes]:
    """What orders the keys `_is_key` lets through: their encoding, told from the others of its length."""
    if isinstance(key, int):
        return 0, bytes([key if key >= 0 else 31 - key])
    text = key.encode()
    return (len(text), text) if text else (0, b"\x60")


def _is_key(key: object) -> bool:
    return type(key) is str or (type(key) is int and -24 <= key <= 23)

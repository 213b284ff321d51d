"""Deterministic CBOR (RFC 8949 §4.2.1), narrowed to what the protocol writes (docs/protocol.md §1).

Maps, arrays, text, byte strings, integers within ±(2^53 − 1), true, false and null. No tags, floats,
`undefined`, simple values, indefinite lengths or duplicate keys. A map key is text, or (in COSE headers)
an integer from −24 to 23: for such keys the bytewise order of RFC 8949 and the length-first order that
`cbor2` calls canonical are the same.
"""

from typing import Any

import cbor2

from relais.crypto.errors import ProtocolError

LARGEST_INTEGER = 2**53 - 1
MAX_DEPTH = 16
_LEAVES = frozenset({str, bytes, bool, type(None)})


def encode(value: object) -> bytes:
    """The one encoding of a value. Raises ValueError for a value the protocol does not know."""
    if not _is_known(value, MAX_DEPTH):
        raise ValueError("not a value of this protocol")
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes) -> Any:
    """Read one value that fills `data`.

    Raises ProtocolError `non-canonical` for whatever `encode` would not have written.
    """
    value = _loads(data)
    if not _is_known(value, MAX_DEPTH) or cbor2.dumps(value, canonical=True) != data:
        raise ProtocolError("non-canonical")
    return value


def is_shallow(value: object, depth: int) -> bool:
    """Whether a value is known to the protocol and nests at most `depth` containers."""
    return _is_known(value, depth)


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


def _is_known(value: object, depth: int) -> bool:
    kind = type(value)
    if kind in _LEAVES:
        return True
    if kind is int:
        return -LARGEST_INTEGER <= value <= LARGEST_INTEGER  # type: ignore[operator]
    if depth == 0:
        return False
    if kind is list:
        return all(_is_known(item, depth - 1) for item in value)  # type: ignore[attr-defined]
    if kind is dict:
        return all(_is_key(key) and _is_known(item, depth - 1) for key, item in value.items())  # type: ignore[attr-defined]
    return False


def _is_key(key: object) -> bool:
    return type(key) is str or (type(key) is int and -24 <= key <= 23)

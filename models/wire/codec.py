"""Maps to frozen messages and back: every field declared, nothing else let through."""

import base64
import binascii
import types
from collections.abc import Callable, KeysView
from dataclasses import fields, is_dataclass
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    NoReturn,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from relais.models.ids import Length, Pattern
from relais.models.refusal import Code, Refusal

M = TypeVar("M")
Read = Callable[[object, str], Any]
"""Reads a value; the text names it in a refusal."""
LARGEST_INTEGER = 2**53 - 1


def decode(message: type[M], value: object, *, json: bool = False) -> M:
    """Read a map as a message.

    ``json`` reads byte strings from base64url without padding.
    Raises `Refusal` ``malformed`` with the name of the field; unknown fields are refused.
    """
    kind: Any = message
    return cast(M, _reader(kind, json)(value, ""))


def encode(message: Any, *, json: bool = False) -> dict[str, Any]:
    """Write a message as a map of plain values (byte strings as base64url when ``json``)."""
    kind: Any = type(message)
    return {name: _plain(getattr(message, name), json) for name in _hints_of(kind)}


@cache
def _hints_of(message: Any) -> dict[str, Any]:
    hints = get_type_hints(message, include_extras=True)
    return {field.name: hints[field.name] for field in fields(message)}


def _plain(value: Any, json: bool) -> Any:
    kind = type(value)
    if kind is str or kind is int:  # most fields: told apart before the costlier questions
        return value
    if isinstance(value, bytes):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode() if json else value
    if isinstance(value, tuple):
        return [_plain(item, json) for item in value]
    return encode(value, json=json) if is_dataclass(value) else value


@cache
def _reader(hint: Any, json: bool) -> Read:
    """How values of a type are read: told apart once, not for each value."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _bounded(hint, json)
    if origin is Literal:
        return _choice(get_args(hint))
    if origin in (Union, types.UnionType):
        return _optional(hint, json)
    if origin is tuple:
        return _sequence(hint, json)
    return _message(hint, json) if is_dataclass(hint) else _scalar(hint, json)


def _message(message: Any, json: bool) -> Read:
    readers = {name: _reader(hint, json) for name, hint in _hints_of(message).items()}

    def read(value: object, path: str) -> Any:
        if not isinstance(value, dict) or value.keys() != readers.keys():
            raise _malformed(_differing(value, readers.keys(), path))
        inside = path and f"{path}."
        return message(**{name: read(value[name], inside + name) for name, read in readers.items()})

    return read


def _differing(value: object, names: KeysView[str], path: str) -> str:
    if not isinstance(value, dict):
        return path or "message"
    missing = sorted(names - value.keys())
    return (path and f"{path}.") + (missing[0] if missing else "unknown")


def _choice(words: tuple[Any, ...]) -> Read:
    return lambda value, path: value if isinstance(value, str) and value in words else _refuse(path)


def _optional(hint: Any, json: bool) -> Read:
    (inner,) = (_reader(arm, json) for arm in get_args(hint) if arm is not type(None))
    return lambda value, path: None if value is None else inner(value, path)


def _sequence(hint: Any, json: bool) -> Read:
    inner = _reader(get_args(hint)[0], json)

    def read(value: object, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise _malformed(path)
        return tuple(inner(item, path) for item in value)

    return read


def _scalar(hint: Any, json: bool) -> Read:
    if hint is bytes:
        return _from_base64 if json else _bytes
    if hint is int:
        return _whole
    if hint is str:
        return _text
    return lambda value, path: value if isinstance(value, hint) else _refuse(path)


def _bytes(value: object, path: str) -> bytes:
    if isinstance(value, bytes):
        return value
    return bytes(value) if isinstance(value, bytearray | memoryview) else _refuse(path)


def _whole(value: object, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _malformed(path)
    if not 0 <= value <= LARGEST_INTEGER:
        raise _malformed(path)
    return value


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _malformed(path)
    try:
        value.encode()
    except UnicodeEncodeError as error:  # JSON can carry half a surrogate pair
        raise _malformed(path) from error
    return value


def _bounded(hint: Any, json: bool) -> Read:
    plain, *rules = get_args(hint)
    inner = _reader(plain, json)

    def read(value: object, path: str) -> Any:
        found = inner(value, path)
        for rule in rules:
            if isinstance(rule, Pattern) and not rule.matches(found):
                raise _malformed(path)
            if isinstance(rule, Length) and not rule.least <= len(found) <= rule.most:
                raise _malformed(path)
        return found

    return read


def _from_base64(value: object, path: str) -> bytes:
    if not isinstance(value, str):
        raise _malformed(path)
    try:
        raw = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed(path) from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != value:
        raise _malformed(path)
    return raw


def _malformed(path: str) -> Refusal:
    return Refusal(Code.MALFORMED, field=path)


def _refuse(path: str) -> NoReturn:
    raise _malformed(path)

"""Maps to frozen messages and back: every field declared, nothing else let through."""

import base64
import binascii
import types
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
LARGEST_INTEGER = 2**53 - 1


def decode(message: type[M], value: object, *, json: bool = False) -> M:
    """Read a map as a message.

    ``json`` reads byte strings from base64url without padding.
    Raises `Refusal` ``malformed`` with the name of the field; unknown fields are refused.
    """
    return _message(message, value, json, "")


def encode(message: Any, *, json: bool = False) -> dict[str, Any]:
    """Write a message as a map of plain values (byte strings as base64url when ``json``)."""
    return {name: _plain(getattr(message, name), json) for name in _hints(type(message))}


def _hints(message: Any) -> dict[str, Any]:
    return _hints_of(message)


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


def _message(message: type[M], value: object, json: bool, path: str) -> M:
    hints = _hints(message)
    if not isinstance(value, dict) or set(value) != set(hints):
        raise _malformed(_differing(value, hints, path))
    read = {name: _value(hint, value[name], json, f"{path}{name}") for name, hint in hints.items()}
    return message(**read)


def _differing(value: object, hints: dict[str, Any], path: str) -> str:
    if not isinstance(value, dict):
        return path.rstrip(".") or "message"
    missing = sorted(set(hints) - set(value))
    return path + (missing[0] if missing else "unknown")


def _value(hint: Any, value: object, json: bool, path: str) -> Any:
    origin = get_origin(hint)
    if origin is Annotated:
        plain, *rules = get_args(hint)
        return _bounded(_value(plain, value, json, path), rules, path)
    if origin is Literal:
        return value if isinstance(value, str) and value in get_args(hint) else _refuse(path)
    if origin in (Union, types.UnionType):
        return _optional(hint, value, json, path)
    if origin is tuple:
        return _sequence(hint, value, json, path)
    if is_dataclass(hint):
        return _message(cast("type[Any]", hint), value, json, f"{path}.")
    return _scalar(hint, value, json, path)


def _optional(hint: Any, value: object, json: bool, path: str) -> Any:
    if value is None:
        return None
    (inner,) = (arm for arm in get_args(hint) if arm is not type(None))
    return _value(inner, value, json, path)


def _sequence(hint: Any, value: object, json: bool, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _malformed(path)
    inner = get_args(hint)[0]
    return tuple(_value(inner, item, json, path) for item in value)


def _scalar(hint: Any, value: object, json: bool, path: str) -> Any:
    if hint is bytes and json:
        return _from_base64(value, path)
    if hint is int:
        return _whole(value, path)
    if hint is str:
        return _text(value, path)
    if hint is bytes and isinstance(value, bytearray | memoryview):
        return bytes(value)
    return value if isinstance(value, hint) else _refuse(path)


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


def _bounded(value: Any, rules: list[Any], path: str) -> Any:
    for rule in rules:
        if isinstance(rule, Pattern) and not rule.matches(value):
            raise _malformed(path)
        if isinstance(rule, Length) and not rule.least <= len(value) <= rule.most:
            raise _malformed(path)
    return value


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

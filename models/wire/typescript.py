"""Write what the web client knows of the wire: ``python -m relais.models.wire.typescript FOLDER``.

``wire.d.ts`` holds the types of every message, ``wire-shapes.js`` the checks of every answer and event.
"""

import json
import re
import sys
import types
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from relais.models import ids
from relais.models.ids import Pattern
from relais.models.wire import EVENTS, EXCHANGES, REQUESTS

_HEAD = "Generated from models/wire by `python -m relais.models.wire.typescript`. Do not edit."
_SCALARS = {
    str: ("string", "text"),
    int: ("number", "uint"),
    bool: ("boolean", "bool"),
    bytes: ("Uint8Array<ArrayBuffer>", "bytes"),
}
_PATTERNS = {
    get_args(ids.Id32)[1]: "id32",
    get_args(ids.Id16)[1]: "id16",
    get_args(ids.NoteId)[1]: "uuid",
    get_args(ids.Audience)[1]: "audience",
    get_args(ids.Word)[1]: "word",
}


def files() -> dict[str, str]:
    """The generated files, by name."""
    return {"wire.d.ts": _types(), "wire-shapes.js": _shapes()}


def _types() -> str:
    tables = (
        _table("Requests", [(m.EVENT, _pair(m, a)) for m, a in REQUESTS.items()]),
        _table("Exchanges", [(m.PATH, _pair(m, a)) for m, a in EXCHANGES.items()]),
        _table("Events", [(m.EVENT, m.__name__) for m in EVENTS]),
    )
    messages = [_interface(message) for message in _messages(_roots(with_requests=True))]
    return "\n".join((f"// {_HEAD}", *messages, *tables)) + "\n"


def _shapes() -> str:
    messages = list(_messages(_roots(with_requests=False)))
    shapes = {message: _shape(message) for message in messages}
    words = set(re.findall(r"\w+", " ".join(shapes.values())))
    check = '/** @type {Record<string, import("./wire-kinds.js").Check>}'
    lines = [
        f"// {_HEAD}",
        f'import {{ {", ".join(sorted(words & _KINDS | {"message"}))} }} from "./wire-kinds.js";',
        "",
        *(f"const {message.__name__} = message({shape});" for message, shape in shapes.items()),
        "",
        f"{check} what answers a request, by its event */",
        _record("ANSWERS", [(m.EVENT, a.__name__) for m, a in REQUESTS.items()]),
        f"{check} what answers a body, by its path */",
        _record("BODIES", [(m.PATH, a.__name__) for m, a in EXCHANGES.items()]),
        f"{check} events, by name */",
        _record("FACTS", [(m.EVENT, m.__name__) for m in EVENTS]),
    ]
    return "\n".join(lines) + "\n"


_KINDS = {
    *("audience", "bool", "bytes", "choice", "id16", "id32"),
    *("list", "optional", "text", "uint", "uuid", "word"),
}


def _roots(*, with_requests: bool) -> Iterable[type]:
    pairs = [*REQUESTS.items(), *EXCHANGES.items()]
    requests = [request for request, _ in pairs] if with_requests else []
    return dict.fromkeys([*requests, *(answer for _, answer in pairs), *EVENTS])


def _messages(roots: Iterable[type]) -> dict[type, None]:
    """The messages and all they are made of, parts before wholes."""
    found: dict[type, None] = {}
    for message in roots:
        for hint in _hints(message).values():
            found.update(_messages(_parts(hint)))
        found[message] = None
    return found


def _parts(hint: Any) -> list[type]:
    if _name_of(hint):
        return [hint]
    return [part for inner in get_args(hint) for part in _parts(inner)]


def _hints(message: type) -> dict[str, Any]:
    hints = get_type_hints(message, include_extras=True)
    return {field.name: hints[field.name] for field in fields(message)}


def _interface(message: type) -> str:
    members = "; ".join(f"{name}: {_type(hint)}" for name, hint in _hints(message).items())
    return f"export interface {message.__name__} {{ {members} }}"


def _type(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " | ".join(map(json.dumps, arguments))
    if origin in (Union, types.UnionType):
        return " | ".join("null" if arm is type(None) else _type(arm) for arm in arguments)
    if origin is tuple:
        return f"readonly ({_type(arguments[0])})[]"
    return _name_of(hint) or _SCALARS[hint][0]


def _shape(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        named = [_PATTERNS[rule] for rule in arguments[1:] if isinstance(rule, Pattern)]
        return named[0] if named else _shape(arguments[0])
    if origin is Literal:
        return "choice(" + ", ".join(map(json.dumps, arguments)) + ")"
    if origin in (Union, types.UnionType):
        (inner,) = (arm for arm in arguments if arm is not type(None))
        return f"optional({_part(inner)})"
    if origin is tuple:
        return f"list({_part(arguments[0])})"
    if _name_of(hint):
        return "{ " + ", ".join(f"{n}: {_part(h)}" for n, h in _hints(hint).items()) + " }"
    return _SCALARS[hint][1]


def _part(hint: Any) -> str:
    return _name_of(hint) or _shape(hint)


def _name_of(hint: Any) -> str | None:
    """The name of a message; an annotation's rules are dataclasses too, and none."""
    return hint.__name__ if is_dataclass(hint) and isinstance(hint, type) else None


def _pair(request: type, answer: type) -> str:
    return f"{{ request: {request.__name__}; answer: {answer.__name__} }}"


def _table(name: str, rows: list[tuple[str, str]]) -> str:
    lines = "".join(f'  "{key}": {value};\n' for key, value in rows)
    return f"export interface {name} {{\n{lines}}}"


def _record(name: str, rows: list[tuple[str, str]]) -> str:
    lines = "".join(f'  "{key}": {value},\n' for key, value in rows)
    return f"export const {name} = {{\n{lines}}};"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for file, text in files().items():
        (folder / file).write_text(text, encoding="utf-8")

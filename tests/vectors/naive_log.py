"""The log a second time, straight from the text of RFC 9162 §2.1 and C2SP, for the vectors.

Whole trees in memory, recursion, no tiles above the first: naive, and not the code under test.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Json = dict[str, Any]
Hashes = list[bytes]

ORIGIN = "log.example/relais"


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def leaf(entry: bytes) -> bytes:
    return sha256(b"\0", entry)


def split(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def root(leaves: Hashes) -> bytes:
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\1", root(leaves[:k]), root(leaves[k:]))


def path(index: int, leaves: Hashes) -> Hashes:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), root(leaves[k:])]
    return [*path(index - k, leaves[k:]), root(leaves[:k])]


def growth(old: int, leaves: Hashes, whole: bool = True) -> Hashes:
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*growth(old, leaves[:k], whole), root(leaves[k:])]
    return [*growth(old - k, leaves[k:], False), root(leaves[:k])]


def hexes(values: Hashes) -> list[str]:
    return [value.hex() for value in values]


def key(label: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(b"test key ", label.encode()))


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode(), b"\n", bytes([kind]), public)[:4]


def vkey(name: str, label: str, kind: int = 1) -> str:
    public = key(label).public_key().public_bytes_raw()
    material = b64encode(bytes([kind]) + public).decode()
    return f"{name}+{key_id(name, kind, public).hex()}+{material}"


def line(name: str, label: str, text: str, *, at: int | None = None) -> str:
    """A signature line; with a time, a cosignature."""
    private, kind, prefix, message = key(label), 1, b"", text
    if at is not None:
        kind, prefix = 4, at.to_bytes(8, "big")
        message = f"cosignature/v1\ntime {at}\n{text}"
    public = private.public_key().public_bytes_raw()
    value = key_id(name, kind, public) + prefix + private.sign(message.encode())
    return f"— {name} {b64encode(value).decode()}\n"


def head(size: int, tree: bytes, *extensions: str, origin: str = ORIGIN) -> str:
    return "".join(f"{one}\n" for one in (origin, size, b64encode(tree).decode(), *extensions))


def signed(text: str, label: str = "log") -> str:
    return f"{text}\n{line(ORIGIN, label, text)}"


def write(sections: Json) -> str:
    """One case a line, so that a change shows as one."""
    parts = [f'"{name}": {rows(value)}' for name, value in sections.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def rows(value: Any) -> str:
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(json.dumps(one) for one in value) + "\n]"


def save(build: Callable[[], dict[str, str]]) -> None:
    """Write each text to its file, beside this one."""
    for name, text in build().items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8")

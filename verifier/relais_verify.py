#!/usr/bin/env python3
"""Check a proof bundle of Relais, on a machine without Relais: Python 3.9 or later and `cryptography`, nothing else.

    python relais_verify.py BUNDLE --key VKEY [--policy FILE] [--since SIZE:ROOT] [--language fr|en] [--save DIR] [--json]

A bundle holds entries of the audit log with their proofs, and may disclose one note. This program says in words what
that proves and what it does not. `--key` is the log's public key, from where you trust it: not from who gave you the bundle.
Exit codes: 0 it holds; 1 it does not, and why; 2 it cannot be read; 3 it holds for the key that came with it, and for no other.

It shares no code with Relais, on purpose, and is one file, so that it can be read from top to bottom. What it follows: docs/audit-log.md
and docs/protocol.md of Relais; RFC 8785 (canonical JSON), RFC 9162 §2.1 (hash trees), c2sp.org/signed-note, /tlog-checkpoint,
/tlog-cosignature, /tlog-policy; RFC 8949 §4.2 (CBOR), RFC 9052 (COSE), RFC 5869 (HKDF).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT, VERSION = "relais-proof", 1
GOOD, REFUSED, UNREADABLE, UNANCHORED = 0, 1, 2, 3
MOST = 2**53 - 1
"""The largest integer that every reader holds exactly."""
DEPTH = 16


class Refused(Exception):
    """What does not hold: a stable word of docs/audit-log.md or docs/protocol.md, and where in the bundle."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where


def refuse(reason: str) -> NoReturn:
    raise Refused(reason)


def require(holds: bool, reason: str) -> None:
    if not holds:
        refuse(reason)


class at:
    """``with at("entries[3]"):`` names the place in the bundle of whatever is refused inside."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, Refused):
            error.where = f"{self._where}.{error.where}" if error.where else self._where


# ---------------------------------------------------------------- canonical JSON (RFC 8785, without floats)


def canonical(value: Any) -> bytes:
    """The one spelling of a value."""
    try:
        text = json.dumps(_sorted(value, DEPTH), ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except UnicodeEncodeError:
        refuse("not-representable")


def read_canonical(data: bytes) -> Any:
    """The value of bytes that are the one spelling of it."""
    try:
        value = json.loads(data.decode(), parse_constant=_no_constant, parse_int=_integer)
    except RecursionError:
        refuse("too-deep")
    except ValueError:
        refuse("not-json")
    require(canonical(value) == data, "not-canonical")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= 17 else float(digits)


def _sorted(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        require(abs(value) <= MOST and value == int(value), "not-representable")
        return int(value)
    require(depth > 0, "too-deep")
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _sorted(value[key], depth - 1) for key in keys}
    return [_sorted(item, depth - 1) for item in value]


# ---------------------------------------------------------------- hash trees (RFC 9162 §2.1)


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def root_from(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a leaf at `index` has with this path, by the definition (§2.1.3.1) read from the root down."""
    if size == 1:
        require(not path, "proof-length")
        return leaf
    require(bool(path), "proof-length")
    cut = _split(size)
    if index < cut:
        return _node(root_from(leaf, index, cut, path[:-1]), path[-1])
    return _node(path[-1], root_from(leaf, index - cut, size - cut, path[:-1]))


def check_inclusion(leaf: bytes, index: int, tree: Tree, path: Sequence[bytes]) -> None:
    require(all(len(one) == 32 for one in (leaf, tree.root, *path)), "hash-length")
    require(0 <= tree.size <= MOST, "size-out-of-range")
    require(0 <= index < tree.size, "index-out-of-range")
    require(
        hmac.compare_digest(root_from(leaf, index, tree.size, path), tree.root), "root-mismatch"
    )


def check_consistency(old: Tree, new: Tree, path: Sequence[bytes]) -> None:
    """That the old tree is the beginning of the new one (§2.1.4), equal sizes and the empty tree included."""
    require(all(len(one) == 32 for one in (old.root, new.root, *path)), "hash-length")
    require(0 <= old.size <= MOST and 0 <= new.size <= MOST, "size-out-of-range")
    require(old.size <= new.size, "rolled-back")
    if old.size in (0, new.size):
        require(not path, "proof-length")
        expected = new.root if old.size else hashlib.sha256(b"").digest()
        require(hmac.compare_digest(old.root, expected), "old-root-mismatch")
        return
    before, after = _subproof(old, new.size, list(path), is_whole=True)
    require(hmac.compare_digest(before, old.root), "old-root-mismatch")
    require(hmac.compare_digest(after, new.root), "new-root-mismatch")


def _subproof(old: Tree, size: int, path: list[bytes], *, is_whole: bool) -> tuple[bytes, bytes]:
    """SUBPROOF of §2.1.4.1: the roots of the first `old.size` leaves and of all `size`, as the path has them."""
    if old.size == size:
        if is_whole:
            require(not path, "proof-length")
            return old.root, old.root
        require(len(path) == 1, "proof-length")
        return path[0], path[0]
    require(bool(path), "proof-length")
    cut, sibling = _split(size), path.pop()
    if old.size <= cut:
        before, after = _subproof(old, cut, path, is_whole=is_whole)
        return before, _node(after, sibling)
    rest = Tree(old.size - cut, old.root)
    before, after = _subproof(rest, size - cut, path, is_whole=False)
    return _node(sibling, before), _node(sibling, after)


@dataclass(frozen=True)
class Tree:
    """A number of leaves and the root over them."""

    size: int
    root: bytes


# ---------------------------------------------------------------- signed notes, checkpoints, policies (C2SP)

_NAME = r"[^+\x00-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
_BASE64 = r"[A-Za-z0-9+/]+={0,2}"
LOG, WITNESS = 1, 4


@dataclass(frozen=True)
class Key:
    """A public key (Ed25519) under a name; kind 1 signs as a log, 4 cosigns as a witness."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(
            self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        ).digest()[:4]


@dataclass(frozen=True)
class Checkpoint:
    """Whose tree it is, the tree, and who cosigned it when (seconds since 1970)."""

    origin: str
    tree: Tree
    cosigned: tuple[tuple[Key, int], ...]


@dataclass(frozen=True)
class Group:
    """Keys and groups of keys of which `least` must have cosigned."""

    members: tuple[Any, ...]
    least: int

    def keys(self) -> Iterator[Key]:
        for member in self.members:
            if isinstance(member, Group):
                yield from member.keys()
            else:
                yield member

    def is_met(self, signed: set[Key]) -> bool:
        met = [m.is_met(signed) if isinstance(m, Group) else m in signed for m in self.members]
        return sum(met) >= self.least


@dataclass(frozen=True)
class Policy:
    """Which logs' keys are believed, which witnesses are known, and which must have cosigned."""

    logs: tuple[Key, ...]
    witnesses: tuple[Key, ...]
    quorum: Group


def read_vkey(text: str) -> Key:
    found = re.fullmatch(rf"({_NAME})\+([0-9a-f]{{8}})\+({_BASE64})", text)
    material = _exact_base64(found[3]) if found else b""
    if not found or not material:
        refuse("vkey-malformed")
    require(material[0] in (LOG, WITNESS), "vkey-kind")
    require(len(material) == 33, "vkey-malformed")
    key = Key(found[1], material[0], material[1:])
    require(key.id.hex() == found[2], "vkey-id")
    return key


def _exact_base64(text: str) -> bytes:
    """Strict base64; empty where another text would have been written."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if base64.b64encode(data).decode() == text else b""


def read_checkpoint(note: bytes, policy: Policy) -> Checkpoint:
    """A checkpoint that a log of the policy has signed, and enough of its witnesses."""
    text, lines = _note_parts(note)
    signed = _check_signatures(text, lines, (*policy.logs, *policy.witnesses))
    origin, tree = _checkpoint_text(text)
    logs = [key for key in signed if key in policy.logs]
    require(bool(logs), "not-signed-by-log")
    require(any(key.name == origin for key in logs), "wrong-origin")
    cosigned = tuple((key, when) for key, when in signed.items() if when is not None)
    with at(f"{len(cosigned)}/{len(policy.witnesses)}"):
        require(policy.quorum.is_met(set(signed)), "too-few-witnesses")
    return Checkpoint(origin, tree, cosigned)


def _note_parts(note: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The text with its last newline, and each signature's name, key id and value."""
    require(len(note) <= 256 * 1024, "note-too-large")
    try:
        text, gap, rest = note.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        refuse("note-malformed")
    is_plain = re.search(r"[\x00-\x09\x0b-\x1f]", note.decode()) is None
    require(bool(gap) and is_plain and rest.endswith("\n"), "note-malformed")
    return text + "\n", [_signature_line(line) for line in rest[:-1].split("\n")]


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    found = re.fullmatch(rf"— ({_NAME}) ({_BASE64})", line)
    value = _exact_base64(found[2]) if found else b""
    if not found or len(value) <= 4:
        refuse("note-malformed")
    return found[1], value[:4], value[4:]


def _check_signatures(
    text: str, lines: Iterable[tuple[str, bytes, bytes]], keys: Sequence[Key]
) -> dict[Key, int | None]:
    """The known keys that signed, with the time of a cosignature. One false signature by a known key spoils all."""
    known = {(key.name, key.id): key for key in keys}
    require(len(known) == len(set(keys)), "ambiguous-key")
    signed: dict[Key, int | None] = {}
    for name, key_id, value in lines:
        key = known.get((name, key_id))
        if key is not None:
            signed.setdefault(key, _check_signature(text, key, value))
    require(bool(signed), "no-known-signature")
    return signed


def _check_signature(text: str, key: Key, value: bytes) -> int | None:
    when = None
    if key.kind == WITNESS:
        when, value = int.from_bytes(value[:8], "big"), value[8:]
        require(when <= MOST, "bad-signature")
        text = f"cosignature/v1\ntime {when}\n{text}"
    verify_signature(key.public, text.encode(), value)
    return when


def verify_signature(public: bytes, data: bytes, signature: bytes) -> None:
    require(len(signature) == 64, "bad-signature")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        refuse("bad-signature")


def _checkpoint_text(text: str) -> tuple[str, Tree]:
    lines = text[:-1].split("\n")
    require(len(lines) >= 3 and all(lines), "checkpoint-malformed")
    origin, size, root = lines[0], lines[1], _exact_base64(lines[2])
    is_size = re.fullmatch("0|[1-9][0-9]{0,15}", size) and int(size) <= MOST
    require(bool(is_size) and len(root) == 32, "checkpoint-malformed")
    return origin, Tree(int(size), root)


def read_policy(data: bytes, known: Key | None) -> Policy:
    """A policy file (c2sp.org/tlog-policy): log, witness, group and quorum lines; `known` is the log's key of ``--key``."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        refuse("policy-malformed")
    is_plain = re.search(r"[^\t\n\x20-\x7e\x80-\U0010ffff]", text) is None
    require(len(data) <= 64 * 1024 and is_plain, "policy-malformed")
    reading = _PolicyLines()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip(" \t").split()
        if words and not words[0].startswith("#"):
            with at(f"policy line {number}"):
                reading.take(words)
    return reading.policy(known)


class _PolicyLines:
    """What the lines of a policy file have defined so far."""

    def __init__(self) -> None:
        self.logs: list[Key] = []
        self.witnesses: list[Key] = []
        self.names: dict[str, Any] = {}
        self.grouped: set[str] = set()
        self.quorum: Group | None = None

    def take(self, words: Sequence[str]) -> None:
        verb, rest = words[0], words[1:]
        if verb == "log":
            self.logs.append(self._key(rest, LOG))
        elif verb == "witness" and rest:
            key = self._key(rest[1:], WITNESS)
            self._define(rest[0], key)
            self.witnesses.append(key)
        elif verb == "group" and len(rest) >= 3:
            self._group(*rest)
        elif verb == "quorum" and len(rest) == 1:
            self._quorum(rest[0])
        else:
            refuse("policy-malformed")

    def policy(self, known: Key | None) -> Policy:
        if self.quorum is None:
            refuse("policy-quorum")
        logs = tuple(self.logs) or ((known,) if known else ())
        require(bool(logs) and (known is None or known in logs), "policy-log")
        return Policy(logs, tuple(self.witnesses), self.quorum)

    def _key(self, words: Sequence[str], kind: int) -> Key:
        require(1 <= len(words) <= 2, "policy-malformed")
        try:
            key = read_vkey(words[0])
        except Refused:
            refuse("policy-key")
        listed = {one.public for one in (*self.logs, *self.witnesses)}
        require(key.kind == kind and key.public not in listed, "policy-key")
        return key

    def _group(self, name: str, least: str, *members: str) -> None:
        is_new = not self.grouped.intersection(members) and len(set(members)) == len(members)
        require(is_new, "policy-name")
        found = tuple(self._named(member) for member in members)
        self.grouped.update(members)
        self._define(name, Group(found, _least(least, len(found))))

    def _quorum(self, name: str) -> None:
        require(self.quorum is None, "policy-quorum")
        found = Group((), 0) if name == "none" else self._named(name)
        self.quorum = found if isinstance(found, Group) else Group((found,), 1)

    def _define(self, name: str, found: Any) -> None:
        require(name != "none" and name not in self.names, "policy-name")
        self.names[name] = found

    def _named(self, name: str) -> Any:
        require(name in self.names, "policy-name")
        return self.names[name]


def _least(word: str, size: int) -> int:
    if word in ("any", "all"):
        return 1 if word == "any" else size
    require(re.fullmatch("[1-9][0-9]{0,5}", word) is not None, "policy-malformed")
    require(int(word) <= size, "policy-quorum")
    return int(word)


# ---------------------------------------------------------------- entries of the audit log

_TEXTS = (
    *("account", "device", "role", "organisation", "purpose"),
    *("on_behalf_of", "circle", "source", "request"),
)
_FIELDS = {"v", "id", "at", "action", "outcome", "reason", "subject", *_TEXTS}


def read_entry(data: bytes) -> dict[str, Any]:
    """An entry of the log, every field of the table and no other."""
    require(len(data) <= 65_535, "entry-too-large")
    value = read_canonical(data)
    require(isinstance(value, dict), "bad-field")
    version = value.get("v")
    require(type(version) is not int or version == 1, "unknown-version")
    require(set(value) <= _FIELDS, "unknown-field")
    require(set(value) == _FIELDS, "missing-field")
    require(_is_entry(value), "bad-field")
    return dict(value)


def _is_entry(entry: dict[str, Any]) -> bool:
    word = "[a-z][a-z0-9_-]*"
    reason, is_ok = entry["reason"], entry["outcome"] == "ok"
    return (
        type(entry["v"]) is int
        and _fits(
            "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", entry["id"]
        )
        and _fits(r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["at"])
        and _is_moment(entry["at"])
        and _fits(rf"{word}(\.{word})*", entry["action"], most=40)
        and entry["outcome"] in ("ok", "refused")
        and (reason is None if is_ok else _fits(word, reason, most=40))
        and all(entry[name] is None or isinstance(entry[name], str) for name in _TEXTS)
        and isinstance(entry["subject"], dict)
        and all(_fits("[a-z][a-z0-9_]*", key, most=40) for key in entry["subject"])
        and all(v is None or isinstance(v, (str, int)) for v in entry["subject"].values())
    )


def _fits(pattern: str, value: Any, most: int = 100) -> bool:
    is_text = isinstance(value, str) and len(value) <= most
    return is_text and re.fullmatch(pattern, value, re.ASCII) is not None


def _is_moment(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return False
    return True


# ---------------------------------------------------------------- CBOR (RFC 8949 §4.2.1), as docs/protocol.md §1 narrows it


def read_cbor(data: bytes) -> Any:
    """One value in its one encoding, and nothing after it."""
    value, end = _item(data, 0, DEPTH)
    require(end == len(data), "non-canonical")
    return value


def _item(data: bytes, start: int, depth: int) -> tuple[Any, int]:
    major, number, place = _head(data, start)
    if major in (0, 1):
        value = number if major == 0 else -1 - number
        require(-MOST <= value <= MOST, "non-canonical")
        return value, place
    if major in (2, 3):
        require(place + number <= len(data), "non-canonical")
        return _string(data[place : place + number], major), place + number
    if major == 7:
        return {20: False, 21: True, 22: None}[number], place
    require(depth > 0 and number <= len(data), "non-canonical")
    return _array(data, place, number, depth) if major == 4 else _map(data, place, number, depth)


def _head(data: bytes, start: int) -> tuple[int, int, int]:
    """Major type and argument in its shortest form, and where the rest begins."""
    require(start < len(data), "non-canonical")
    major, short = data[start] >> 5, data[start] & 31
    require(major != 6 and short <= 27, "non-canonical")
    if major == 7:
        require(short in (20, 21, 22), "non-canonical")
    if short < 24:
        return major, short, start + 1
    size = 1 << (short - 24)
    argument = data[start + 1 : start + 1 + size]
    number = int.from_bytes(argument, "big")
    smallest = 24 if size == 1 else 1 << (4 * size)
    require(len(argument) == size and number >= smallest, "non-canonical")
    return major, number, start + 1 + size


def _string(raw: bytes, major: int) -> bytes | str:
    if major == 2:
        return raw
    try:
        return raw.decode()
    except UnicodeDecodeError:
        refuse("non-canonical")


def _array(data: bytes, place: int, count: int, depth: int) -> tuple[list[Any], int]:
    items = []
    for _ in range(count):
        value, place = _item(data, place, depth - 1)
        items.append(value)
    return items, place


def _map(data: bytes, place: int, count: int, depth: int) -> tuple[dict[Any, Any], int]:
    found: dict[Any, Any] = {}
    last = b""
    for _ in range(count):
        key, end = _item(data, place, 0)
        is_key = isinstance(key, str) or (type(key) is int and -24 <= key <= 23)
        require(is_key and data[place:end] > last, "non-canonical")
        last = data[place:end]
        found[key], place = _item(data, end, depth - 1)
    return found, place


def cbor(*items: str | bytes | int) -> bytes:
    """An array of texts, byte strings and unsigned integers."""
    return _cbor_head(4, len(items)) + b"".join(map(_cbor_item, items))


def _cbor_item(item: str | bytes | int) -> bytes:
    if isinstance(item, int):
        return _cbor_head(0, item)
    raw = item.encode() if isinstance(item, str) else item
    return _cbor_head(3 if isinstance(item, str) else 2, len(raw)) + raw


def _cbor_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << (8 * size))
    return bytes([major << 5 | 23 + size.bit_length()]) + number.to_bytes(size, "big")


# ---------------------------------------------------------------- the tables of docs/protocol.md

Reader = Callable[[Any], Any]


def record(value: Any, fields: dict[str, Reader]) -> dict[str, Any]:
    """A map with exactly these fields."""
    require(type(value) is dict, "wrong-type")
    require(set(value) <= set(fields), "unknown-field")
    require(set(value) == set(fields), "missing-field")
    return {name: read(value[name]) for name, read in fields.items()}


def raw(length: int | None = None, most: int = MOST) -> Reader:
    def read(value: Any) -> bytes:
        is_good = type(value) is bytes and len(value) <= most and length in (None, len(value))
        require(is_good, "wrong-type")
        return bytes(value)

    return read


def hexed(length: int) -> Reader:
    return lambda value: raw(length)(value).hex()


def uuid(value: Any) -> str:
    text = hexed(16)(value)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def uint(value: Any) -> int:
    require(type(value) is int and value >= 0, "wrong-type")
    return int(value)


def flag(value: Any) -> bool:
    require(type(value) is bool, "wrong-type")
    return bool(value)


def text_of(most: int, least: int = 0) -> Reader:
    def read(value: Any) -> str:
        require(type(value) is str, "wrong-type")
        units = len(value.encode("utf-16-le")) // 2
        is_plain = re.search(r"[\x00-\x08\x0b-\x1f]", value) is None
        require(least <= units <= most and is_plain, "wrong-type")
        return str(value)

    return read


def one_of(*words: str) -> Reader:
    def read(value: Any) -> str:
        require(type(value) is str and value in words, "wrong-type")
        return str(value)

    return read


def maybe(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def many(read: Reader, most: int, least: int = 0) -> Reader:
    def read_all(value: Any) -> list[Any]:
        require(type(value) is list and least <= len(value) <= most, "wrong-type")
        return [read(item) for item in value]

    return read_all


def table(**fields: Reader) -> Reader:
    return lambda value: record(value, fields)


def operation(tables: dict[str, dict[str, Reader]]) -> Reader:
    """A map told apart by its field `op`."""

    def read(value: Any) -> dict[str, Any]:
        require(type(value) is dict, "wrong-type")
        require("op" in value, "missing-field")
        word = value["op"]
        require(type(word) is str, "wrong-type")
        require(word in tables, "unknown-operation")
        rest = {name: item for name, item in value.items() if name != "op"}
        return {"op": word, **record(rest, tables[word])}

    return read


def kem_key(value: Any) -> bytes:
    """An X-Wing public key somebody can seal to: ML-KEM coefficients below q (FIPS 203 §7.2), no X25519 point of low order."""
    public = raw(1216)(value)
    for place in range(0, 1152, 3):
        a, b, c = public[place : place + 3]
        require((a | (b & 15) << 8) < 3329 and (b >> 4 | c << 4) < 3329, "wrong-type")
    try:
        X25519PrivateKey.from_private_bytes(bytes([8] * 32)).exchange(
            X25519PublicKey.from_public_bytes(public[1184:])
        )
    except ValueError:
        refuse("wrong-type")
    return bytes(public)


ID32, ID16 = hexed(32), hexed(16)


# ---------------------------------------------------------------- signed objects (COSE_Sign1), keys, ciphers


@dataclass(frozen=True)
class Signed:
    """A COSE_Sign1 taken apart; `digest` is the hash of all of it."""

    kid: str
    protected: bytes
    payload: bytes
    signature: bytes
    digest: str

    def verify(self, public: bytes, context: str) -> None:
        data = cbor("Signature1", self.protected, context.encode(), self.payload)
        verify_signature(public, data, self.signature)


def read_signed(data: bytes) -> Signed:
    """`[<< {1: -8, 4: kid} >>, {}, payload, signature]`: EdDSA, kid is a device's id."""
    parts = read_cbor(data)
    is_list = type(parts) is list and [type(p) for p in parts] == [bytes, dict, bytes, bytes]
    require(is_list, "wrong-type")
    protected, unprotected, payload, signature = parts
    is_known = protected[:5].hex() == "a201270450" and len(protected) == 21
    require(is_known and not unprotected and len(signature) == 64, "wrong-type")
    digest = hashlib.sha256(data).hexdigest()
    return Signed(protected[5:].hex(), protected, payload, signature, digest)


def derive(key: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=info).derive(key)


def decrypt(key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes | None) -> bytes:
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, aad)
    except (InvalidTag, ValueError):
        refuse("cannot-open")


# ---------------------------------------------------------------- accounts (docs/protocol.md §3)

DEVICE = {
    "sign": raw(32),
    "kem": kem_key,
    "kind": one_of("interactive", "recovery", "bot"),
    "label": text_of(80),
}
PROFILE = table(name=text_of(120, 1), profession=text_of(60), organisation=text_of(120))
STATEMENT = {
    "account": maybe(ID32),
    "seq": uint,
    "prev": maybe(ID32),
    "at": uint,
    "device": ID16,
    "operation": operation(
        {
            "create": {"device": table(**DEVICE), "profile": PROFILE, "replaces": maybe(ID32)},
            "device.add": {"device": table(**DEVICE), "possession": raw()},
            "device.revoke": {"device": ID16},
            "device.rename": {"device": ID16, "label": text_of(80)},
            "profile": {"profile": PROFILE},
        }
    ),
}


def device_id(device: dict[str, Any]) -> str:
    return hashlib.sha256(device["sign"] + device["kem"]).hexdigest()[:32]


@dataclass
class Device:
    """A device of an account, and the statements that added and revoked it."""

    keys: dict[str, Any]
    added_seq: int
    revoked_at: int | None = None
    revoked_seq: int | None = None


@dataclass
class Account:
    """A person or bot, as its chain of statements leaves it; `heads[n]` is the hash of statement n."""

    id: str
    profile: dict[str, Any]
    devices: dict[str, Device]
    heads: list[str]
    at: int

    def device(self, device: str) -> Device:
        require(device in self.devices, "not-a-device")
        return self.devices[device]

    def in_force(self, device: str, when: int | None = None) -> Device:
        """The device, not revoked: now, or before a time."""
        found = self.device(device)
        gone = found.revoked_at
        is_good = gone is None or (when is not None and when <= gone)
        require(is_good, "revoked-device")
        return found

    def in_force_at_head(self, device: str, head: str) -> Device:
        """The device, in force when `head` was the account's head."""
        require(head in self.heads, "wrong-account")
        found, seq = self.device(device), self.heads.index(head)
        require(found.added_seq <= seq, "not-a-device")
        require(found.revoked_seq is None or found.revoked_seq > seq, "revoked-device")
        return found

    def left(self) -> list[str]:
        return [name for name, device in self.devices.items() if device.revoked_seq is None]


def read_account(statements: Sequence[bytes]) -> Account:
    """An account from its first statement on, every statement checked."""
    account: Account | None = None
    for data in statements:
        signed = read_signed(data)
        said = record(read_cbor(signed.payload), STATEMENT)
        require(said["device"] == signed.kid, "bad-signature")
        account = _begin(signed, said) if account is None else _continue(account, signed, said)
    if account is None:
        refuse("broken-chain")
    return account


def _begin(signed: Signed, said: dict[str, Any]) -> Account:
    created = said["operation"]
    require(created["op"] == "create", "misplaced-create")
    require((said["account"], said["seq"], said["prev"]) == (None, 0, None), "broken-chain")
    require(device_id(created["device"]) == said["device"], "not-a-device")
    signed.verify(created["device"]["sign"], "relais/1 account")
    devices = {said["device"]: Device(created["device"], 0)}
    return Account(signed.digest, created["profile"], devices, [signed.digest], said["at"])


def _continue(account: Account, signed: Signed, said: dict[str, Any]) -> Account:
    require(said["account"] == account.id, "wrong-account")
    place = (said["seq"], said["prev"])
    require(place == (len(account.heads), account.heads[-1]), "broken-chain")
    signer = account.in_force(said["device"])
    signed.verify(signer.keys["sign"], "relais/1 account")
    require(said["at"] >= account.at, "time-went-back")
    _state(account, said, signer)
    account.heads.append(signed.digest)
    account.at = said["at"]
    return account


def _state(account: Account, said: dict[str, Any], signer: Device) -> None:
    stated = said["operation"]
    word = stated["op"]
    require(word != "create", "misplaced-create")
    if word == "device.add":
        _add_device(account, said, signer)
    elif word == "device.revoke":
        _revoke_device(account, said, signer)
    elif word == "device.rename":
        account.in_force(stated["device"]).keys["label"] = stated["label"]
    else:
        account.profile = stated["profile"]


def _add_device(account: Account, said: dict[str, Any], signer: Device) -> None:
    stated = said["operation"]
    added, name = stated["device"], device_id(stated["device"])
    require(name not in account.devices, "duplicate-device")
    require(len(account.left()) < 32, "too-many-devices")
    require(signer.keys["kind"] != "bot" or added["kind"] == "bot", "not-allowed")
    try:
        signed = read_signed(stated["possession"])
        claim = record(read_cbor(signed.payload), {"account": ID32, "device": table(**DEVICE)})
        signed.verify(claim["device"]["sign"], "relais/1 device")
    except Refused:
        refuse("bad-possession")
    is_its_word = signed.kid == device_id(claim["device"]) and claim["account"] == account.id
    require(is_its_word and claim["device"] == added, "bad-possession")
    account.devices[name] = Device(added, said["seq"])


def _revoke_device(account: Account, said: dict[str, Any], signer: Device) -> None:
    name = said["operation"]["device"]
    gone = account.in_force(name)
    left = [one for one in account.left() if one != name]
    is_left = any(account.devices[one].keys["kind"] != "recovery" for one in left)
    by_kit = "recovery" in (gone.keys["kind"], signer.keys["kind"])
    require(bool(left) and (is_left or by_kit), "last-device")
    gone.revoked_at, gone.revoked_seq = said["at"], said["seq"]


# ---------------------------------------------------------------- circle ledgers (docs/protocol.md §4)

_AUDIENCES = many(text_of(20), 60)
_AUDIENCE = "[a-z][a-z0-9-]{0,19}"
ENTRY = {
    "circle": maybe(ID32),
    "seq": uint,
    "prev": maybe(ID32),
    "at": uint,
    "account": ID32,
    "device": ID16,
    "account_head": ID32,
    "operations": many(
        operation(
            {
                "create": {"nonce": raw(16)},
                "member.add": {
                    "account": ID32,
                    "account_head": ID32,
                    "role": text_of(20),
                    "audiences": _AUDIENCES,
                    "since": uint,
                    "until": maybe(uint),
                    "history": uint,
                },
                "member.remove": {"account": ID32},
                "member.change": {
                    "account": ID32,
                    "role": text_of(20),
                    "audiences": _AUDIENCES,
                    "until": maybe(uint),
                },
                "epoch.open": {
                    "audience": text_of(20),
                    "epoch": uint,
                    "commitment": raw(32),
                    "inbox_key": kem_key,
                },
                "member.readmit": {
                    "account": ID32,
                    "account_head": ID32,
                    "statements": many(raw(), most=8, least=1),
                },
                "close": {},
            }
        ),
        most=100,
        least=1,
    ),
}


@dataclass
class Period:
    """A span in which a member had one role and the same audiences; `seq` began it, `ended_seq` ended it."""

    since: int
    until: int | None
    role: str
    audiences: tuple[str, ...]
    seq: int
    removed_at: int | None = None
    ended_seq: int | None = None

    def covers(self, when: int) -> bool:
        is_before_end = self.until is None or when < self.until
        return self.removed_at is None and self.since <= when and is_before_end

    def reads(self, audience: str) -> bool:
        return self.role != "bot" and audience in self.audiences


@dataclass
class Member:
    """An account in a circle."""

    added_by: str
    history: int
    periods: list[Period]

    @property
    def last(self) -> Period:
        return self.periods[-1]

    def held(self) -> set[str]:
        """The audiences whose keys it may hold."""
        return set() if self.last.role == "bot" else set(self.last.audiences)


@dataclass
class Circle:
    """A circle as its ledger leaves it. `epochs[audience]` lists the entries that opened 1, 2, …"""

    id: str
    heads: list[str]
    at: int
    members: dict[str, Member] = field(default_factory=dict)
    epochs: dict[str, list[int]] = field(default_factory=dict)
    is_closed: bool = False

    def active(self, account: str, when: int) -> Member:
        member = self.members.get(account)
        if member is None or not member.last.covers(when):
            refuse("not-a-member")
        return member

    def epoch_after(self, audience: str, seq: int) -> int:
        return sum(opened <= seq for opened in self.epochs.get(audience, []))


def read_ledger(entries: Sequence[bytes], accounts: dict[str, Account]) -> Circle:
    """A circle from its first entry on: every signature, the chain, and rules 1 to 12."""
    circle: Circle | None = None
    for place, data in enumerate(entries):
        with at(f"[{place}]"):
            circle = _follow(circle, data, accounts)
    if circle is None:
        refuse("broken-chain")
    return circle


def _follow(circle: Circle | None, data: bytes, accounts: dict[str, Account]) -> Circle:
    signed = read_signed(data)
    said = record(read_cbor(signed.payload), ENTRY)
    require(said["device"] == signed.kid, "bad-signature")
    require(said["circle"] == (circle.id if circle else None), "wrong-circle")
    place = (len(circle.heads), circle.heads[-1]) if circle else (0, None)
    require((said["seq"], said["prev"]) == place, "broken-chain")
    author = accounts.get(said["account"])
    if author is None:
        refuse("chain-missing")
    device = author.in_force_at_head(said["device"], said["account_head"])
    signed.verify(device.keys["sign"], "relais/1 circle")
    return _apply(circle, said, signed.digest)


def _apply(circle: Circle | None, said: dict[str, Any], digest: str) -> Circle:
    """The rules: the actor's by the ledger before, what is owed by the ledger after."""
    is_first = circle is None
    if circle is None:
        _check_first(said)
        circle = Circle(digest, [], said["at"])
    else:
        _check_actor(circle, said)
    owed = set() if is_first else _owed(circle, said)
    for one in said["operations"]:
        _OPERATIONS[one["op"]](circle, said, one)
    _check_after(circle, said)
    opened = {one["audience"] for one in said["operations"] if one["op"] == "epoch.open"}
    require(owed <= opened, "rotation-missing")
    circle.heads.append(digest)
    circle.at = said["at"]
    return circle


def _check_first(said: dict[str, Any]) -> None:
    """Rule 1."""
    words = [one["op"] for one in said["operations"]]
    is_shape = words[:2] == ["create", "member.add"] and set(words[2:]) <= {"epoch.open"}
    require(is_shape, "misplaced-create")
    lead, opens = said["operations"][1], said["operations"][2:]
    named = (lead["account"], lead["role"], lead["since"], lead["until"], lead["history"])
    is_lead = named == (said["account"], "lead", said["at"], None, 0)
    opened = sorted((one["audience"], one["epoch"]) for one in opens)
    is_open = "team" in lead["audiences"] and opened == sorted((a, 1) for a in lead["audiences"])
    require(is_lead and is_open, "misplaced-create")


def _check_actor(circle: Circle, said: dict[str, Any]) -> None:
    """Rules 2 to 8, of the actor."""
    require(not circle.is_closed, "circle-closed")
    require(said["at"] >= circle.at, "time-went-back")
    actor, account = circle.active(said["account"], said["at"]), said["account"]
    is_lead, is_alone = actor.last.role == "lead", len(said["operations"]) == 1
    for one in said["operations"]:
        word = one["op"]
        require(word != "create", "misplaced-create")
        if word == "member.add":
            _may_add(circle, actor, one)
        elif word == "member.remove" and one["account"] == account:
            require(is_alone, "not-allowed")
        elif word == "member.remove":
            member = circle.members.get(one["account"])
            is_own = actor.last.role == "professional" and (
                member is None or member.added_by == account
            )
            require(is_lead or is_own, "not-allowed")
        elif word == "member.readmit":
            _may_readmit(circle, said, one, actor)
        elif word == "epoch.open":
            is_known = one["audience"] in circle.epochs
            require(is_lead or (actor.last.role != "bot" and is_known), "not-allowed")
        else:
            require(is_lead and (word != "close" or is_alone), "not-allowed")


def _may_add(circle: Circle, actor: Member, added: dict[str, Any]) -> None:
    """Rule 3."""
    require(added["role"] in ("lead", "professional", "carer", "bot"), "bad-role")
    if actor.last.role == "lead":
        return
    may = actor.last.role == "professional" and added["role"] != "lead"
    outside = set(added["audiences"]) & set(circle.epochs) - set(actor.last.audiences)
    require(may and not outside, "not-allowed")


def _may_readmit(circle: Circle, said: dict[str, Any], one: dict[str, Any], actor: Member) -> None:
    """Rule 12: by whoever may remove and add such a member; where no lead is left but it, by anybody who reads."""
    member = circle.active(one["account"], said["at"])
    is_own = actor.last.role == "professional" and member.added_by == said["account"]
    may_add = actor.last.role == "lead" or (is_own and member.last.role != "lead")
    others = [other for name, other in circle.members.items() if name != one["account"]]
    may_cure = actor.last.role != "bot" and not _is_led(others, said["at"])
    require(may_add or may_cure, "not-allowed")


def _is_led(members: Iterable[Member], when: int) -> bool:
    lasts = [member.last for member in members]
    return any(p.role == "lead" and p.until is None and p.covers(when) for p in lasts)


def _owed(circle: Circle, said: dict[str, Any]) -> set[str]:
    """Rules 3, 4, 6, 10 and 12: the audiences that need a new epoch in this entry."""
    owed: set[str] = set()
    for one in said["operations"]:
        member = circle.members.get(one.get("account", ""))
        held = member.held() if member else set()
        if one["op"] == "member.add" and one["history"] != 0:
            owed |= set(one["audiences"])
        elif (
            one["op"] == "member.remove"
            and one["account"] != said["account"]
            or one["op"] == "member.readmit"
        ):
            owed |= held
        elif one["op"] == "member.change":
            kept = set() if one["role"] == "bot" else set(one["audiences"])
            owed |= held - kept
            if member and member.history != 0:
                owed |= kept - held
    return owed


def _add(circle: Circle, said: dict[str, Any], one: dict[str, Any]) -> None:
    before = circle.members.get(one["account"])
    require(before is None or not before.last.covers(said["at"]), "already-a-member")
    require(one["since"] == said["at"] and one["history"] <= one["since"], "bad-period")
    earlier = before.periods if before else []
    circle.members[one["account"]] = Member(
        said["account"], one["history"], [*earlier, _period(said, one)]
    )


def _remove(circle: Circle, said: dict[str, Any], one: dict[str, Any]) -> None:
    member = circle.members.get(one["account"])
    if member is None or member.last.removed_at is not None:
        refuse("not-a-member")
    member.last.removed_at, member.last.ended_seq = said["at"], said["seq"]


def _change(circle: Circle, said: dict[str, Any], one: dict[str, Any]) -> None:
    member = circle.active(one["account"], said["at"])
    require(one["role"] in ("lead", "professional", "carer", "bot"), "bad-role")
    period = _period(said, one)
    member.last.removed_at, member.last.ended_seq = said["at"], said["seq"]
    member.periods.append(period)


def _readmit(circle: Circle, said: dict[str, Any], one: dict[str, Any]) -> None:
    """Rule 12: the same place for the same person, and for whomever that person added."""
    old, account = circle.active(one["account"], said["at"]), one["account"]
    new = _successor(account, one["statements"])
    before = circle.members.get(new)
    require(before is None or not before.last.covers(said["at"]), "already-a-member")
    place = {"role": old.last.role, "audiences": old.last.audiences, "until": old.last.until}
    period = _period(said, place)
    old.last.removed_at, old.last.ended_seq = said["at"], said["seq"]
    circle.members[new] = Member(
        old.added_by, old.history, [*(before.periods if before else []), period]
    )
    for member in circle.members.values():
        if member.added_by == account:
            member.added_by = new


def _successor(account: str, statements: Sequence[bytes]) -> str:
    """Who stands for an account after resets, by the first statements of the accounts that followed it."""
    for data in statements:
        signed = read_signed(data)
        said = record(read_cbor(signed.payload), STATEMENT)
        require(said["device"] == signed.kid, "bad-signature")
        follower = _begin(signed, said)
        require(said["operation"]["replaces"] == account, "wrong-account")
        account = follower.id
    return account


def _period(said: dict[str, Any], one: dict[str, Any]) -> Period:
    until, audiences = one["until"], tuple(one["audiences"])
    require(until is None or until > said["at"], "bad-period")
    require(bool(audiences) and len(set(audiences)) == len(audiences), "bad-audience")
    return Period(said["at"], until, one["role"], audiences, said["seq"])


def _open_epoch(circle: Circle, said: dict[str, Any], one: dict[str, Any]) -> None:
    """Rule 7."""
    opened = circle.epochs.setdefault(one["audience"], [])
    if not opened:
        require(re.fullmatch(_AUDIENCE, one["audience"], re.ASCII) is not None, "bad-audience")
    is_next = one["epoch"] == len(opened) + 1 and said["seq"] not in opened
    require(is_next, "wrong-epoch")
    opened.append(said["seq"])


def _close(circle: Circle, said: dict[str, Any], one: dict[str, Any]) -> None:
    circle.is_closed = True


_OPERATIONS: dict[str, Callable[[Circle, dict[str, Any], dict[str, Any]], None]] = {
    "create": lambda circle, said, one: None,
    "member.add": _add,
    "member.remove": _remove,
    "member.change": _change,
    "member.readmit": _readmit,
    "epoch.open": _open_epoch,
    "close": _close,
}


def _check_after(circle: Circle, said: dict[str, Any]) -> None:
    """Rules 3, 7, 9, 10 and 11, of the circle after the entry."""
    named = {name for member in circle.members.values() for name in member.last.audiences}
    require(named <= set(circle.epochs) and len(circle.epochs) <= 8, "bad-audience")
    actor = circle.members[said["account"]].last
    for one in said["operations"]:
        if one["op"] == "epoch.open":
            is_inside = actor.covers(said["at"]) and actor.reads(one["audience"])
            require(is_inside, "not-allowed")
    require(_is_led(circle.members.values(), said["at"]), "last-lead")


# ---------------------------------------------------------------- notes, contents, receipts, attachments (docs/protocol.md §6 to §8)

HEADER = {
    "circle": ID32,
    "note": uuid,
    "version": uint,
    "replaces": maybe(ID32),
    "kind": one_of("post", "correction", "withdrawal", "profile"),
    "account": ID32,
    "device": ID16,
    "at": uint,
    "ledger_seq": uint,
    "ledger_head": ID32,
    "keys": many(
        table(audience=text_of(20), epoch=uint, method=one_of("epoch", "inbox"), sealed=raw()),
        most=8,
        least=1,
    ),
    "commitment": raw(32),
    "blobs": many(ID32, 20),
    "urgent": flag,
    "acknowledge": flag,
    "mentions": many(ID32, 60),
}
SEALED_SIZES = {"epoch": 60, "inbox": 1168}


@dataclass(frozen=True)
class Envelope:
    """One version of a note, sealed; `header` is what it says in clear."""

    signed: Signed
    header: dict[str, Any]
    header_bytes: bytes
    sealed: bytes


def read_envelope(data: bytes) -> Envelope:
    require(len(data) <= 256 * 1024, "too-large")
    signed = read_signed(data)
    parts = read_cbor(signed.payload)
    is_pair = type(parts) is list and [type(part) for part in parts] == [bytes, bytes]
    require(is_pair, "wrong-type")
    header = record(read_cbor(parts[0]), HEADER)
    _check_header(header)
    require(header["device"] == signed.kid, "bad-signature")
    return Envelope(signed, header, parts[0], parts[1])


def _check_header(header: dict[str, Any]) -> None:
    is_first = header["version"] == 1
    is_chain = header["version"] > 0 and is_first == (header["replaces"] is None)
    is_kind = header["kind"] == "profile" or is_first == (header["kind"] == "post")
    require(is_chain and is_kind, "wrong-version")
    names = [key["audience"] for key in header["keys"]]
    require(all(re.fullmatch(_AUDIENCE, name, re.ASCII) for name in names), "bad-audience")
    require(sorted(set(names)) == names, "wrong-type")
    sizes = [len(key["sealed"]) == SEALED_SIZES[key["method"]] for key in header["keys"]]
    require(all(sizes), "wrong-type")


def check_author(envelope: Envelope, accounts: dict[str, Account]) -> Account:
    """That a device of the author, not revoked before the note's time, signed it."""
    header = envelope.header
    author = accounts.get(header["account"])
    if author is None:
        refuse("chain-missing")
    device = author.in_force(envelope.signed.kid, header["at"])
    envelope.signed.verify(device.keys["sign"], "relais/1 note")
    return author


def check_could_post(circle: Circle, header: dict[str, Any]) -> Period:
    """That the author could post it, by the ledger as the author knew it; the author's period then."""
    require(header["circle"] == circle.id, "wrong-circle")
    seq = header["ledger_seq"]
    require(seq < len(circle.heads), "rollback")
    require(circle.heads[seq] == header["ledger_head"], "fork")
    member = circle.members.get(header["account"])
    period = _period_after(member, seq) if member else None
    if period is None or (period.until is not None and header["at"] >= period.until):
        refuse("not-a-member")
    is_profile = header["kind"] == "profile"
    if is_profile:
        require(period.role != "bot", "not-allowed")
        audiences = {name for name in circle.epochs if circle.epoch_after(name, seq)}
        require(audiences == {key["audience"] for key in header["keys"]}, "key-missing")
    for key in header["keys"]:
        audience, is_inbox = key["audience"], key["method"] == "inbox"
        is_current = circle.epoch_after(audience, seq) == key["epoch"] > 0
        require(is_current, "wrong-epoch")
        is_inside = audience in period.audiences
        require(is_inside or is_profile or period.role == "lead", "not-a-member")
        require(is_inbox != period.reads(audience), "wrong-method")
    return period


def _period_after(member: Member, seq: int) -> Period | None:
    """The period that entry `seq` left open."""
    begun = [period for period in member.periods if period.seq <= seq]
    if not begun:
        return None
    last = begun[-1]
    return last if last.ended_seq is None or last.ended_seq > seq else None


CONTENT = {
    "type": one_of("OBS", "INST", "INTERV", "DEM-AVIS", "GEN", "PROFILE"),
    "text": text_of(20_000),
    "form": maybe(table(schema=text_of(60), data=lambda value: _plain_map(value, 8))),
    "attachments": many(
        table(
            id=uuid,
            blob=ID32,
            key=raw(32),
            name=text_of(200),
            media_type=text_of(100),
            size=uint,
            sha256=ID32,
            width=maybe(uint),
            height=maybe(uint),
            thumbnail=maybe(raw(most=24 * 1024)),
        ),
        20,
    ),
    "reply_to": maybe(uuid),
    "broadcast": maybe(uuid),
}


def _plain_map(value: Any, depth: int) -> Any:
    require(type(value) is dict and _is_plain(value, depth), "wrong-type")
    return value


def _is_plain(value: Any, depth: int) -> bool:
    """Maps with text keys, nesting at most `depth` containers."""
    if not isinstance(value, (dict, list)):
        return True
    inside = list(value.values()) if isinstance(value, dict) else value
    has_keys = not isinstance(value, dict) or all(type(key) is str for key in value)
    return depth > 0 and has_keys and all(_is_plain(item, depth - 1) for item in inside)


def open_content(envelope: Envelope, key: bytes) -> dict[str, Any]:
    """What the note says, by its content key: the key it commits to, or nothing."""
    header = envelope.header
    committed = derive(key, cbor("relais/1 note", "commit"))
    require(hmac.compare_digest(committed, header["commitment"]), "commitment-differs")
    parts = read_cbor(envelope.sealed)
    is_list = type(parts) is list and [type(part) for part in parts] == [bytes, dict, bytes]
    require(is_list, "wrong-type")
    protected, unprotected, ciphertext = parts
    nonce = unprotected.get(5)
    is_nonce = set(unprotected) == {5} and type(nonce) is bytes and len(nonce) == 12
    require(is_nonce and protected == b"\xa1\x01\x03", "wrong-type")
    aad = cbor("Encrypt0", protected, envelope.header_bytes)
    padded = decrypt(derive(key, cbor("relais/1 note", "encrypt")), nonce, ciphertext, aad)
    content = record(read_cbor(_unpadded(padded)), CONTENT)
    require(header["blobs"] == [one["blob"] for one in content["attachments"]], "blobs-differ")
    is_profile = header["kind"] == "profile"
    is_bare = content["form"] is None and not content["attachments"]
    is_kind = is_profile == (content["type"] == "PROFILE")
    require(is_kind and (header["kind"] != "withdrawal" or is_bare), "wrong-type")
    return content


def _unpadded(padded: bytes) -> bytes:
    """length (4 bytes) ‖ content ‖ zeros, to the Padmé length and at least 256 bytes."""
    length = int.from_bytes(padded[:4], "big")
    content, zeros = padded[4 : 4 + length], padded[4 + length :]
    is_exact = len(content) == length and len(padded) == max(256, _padme(4 + length))
    require(is_exact and not any(zeros), "bad-padding")
    return content


def _padme(length: int) -> int:
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    zeros = exponent - exponent.bit_length()
    return -(-length >> zeros) << zeros


RECEIPT = {
    "circle": ID32,
    "note": uuid,
    "version": uint,
    "envelope": ID32,
    "kind": one_of("stored", "read", "acknowledged"),
    "account": ID32,
    "device": ID16,
    "at": uint,
}


def read_receipt(data: bytes, accounts: dict[str, Account]) -> dict[str, Any]:
    """A device's word that it stored, read or acknowledged a version."""
    signed = read_signed(data)
    said = record(read_cbor(signed.payload), RECEIPT)
    require(said["device"] == signed.kid, "bad-signature")
    reader = accounts.get(said["account"])
    if reader is None:
        refuse("chain-missing")
    device = reader.in_force(said["device"], said["at"])
    signed.verify(device.keys["sign"], "relais/1 receipt")
    return said


CHUNK = 64 * 1024 + 16


def open_blob(attachment: dict[str, Any], sealed: bytes) -> bytes:
    """An attachment's bytes: the blob the note names, under the key it names, the size and hash it names."""
    require(hashlib.sha256(sealed).hexdigest() == attachment["blob"], "wrong-hash")
    key = derive(attachment["key"], b"relais/1 file")
    count = max(1, -(-len(sealed) // CHUNK))
    opened = b""
    for place in range(count):
        nonce = place.to_bytes(11, "big") + bytes([place == count - 1])
        chunk = sealed[place * CHUNK : (place + 1) * CHUNK]
        try:
            opened += decrypt(key, nonce, chunk, None)
        except Refused:
            refuse("stream-tampered")
    content, zeros = opened[: attachment["size"]], opened[attachment["size"] :]
    is_sized = len(opened) == _padme(attachment["size"]) and not any(zeros)
    require(is_sized and len(content) == attachment["size"], "stream-size")
    require(hashlib.sha256(content).hexdigest() == attachment["sha256"], "wrong-hash")
    return content


# ---------------------------------------------------------------- bundles (docs/audit-log.md, "Proof bundles")


def _base64url(text: Any) -> bytes:
    """base64url without padding, in its one spelling."""
    require(type(text) is str, "bundle-malformed")
    try:
        data = base64.b64decode(text.translate(_URL) + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        refuse("bundle-malformed")
    is_exact = base64.urlsafe_b64encode(data).decode().rstrip("=") == text
    require(is_exact, "bundle-malformed")
    return data


_URL = str.maketrans("-_+/", "+/-_")


def _object(value: Any, *names: str) -> dict[str, Any]:
    require(isinstance(value, dict) and set(value) == set(names), "bundle-malformed")
    return dict(value)


def _list(value: Any) -> list[Any]:
    require(isinstance(value, list), "bundle-malformed")
    return list(value)


def _hashes(value: Any) -> list[bytes]:
    return [_base64url(one) for one in _list(value)]


def _whole(value: Any) -> int:
    require(type(value) is int and value >= 0, "bundle-malformed")
    return int(value)


@dataclass(frozen=True)
class Trust:
    """What the reader brings: the log's key, a policy file, a tree it has seen before."""

    key: Key | None = None
    policy: bytes | None = None
    older: Tree | None = None


@dataclass(frozen=True)
class Claim:
    """One thing the bundle shows, or does not. `word` is its stable name; `facts` fill its sentence."""

    word: str
    is_proven: bool
    facts: dict[str, Any]


@dataclass
class Report:
    """What was found. `content` and `files` are those of a disclosed note."""

    claims: list[Claim] = field(default_factory=list)
    content: dict[str, Any] | None = None
    files: list[tuple[str, bytes]] = field(default_factory=list)

    def proven(self, word: str, **facts: Any) -> None:
        self.claims.append(Claim(word, True, facts))

    def open(self, word: str, **facts: Any) -> None:
        self.claims.append(Claim(word, False, facts))


def check_bundle(data: bytes, trust: Trust) -> Report:
    """Everything in a bundle, or `Refused`."""
    with at("bundle"):
        value = read_canonical(data)
        names = ("format", "version", "log", "checkpoint", "consistency", "entries", "note")
        require(isinstance(value, dict) and value.get("format") == FORMAT, "bundle-malformed")
        require(value.get("version") == VERSION, "bundle-version")
        bundle = _object(value, *names)
    report = Report()
    tree = _check_checkpoint(bundle, trust, report)
    _check_older(bundle["consistency"], tree, trust, report)
    entries = _check_entries(bundle["entries"], tree, report)
    if bundle["note"] is not None:
        with at("note"):
            _NoteCheck(bundle["note"], entries, report).run()
    report.open("log-truth")
    return report


def _check_checkpoint(bundle: dict[str, Any], trust: Trust, report: Report) -> Tree:
    texts = (bundle["log"], bundle["checkpoint"])
    require(all(isinstance(text, str) for text in texts), "bundle-malformed")
    with at("log"):
        carried = read_vkey(bundle["log"])
        require(carried.kind == LOG, "vkey-kind")
    key = trust.key or (None if trust.policy else carried)
    policy = Policy((key,), (), Group((), 0)) if key else None
    if trust.policy is not None:
        policy = read_policy(trust.policy, trust.key)
    with at("checkpoint"):
        if policy is None or policy.logs == ():
            refuse("no-known-signature")
        found = read_checkpoint(bundle["checkpoint"].encode("utf-8", "replace"), policy)
    root = found.tree.root.hex()
    report.proven("signed-tree", origin=found.origin, size=found.tree.size, root=root)
    if policy.witnesses:
        signed = len(found.cosigned)
        report.proven("witnesses", signed=signed, known=len(policy.witnesses))
    for witness, seconds in found.cosigned:
        report.proven("cosigned", name=witness.name, at=_moment(seconds * 1000))
    if not found.cosigned:
        report.open("no-witness")
    if trust.key is None and trust.policy is None:
        report.open("key-from-bundle", key=bundle["log"])
    return found.tree


def _check_older(value: Any, tree: Tree, trust: Trust, report: Report) -> None:
    """The tree that this one continues; the one the reader kept, where it kept one."""
    if value is None:
        require(trust.older is None or trust.older == tree, "consistency-missing")
        return
    with at("consistency"):
        given = _object(value, "size", "root", "path")
        older = Tree(_whole(given["size"]), _base64url(given["root"]))
        check_consistency(older, tree, _hashes(given["path"]))
        require(trust.older is None or trust.older == older, "forked-tree")
    report.proven("continues", size=older.size, root=older.root.hex())
    if trust.older is None:
        report.open("older-unknown", size=older.size)


def _check_entries(value: Any, tree: Tree, report: Report) -> dict[int, dict[str, Any]]:
    """The entries by their index, each proven to stand there."""
    entries: dict[int, dict[str, Any]] = {}
    for place, one in enumerate(_list(value)):
        with at(f"entries[{place}]"):
            given = _object(one, "entry", "index", "path")
            index = _whole(given["index"])
            require(not entries or index > max(entries), "entry-reordered")
            require(isinstance(given["entry"], str), "bundle-malformed")
            data = given["entry"].encode("utf-8", "replace")
            check_inclusion(leaf_hash(data), index, tree, _hashes(given["path"]))
            entries[index] = read_entry(data)
    if not entries:
        report.open("no-entries")
        return entries
    first, last = min(entries), max(entries)
    report.proven("entries", count=len(entries), first=first, last=last)
    if last - first + 1 == len(entries):
        report.proven("no-gap", first=first, last=last)
    report.open("selection")
    return entries


class _NoteCheck:
    """The note that a bundle discloses."""

    def __init__(self, value: Any, entries: dict[int, dict[str, Any]], report: Report) -> None:
        names = ("envelope", "key", "accounts", "ledger", "receipts", "blobs")
        self.given = _object(value, *names)
        self.entries = entries
        self.report = report
        self.accounts: dict[str, Account] = {}

    def run(self) -> None:
        for place, chain in enumerate(_list(self.given["accounts"])):
            with at(f"accounts[{place}]"):
                account = read_account(_hashes(chain))
                self.accounts[account.id] = account
        with at("envelope"):
            envelope = read_envelope(_base64url(self.given["envelope"]))
            author = check_author(envelope, self.accounts)
        header = envelope.header
        facts = {name: header[name] for name in ("note", "version", "kind")}
        self.report.proven(
            "note-signed",
            **facts,
            **_person(author),
            device=header["device"],
            at=_moment(header["at"]),
        )
        self._check_ledger(header)
        with at("key"):
            content = open_content(envelope, _base64url(self.given["key"]))
        self.report.content = content
        self.report.proven("note-content")
        self._check_logged(envelope)
        self._check_receipts(envelope)
        self._check_blobs(content)
        self._say_what_is_open(header)

    def _check_ledger(self, header: dict[str, Any]) -> None:
        with at("ledger"):
            circle = read_ledger(_hashes(self.given["ledger"]), self.accounts)
            period = check_could_post(circle, header)
        audiences = ", ".join(key["audience"] for key in header["keys"])
        self.report.proven(
            "note-member",
            circle=circle.id,
            role=period.role,
            audiences=audiences,
            seq=header["ledger_seq"],
        )

    def _check_logged(self, envelope: Envelope) -> None:
        """The entry of the log that recorded this version, which must not say otherwise."""
        header, found = envelope.header, False
        for index, entry in self._about("note.post", header):
            subject = entry["subject"]
            with at(f"entry {index}"):
                named = subject.get("envelope", envelope.signed.digest)
                require(named == envelope.signed.digest, "envelope-differs")
                who = (entry["account"], entry["device"])
                require(who == (header["account"], header["device"]), "envelope-differs")
            found = True
            self.report.proven("note-logged", index=index, at=entry["at"], seq=subject.get("seq"))
            if "envelope" in subject:
                self.report.proven("note-hash-logged", index=index)
            else:
                self.report.open("note-hash-open", index=index)
        if not found:
            self.report.open("note-not-logged")

    def _about(self, action: str, said: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The entries of an act that was done with that version of the note."""
        for index, entry in self.entries.items():
            subject = entry["subject"]
            place = (entry["circle"], subject.get("note"), subject.get("version"))
            is_it = place == (said["circle"], said["note"], said["version"])
            if is_it and entry["action"] == action and entry["outcome"] == "ok":
                yield index, entry

    def _check_receipts(self, envelope: Envelope) -> None:
        header = envelope.header
        for place, data in enumerate(_list(self.given["receipts"])):
            with at(f"receipts[{place}]"):
                said = read_receipt(_base64url(data), self.accounts)
                of = (said["circle"], said["note"], said["version"], said["envelope"])
                ours = (header["circle"], header["note"], header["version"])
                require(of == (*ours, envelope.signed.digest), "wrong-version")
            logged = [
                index
                for index, entry in self._about("receipt.post", said)
                if (entry["device"], entry["subject"].get("kind")) == (said["device"], said["kind"])
            ]
            reader = _person(self.accounts[said["account"]])
            facts = {**reader, "kind": said["kind"], "at": _moment(said["at"])}
            self.report.proven("receipt", **facts)
            if logged:
                self.report.proven("receipt-logged", **facts, index=logged[0])
            else:
                self.report.open("receipt-not-logged", **facts)

    def _check_blobs(self, content: dict[str, Any]) -> None:
        with at("blobs"):
            given = self.given["blobs"]
            require(isinstance(given, dict), "bundle-malformed")
            named = {one["blob"] for one in content["attachments"]}
            require(set(given) <= named, "blobs-differ")
        for one in content["attachments"]:
            facts = {name: one[name] for name in ("name", "size", "sha256")}
            if one["blob"] not in given:
                self.report.open("attachment-missing", **facts)
                continue
            with at(f"blobs.{one['blob'][:8]}"):
                opened = open_blob(one, _base64url(given[one["blob"]]))
            self.report.files.append((one["name"], opened))
            self.report.proven("attachment", **facts)

    def _say_what_is_open(self, header: dict[str, Any]) -> None:
        if header["version"] > 1:
            self.report.open("earlier-versions", version=header["version"])
        for word in ("note-later", "note-moment", "note-names", "note-truth", "note-readers"):
            self.report.open(word)


def _person(account: Account) -> dict[str, Any]:
    said = account.profile
    rest = ", ".join(part for part in (said["profession"], said["organisation"]) if part)
    return {"account": account.id, "name": said["name"] + (f" ({rest})" if rest else "")}


def _moment(milliseconds: int) -> str:
    """RFC 3339, UTC."""
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds} ms"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ---------------------------------------------------------------- in words

WORDS: dict[str, tuple[str, str]] = {
    "proven": ("PROUVÉ", "PROVEN"),
    "open": ("NON PROUVÉ", "NOT PROVEN"),
    "text": ("CE QUE DIT LA NOTE", "WHAT THE NOTE SAYS"),
    "refused": (
        "REFUSÉ : {reason}, à l'endroit {where}. Rien de ce paquet n'est prouvé.",
        "REFUSED: {reason}, at {where}. Nothing in this bundle is proven.",
    ),
    "signed-tree": (
        "Le journal {origin} a signé cet arbre de {size} entrées (racine {root}).",
        "The log {origin} has signed this tree of {size} entries (root {root}).",
    ),
    "witnesses": (
        "{signed} des {known} témoins de la politique ont signé cet arbre : autant qu'elle en demande.",
        "{signed} of the {known} witnesses of the policy have signed this tree: as many as it asks for.",
    ),
    "cosigned": (
        (
            "Le témoin {name} a vu cet arbre le {at} par sa propre horloge, et atteste qu'il prolonge tous ceux qu'il a vus : "
            "ce que l'arbre contient existait alors."
        ),
        (
            "The witness {name} saw this tree at {at} by its own clock, and attests that it extends every one it has seen: "
            "what the tree holds existed by then."
        ),
    ),
    "no-witness": (
        "Aucun témoin connu n'a contresigné : qui détient la clé du journal pourrait montrer un autre arbre à d'autres.",
        "No known witness has cosigned: whoever holds the log's key could show others another tree.",
    ),
    "key-from-bundle": (
        (
            "La clé du journal est venue avec le paquet : n'importe qui peut faire un paquet et une clé. "
            "Donnez celle que publie l'exploitant (--key). Celle du paquet : {key}"
        ),
        (
            "The log's key came with the bundle: anybody can make a bundle and a key. "
            "Give the one the operator publishes (--key). The bundle's: {key}"
        ),
    ),
    "continues": (
        "L'arbre de {size} entrées de racine {root} est le début de celui-ci : rien n'y a été changé ni retiré depuis.",
        "The tree of {size} entries with root {root} is the beginning of this one: nothing in it was changed or removed since.",
    ),
    "older-unknown": (
        "Que l'arbre de {size} entrées soit bien celui que vous aviez vu : comparez sa racine (--since).",
        "That the tree of {size} entries is the one you saw then: compare its root (--since).",
    ),
    "entries": (
        "{count} entrées du journal, de la place {first} à la place {last}, sont dans cet arbre, octet pour octet.",
        "{count} entries of the log, from place {first} to place {last}, stand in this tree, byte for byte.",
    ),
    "no-gap": (
        "Aucune entrée ne manque entre les places {first} et {last}.",
        "No entry is missing between the places {first} and {last}.",
    ),
    "no-entries": (
        "Le paquet ne contient aucune entrée du journal.",
        "The bundle holds no entry of the log.",
    ),
    "selection": (
        (
            "Que le paquet contienne toutes les entrées demandées : c'est la parole de qui l'a fait. "
            "Seul l'export du journal entier le montre."
        ),
        (
            "That the bundle holds every entry that was asked for: that is the word of whoever made it. "
            "Only the export of the whole log shows it."
        ),
    ),
    "log-truth": (
        (
            "Que le serveur ait noté chaque accès, et à l'heure vraie : l'arbre prouve que le passé n'a pas été réécrit, "
            "non qu'il a été écrit fidèlement."
        ),
        (
            "That the server wrote down every access, at the true time: the tree proves that the past was not rewritten, "
            "not that it was written truthfully."
        ),
    ),
    "note-signed": (
        (
            "Un appareil ({device}) du compte de {name} a signé la version {version} de la note {note}, "
            "le {at} par sa propre horloge."
        ),
        (
            "A device ({device}) of the account of {name} signed version {version} of the note {note}, "
            "at {at} by its own clock."
        ),
    ),
    "note-content": (
        (
            "Le texte ci-dessous est celui qui a été signé : la clé est celle à laquelle cette version s'engage, "
            "et aucun autre texte n'est possible sous cette signature."
        ),
        (
            "The text below is the one that was signed: the key is the one this version commits to, "
            "and no other text is possible under this signature."
        ),
    ),
    "note-member": (
        (
            "Par le registre du cercle {circle} (entrées 0 à {seq}, toutes vérifiées), l'auteur en était membre, "
            "rôle {role}, et pouvait écrire à : {audiences}."
        ),
        (
            "By the ledger of the circle {circle} (entries 0 to {seq}, all checked), the author was a member, "
            "role {role}, and could write to: {audiences}."
        ),
    ),
    "note-logged": (
        "Le journal a noté le dépôt de cette version à la place {index}, le {at} par l'horloge du serveur.",
        "The log recorded the posting of this version at place {index}, at {at} by the server's clock.",
    ),
    "note-hash-logged": (
        "L'entrée {index} nomme l'empreinte de cette enveloppe : ce qui a été déposé alors est ceci, exactement.",
        "Entry {index} names the hash of this envelope: what was posted then is this, exactly.",
    ),
    "note-hash-open": (
        "L'entrée {index} nomme la note, sa version, l'auteur et son appareil, mais non l'empreinte de l'enveloppe.",
        "Entry {index} names the note, its version, the author and the device, but not the envelope's hash.",
    ),
    "note-not-logged": (
        "Quand la note a été déposée : aucune entrée du paquet ne le dit.",
        "When the note was posted: no entry of the bundle says so.",
    ),
    "receipt": (
        "Un appareil de {name} a signé pour cette version « {kind} », le {at} par sa propre horloge.",
        "A device of {name} signed “{kind}” for this version, at {at} by its own clock.",
    ),
    "receipt-logged": (
        "Le journal a noté cet accusé de {name} (« {kind} ») à la place {index}.",
        "The log recorded this receipt of {name} (“{kind}”) at place {index}.",
    ),
    "receipt-not-logged": (
        "Que le serveur ait reçu l'accusé de {name} (« {kind} ») : aucune entrée du paquet ne le dit.",
        "That the server got the receipt of {name} (“{kind}”): no entry of the bundle says so.",
    ),
    "attachment": (
        "La pièce jointe {name} ({size} octets, SHA-256 {sha256}) est celle que la note désigne.",
        "The attachment {name} ({size} bytes, SHA-256 {sha256}) is the one the note names.",
    ),
    "attachment-missing": (
        "La pièce jointe {name} n'est pas dans le paquet ; la note l'engage par son empreinte : {size} octets, SHA-256 {sha256}.",
        "The attachment {name} is not in the bundle; the note commits to it by its hash: {size} bytes, SHA-256 {sha256}.",
    ),
    "earlier-versions": (
        "Ce que disaient les versions avant la version {version}.",
        "What the versions before version {version} said.",
    ),
    "note-later": (
        "Que la note n'ait pas été corrigée ou retirée ensuite.",
        "That the note was not corrected or withdrawn later.",
    ),
    "note-moment": (
        "Le moment où elle a été écrite : l'heure de l'auteur est sa parole ; celle du journal dit seulement « pas plus tard ».",
        "The moment it was written: the author's time is the author's word; the log's says only “no later than”.",
    ),
    "note-names": (
        (
            "Que les personnes soient celles que disent leurs noms : ce sont leurs propres mots ; le compte est prouvé, l'identité "
            "tient à l'invitation. De même, que l'appareil était alors dans les mains de son titulaire."
        ),
        (
            "That the persons are who their names say: these are their own words; the account is proven, the identity rests on "
            "the invitation. Nor that the device was in its holder's hands."
        ),
    ),
    "note-truth": ("Que ce que dit la note soit vrai.", "That what the note says is true."),
    "note-readers": (
        "Que personne d'autre ne l'ait lue.",
        "That nobody else has read it.",
    ),
}


def sentence(word: str, language: str, facts: dict[str, Any]) -> str:
    told = {name: visible(str(value)) for name, value in facts.items()}
    return WORDS[word][language == "en"].format_map(told)


def visible(text: str) -> str:
    """What a terminal would obey, or hide, is spelt out."""
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\u{ord(c):04x}" for c in text)


def print_report(report: Report, language: str) -> None:
    for word, is_proven in (("proven", True), ("open", False)):
        print(sentence(word, language, {}))
        for claim in report.claims:
            if claim.is_proven == is_proven:
                print(f"  - {sentence(claim.word, language, claim.facts)}")
        print()
    if report.content is not None:
        print(sentence("text", language, {}))
        print("\n".join(f"  {line}" for line in visible(report.content["text"]).split("\n")))
        if report.content["form"] is not None:
            print(
                f"  {visible(json.dumps(_printable(report.content['form']), ensure_ascii=False))}"
            )


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def facts_of(report: Report) -> dict[str, Any]:
    """The report for programs."""
    claims = [{"claim": c.word, "proven": c.is_proven, **c.facts} for c in report.claims]
    return {"verified": True, "claims": claims, "content": _printable(report.content)}


def save(report: Report, folder: Path) -> None:
    """The note's text and attachments as files. Their names are the author's, made harmless."""
    folder.mkdir(parents=True, exist_ok=True)
    if report.content is not None:
        (folder / "note.txt").write_text(report.content["text"], encoding="utf-8")
    for place, (name, data) in enumerate(report.files, 1):
        harmless = re.sub(r"[^\w.-]", "_", name).lstrip(".")[-80:]
        (folder / f"{place}-{harmless}").write_bytes(data)


# ---------------------------------------------------------------- the command


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        trust = _trust(asked)
        report = check_bundle(asked.bundle.read_bytes(), trust)
    except Refused as refused:
        told = {"reason": refused.reason, "where": refused.where or "arguments"}
        print(
            json.dumps({"verified": False, **told})
            if asked.json
            else sentence("refused", asked.language, told)
        )
        return REFUSED
    except (OSError, RecursionError) as error:
        print(f"relais_verify: {error}", file=sys.stderr)
        return UNREADABLE
    if asked.json:
        print(json.dumps(facts_of(report), ensure_ascii=False))
    else:
        print_report(report, asked.language)
    if asked.save:
        save(report, asked.save)
    return UNANCHORED if any(c.word == "key-from-bundle" for c in report.claims) else GOOD


def _trust(asked: argparse.Namespace) -> Trust:
    with at("--key"):
        key = read_vkey(asked.key.strip()) if asked.key else None
        require(key is None or key.kind == LOG, "vkey-kind")
    policy = asked.policy.read_bytes() if asked.policy else None
    return Trust(key, policy, asked.since)


def _tree(text: str) -> Tree:
    size, _, root = text.partition(":")
    if not re.fullmatch("[0-9]{1,16}", size) or not re.fullmatch("[0-9a-f]{64}", root):
        raise argparse.ArgumentTypeError("SIZE:ROOT, the root 64 hex digits")
    return Tree(int(size), bytes.fromhex(root))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="relais_verify.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument(
        "--key", metavar="VKEY", help="the log's public key, from where you trust it"
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="witnesses, and how many must have cosigned"
    )
    parser.add_argument("--since", type=_tree, metavar="SIZE:ROOT", help="a tree head you kept")
    parser.add_argument("--language", choices=("fr", "en"), default=_language())
    parser.add_argument(
        "--save", type=Path, metavar="DIR", help="write the note's text and attachments there"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def _language() -> str:
    wanted = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "en" if wanted.startswith("en") else "fr"


if __name__ == "__main__":
    sys.exit(main())

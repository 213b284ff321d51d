"""What the audit log says of one access: who did what, when, from where, and with what outcome.

An entry is an object in canonical JSON (canonical_json.py) with the fields below, every one
present. These bytes are the leaf's data, and one line of an export. They hold no content and no
name: accounts, devices, circles and notes are told by their ids.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal, get_args

from relais.crypto.canonical_json import (
    MAX_INTEGER,
    CanonicalJsonError,
    decode_canonical,
    encode_ordered,
)
from relais.crypto.errors import ProtocolError
from relais.crypto.merkle import leaf_hash
from relais.crypto.tiles import MAX_ENTRY_SIZE

VERSION = 1

Outcome = Literal["ok", "refused"]
SubjectValue = str | int | bool | None

_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_AT = re.compile(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_ACTION = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*")
_REASON = re.compile(r"[a-z][a-z0-9_-]*")
_SUBJECT_KEY = re.compile(r"[a-z][a-z0-9_]*")
_OUTCOMES = get_args(Outcome)
_MAX_WORD = 40
_WHO_AND_WHERE = (
    *("account", "device", "role", "organisation", "purpose"),
    *("on_behalf_of", "circle", "source", "request"),
)


class AuditEntryError(ProtocolError):
    """An entry that nobody following this module has written."""


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One entry.

    Attributes:
        id: UUIDv7 (RFC 9562), lowercase.
        at: when it happened, RFC 3339 in UTC with milliseconds: 2026-03-01T07:30:00.000Z.
        action: a dotted word of at most 40 characters: `note.post`.
        outcome: whether it was done or refused.
        reason: the refusal's code; null if, and only if, it was done.
        account, device, role, organisation: who.
        purpose: purpose of use, a code of HL7 v3 PurposeOfUse.
        on_behalf_of: whom it was done for: an account, or the organisation of a bot.
        circle: where.
        source: IP address.
        request: id of the request, to find it in the server's own logs.
        subject: what it was done to; keys such as note, version, seq, seq_from, seq_to, blob,
            head, epoch.
    """

    id: str
    at: str
    action: str
    outcome: Outcome
    reason: str | None = None
    account: str | None = None
    device: str | None = None
    role: str | None = None
    organisation: str | None = None
    purpose: str | None = None
    on_behalf_of: str | None = None
    circle: str | None = None
    source: str | None = None
    request: str | None = None
    subject: Mapping[str, SubjectValue] = field(default_factory=dict)
    v: int = VERSION

    def encode(self) -> bytes:
        """The canonical bytes: at most 65,535.

        Raises:
            AuditEntryError: `bad-field`, `entry-too-large`.
        """
        _check(self)
        values = vars(self) | {"subject": dict(sorted(self.subject.items()))}
        try:
            data = encode_ordered({name: values[name] for name in _FIELDS})
        except CanonicalJsonError:
            raise AuditEntryError("bad-field") from None
        _check_size(data)
        return data

    def leaf_hash(self) -> bytes:
        return leaf_hash(self.encode())


_FIELDS = tuple(sorted(entry.name for entry in fields(AuditEntry)))


def decode_audit_entry(data: bytes) -> AuditEntry:
    """Read an entry; refuses what `encode` would not have written.

    Raises:
        AuditEntryError: `entry-too-large`, `not-json`, `not-canonical`, `not-representable`,
            `too-deep`, `unknown-version`, `unknown-field`, `missing-field`, `bad-field`.
    """
    _check_size(data)
    try:
        value: Any = decode_canonical(data)
    except CanonicalJsonError as error:
        raise AuditEntryError(error.reason) from None
    _check_names(value)
    entry = AuditEntry(**value)
    _check(entry)
    return entry


def _check_size(data: bytes) -> None:
    if len(data) > MAX_ENTRY_SIZE:
        raise AuditEntryError("entry-too-large")


def _check_names(value: object) -> None:
    if not isinstance(value, dict):
        raise AuditEntryError("bad-field")
    version = value.get("v")
    if type(version) is int and version != VERSION:
        raise AuditEntryError("unknown-version")
    if value.keys() - set(_FIELDS):
        raise AuditEntryError("unknown-field")
    if len(value) != len(_FIELDS):
        raise AuditEntryError("missing-field")


def _check(entry: AuditEntry) -> None:
    texts = [getattr(entry, name) for name in _WHO_AND_WHERE]
    good = (
        type(entry.v) is int
        and entry.v == VERSION
        and _matches(_ID, entry.id)
        and _matches(_AT, entry.at)
        and _is_a_time(entry.at)
        and _matches(_ACTION, entry.action, most=_MAX_WORD)
        and entry.outcome in _OUTCOMES
        and _is_reason(entry)
        and all(text is None or isinstance(text, str) for text in texts)
        and _is_subject(entry.subject)
    )
    if not good:
        raise AuditEntryError("bad-field")


def _is_reason(entry: AuditEntry) -> bool:
    if entry.outcome == "ok":
        return entry.reason is None
    return _matches(_REASON, entry.reason, most=_MAX_WORD)


def _is_subject(subject: object) -> bool:
    return isinstance(subject, Mapping) and all(
        _matches(_SUBJECT_KEY, key, most=_MAX_WORD) and _is_subject_value(value)
        for key, value in subject.items()
    )


def _is_subject_value(value: object) -> bool:
    if type(value) is int:
        return abs(value) <= MAX_INTEGER
    return value is None or isinstance(value, str | bool)


def _is_a_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _matches(pattern: re.Pattern[str], value: object, *, most: int = MAX_ENTRY_SIZE) -> bool:
    return isinstance(value, str) and len(value) <= most and pattern.fullmatch(value) is not None

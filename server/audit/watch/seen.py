"""An entry as the rules see it: who, when by the clock on their wall, and what is known beside the entry."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from relais.crypto.audit_entry import AuditEntry, SubjectValue
from relais.models.ids import AccountId, Millis

HOUR_MS: Millis = 3_600_000
MINUTE_MS: Millis = 60_000
OPENED = frozenset({"circle.page", "note.get", "blob.read"})
"""What shows that somebody opened a circle; `circle.sync` only where it begins at the first version."""
CARE = frozenset({*OPENED, "circle.sync", "note.post"})


@dataclass(frozen=True)
class Seen:
    """One entry of the tree. `actor` is the account, or the address where nobody had logged in."""

    index: int
    at: Millis
    entry: AuditEntry
    local: datetime

    @property
    def actor(self) -> str | None:
        if self.entry.account is not None:
            return self.entry.account
        return None if self.entry.source is None else f"source {self.entry.source}"

    @property
    def ok(self) -> bool:
        return self.entry.outcome == "ok"

    @property
    def subject(self) -> Mapping[str, SubjectValue]:
        return self.entry.subject

    @property
    def slot(self) -> int:
        """The hour of the day; from 24 on at a weekend."""
        return self.local.hour + (24 if self.local.isoweekday() > 5 else 0)

    @property
    def is_care(self) -> bool:
        return self.ok and self.entry.circle is not None and self.entry.action in CARE

    @property
    def opens_circle(self) -> bool:
        entry = self.entry
        if not self.ok or entry.circle is None:
            return False
        from_start = entry.action == "circle.sync" and self.subject.get("seq_from") == 1
        return entry.action in OPENED or from_start


@dataclass(frozen=True)
class Known:
    """What the log alone does not say.

    Attributes:
        left_at: when the actor left the circle of the entry; None where they are in it, or never were.
        colleague: whom an auditor looked up, where that account is of the auditor's own organisation.
        unasked: an escrow logged in, and nobody had been approved.
    """

    left_at: Millis | None = None
    colleague: AccountId | None = None
    unasked: bool = False


NOTHING = Known()


_NAMES = frozenset(one.name for one in fields(AuditEntry))
_TEXTS = _NAMES - {"v", "subject"}


def seen(index: int, at: Millis, data: bytes, zone: ZoneInfo) -> Seen | None:
    """An entry of the log; None for bytes that are none, which tell the rules nothing.

    Read a tenth as thoroughly as by whoever verifies the log, and ten times as fast: the rules look at every entry, and nobody's
    proof hangs on what they make of it.
    """
    try:
        value: Any = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict) or value.keys() != _NAMES or not _is_read(value):
        return None
    return Seen(index, at, AuditEntry(**value), datetime.fromtimestamp(at / 1000, zone))


def _is_read(value: Mapping[str, Any]) -> bool:
    """Whether the rules can ask it what they ask."""
    texts = all(value[name] is None or type(value[name]) is str for name in _TEXTS)
    return (
        texts and None not in (value["action"], value["outcome"]) and type(value["subject"]) is dict
    )

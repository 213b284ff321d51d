"""The members' part of the audit log: who looked at their circle, and at one note of it.

A member sees it from where the own history begins, and never the network address of somebody else.
"""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any
from uuid import UUID

import orjson

from relais.crypto.audit_entry import AuditEntryError, decode_audit_entry
from relais.crypto.canonical_json import encode_canonical
from relais.crypto.ledger import Member
from relais.models.ids import AccountId, CircleId, Millis, NoteId
from relais.models.store.audit_log import LogEntry
from relais.models.store.audit_search import Wanted
from relais.models.wire import audit as wire
from relais.server import authorize
from relais.server.audit.answers import AnswerParts, Page, page_of, places_of, shown_of
from relais.server.audit.record import Act
from relais.server.callers import Caller
from relais.server.clock import now_ms

LOOKED_THROUGH = 10_000
"""Entries of a circle that are looked through for one note."""
READS = frozenset({"circle.sync", "circle.page", "note.get"})
PRIVATE = ("source", "request")


class MemberAnswers:
    """Answers ``audit.circle``, ``audit.note``."""

    def __init__(self, parts: AnswerParts) -> None:
        self._parts = parts

    def actions(self) -> dict[type, Any]:
        return {wire.CircleAccesses: self.circle, wire.NoteAccesses: self.note}

    async def circle(self, caller: Caller, ask: wire.CircleAccesses) -> wire.Accesses:
        """A circle's own entries, for its readers."""
        member = await self._reader(caller, ask.circle)
        since = _later(ask.since, member.history)
        wanted = Wanted(account=ask.account, circle=ask.circle, since=since, until=ask.until)
        rows, more = await page_of(self._parts.stores, wanted, Page(ask.before, ask.limit))
        act = Act("audit.circle", ask.circle, _asked(ask) | shown_of(rows), role=member.role)
        await self._parts.recorder.record(caller, act)
        shown = (wire.Access(one.index, without_address(one, caller.account)) for one in rows)
        return wire.Accesses(tuple(shown), more)

    async def note(self, caller: Caller, ask: wire.NoteAccesses) -> wire.NoteAccessed:
        """Who fetched one note, by the numbers its versions were stored under."""
        member = await self._reader(caller, ask.circle)
        since = _later(written_at(ask.note) - authorize.CLOCK_AHEAD, member.history)
        wanted = Wanted(circle=ask.circle, outcome="ok", since=since)
        places = await places_of(self._parts.stores, wanted)
        finding = self._parts.stores.search.find(wanted, places, newest_first=False, page=500)
        looking, count = Looking(ask), 0
        async with aclosing(finding) as found:
            async for entry in found:
                count += 1
                if count > LOOKED_THROUGH:
                    break
                looking.take(entry)
        act = Act("audit.note", ask.circle, {"note": ask.note, "found": len(looking.rows)})
        await self._parts.recorder.record(caller, act)
        return wire.NoteAccessed(tuple(looking.rows.values()), count <= LOOKED_THROUGH)

    async def _reader(self, caller: Caller, circle: CircleId) -> Member:
        view = await self._parts.circles.view(circle)
        return authorize.may_read(view.state, caller.account, now_ms())


class Looking:
    """Goes through a circle's entries, oldest first, for those about one note."""

    def __init__(self, ask: wire.NoteAccesses) -> None:
        self._note = ask.note
        self._blobs = frozenset(ask.blobs)
        self._places: set[int] = set()
        self.rows: dict[tuple[AccountId, str], wire.NoteAccess] = {}

    def take(self, entry: LogEntry) -> None:
        subject = _subject(entry.entry)
        seq = subject.get("seq")
        if entry.action == "note.post" and subject.get("note") == self._note and seq is not None:
            self._places.add(seq)
        elif entry.action in READS and self._covers(subject):
            self._count(entry, "fetched")
        elif entry.action == "blob.read" and subject.get("blob") in self._blobs:
            self._count(entry, "attachment")

    def _covers(self, subject: Mapping[str, Any]) -> bool:
        if "note" in subject:
            return bool(subject["note"] == self._note)
        first, last = subject.get("seq_from"), subject.get("seq_to")
        if first is None or last is None:
            return False
        return any(first <= place <= last for place in self._places)

    def _count(self, entry: LogEntry, kind: Any) -> None:
        if entry.account is None:
            return
        key = (entry.account, kind)
        before = self.rows.get(key) or wire.NoteAccess(entry.account, kind, entry.at, entry.at, 0)
        last = max(before.last_at, entry.at)
        self.rows[key] = wire.NoteAccess(
            entry.account, kind, before.first_at, last, before.times + 1
        )


def without_address(entry: LogEntry, reader: AccountId) -> bytes:
    """An entry as its circle's members see it; one's own as it is. Bytes that are no entry tell nothing."""
    if entry.account == reader:
        return entry.entry
    try:
        decode_audit_entry(entry.entry)
    except AuditEntryError:
        return b"null"
    fields = orjson.loads(entry.entry)
    return encode_canonical({**fields, **dict.fromkeys(PRIVATE)})


def written_at(note: NoteId) -> Millis:
    """When a note was begun, by its writer's clock: its id is a UUIDv7 (RFC 9562 §5.7)."""
    return UUID(note).int >> 80


def _later(one: Millis | None, other: Millis) -> Millis:
    return max(one or 0, other)


def _asked(ask: wire.CircleAccesses) -> dict[str, Any]:
    given = {"account": ask.account, "since": ask.since, "until": ask.until}
    return {name: value for name, value in given.items() if value is not None}


def _subject(entry: bytes) -> Mapping[str, Any]:
    try:
        fields = orjson.loads(entry)
    except orjson.JSONDecodeError:
        return {}
    subject = fields.get("subject") if isinstance(fields, dict) else None
    return subject if isinstance(subject, dict) else {}

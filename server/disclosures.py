"""What the log proves of one version of a note, for a member who hands it out. That it was asked for is an entry itself."""

from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from relais.crypto.audit_entry import AuditEntryError, SubjectValue, decode_audit_entry
from relais.models.refusal import Code, Refusal
from relais.models.store.audit_head import LogHead
from relais.models.store.audit_log import LogEntry
from relais.models.store.audit_search import Places, Wanted
from relais.models.store.notes import NoteStore, StoredVersion
from relais.models.wire import note as wire
from relais.server import authorize
from relais.server.audit.answers import places_of
from relais.server.audit.parts import LogStores
from relais.server.audit.proofs import proven
from relais.server.audit.record import Act, Recorder
from relais.server.callers import Caller
from relais.server.circle_book import CircleBook, CircleView
from relais.server.clock import now_ms
from relais.server.visibility import Visibility, readable

MOST_PROVEN = 1_000
PAGE = 64


@dataclass(frozen=True)
class DisclosureParts:
    """What disclosures are made of."""

    log: LogStores
    notes: NoteStore
    book: CircleBook
    visibility: Visibility
    recorder: Recorder


class Disclosures:
    """Answers ``note.disclose``."""

    def __init__(self, parts: DisclosureParts) -> None:
        self._parts = parts

    def actions(self) -> dict[type, Any]:
        return {wire.DiscloseNote: self.disclose}

    async def disclose(self, caller: Caller, ask: wire.DiscloseNote) -> wire.NoteProven:
        """The entries that recorded a version the caller may read, and its receipts.

        Raises ``not_found``; ``unavailable`` where the log has not published its entry yet: within a second, as a rule.
        """
        view = await self._parts.book.view(ask.circle)
        member = authorize.may_read(view.state, caller.account, now_ms())
        version = await self._version(caller, view, ask)
        head = await self._parts.log.heads.published()
        found = await self._entries(head, version, ask)
        if not any(entry.action == "note.post" for entry in found):
            raise Refusal(Code.UNAVAILABLE, reason="not-logged-yet")
        counted: dict[str, SubjectValue] = {"version": ask.version, "entries": len(found)}
        act = Act("note.disclose", ask.circle, {"note": ask.note, **counted}, member.role)
        await self._parts.recorder.record(caller, act)
        entries = await proven(self._parts.log, head, found)
        told = tuple(wire.ProvenEntry(one.index, one.entry, one.path) for one in entries)
        return wire.NoteProven(head.vkey, head.checkpoint, told)

    async def _version(
        self, caller: Caller, view: CircleView, ask: wire.DiscloseNote
    ) -> StoredVersion:
        """The version, if it is one that the caller may read."""
        member = view.state.members[caller.account]
        first = await self._parts.visibility.first(view.state, member)
        versions = await self._parts.notes.versions(ask.circle, ask.note)
        for one in readable(view.state, member, versions):
            if one.version == ask.version and one.seq >= first:
                return one
        raise Refusal(Code.NOT_FOUND, note=ask.note, version=ask.version)

    async def _entries(
        self, head: LogHead, version: StoredVersion, ask: wire.DiscloseNote
    ) -> list[LogEntry]:
        """Those of the posting, which bears the version's own time, and of the receipts after it."""
        posted = Wanted(
            circle=ask.circle, action="note.post", since=version.at, until=version.at + 1
        )
        found = await self._matching(posted, head, ask)
        if ask.receipts:
            later = Wanted(circle=ask.circle, action="receipt.post", since=version.at)
            found += await self._matching(later, head, ask)
        return sorted(found[:MOST_PROVEN], key=lambda entry: entry.index)

    async def _matching(
        self, wanted: Wanted, head: LogHead, ask: wire.DiscloseNote
    ) -> list[LogEntry]:
        log = self._parts.log
        places = await places_of(log, wanted)
        below = Places(min(places.start, head.size), min(places.end, head.size))
        finding = log.search.find(wanted, below, newest_first=False, page=PAGE)
        async with aclosing(finding) as entries:
            return [entry async for entry in entries if _is_about(entry, ask)]


def _is_about(entry: LogEntry, ask: wire.DiscloseNote) -> bool:
    """Whether an act was done with that version. What is no entry is about nothing."""
    try:
        read = decode_audit_entry(entry.entry)
    except AuditEntryError:
        return False
    place = (read.subject.get("note"), read.subject.get("version"))
    return read.outcome == "ok" and place == (ask.note, ask.version)

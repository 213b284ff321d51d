"""Alarms that members' devices raise, noted in the audit log: each once, and so many an hour.

Nothing shows that a report is true. It is the reporting member's own word, and an auditor's to look into.
"""

import hashlib
from typing import Any

from relais.crypto.audit_entry import SubjectValue
from relais.crypto.canonical_json import encode_canonical
from relais.models.store.alarms import AlarmStore
from relais.models.wire import alarm as wire
from relais.server import authorize
from relais.server.audit.record import Act, entry_of
from relais.server.callers import Caller
from relais.server.circle_book import CircleBook
from relais.server.limits import RateLimit

AT_ONCE = 50
AN_HOUR = 50


class Alarms:
    """Answers ``alarm.report``."""

    def __init__(self, store: AlarmStore, book: CircleBook) -> None:
        self._store = store
        self._book = book
        self._rate = RateLimit(AN_HOUR / 3_600, AT_ONCE)

    def actions(self) -> dict[type, Any]:
        return {wire.ReportAlarm: self.report}

    async def report(self, caller: Caller, ask: wire.ReportAlarm) -> wire.AlarmNoted:
        """About no circle, or one whose ledger the caller may know."""
        self._rate.take(caller.device)
        role = await self._role(caller, ask)
        act = Act("alarm.report", ask.circle, _subject(ask), role=role)
        await self._store.note(_key(caller, ask), audit=entry_of(caller, act))
        return wire.AlarmNoted()

    async def _role(self, caller: Caller, ask: wire.ReportAlarm) -> str | None:
        if ask.circle is None:
            return None
        view = await self._book.view(ask.circle)
        return authorize.may_know(view.state, caller.account).role


def _subject(ask: wire.ReportAlarm) -> dict[str, SubjectValue]:
    told = {"kind": ask.kind, "account": ask.account, "of": ask.of, "seq": ask.seq}
    return {name: value for name, value in told.items() if value is not None}


def _key(caller: Caller, ask: wire.ReportAlarm) -> str:
    return hashlib.sha256(encode_canonical({**vars(ask), "device": caller.device})).hexdigest()

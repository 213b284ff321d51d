"""What auditors ask about findings, rules and counts. Each question is an entry itself, durable before it is answered."""

from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from relais.crypto.audit_entry import SubjectValue
from relais.models.refusal import Code, Refusal
from relais.models.store.audit_postings import MINUTE_MS
from relais.models.store.audit_search import Places, Wanted
from relais.models.store.audit_watch import EVERYBODY, FindingRow, WatchStore
from relais.models.store.settings import SettingStore
from relais.models.wire import watch as wire
from relais.models.wire.audit import AuditRow
from relais.server import authorize
from relais.server.audit.answers import places_of, subject_of, wanted_of
from relais.server.audit.parts import LogStores
from relais.server.audit.record import Act, Recorder, entry_of
from relais.server.audit.watch import counts, rules
from relais.server.audit.watch import person as people
from relais.server.audit.watch.seen import HOUR_MS
from relais.server.callers import Caller
from relais.server.clock import now_ms

MOST_AT_ONCE = 200
COUNTED = 5_000
"""Entries that are read to be counted, where no sums are kept and no postings yet."""
LAST_HOUR = 1 << 40


@dataclass(frozen=True)
class WatchParts:
    """What these questions are answered with."""

    log: LogStores
    store: WatchStore
    settings: SettingStore
    recorder: Recorder


class WatchAnswers:
    """Answers ``audit.findings``, ``audit.review``, ``audit.view``, ``audit.verify``, ``audit.volume``, ``audit.hours``, ``audit.rules``."""

    def __init__(self, parts: WatchParts) -> None:
        self._parts = parts

    def actions(self) -> dict[type, Any]:
        return {
            wire.ListFindings: self.findings,
            wire.ReviewFinding: self.review,
            wire.ViewEntry: self.view,
            wire.TellVerified: self.verified,
            wire.CountAudit: self.volume,
            wire.CountHours: self.hours,
            wire.GetRules: self.rules,
            wire.SetRules: self.set_rules,
        }

    async def findings(self, caller: Caller, ask: wire.ListFindings) -> wire.Findings:
        """What deserves a look, newest first."""
        authorize.is_auditor(caller.roles)
        if not 1 <= ask.limit <= MOST_AT_ONCE:
            raise Refusal(Code.MALFORMED, field="limit")
        size = await self._parts.store.next()
        found = await self._parts.store.newest(
            only_open=ask.open,
            account=ask.account,
            before=min(size, ask.before or size),
            most=ask.limit + 1,
        )
        rows = _first(found, ask.limit)
        subject: dict[str, SubjectValue] = {"found": len(rows), "open": ask.open}
        if ask.account:
            subject["account"] = ask.account
        overdue = await self._parts.store.count_overdue(now_ms())
        await self._record(caller, Act("audit.findings", subject=subject))
        return wire.Findings(tuple(map(_finding, rows)), len(found) > len(rows), size, overdue)

    async def review(self, caller: Caller, ask: wire.ReviewFinding) -> wire.Finding:
        """Say that a finding was looked at, and what it was."""
        authorize.is_auditor(caller.roles)
        row = await self._parts.store.finding(ask.rule, ask.index)
        if row is None:
            raise Refusal(Code.NOT_FOUND, index=ask.index)
        let_in = row.about if row.rule == "break-glass" else None
        authorize.may_review(caller.account, (row.account, let_in))
        row = replace(
            row, reviewed_by=caller.account, reviewed_at=now_ms(), verdict=str(ask.verdict)
        )
        subject: dict[str, SubjectValue] = {"finding": row.rule, "index": row.index}
        subject["verdict"] = row.verdict
        act = Act("audit.review", row.circle, subject)
        await self._parts.store.review(row, audit=entry_of(caller, act))
        return _finding(row)

    async def view(self, caller: Caller, ask: wire.ViewEntry) -> wire.Viewed:
        """One entry, and what was found at it."""
        authorize.is_auditor(caller.roles)
        entry = await self._parts.log.entries.at(ask.index)
        if entry is None:
            raise Refusal(Code.NOT_FOUND, index=ask.index)
        if entry.leaf is not None:
            raise Refusal(Code.NOT_FOUND, reason="pruned", index=ask.index)
        found = await self._parts.store.findings_at(ask.index)
        await self._record(caller, Act("audit.view", entry.circle, {"index": ask.index}))
        return wire.Viewed(AuditRow(entry.index, entry.entry), tuple(map(_finding, found)))

    async def verified(self, caller: Caller, ask: wire.TellVerified) -> wire.VerifiedNoted:
        """What the reader's own program says: the server does not check it, and could not."""
        subject: dict[str, SubjectValue] = {
            "size": ask.size,
            "root": ask.root.hex(),
            "entries": ask.entries,
            "verified": ask.reason is None,
        }
        if ask.reason is not None:
            subject["rule"] = ask.reason
        await self._record(caller, Act("audit.verify", subject=subject))
        return wire.VerifiedNoted()

    async def volume(self, caller: Caller, ask: wire.CountAudit) -> wire.Volume:
        """Bars over time: from sums by the hour where they are kept, else from what is filed of each entry."""
        authorize.is_auditor(caller.roles)
        wanted = wanted_of(ask)
        places = await places_of(self._parts.log, wanted)
        summed = set(wanted.fields) <= {"account"} and places.end - places.start > COUNTED
        found = await (self._from_hours(wanted) if summed else self._from_log(wanted, places))
        await self._record(caller, Act("audit.volume", ask.circle, subject_of(wanted)))
        return found

    async def hours(self, caller: Caller, ask: wire.CountHours) -> wire.Hours:
        """A person's month."""
        authorize.is_auditor(caller.roles)
        now = await self._rules()
        zone = ZoneInfo(now.zone)
        first, after = counts.month_of(ask.month, zone)
        since, until = counts.millis(first), counts.millis(after)
        store = self._parts.store
        size = await store.next()
        sums = await store.hours(ask.account, start=since // HOUR_MS, end=-(-until // HOUR_MS))
        found = await store.findings_between(ask.account, since, until)
        states = await store.people([ask.account])
        usual = people.from_stored(states[ask.account]) if ask.account in states else None
        act = Act("audit.hours", subject={"account": ask.account, "month": ask.month})
        await self._record(caller, act)
        return wire.Hours(
            zone=now.zone,
            days=(after.date() - first.date()).days,
            hours=counts.month_cells(sums, found, zone),
            usual=usual.usual(learn_days=now.learn_days) if usual else (),
            size=size,
        )

    async def rules(self, caller: Caller, ask: wire.GetRules) -> wire.Rules:
        """What the rules are set to."""
        authorize.may_set_rules(caller.roles)
        found = await self._rules()
        await self._record(caller, Act("audit.rules", subject={"version": found.version}))
        return found

    async def set_rules(self, caller: Caller, ask: wire.SetRules) -> wire.Rules:
        """Set them anew; what was found before stays. The entry names what changed."""
        authorize.may_set_rules(caller.roles)
        rules.check_rules(ask.rules)
        before = await self._rules()
        after = replace(ask.rules, version=ask.rules.version + 1)
        subject = {"version": after.version, **_changes(before, after)}
        stored = await self._parts.settings.replace(
            rules.NAME,
            rules.as_stored(after),
            version=ask.rules.version,
            audit=entry_of(caller, Act("audit.rules.set", subject=subject)),
        )
        if not stored:
            raise Refusal(Code.CONFLICT, version=before.version)
        return after

    async def _from_hours(self, wanted: Wanted) -> wire.Volume:
        """Whole hours: those that lie in the asked time but for a part are counted whole."""
        start = 0 if wanted.since is None else wanted.since // HOUR_MS
        end = LAST_HOUR if wanted.until is None else -(-wanted.until // HOUR_MS)
        found = await self._parts.store.hours(wanted.account or EVERYBODY, start=start, end=end)
        points = [(one.hour * HOUR_MS, one.ok, one.refused) for one in found]
        return wire.Volume(counts.bars(points, span=HOUR_MS), complete=True)

    async def _from_log(self, wanted: Wanted, places: Places) -> wire.Volume:
        counted, complete = await self._parts.log.search.count(wanted, places, most=COUNTED)
        points = [(one.at, one.ok, one.refused) for one in counted]
        return wire.Volume(counts.bars(points, span=MINUTE_MS), complete)

    async def _rules(self) -> wire.Rules:
        return rules.from_stored(await self._parts.settings.get(rules.NAME))

    async def _record(self, caller: Caller, act: Act) -> None:
        await self._parts.recorder.record(caller, act)


def _first(found: list[FindingRow], limit: int) -> list[FindingRow]:
    """As many as asked for, and whatever else was found at the last one's entry: the next page begins below it."""
    if len(found) <= limit:
        return found
    return [one for one in found if one.index >= found[limit - 1].index]


def _finding(row: FindingRow) -> wire.Finding:
    return wire.Finding(**vars(row))


def _changes(before: wire.Rules, after: wire.Rules) -> dict[str, SubjectValue]:
    """The settings that differ, as they are now; lists as text."""
    changed: dict[str, SubjectValue] = {}
    for name, value in vars(after).items():
        if name == "version" or value == getattr(before, name):
            continue
        changed[name] = value if isinstance(value, int | str) else _as_text(value)
    return changed


def _as_text(value: tuple[Any, ...]) -> str:
    return "; ".join(
        f"{one.organisation} {one.first_day}-{one.last_day} {one.from_hour}-{one.until_hour}"
        if isinstance(one, wire.OpeningHours)
        else str(one)
        for one in value
    )

"""Findings, rules and counts at a real node's door: who gets them, what they say, that asking is recorded."""

import json
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from audit_house import entries, search, settled, watched
from members import House, Person, refused

from relais.models.refusal import Code, Refusal
from relais.models.wire.alarm import ReportAlarm
from relais.models.wire.note import GetNote
from relais.models.wire.watch import (
    CountAudit,
    CountHours,
    Finding,
    GetRules,
    ListFindings,
    OpeningHours,
    ReviewFinding,
    SetRules,
    TellVerified,
    ViewEntry,
)

NOTE = "01936b6e-0000-7000-8000-000000000000"
ALL = CountAudit(None, None, None, None, None, None, None)


async def _findings(auditor: Person, **asked: object) -> tuple[Finding, ...]:
    given = {"open": True, "account": None, "before": 0, "limit": 50, **asked}
    return tuple((await auditor.on.call(ListFindings(**given))).rows)  # type: ignore[arg-type]


async def _knock(person: Person, circle: str, times: int = 5) -> None:
    for _ in range(times):
        with pytest.raises(Refusal):
            await person.on.call(GetNote(circle, NOTE))


def _said(entry: dict[str, object]) -> tuple[object, object]:
    return entry["action"], entry["subject"]


async def test_refusals_in_a_row_are_shown_with_their_entry_until_somebody_reviewed_them(
    house: House,
) -> None:
    nurse, stranger = await house.person("Nadia"), await house.person("S")
    auditor = await house.person("Inès", "auditor")
    rules = await auditor.on.call(GetRules())
    await auditor.on.call(SetRules(replace(rules, on=("refusals",))))
    circle = await nurse.open_circle()
    await _knock(stranger, circle.id)
    await watched(house)
    (found,) = await _findings(auditor, account=stranger.id)
    assert (found.rule, found.account, found.circle) == ("refusals", stranger.id, circle.id)
    assert (found.count, found.verdict) == (5, None)

    viewed = await auditor.on.call(ViewEntry(found.index))
    assert json.loads(viewed.row.entry)["action"] == "note.get"
    assert viewed.findings == (found,)

    reviewed = await auditor.on.call(ReviewFinding(found.rule, found.index, "explained"))
    assert (reviewed.reviewed_by, reviewed.verdict) == (auditor.id, "explained")
    assert reviewed.reviewed_at is not None
    assert await _findings(auditor, account=stranger.id) == ()
    assert await _findings(auditor, account=stranger.id, open=False) == (reviewed,)
    said = [_said(one) for one in await house.audit() if one["account"] == auditor.id]
    assert ("audit.view", {"index": found.index}) in said
    review = {"finding": "refusals", "index": found.index, "verdict": "explained"}
    assert ("audit.review", review) in said


async def test_somebody_who_left_and_reaches_for_the_circle_is_found_after_the_grace(
    house: House,
) -> None:
    nurse, gone = await house.person("Nadia"), await house.person("Gaspard")
    auditor = await house.person("Inès", "auditor")
    rules = await auditor.on.call(GetRules())
    on = ("after-leaving", "refusals")
    await auditor.on.call(SetRules(replace(rules, grace_minutes=0, on=on)))
    circle = await nurse.open_circle()
    await nurse.add(circle, gone)
    await gone.sync(circle)
    await watched(house)
    assert await _findings(auditor, account=gone.id) == ()
    await nurse.remove(circle, gone)
    await _knock(gone, circle.id, 1)
    await watched(house)
    (found,) = await _findings(auditor, account=gone.id)
    assert (found.rule, found.minutes, found.circle) == ("after-leaving", 0, circle.id)


async def test_what_a_members_device_raised_the_alarm_for_is_found_and_can_be_reviewed(
    house: House,
) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    rules = await auditor.on.call(GetRules())
    await auditor.on.call(SetRules(replace(rules, on=("alarm",))))
    circle = await nurse.open_circle()
    await nurse.on.call(ReportAlarm("fork", circle.id, None, "ab" * 32, 1))
    await watched(house)
    (found,) = await _findings(auditor, account=nurse.id)
    assert (found.rule, found.kind, found.circle) == ("alarm", "fork", circle.id)
    reviewed = await auditor.on.call(ReviewFinding("alarm", found.index, "escalated"))
    assert (reviewed.verdict, reviewed.kind) == ("escalated", "fork")


async def test_an_auditor_who_looks_up_a_colleague_is_found_and_cannot_settle_it(
    house: House,
) -> None:
    auditor, other = await house.person("Inès", "auditor"), await house.person("Omar", "auditor")
    colleague = await house.person("Nadia")  # of the same organisation, as all are here
    rules = await auditor.on.call(GetRules())
    await auditor.on.call(SetRules(replace(rules, on=("auditor-colleague",))))
    await auditor.on.call(search(account=colleague.id))
    await auditor.on.call(search(account=auditor.id))
    await watched(house)
    (found,) = await _findings(other, account=auditor.id)
    assert (found.rule, found.about) == ("auditor-colleague", colleague.id)
    ask = ReviewFinding(found.rule, found.index, "expected")
    await refused(auditor.on.call(ask), Code.FORBIDDEN, "not-allowed")
    assert (await other.on.call(ask)).verdict == "expected"


async def test_what_was_not_found_cannot_be_reviewed_and_what_is_not_there_not_opened(
    house: House,
) -> None:
    auditor = await house.person("Inès", "auditor")
    await refused(auditor.on.call(ReviewFinding("refusals", 10**6, "expected")), Code.NOT_FOUND)
    await refused(auditor.on.call(ViewEntry(10**6)), Code.NOT_FOUND)


@pytest.mark.parametrize("role", ["professional", "coordinator", "administrator"])
async def test_findings_and_counts_are_for_auditors_alone(house: House, role: str) -> None:
    person = await house.person("P", role)
    asks = (
        ListFindings(True, None, 0, 10),
        ReviewFinding("refusals", 0, "expected"),
        ViewEntry(0),
        ALL,
        CountHours(person.id, "2026-03"),
    )
    for ask in asks:
        await refused(person.on.call(ask), Code.FORBIDDEN, "not-allowed")


async def test_rules_are_set_by_auditors_and_administrators_and_each_change_is_recorded(
    house: House,
) -> None:
    admin, auditor = await house.person("Ada", "administrator"), await house.person("I", "auditor")
    nurse = await house.person("Nadia")
    before = await auditor.on.call(GetRules())
    opening = (OpeningHours("Beaune", 1, 5, 8, 19),)
    after = await admin.on.call(SetRules(replace(before, circles=7, opening=opening)))
    assert after == replace(before, circles=7, opening=opening, version=before.version + 1)
    assert await auditor.on.call(GetRules()) == after
    stale = SetRules(replace(before, circles=9))
    assert (await refused(auditor.on.call(stale), Code.CONFLICT)).facts["version"] == after.version
    for ask in (GetRules(), SetRules(after)):
        await refused(nurse.on.call(ask), Code.FORBIDDEN, "not-allowed")
    said = [_said(one) for one in await house.audit() if one["account"] == admin.id]
    changed = {"version": after.version, "circles": 7, "opening": "Beaune 1-5 8-19"}
    assert ("audit.rules.set", changed) in said


async def test_rules_that_make_no_sense_are_not_kept(house: House) -> None:
    auditor = await house.person("Inès", "auditor")
    before = await auditor.on.call(GetRules())
    refusal = await refused(auditor.on.call(SetRules(replace(before, refusals=0))), Code.MALFORMED)
    assert refusal.facts == {"field": "rules.refusals"}
    assert await auditor.on.call(GetRules()) == before


async def test_a_month_is_counted_by_days_and_hours_where_the_rules_are(house: House) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    now_set = await auditor.on.call(GetRules())
    await auditor.on.call(SetRules(replace(now_set, on=("refusals",))))
    circle = await nurse.open_circle()
    await nurse.post(circle)
    await _knock(nurse, "99" * 32)
    await watched(house)
    rules = await auditor.on.call(GetRules())
    newest = [one for one in await house.audit() if one["account"] == nurse.id][-1]
    here = datetime.fromisoformat(newest["at"]).astimezone(ZoneInfo(rules.zone))
    found = await auditor.on.call(CountHours(nurse.id, here.strftime("%Y-%m")))
    assert found.zone == rules.zone
    assert found.days in (28, 29, 30, 31)
    assert sum(one.refused for one in found.hours) == 5
    assert sum(one.ok for one in found.hours) >= 3
    assert sum(one.findings for one in found.hours) == 1
    assert (here.day, here.hour) in {(one.day, one.hour) for one in found.hours}
    empty = await auditor.on.call(CountHours(nurse.id, "2020-02"))
    assert (empty.days, empty.hours) == (29, ())
    said = [_said(one) for one in await house.audit() if one["account"] == auditor.id]
    assert ("audit.hours", {"account": nurse.id, "month": "2020-02"}) in said


@pytest.mark.parametrize("month", ["2026-13", "26-00001"[:7], "2026/03", "1999-12"])
async def test_what_is_no_month_is_refused(house: House, month: str) -> None:
    auditor = await house.person("Inès", "auditor")
    refusal = await refused(auditor.on.call(CountHours(auditor.id, month)), Code.MALFORMED)
    assert refusal.facts == {"field": "month"}


async def test_bars_count_what_a_search_finds(house: House) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    circle = await nurse.open_circle()
    for _ in range(3):
        await nurse.post(circle)
    await _knock(await house.person("S"), circle.id, 2)
    await settled(house)
    found = await auditor.on.call(replace(ALL, circle=circle.id))
    assert found.complete
    assert sum(one.ok for one in found.buckets) == 4
    assert sum(one.refused for one in found.buckets) == 2
    assert all(a.until == b.since for a, b in zip(found.buckets, found.buckets[1:], strict=False))
    none = await auditor.on.call(replace(ALL, circle="98" * 32))
    assert none.buckets == ()


async def test_entries_are_searched_by_organisation(house: House) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    await nurse.open_circle()
    await settled(house)
    found = await auditor.on.call(search(organisation="Beaune", action="circle.create"))
    assert nurse.id in {one["account"] for one in entries(found)}
    other = await auditor.on.call(search(organisation="Dijon"))
    assert entries(other) == []


async def test_what_a_readers_program_verified_is_recorded_as_its_word(house: House) -> None:
    nurse = await house.person("Nadia")
    await nurse.on.call(TellVerified(12, bytes(32), 3, None))
    await nurse.on.call(TellVerified(12, bytes(32), 0, "leaf-mismatch"))
    facts = {"size": 12, "root": "00" * 32}
    said = [_said(one) for one in await house.audit() if one["account"] == nurse.id]
    assert ("audit.verify", {**facts, "entries": 3, "verified": True}) in said
    failed = {**facts, "entries": 0, "verified": False, "rule": "leaf-mismatch"}
    assert ("audit.verify", failed) in said

"""Each rule finds what it is for, once, and passes over its harmless twin. Pure: entries in, findings out."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relais.crypto.audit_entry import AuditEntry
from relais.models.ids import uuid7
from relais.models.refusal import Refusal
from relais.models.wire.watch import OpeningHours, Rules
from relais.server.audit.record import rfc3339
from relais.server.audit.watch.judge import Found, judge
from relais.server.audit.watch.person import Person, as_stored, from_stored
from relais.server.audit.watch.rules import DEFAULT, check_rules
from relais.server.audit.watch.rules import as_stored as rules_stored
from relais.server.audit.watch.rules import from_stored as rules_from
from relais.server.audit.watch.seen import NOTHING, Known, Seen, seen

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
ME, OTHER = "a1" * 32, "b1" * 32


def at(day: int = 0, hour: int = 9, minute: int = 0) -> int:
    return int((MONDAY + timedelta(days=day, hours=hour, minutes=minute)).timestamp() * 1000)


def entry(when: int, action: str = "circle.page", **fields: Any) -> Seen:
    given = {"account": ME, "circle": "c1" * 32, "outcome": "ok", "organisation": "MSP", **fields}
    made = AuditEntry(id=uuid7(when), at=rfc3339(when), action=action, **given)
    read = seen(when % 1_000_003, when, made.encode(), ZoneInfo("UTC"))
    assert read is not None
    assert read.entry == made
    return read


def play(
    entries: list[Seen], rules: Rules = DEFAULT, known: Known = NOTHING
) -> tuple[list[list[Found]], Person]:
    person, found = Person(), []
    for one in entries:
        here, person = judge(person, one, known, rules)
        found.append(here)
        assert from_stored(as_stored(person)) == person
    return found, person


def names(found: list[Found]) -> list[str]:
    return [one.rule for one in found]


def workdays(count: int) -> list[Seen]:
    days = [day for day in range(2 * count) if day % 7 < 5][:count]
    return [entry(at(day, hour)) for day in days for hour in (8, 9, 10, 14, 15)]


def test_an_access_at_night_by_somebody_who_works_by_day_is_found_once_an_hour() -> None:
    usual = workdays(12)
    night = [entry(at(16, 2)), entry(at(16, 2, 30)), entry(at(16, 3, 1))]
    found, _ = play([*usual, *night])
    assert [names(one) for one in found[-3:]] == [["outside-hours"], [], ["outside-hours"]]
    assert not any(found[: len(usual)])


def test_an_hour_beside_the_usual_ones_is_usual_and_a_weekend_is_another_day() -> None:
    usual = workdays(12)
    found, _ = play([*usual, entry(at(16, 11)), entry(at(19, 9))])
    assert [names(one) for one in found[-2:]] == [[], ["outside-hours"]]


def test_nothing_is_unusual_of_somebody_who_is_hardly_known() -> None:
    found, person = play([*workdays(9), entry(at(14, 2))])
    assert not any(found)
    assert person.usual(learn_days=11) == ()
    assert 9 in person.usual(learn_days=10)


def test_one_night_with_many_accesses_makes_no_habit_and_many_nights_do() -> None:
    long_night = [entry(at(16, 2, minute)) for minute in range(50)]
    found, _ = play([*workdays(12), *long_night, entry(at(17, 2))])
    assert names(found[-1]) == ["outside-hours"]
    nights = [entry(at(21 + day, 2)) for day in range(4)]
    found, _ = play([*workdays(12), *nights])
    assert [names(one) for one in found[-4:]] == [["outside-hours"]] * 2 + [[], []]


def test_hours_set_for_an_organisation_stand_instead_of_what_was_learnt() -> None:
    rules = replace(DEFAULT, opening=(OpeningHours("MSP", 1, 5, 8, 19),))
    found, _ = play([entry(at(0, 9)), entry(at(0, 20)), entry(at(5, 9))], rules)
    assert [names(one) for one in found] == [[], ["outside-hours"], ["outside-hours"]]
    others, _ = play([entry(at(0, 20), organisation="Autre")], rules)
    assert others == [[]]


def test_only_care_has_hours() -> None:
    found, _ = play([*workdays(12), entry(at(16, 2), "auth.token", circle=None)])
    assert found[-1] == []


def _circles(count: int, *, step: int = 10_000, action: str = "circle.page") -> list[Seen]:
    start = at()
    return [
        entry(start + step * n, action, circle=f"{n:064x}", subject={"seq_from": 1})
        for n in range(count)
    ]


def test_many_circles_in_a_short_time_are_found_once() -> None:
    found, _ = play(_circles(25))
    assert [names(one) for one in found[18:22]] == [[], ["many-circles"], [], []]
    assert (found[19][0].count, found[19][0].minutes) == (20, 10)


def test_many_circles_in_a_day_and_the_same_circle_often_are_not() -> None:
    assert not any(play(_circles(25, step=120_000))[0])
    assert not any(play([entry(at(0, 9) + n * 1_000) for n in range(50)])[0])


def test_catching_up_is_no_opening_but_reading_from_the_start_is() -> None:
    assert any(play(_circles(25, action="circle.sync"))[0])
    later = [
        replace(one, entry=replace(one.entry, subject={"seq_from": 7}))
        for one in _circles(25, action="circle.sync")
    ]
    assert not any(play(later)[0])


@pytest.mark.parametrize(("outcome", "reason"), [("ok", None), ("refused", "forbidden")])
def test_a_circle_reached_for_long_after_leaving_is_found(outcome: str, reason: str | None) -> None:
    one = entry(at(0, 12), "circle.ledger", outcome=outcome, reason=reason)
    found, _ = play([one], known=Known(left_at=at(0, 10)))
    assert [(f.rule, f.minutes) for f in found[0]] == [("after-leaving", 120)]
    grace, _ = play([one], known=Known(left_at=at(0, 11, 30)))
    assert grace == [[]]


def _refused(when: int, action: str = "note.get", reason: str = "forbidden") -> Seen:
    return entry(when, action, outcome="refused", reason=reason)


def test_refusals_in_a_row_are_found_and_then_counted_anew() -> None:
    found, _ = play([_refused(at(0, 9, n)) for n in range(6)])
    assert [names(one) for one in found] == [[], [], [], [], ["refusals"], []]
    assert found[4][0].count == 5


def test_refusals_with_a_success_between_or_long_apart_or_of_daily_life_are_not() -> None:
    mixed = [_refused(at(0, 9, n)) if n != 3 else entry(at(0, 9, n), "note.get") for n in range(7)]
    assert not any(play(mixed)[0])
    assert not any(play([_refused(at(0, 9 + n)) for n in range(6)])[0])
    assert not any(play([_refused(at(0, 9, n), reason="stale_epoch") for n in range(9)])[0])


def test_an_auditor_who_looks_up_a_colleague_is_found() -> None:
    one = entry(at(), "audit.search", circle=None)
    found, _ = play([one], known=Known(colleague=OTHER))
    assert [(f.rule, f.about) for f in found[0]] == [("auditor-colleague", OTHER)]
    assert play([one])[0] == [[]]


def test_an_auditor_is_found_once_an_hour_for_each_colleague() -> None:
    minutes = (0, 1, 59, 60, 61)
    asked = [entry(at(0, 9) + n * 60_000, "audit.search", circle=None) for n in minutes]
    found, person = play(asked, known=Known(colleague=OTHER))
    assert [len(one) for one in found] == [1, 0, 0, 1, 0]
    another, _ = judge(person, asked[-1], Known(colleague=ME), DEFAULT)
    assert [one.about for one in another] == [ME]


def test_a_rule_that_is_off_finds_nothing() -> None:
    rules = replace(DEFAULT, on=("refusals",))
    found, _ = play([entry(at(), "audit.search")], rules, Known(colleague=OTHER, left_at=0))
    assert found == [[]]


def test_what_an_earlier_release_remembered_of_somebody_is_read() -> None:
    stored = as_stored(Person(days=12))
    del stored["told_colleagues"]
    assert from_stored(stored) == Person(days=12)


@pytest.mark.parametrize(
    "change",
    [
        {"action": None},
        {"outcome": None},
        {"account": 7},
        {"circle": ["c1"]},
        {"subject": None},
        {"subject": []},
        {"more": "x"},
    ],
)
def test_what_is_no_entry_tells_the_rules_nothing(change: dict[str, Any]) -> None:
    good = json.loads(entry(at()).entry.encode())
    assert seen(0, at(), json.dumps(good).encode(), ZoneInfo("UTC")) is not None
    assert seen(0, at(), json.dumps(good | change).encode(), ZoneInfo("UTC")) is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7", b"null", b"{}", b"\xff"])
def test_bytes_that_are_no_entry_tell_the_rules_nothing(data: bytes) -> None:
    assert seen(0, at(), data, ZoneInfo("UTC")) is None


def test_a_stranger_is_known_by_the_address() -> None:
    nobody = entry(at(), account=None, source="192.0.2.1")
    assert nobody.actor == "source 192.0.2.1"
    assert entry(at()).actor == ME


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"circles": 1}, "rules.circles"),
        ({"refusals": 201}, "rules.refusals"),
        ({"zone": "Europe/Dijon"}, "rules.zone"),
        ({"zone": "../etc/passwd"}, "rules.zone"),
        ({"on": ("refusals", "refusals")}, "rules.on"),
        ({"opening": (OpeningHours("MSP", 5, 1, 8, 19),)}, "rules.opening.first_day"),
        ({"opening": (OpeningHours("MSP", 1, 5, 19, 19),)}, "rules.opening.from_hour"),
        ({"opening": (OpeningHours(" ", 1, 5, 8, 19),)}, "rules.opening.organisation"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(change: Any, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_rules(replace(DEFAULT, **change))
    assert refused.value.facts == {"field": field}
    check_rules(DEFAULT)


def test_rules_are_read_as_they_were_stored() -> None:
    rules = replace(DEFAULT, version=3, opening=(OpeningHours("MSP", 1, 5, 8, 19),))
    assert rules_from(rules_stored(rules)) == rules
    assert rules_from(None) == DEFAULT


def test_every_alarm_that_a_device_tells_of_is_found_with_its_word_and_whom_it_is_about() -> None:
    told = {"kind": "not-a-device", "account": OTHER}
    unfit = {"grant": "d1" * 32, "granter": OTHER, "device": "e1" * 16}
    found, _ = play(
        [
            entry(at(), "alarm.report", subject=told),
            entry(at(minute=1), "alarm.report", subject={"kind": "fork", "seq": 3}),
            entry(at(minute=2), "circle.unopenable", subject=unfit),
        ]
    )
    assert [[(one.rule, one.kind, one.about) for one in here] for here in found] == [
        [("alarm", "not-a-device", OTHER)],
        [("alarm", "fork", None)],
        [("alarm", "wrong-key", OTHER)],
    ]


def test_a_report_that_was_refused_is_no_alarm_nor_is_one_while_the_rule_is_off() -> None:
    refused = entry(at(), "alarm.report", outcome="refused", reason="forbidden")
    told = entry(at(minute=1), "alarm.report", subject={"kind": "fork"})
    without = replace(DEFAULT, on=tuple(name for name in DEFAULT.on if name != "alarm"))
    assert play([refused])[0] == [[]]
    assert play([told], without)[0] == [[]]
    assert names(play([told])[0][0]) == ["alarm"]

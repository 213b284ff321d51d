"""The rules: from an actor's past and one more entry to what is found and the past of the next one. Pure.

alarm              a member's device found that something it was shown does not hold
outside-hours      an access outside of the hours set for the organisation, else of the person's own usual ones
many-circles       many different circles opened in a short time
after-leaving      a circle reached for, or read, by somebody who left it a while ago
refusals           refusals in a row: none of the same action succeeded between
auditor-colleague  an auditor looked up somebody of the own organisation
break-glass        emergency access let somebody into a circle
escrow-login       an escrow logged in, and nobody had been approved
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from relais.models.ids import AccountId, Millis
from relais.models.wire.watch import OpeningHours, RuleName, Rules
from relais.server.audit.watch.person import REMEMBERED, Person
from relais.server.audit.watch.rules import opening_of
from relais.server.audit.watch.seen import HOUR_MS, MINUTE_MS, Known, Seen

HARMLESS = frozenset({"conflict", "stale_epoch"})
"""Refusals that members' programs meet in the normal course, and act on."""
ALARMS = {"alarm.report": "account", "circle.unopenable": "granter"}
"""The actions that tell of an alarm, and where their subject says whom it is about."""
WRONG_KEY = "wrong-key"
"""The word of an alarm about a grant, whose entry needs none."""


@dataclass(frozen=True)
class Found:
    """What a rule found at an entry; `count`, `minutes`, `about`, `kind`, `due` as in the wire's `Finding`."""

    rule: RuleName
    count: int = 0
    minutes: int = 0
    about: AccountId | None = None
    kind: str | None = None
    due: Millis | None = None


Step = tuple[Found | None, Person]


def judge(person: Person, seen: Seen, known: Known, rules: Rules) -> tuple[list[Found], Person]:
    """What the rules in use find at one entry, and the past as it is then."""
    found: list[Found] = []
    for name, rule in RULES.items():
        one, person = rule(person, seen, known, rules)
        if one is not None and name in rules.on:
            found.append(one)
    return found, person


def alarm(person: Person, seen: Seen, known: Known, rules: Rules) -> Step:
    """Each: a device tells every one once."""
    about = ALARMS.get(seen.entry.action)
    if about is None or not seen.ok:
        return None, person
    return Found("alarm", about=_text(seen, about), kind=_text(seen, "kind") or WRONG_KEY), person


def outside_hours(person: Person, seen: Seen, known: Known, rules: Rules) -> Step:
    """Once an hour. An access counts towards what is usual, found or not."""
    if not seen.is_care:
        return None, person
    after = person.after(seen)
    if not _is_outside(person, seen, rules):
        return None, after
    hour = seen.local.strftime("%Y-%m-%dT%H")
    if person.told_outside == hour:
        return None, after
    return Found("outside-hours"), replace(after, told_outside=hour)


def many_circles(person: Person, seen: Seen, known: Known, rules: Rules) -> Step:
    """Once in as many minutes."""
    circle = seen.entry.circle
    if not seen.opens_circle or circle is None:
        return None, person
    window = rules.circles_minutes * MINUTE_MS
    lately = [one for one in person.circles if one[1] > seen.at - window and one[0] != circle]
    person = replace(person, circles=(*lately, (circle, seen.at))[-REMEMBERED:])
    if len(person.circles) < rules.circles or person.told_many > seen.at - window:
        return None, person
    found = Found("many-circles", count=len(person.circles), minutes=rules.circles_minutes)
    return found, replace(person, told_many=seen.at)


def after_leaving(person: Person, seen: Seen, known: Known, rules: Rules) -> Step:
    """Also what was refused. Programs look once more when they hear of the end: that is what the grace is for."""
    if known.left_at is None:
        return None, person
    minutes = (seen.at - known.left_at) // MINUTE_MS
    found = Found("after-leaving", minutes=minutes) if minutes >= rules.grace_minutes else None
    return found, person


def refusals(person: Person, seen: Seen, known: Known, rules: Rules) -> Step:
    """As many as are asked for, then counted anew."""
    if seen.ok and not person.refusals:
        return None, person
    action = seen.entry.action
    since: Millis = seen.at - rules.refusals_minutes * MINUTE_MS
    lately = tuple(one for one in person.refusals if one[0] > since)
    if seen.ok:
        return None, replace(person, refusals=tuple(one for one in lately if one[1] != action))
    if seen.entry.reason in HARMLESS:
        return None, person
    lately = (*lately, (seen.at, action))[-REMEMBERED:]
    if len(lately) < rules.refusals:
        return None, replace(person, refusals=lately)
    found = Found("refusals", count=len(lately), minutes=rules.refusals_minutes)
    return found, replace(person, refusals=())


def auditor_colleague(person: Person, seen: Seen, known: Known, rules: Rules) -> Step:
    """Who is a colleague, `known` says. Once an hour for each: a page about a person asks several questions."""
    about = known.colleague
    if about is None:
        return None, person
    lately = tuple(one for one in person.told_colleagues if one[1] > seen.at - HOUR_MS)
    if about in dict(lately):
        return None, person
    told = (*lately, (about, seen.at))[-REMEMBERED:]
    return Found("auditor-colleague", about=about), replace(person, told_colleagues=told)


def break_glass(person: Person, seen: Seen, known: Known, rules: Rules) -> Step:
    """Each: the entry of a release names the request it answers."""
    if not seen.ok or seen.entry.action != "circle.append" or "request" not in seen.subject:
        return None, person
    due = seen.at + rules.review_hours * HOUR_MS
    return Found("break-glass", about=_text(seen, "member"), due=due), person


def escrow_login(person: Person, seen: Seen, known: Known, rules: Rules) -> Step:
    """Whether anybody had been approved, `known` says."""
    return (Found("escrow-login") if known.unasked else None), person


RULES: dict[RuleName, Callable[[Person, Seen, Known, Rules], Step]] = {
    "alarm": alarm,
    "outside-hours": outside_hours,
    "many-circles": many_circles,
    "after-leaving": after_leaving,
    "refusals": refusals,
    "auditor-colleague": auditor_colleague,
    "break-glass": break_glass,
    "escrow-login": escrow_login,
}


def _text(seen: Seen, name: str) -> str | None:
    value = seen.subject.get(name)
    return value if isinstance(value, str) else None


def _is_outside(person: Person, seen: Seen, rules: Rules) -> bool:
    opening = opening_of(rules, seen.entry.organisation)
    if opening is not None:
        return not _is_open(opening, seen)
    return person.is_unusual(seen.slot, learn_days=rules.learn_days)


def _is_open(opening: OpeningHours, seen: Seen) -> bool:
    return (
        opening.first_day <= seen.local.isoweekday() <= opening.last_day
        and opening.from_hour <= seen.local.hour < opening.until_hour
    )

"""What the rules are set to, and which settings make sense."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args
from zoneinfo import ZoneInfo

from relais.models.refusal import Code, Refusal
from relais.models.wire import codec
from relais.models.wire.watch import OpeningHours, RuleName, Rules

NAME = "audit.rules"
EVERY: tuple[RuleName, ...] = get_args(RuleName)
DEFAULT = Rules(
    version=0,
    on=EVERY,
    zone="Europe/Paris",
    learn_days=10,
    opening=(),
    circles=20,
    circles_minutes=10,
    grace_minutes=60,
    refusals=5,
    refusals_minutes=10,
    review_hours=72,
)
BOUNDS = {
    "learn_days": (1, 365),
    "circles": (2, 200),
    "circles_minutes": (1, 1_440),
    "grace_minutes": (0, 10_080),
    "refusals": (2, 200),
    "refusals_minutes": (1, 1_440),
    "review_hours": (1, 720),
}


def check_rules(rules: Rules) -> None:
    """Raises ``malformed`` with the name of what makes no sense."""
    for name, (least, most) in BOUNDS.items():
        _check(least <= getattr(rules, name) <= most, name)
    _check(len(set(rules.on)) == len(rules.on), "on")
    _check(_is_zone(rules.zone), "zone")
    for one in rules.opening:
        _check(1 <= one.first_day <= one.last_day <= 7, "opening.first_day")
        _check(0 <= one.from_hour < one.until_hour <= 24, "opening.from_hour")
        _check(bool(one.organisation.strip()), "opening.organisation")


def opening_of(rules: Rules, organisation: str | None) -> OpeningHours | None:
    """The hours that were set for an organisation."""
    known = (one for one in rules.opening if one.organisation == organisation)
    return next(known, None)


def as_stored(rules: Rules) -> dict[str, Any]:
    return asdict(rules)


def from_stored(value: Mapping[str, Any] | None) -> Rules:
    """The rules as they were stored; the default ones where nobody set any."""
    if value is None:
        return DEFAULT
    plain = {**asdict(DEFAULT), **value, "on": list(value["on"]), "opening": list(value["opening"])}
    return codec.decode(Rules, plain)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def _check(good: bool, field: str) -> None:
    if not good:
        raise Refusal(Code.MALFORMED, field=f"rules.{field}")

"""What is remembered of one actor from entry to entry: a few counts, bounded, without content."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from relais.models.ids import AccountId, CircleId, Millis
from relais.server.audit.watch.seen import Seen

SLOTS = 48
REMEMBERED = 200
"""Circles, refusals and colleagues of one actor, at most: as many as a rule can ask for."""
LEAST_SHARE = 0.1
LEAST_DAYS = 2


@dataclass(frozen=True)
class Person:
    """An actor's past, as far as the rules ask for it.

    Attributes:
        days: on how many days there were accesses; `last_day` the newest, as an ISO date.
        slots: on how many days there were some within this hour, of weekdays then of weekends; `today`: a bit for each of the newest day.
        circles: circles opened lately, each with the newest time, oldest first.
        refusals: what was refused lately: time and action, oldest first.
        told_many, told_outside, told_colleagues: when a rule last found something, about whom, so that it says it once.
    """

    days: int = 0
    last_day: str = ""
    slots: tuple[int, ...] = (0,) * SLOTS
    today: int = 0
    circles: tuple[tuple[CircleId, Millis], ...] = ()
    refusals: tuple[tuple[Millis, str], ...] = ()
    told_many: Millis = 0
    told_outside: str = ""
    told_colleagues: tuple[tuple[AccountId, Millis], ...] = ()

    def usual(self, *, learn_days: int) -> tuple[int, ...]:
        """The slots in which, or beside which, the person was there on a tenth of the days; empty while too little is known."""
        if self.days < learn_days:
            return ()
        return tuple(slot for slot in range(SLOTS) if self._is_usual(slot))

    def is_unusual(self, slot: int, *, learn_days: int) -> bool:
        """Whether enough is known of the person, and a slot is none of the usual ones."""
        if self.days < learn_days or self._is_usual(slot):
            return False
        return bool(self.usual(learn_days=learn_days))

    def after(self, seen: Seen) -> "Person":
        """With one more access."""
        day = seen.local.date().isoformat()
        if day > self.last_day:
            return replace(self, days=self.days + 1, last_day=day, today=0).after(seen)
        bit = 1 << seen.slot
        if day < self.last_day or self.today & bit:
            return self
        slots = list(self.slots)
        slots[seen.slot] += 1
        return replace(self, slots=tuple(slots), today=self.today | bit)

    def _is_usual(self, slot: int) -> bool:
        return self._around(slot) >= max(LEAST_DAYS, LEAST_SHARE * self.days)

    def _around(self, slot: int) -> int:
        first = slot - slot % 24
        return sum(self.slots[first + (slot + step) % 24] for step in (-1, 0, 1))


def as_stored(person: Person) -> dict[str, Any]:
    return dict(vars(person))


def from_stored(value: Mapping[str, Any]) -> Person:
    return Person(
        days=value["days"],
        last_day=value["last_day"],
        slots=tuple(value["slots"]),
        today=value["today"],
        circles=tuple((circle, at) for circle, at in value["circles"]),
        refusals=tuple((at, action) for at, action in value["refusals"]),
        told_many=value["told_many"],
        told_outside=value["told_outside"],
        told_colleagues=tuple((who, at) for who, at in value.get("told_colleagues", ())),
    )

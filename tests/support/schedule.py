"""Random days as plain data: made from a seed, readable when printed, and cut down to what still fails.

An event names no person or circle but numbers, taken modulo whoever is there when it happens. So any part of a schedule is a
schedule, and what fails can be made smaller by leaving events out (delta debugging, Zeller and Hildebrandt 2002).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

EVENTS = {
    "post": 30,
    "post-offline": 6,
    "correct": 5,
    "withdraw": 2,
    "bot-post": 4,
    "open-circle": 2,
    "add": 14,
    "add-since": 6,
    "remove": 6,
    "leave": 3,
    "change": 5,
    "new-audience": 3,
    "join": 6,
    "kit": 2,
    "restore": 2,
    "revoke": 5,
    "lose": 3,
    "reset": 2,
    "readmit": 4,
    "go-offline": 5,
    "rotate": 4,
    "month": 1,
}
"""What can happen, and how often."""
TROUBLES = ("killed", "killed", "lost", "unheard", "refused", "rival", "rival")


@dataclass(frozen=True)
class Setback:
    """Trouble at step `step` of the event; `rival`: what another device does in between."""

    kind: str
    step: int
    rival: "Event | None" = None


@dataclass(frozen=True)
class Event:
    """On day `day`, `minutes` after the one before: device `who` does `what` to `circle` and `other`; `choice` says how."""

    day: int
    what: str
    who: int
    circle: int
    other: int
    choice: int
    minutes: int
    setback: Setback | None = None


Schedule = tuple[Event, ...]


def random_schedule(seed: int, *, days: int) -> Schedule:
    """One to five events a day, one in four of them with a setback."""
    chance = Random(seed)
    return tuple(
        random_event(chance, day) for day in range(days) for _ in range(chance.randint(1, 5))
    )


def random_event(chance: Random, day: int, *, is_rival: bool = False) -> Event:
    (what,) = chance.choices(list(EVENTS), list(EVENTS.values()))
    event = Event(
        day=day,
        what="rotate" if is_rival and chance.random() < 0.4 else what,
        who=chance.randrange(1_000),
        circle=chance.randrange(1_000),
        other=chance.randrange(1_000),
        choice=chance.randrange(1_000_000),
        minutes=chance.randint(1, 120),
    )
    if is_rival or chance.random() >= 0.25:
        return event
    kind = chance.choice(TROUBLES)
    rival = random_event(chance, day, is_rival=True) if kind == "rival" else None
    return replace(event, setback=Setback(kind, chance.randint(1, 12), rival))


async def smallest(
    schedule: Schedule, fails: Callable[[Schedule], Awaitable[bool]], *, most: int = 40
) -> Schedule:
    """A part of a failing schedule that still fails and from which no event can go; `most` trials at most."""
    size, trials = max(1, len(schedule) // 2), 0
    while trials < most:
        for start in range(0, len(schedule), size):
            part = schedule[:start] + schedule[start + size :]
            trials += 1
            if await fails(part):
                schedule = part
                break
        else:
            if size == 1:
                return await _without_setbacks(schedule, fails)
            size = max(1, size // 2)
    return schedule


async def _without_setbacks(
    schedule: Schedule, fails: Callable[[Schedule], Awaitable[bool]]
) -> Schedule:
    for place, event in enumerate(schedule):
        if event.setback is not None:
            plain = (*schedule[:place], replace(event, setback=None), *schedule[place + 1 :])
            schedule = plain if await fails(plain) else schedule
    return schedule


def written(schedule: Sequence[Event]) -> str:
    """As Python, to be pasted into a test."""
    return "\n".join(f"    {event!r}," for event in schedule)

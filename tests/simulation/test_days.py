"""A thousand random days over fifty circles and more: whoever is entitled reads every note each evening, and nobody else any.

People join, leave, come as substitutes, take and lose phones, are offline; requests get lost, answers too; programs are killed between any two
steps; rivals change the same circle at the same moment. All of it is the client's own code against the server's own rooms.

    RELAIS_DAYS_FIRST_SEED=1000 RELAIS_DAYS_WORLDS=500 pytest tests/simulation      other days, more of them
"""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from days import Lived, life, live_all
from schedule import EVENTS, TROUBLES, Event, Setback, random_schedule, smallest, written

from relais.client import healing, membership, note_keys
from relais.server import authorize, owed, standing

FIRST_SEED = int(os.environ.get("RELAIS_DAYS_FIRST_SEED", "1"))
WORLDS = int(os.environ.get("RELAIS_DAYS_WORLDS", "50"))
DAYS = 20
PROCESSES = 2


def test_after_each_of_a_thousand_random_days_everybody_reads_what_is_theirs_and_nobody_else_any() -> (
    None
):
    seeds = range(FIRST_SEED, FIRST_SEED + WORLDS)
    total = Lived()
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        shares = [pool.submit(live_all, seeds[n::PROCESSES], DAYS) for n in range(PROCESSES)]
        for share in shares:
            total.add(share.result())

    print(f"seeds {seeds.start} to {seeds.stop - 1}: {total}")
    assert total.failure is None, total.failure
    assert total.days >= WORLDS * DAYS
    assert total.circles >= WORLDS
    assert total.read > total.days
    assert total.by_own_key > 0, "histories began on a date in the midst of an epoch"
    assert set(total.events) == set(EVENTS), "everything happened that can"
    assert set(total.troubles) == set(TROUBLES), "and everything went wrong that can"


async def test_the_same_holds_over_real_sockets() -> None:
    async with life(over_sockets=True) as alive:
        lived = await alive.live_seed(FIRST_SEED, days=8)

    assert lived.failure is None, lived.failure
    assert lived.read > 0


async def test_a_server_that_takes_notes_under_a_key_somebody_left_with_is_found_out_by_two_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for room in (authorize, standing):
        monkeypatch.setattr(room, "is_rotation_due", lambda *_: False)
    monkeypatch.setattr(membership, "due", lambda *_: [])
    kit, early, offline, leave, late, more = (
        Event(day, what, who=who, circle=0, other=0, choice=1, minutes=5)
        for day, what, who in (
            (0, "kit", 3),
            (0, "post", 2),
            (1, "go-offline", 5),
            (1, "leave", 1),
            (2, "post", 0),
            (2, "post", 1),
        )
    )
    async with life() as alive:

        async def fails(part: tuple[Event, ...]) -> bool:
            return "which was never theirs" in str((await alive.live(part)).failure)

        least = await smallest((kit, early, offline, leave, late, more), fails)

    assert [event.what for event in least] == ["leave", "post"]


async def test_a_version_from_before_the_date_that_is_handed_over_all_the_same_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for room in (owed, note_keys.ledger):
        monkeypatch.setattr(room, "is_owed_key", lambda *_: True)
    early, since = (
        Event(0, what, who=0, circle=0, other=2, choice=96, minutes=5)
        for what in ("post", "add-since")
    )
    async with life() as alive:
        lived = await alive.live((early, since))

    assert "which was never theirs" in str(lived.failure)


async def test_devices_that_never_make_what_others_miss_are_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(healing, "heal_all", _nothing)
    join = Event(0, "join", who=0, circle=0, other=0, choice=1, minutes=5)
    async with life() as alive:
        lived = await alive.live((join,))

    told = str(lived.failure)
    assert "could make grants and did not" in told


def test_a_seed_stands_for_one_schedule_and_says_it_as_python() -> None:
    schedule = random_schedule(7, days=5)

    assert schedule == random_schedule(7, days=5) != random_schedule(8, days=5)
    assert schedule == tuple(eval(f"[{written(schedule)}]", {"Event": Event, "Setback": Setback}))


async def _nothing(*_: object) -> int:
    return 0

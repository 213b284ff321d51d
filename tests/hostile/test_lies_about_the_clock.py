"""A relay whose clock is set wrong: guests would stay in, or be out early, and what people sign would bear wrong times."""

import time
from typing import Any

import pytest
from lied_to import Stage, noted, read

from relais.client.clock import SKEW, ServerClock
from relais.client.sdk import Client

HOUR = 3_600_000


def now() -> int:
    return time.time_ns() // 1_000_000


def alarms(client: Client) -> list[str]:
    return [one.kind for one in client.session.alarms.raised()]


def off(stage: Stage, hours: int) -> None:
    """From now on its clock is so far ahead, for whoever logs in."""

    def told(_: Any, token: Any) -> Any:
        return {**token, "now": token["now"] + hours * HOUR}

    stage.liar.posts["/auth/token"] = told


async def log_in_again(client: Client) -> None:
    await client.session.transport.disconnect()
    await client.session.reconnect()


async def test_a_relay_whose_clock_goes_back_is_not_followed_in_this_run_or_the_next(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    nadia = await stage.victim()
    assert alarms(nadia) == []
    off(stage, -3)
    await log_in_again(nadia)
    later = await stage.victim()
    for client in (nadia, later):
        assert client.session.clock.now() >= now() - SKEW
        assert alarms(client) == ["server-clock"]
        assert await read(client, stage.id) == ["un", "deux", "trois"]
    assert "The server's clock is wrong" in caplog.text
    assert (await noted(stage, "server-clock")).circle is None


async def test_a_guest_whose_time_is_up_gets_no_key_although_the_relay_sets_its_clock_back(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    ends = now() + HOUR
    await circle.add(stage.olga.account, until=ends)
    nadia.session.clock.set(ends + HOUR)  # two hours have passed
    off(stage, 0)
    await log_in_again(nadia)
    view = (await nadia.circle(stage.id)).view
    assert not view.state.members[stage.olga.account].active(nadia.session.clock.now())
    assert alarms(nadia) == ["server-clock"]


async def test_a_relay_whose_clock_leaps_ahead_while_one_looks_is_not_followed(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    off(stage, 3)
    await log_in_again(nadia)
    assert nadia.session.clock.now() <= now() + SKEW
    assert alarms(nadia) == ["server-clock"]
    stage.liar.posts.clear()
    await log_in_again(nadia)
    posted = await (await nadia.circle(stage.id)).post("quatre")
    assert abs(posted.at - now()) < SKEW


async def test_a_device_whose_own_clock_is_wrong_works_and_is_told_what_to_do(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    nadia = await stage.victim()
    nadia.session.clock = ServerClock(wall=lambda: now() - 1_000 * HOUR)
    await log_in_again(nadia)
    posted = await (await nadia.circle(stage.id)).post("quatre")
    assert abs(posted.at - now()) < SKEW
    assert alarms(nadia) == ["clock"]
    assert "Look at a watch" in caplog.text
    assert await read(nadia, stage.id) == ["un", "deux", "trois", "quatre"]


async def test_clocks_that_are_about_the_same_are_no_alarm(stage: Stage) -> None:
    nadia = await stage.victim()
    await log_in_again(nadia)
    await log_in_again(await stage.victim())
    assert alarms(nadia) == []

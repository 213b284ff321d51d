"""What a device found is reported once it can be, over restarts, and not again; what passes is tried again."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from relais.client.alarms import Alarm, Alarms
from relais.client.errors import LedgerAlarm, ServerUnreachable
from relais.client.home import Home
from relais.crypto.errors import ProtocolError
from relais.models.refusal import Code, Refusal
from relais.models.wire.alarm import AlarmNoted, ReportAlarm

FORK = Alarm("fork", circle="c1" * 32, of="ab" * 32, seq=3)
TOLD = ReportAlarm("fork", "c1" * 32, None, "ab" * 32, 3)


class Server:
    """Answers reports as a test says, and remembers those it noted."""

    def __init__(self, *troubles: Exception) -> None:
        self.noted: list[ReportAlarm] = []
        self.came = asyncio.Event()
        self._troubles = list(troubles)

    async def call(self, ask: ReportAlarm) -> Any:
        if self._troubles:
            raise self._troubles.pop(0)
        self.noted.append(ask)
        self.came.set()
        return AlarmNoted()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, bytes(32))


def alarms(home: Home) -> Alarms:
    return Alarms(home, lambda: 1_790_000_000_000)


async def test_an_alarm_is_said_kept_and_reported_once_over_restarts(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    first, server = alarms(home), Server()
    for _ in range(2):
        first.sound(FORK)
    assert [row.levelno for row in caplog.records] == [logging.ERROR]
    assert alarms(home).untold() == (FORK,), "another run finds it"
    await alarms(home).report(server.call)
    await first.report(server.call)
    alarms(home).sound(FORK)
    await alarms(home).report(server.call)
    assert server.noted == [TOLD]
    assert alarms(home).raised() == (FORK,), "it stays on the device"


async def test_what_the_server_hears_of_otherwise_is_kept_and_not_reported(home: Home) -> None:
    server = Server()
    alarms(home).sound(FORK, told=True)
    await alarms(home).report(server.call)
    assert (server.noted, alarms(home).raised()) == ([], (FORK,))


@pytest.mark.parametrize(
    "trouble", [ServerUnreachable(), Refusal(Code.RATE_LIMITED), Refusal(Code.UNAVAILABLE)]
)
async def test_a_report_that_does_not_arrive_is_made_again(home: Home, trouble: Exception) -> None:
    server = Server(trouble)
    alarms(home).sound(FORK)
    with pytest.raises(type(trouble)):
        await alarms(home).report(server.call)
    assert alarms(home).untold() == (FORK,)
    await alarms(home).report(server.call)
    assert (server.noted, alarms(home).untold()) == ([TOLD], ())


async def test_a_report_that_is_refused_for_good_holds_up_no_other(home: Home) -> None:
    server = Server(Refusal(Code.FORBIDDEN, reason="not-a-member"))
    kept = alarms(home)
    kept.sound(FORK)
    kept.sound(Alarm("rollback"))
    await kept.report(server.call)
    assert [one.kind for one in server.noted] == ["rollback"]
    assert kept.untold() == ()


async def test_beside_a_session_each_is_reported_when_it_comes_and_after_a_time_without_a_network(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relais.client.alarms._PAUSES", (0,))
    kept, server = alarms(home), Server(ServerUnreachable())
    kept.sound(FORK)
    running = asyncio.create_task(kept.run(server.call))
    async with asyncio.timeout(30):
        await server.came.wait()
        server.came.clear()
        kept.sound(Alarm("rollback"))
        await server.came.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [one.kind for one in server.noted] == ["fork", "rollback"]


def test_what_does_not_hold_is_an_alarm_about_where_it_was_met_and_stays_an_error(
    home: Home,
) -> None:
    kept = alarms(home)
    with (
        pytest.raises(ProtocolError, match="not-a-device"),
        kept.watching(circle="c1" * 32),
        kept.watching(account="a1" * 32),
    ):
        raise ProtocolError("not-a-device")
    with pytest.raises(LedgerAlarm), kept.watching(circle="c1" * 32):
        raise LedgerAlarm("fork", of="ab" * 32, seq=3)
    assert kept.raised() == (Alarm("not-a-device", account="a1" * 32), FORK)


def test_an_alarm_the_device_knew_of_and_an_ordinary_error_are_none(home: Home) -> None:
    kept = alarms(home)
    for error in (
        LedgerAlarm("fork", is_new=False),
        ServerUnreachable(),
        Refusal(Code.FORBIDDEN),
    ):
        with pytest.raises(type(error)), kept.watching(circle="c1" * 32):
            raise error
    assert kept.raised() == ()

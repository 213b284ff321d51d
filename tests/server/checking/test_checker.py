"""Where envelopes are checked, and that each gets its answer whatever becomes of the process beside."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from care import Circle, Person, posted
from patience import PATIENCE

from relais.crypto import envelope
from relais.crypto.errors import ProtocolError
from relais.server.checking import beside, checker
from relais.server.checking.check import Checked, check
from relais.server.checking.checker import Checker
from relais.server.metrics import Metrics

ANNE = Person("anne")
DATA = posted(Circle(ANNE, ("team",)), ANNE)
KEY = ANNE.state.device(ANNE.keys.id).sign


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "_cores", lambda: 2)
    monkeypatch.setattr(beside, "PAUSE_SECONDS", 0)


class Desk:
    """A checker at work, and where it checked how many."""

    def __init__(self, where: str) -> None:
        self.metrics = Metrics()
        self.checker = Checker(where, self.metrics)

    async def ask(self, count: int) -> None:
        """Several at once, good ones and bad ones; each must get the answer that is its own."""
        good = [self.checker.check(DATA, KEY) for _ in range(count)]
        bad = [self.checker.check(bytes([number]), KEY) for number in range(count)]
        found = await asyncio.gather(*good, *bad, return_exceptions=True)
        assert found[:count] == [check(DATA, KEY)] * count
        assert [str(one) for one in found[count:]] == [_wrong(number) for number in range(count)]

    def checked(self, where: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "relais_envelopes_checked_total", {"where": where}
        )
        assert value is not None
        return value

    async def until_ready(self) -> int:
        """The process's id, once it answers."""
        async with asyncio.timeout(PATIENCE):
            await self.checker.beside.ready.wait()
        return self.checker.beside.pid

    async def until_busy(self) -> None:
        """What was asked is handed over in one of the next turns of the loop."""
        for _ in range(5):
            await asyncio.sleep(0)
            if self.checker.beside.is_busy:
                return
        raise AssertionError("nothing was handed over")

    async def until_let_go(self) -> None:
        """Its process is being ended."""
        for _ in range(20):
            await asyncio.sleep(0)
            if not self.checker.beside.pid:
                return
        raise AssertionError("nobody ends it")

    async def until_gone(self, pid: int) -> None:
        """Ask on, as members do, until another process answers."""
        async with asyncio.timeout(PATIENCE):
            while not self.checker.beside.ready.is_set() or self.checker.beside.pid == pid:
                await self.ask(1)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wrong(number: int) -> str:
    try:
        envelope.peek(bytes([number]))
    except ProtocolError as error:
        return str(error)
    raise AssertionError("a byte is no envelope")


@asynccontextmanager
async def desk(where: str) -> AsyncIterator[Desk]:
    """Its end must end the process beside."""
    one = Desk(where)
    running = asyncio.create_task(one.checker.run())
    try:
        yield one
    finally:
        pid = one.checker.beside.pid
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not pid or not _is_there(pid)


async def test_a_few_are_checked_where_they_are_and_no_process_is_started() -> None:
    async with desk("auto") as one:
        for _ in range(3 * checker.CROWDS):
            await one.ask(1)
        assert (one.checked("here"), one.checked("beside")) == (6 * checker.CROWDS, 0)
        assert one.checker.beside.pid == 0


async def test_many_together_again_and_again_are_checked_beside() -> None:
    async with desk("auto") as one:
        async with asyncio.timeout(PATIENCE):
            while not one.checker.beside.ready.is_set():
                await one.ask(checker.MANY)
        before = one.checked("beside")
        await one.ask(40)
        assert one.checked("beside") == before + 80


async def test_one_crowd_is_no_load() -> None:
    async with desk("auto") as one:
        await one.ask(40)
        await asyncio.sleep(0)
        assert one.checker.beside.pid == 0
        assert one.checked("here") == 80


@pytest.mark.parametrize("where", ["here", "auto"])
async def test_where_there_is_no_second_core_all_are_checked_here(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker, "_cores", lambda: 1)
    async with desk(where) as one:
        for _ in range(2 * checker.CROWDS):
            await one.ask(checker.MANY)
        assert one.checker.beside.pid == 0
        assert one.checked("beside") == 0


async def test_a_burst_is_worked_off_in_turns_so_that_others_have_theirs() -> None:
    one = Desk("here")
    asking = asyncio.gather(*(one.checker.check(DATA, KEY) for _ in range(4 * checker.IN_A_TURN)))
    turns = 0
    while not asking.done():
        turns += 1
        before = one.checked("here")
        await asyncio.sleep(0)
        assert one.checked("here") - before <= checker.IN_A_TURN
    assert turns > 4


async def test_what_a_killed_process_leaves_is_answered_and_another_takes_its_place() -> None:
    async with desk("beside") as one:
        await one.ask(1)
        for _ in range(3):
            pid = await one.until_ready()
            os.kill(pid, signal.SIGSTOP)  # so that it certainly owes all of them
            asking = asyncio.create_task(one.ask(100))
            await one.until_busy()
            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(PATIENCE):
                await asking
            await one.until_gone(pid)


async def test_a_process_that_is_silent_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk("beside") as one:
        await one.ask(1)
        pid = await one.until_ready()
        monkeypatch.setattr(beside, "PATIENCE_SECONDS", 0.1)
        os.kill(pid, signal.SIGSTOP)
        async with asyncio.timeout(PATIENCE):
            await one.ask(10)
        monkeypatch.undo()
        assert one.checker.beside.pid != pid


async def test_a_process_that_cannot_be_started_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(beside.sys, "executable", "/nowhere/python")
    async with desk("beside") as one:
        async with asyncio.timeout(PATIENCE):
            while "cannot be started" not in caplog.text:
                await one.ask(1)
        assert one.checked("beside") == 0


async def test_who_gives_up_waiting_breaks_nothing() -> None:
    async with desk("beside") as one:
        await one.ask(1)
        await one.until_ready()
        leaving = asyncio.create_task(one.checker.check(DATA, KEY))
        await one.until_busy()
        leaving.cancel()
        await one.ask(20)
        assert leaving.cancelled()


async def test_an_end_with_questions_open_answers_them() -> None:
    async with desk("beside") as one:
        await one.ask(1)
        pid = await one.until_ready()
        os.kill(pid, signal.SIGSTOP)
        asking = [asyncio.create_task(one.checker.check(DATA, KEY)) for _ in range(30)]
        await one.until_busy()
        os.kill(pid, signal.SIGKILL)
    found: list[Checked] = await asyncio.gather(*asking)
    assert found == [check(DATA, KEY)] * 30


async def test_an_end_that_is_cut_short_leaves_no_process() -> None:
    one = Desk("beside")
    running = asyncio.create_task(one.checker.run())
    await one.ask(1)
    pid = await one.until_ready()
    os.kill(pid, signal.SIGSTOP)  # so that it does not end by itself
    running.cancel()
    await one.until_let_go()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not _is_there(pid)


async def test_neither_ctrl_c_nor_a_stop_of_the_service_ends_it_before_the_server() -> None:
    async with desk("beside") as one:
        await one.ask(1)
        pid = await one.until_ready()
        assert os.getsid(pid) != os.getsid(0)
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGINT)
        await one.ask(20)
        assert one.checker.beside.pid == pid


async def test_it_knows_none_of_the_servers_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAIS_MONGODB_URI", "mongodb://somebody:secret@nowhere")
    async with desk("beside") as one:
        await one.ask(1)
        environment = _environment_of(await one.until_ready())
        assert b"PATH=" in environment
        assert b"RELAIS_" not in environment


def _environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


SERVER = """
import asyncio
from relais.server.checking.checker import Checker
from relais.server.metrics import Metrics

async def serve():
    checker = Checker("beside", Metrics())
    running = asyncio.create_task(checker.run())
    await asyncio.gather(checker.check(b"", None), return_exceptions=True)
    await checker.beside.ready.wait()
    print(checker.beside.pid, flush=True)
    await running

asyncio.run(serve())
"""


async def test_it_ends_with_a_server_that_is_killed() -> None:
    """It writes its errors where the server does: that is open as long as one of them runs."""
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVER), stdout=pipe, stderr=pipe
    )
    assert server.stdout is not None
    assert server.stderr is not None
    async with asyncio.timeout(PATIENCE):
        assert _is_there(int(await server.stdout.readline()))
        server.kill()
        await server.wait()
        assert await server.stderr.read() == b""

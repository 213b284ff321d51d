"""The process that checks envelopes, as the server sees it: started when it is wanted, handed work, replaced when it dies."""

import asyncio
import contextlib
import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from relais.server.checking import child
from relais.server.checking.check import Checked, check

log = logging.getLogger(__name__)

AT_A_TIME = 8
"""What is handed over together is answered together: the first need not wait for all the others."""
PATIENCE_SECONDS = 10.0
"""A process that owes an answer and is silent for so long counts as dead."""
START_SECONDS = 60.0
PAUSE_SECONDS = 5.0
END_SECONDS = 5.0
BUFFER_BYTES = 1024 * 1024


def _future() -> asyncio.Future[Checked]:
    return asyncio.get_running_loop().create_future()


@dataclass(frozen=True, eq=False)
class Question:
    """An envelope, the key its device seems to have, and what its asker waits for."""

    data: bytes
    key: bytes | None
    checked: asyncio.Future[Checked] = field(default_factory=_future)

    def settle_here(self) -> None:
        self._settle(lambda: check(self.data, self.key))

    def settle_by(self, answer: Any) -> None:
        """By what the process found."""
        self._settle(lambda: child.read_answer(answer, self.data, self.key))

    def _settle(self, found: Callable[[], Checked]) -> None:
        if self.checked.done():  # its asker has gone
            return
        try:
            self.checked.set_result(found())
        except Exception as error:  # noqa: BLE001 (its asker gets it)
            self.checked.set_exception(error)


class Beside:
    """One process at a time. `ready` is set while it answers; what it leaves unanswered goes to `give_back`."""

    def __init__(self, give_back: Callable[[Sequence[Question]], None]) -> None:
        self._give_back = give_back
        self._wanted = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._asked: deque[list[Question]] = deque()
        self._patience: asyncio.TimerHandle | None = None
        self.ready = asyncio.Event()

    @property
    def pid(self) -> int:
        """0 while there is no process."""
        return self._process.pid if self._process else 0

    @property
    def is_busy(self) -> bool:
        """Whether it owes answers."""
        return bool(self._asked)

    def want(self) -> None:
        """Have it started, unless it runs."""
        self._wanted.set()

    def ask(self, questions: Sequence[Question]) -> None:
        """Hand questions over; they are answered in time. Only while it is `ready`."""
        for start in range(0, len(questions), AT_A_TIME):
            self._hand_over([*questions[start : start + AT_A_TIME]])

    async def run(self) -> None:
        """Start it whenever it is wanted; runs until cancelled, and ends it then."""
        while True:
            await self._wanted.wait()
            try:
                await self._serve()
            except OSError:
                log.exception("the process that checks envelopes cannot be started")
            await asyncio.sleep(PAUSE_SECONDS)
            self._wanted.clear()

    async def _serve(self) -> None:
        """From its start to its end."""
        process = self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", child.__name__),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=BUFFER_BYTES,
            env=_environment(),
            start_new_session=True,  # Ctrl-C reaches the server alone, which ends it last
        )
        try:
            self._hand_over([])  # its answer tells that it is there
            await self._take_answers(process)
            log.warning("the process that checks envelopes ended unexpectedly")
        finally:
            self._lose()
            await _end(process)

    def _hand_over(self, some: list[Question]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._asked.append(some)
        words = [word for question in some for word in (question.data, question.key)]
        with contextlib.suppress(OSError, RuntimeError):  # it has died: that shows at its output
            self._process.stdin.write(child.pack(words))
        if self._patience is None:
            self._be_patient()

    async def _take_answers(self, process: asyncio.subprocess.Process) -> None:
        """Until there are no more."""
        assert process.stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = await process.stdout.readexactly(child.LENGTH_BYTES)
                answers = child.unpack(await process.stdout.readexactly(int.from_bytes(length)))
                self.ready.set()
                for question, answer in zip(self._asked.popleft(), answers, strict=True):
                    question.settle_by(answer)
                self._be_patient()

    def _be_patient(self) -> None:
        """Wait for the next answer, if one is owed, but not for ever."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._asked:
            seconds = PATIENCE_SECONDS if self.ready.is_set() else START_SECONDS
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(seconds, _kill, self._process)

    def _lose(self) -> None:
        self.ready.clear()
        self._process = None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        left = [question for some in self._asked for question in some]
        self._asked.clear()
        self._give_back(left)


def _environment() -> dict[str, str]:
    """Without the server's settings, some of which are secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RELAIS_")}


def _kill(process: asyncio.subprocess.Process | None) -> None:
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def _end(process: asyncio.subprocess.Process) -> None:
    """By the end of its input; by force where it does not see that in time, or where nobody waits so long."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
    finally:
        _kill(process)
        await process.wait()

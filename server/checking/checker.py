"""Where envelopes are checked: here, a few in each turn of the loop; or, when many come at once, beside.

Checking takes Python's one thread and leaves nothing for the rest. So under load a second process does it, and notes are
stored and told meanwhile. A single envelope is checked at once where it is: it would wait for another process longer.
"""

import asyncio
import os
from collections import deque
from collections.abc import Iterable

from relais.server.checking.beside import Beside, Question
from relais.server.checking.check import Checked
from relais.server.config import CHECKING
from relais.server.metrics import Metrics

IN_A_TURN = 8
"""So many are checked here before the loop looks at what else has come, such as the database's answers."""
MANY = 4
"""So many that wait together are worth another process's while."""
CROWDS, CROWD_SECONDS = 20, 1.0
"""So often must many have come within this time before that process is started."""
AUTO, HERE, BESIDE = CHECKING


class Checker:
    """Checks envelopes, one answer for each. `where`: a word of `config.CHECKING`; "auto" is beside under load, where there are two cores.

    `run` keeps the process beside; without it, and whenever there is none, everything is checked here.
    """

    def __init__(self, where: str, metrics: Metrics) -> None:
        self.beside = Beside(self._take_back)
        self._waiting: deque[Question] = deque()
        self._is_allowed = where == BESIDE or (where == AUTO and _cores() > 1)
        self._many, self._crowds = (1, 1) if where == BESIDE else (MANY, CROWDS)
        self._crowded: deque[float] = deque(maxlen=self._crowds)
        self._checked_here = metrics.checked.labels(HERE)
        self._checked_beside = metrics.checked.labels(BESIDE)

    async def check(self, data: bytes, key: bytes | None) -> Checked:
        """As `check.check`, and raises what it raises."""
        question = Question(data, key)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)
        self._waiting.append(question)
        return await question.checked

    async def run(self) -> None:
        """Runs until cancelled."""
        await self.beside.run()

    def _turn(self) -> None:
        """Whatever came in one turn of the loop, in the next."""
        if not self._hand_over():
            some = [self._waiting.popleft() for _ in range(min(IN_A_TURN, len(self._waiting)))]
            self._checked_here.inc(len(some))
            for question in some:
                question.settle_here()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)

    def _hand_over(self) -> bool:
        """Give all that waits to the process beside, if it is there and that is worth it."""
        is_crowd = self._is_allowed and len(self._waiting) >= self._many
        is_ready = self.beside.ready.is_set()
        if is_crowd and not is_ready:
            self._want()
        if not is_ready or not (is_crowd or self.beside.is_busy):
            return False
        questions = [*self._waiting]
        self._waiting.clear()
        self._checked_beside.inc(len(questions))
        self.beside.ask(questions)
        return True

    def _want(self) -> None:
        now = asyncio.get_running_loop().time()
        self._crowded.append(now)
        if len(self._crowded) == self._crowds and now - self._crowded[0] <= CROWD_SECONDS:
            self.beside.want()

    def _take_back(self, questions: Iterable[Question]) -> None:
        """What the process beside died over is not given to the next one."""
        for question in questions:
            question.settle_here()


def _cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

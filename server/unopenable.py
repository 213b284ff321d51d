"""What entitled devices cannot open for want of a grant: counted by grants alone, for it needs no content.

Whatever changes a circle counts it anew. Beside that every circle is looked at once in 256 turns, one a second: what a turn
costs is one read of ids and, for each circle in it, a comparison of sets in memory (a circle not remembered is read first).
"""

import asyncio
import logging
from itertools import count

from prometheus_client import Gauge

from relais.models.ids import CircleId
from relais.models.store.circles import SLICES, CircleStore
from relais.models.store.errors import Unavailable
from relais.server.circle_book import CircleBook, CircleView
from relais.server.circles import missing_keys
from relais.server.clock import now_ms
from relais.server.owed import OwedNotes

log = logging.getLogger(__name__)
TURN_SECONDS = 1.0


class Unopenable:
    """How many keys are missing, by circle; `gauge` shows the sum."""

    def __init__(self, book: CircleBook, owed: OwedNotes, gauge: Gauge) -> None:
        self._book = book
        self._owed = owed
        self._gauge = gauge
        self._missing: dict[CircleId, int] = {}

    async def count(self, view: CircleView) -> int:
        """The keys of epochs and of single versions that a circle's devices are entitled to and were not granted."""
        now, circle = now_ms(), view.state.circle
        missing = 0
        if not view.state.closed:
            missing = len(missing_keys(view, now)) + len(await self._owed.missing(view, now))
        self._missing.pop(circle, None)
        if missing:
            self._missing[circle] = missing
        self._gauge.set(sum(self._missing.values()))
        return missing

    async def run(self, store: CircleStore) -> None:
        """Look at every circle, some in each turn; runs until cancelled."""
        for turn in count():
            await asyncio.sleep(TURN_SECONDS)
            try:
                await self.look(store, turn % SLICES)
            except Unavailable:
                log.warning("missing grants were not counted", exc_info=True)

    async def look(self, store: CircleStore, part: int) -> None:
        """Count the circles of one of the 256 parts."""
        for circle in await store.part(part):
            await self.count(await self._book.view(circle))

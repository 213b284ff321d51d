"""Numbers without gaps: 1, 2, 3 … for each value of a field, under a unique index on (field, "seq").

No counter is kept. The last number is found by looking whether documents exist, which costs a point read per doubling,
and remembered; whoever inserts finds out by the unique index when another node was faster.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from relais.models.store.database import Database

REMEMBERED = 50_000


@dataclass(frozen=True)
class Numbering:
    """The documents of `collection` whose `field` is `value`, numbered in `seq`. `value` is hashable."""

    collection: str
    field: str
    value: Any

    @property
    def pattern(self) -> tuple[str, str]:
        """The key of the unique index that keeps these numbers unique."""
        return self.field, "seq"


class LastNumbers:
    """The last number given in each of many numberings, as far as this process knows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[Numbering, int] = OrderedDict()

    def known(self, numbering: Numbering) -> int | None:
        return self._known.get(numbering)

    def learn(self, numbering: Numbering, last: int) -> None:
        self._known[numbering] = last
        self._known.move_to_end(numbering)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def forget(self, numbering: Numbering) -> None:
        self._known.pop(numbering, None)

    async def find(self, numbering: Numbering) -> int:
        """Look the last number up, starting from what is known; 0 when there is none. Learns it."""
        last, step = self._known.get(numbering, 0), 1
        while await self._exists(numbering, last + step):
            last, step = last + step, step * 2
        missing = last + step
        while missing - last > 1:
            middle = (last + missing) // 2
            if await self._exists(numbering, middle):
                last = middle
            else:
                missing = middle
        self.learn(numbering, last)
        return last

    async def _exists(self, numbering: Numbering, number: int) -> bool:
        collection = self._database.collection(numbering.collection)
        wanted = {numbering.field: numbering.value, "seq": number}
        return await collection.find_one(wanted, fields=["seq"]) is not None

"""Circles as their ledgers leave them, replayed once and remembered as long as they are still true.

With one node, whoever writes tells the book. With several, the circle's stored revision says whether
what is remembered is still true; all who ask in one turn of the loop share one read.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count

from relais.crypto import ledger
from relais.crypto.account import AccountState
from relais.crypto.ledger import CircleState
from relais.models.ids import AccountId, CircleId, Millis
from relais.models.refusal import Code, Refusal
from relais.models.store.circles import MOST_ENTRIES, CircleRow, CircleStore
from relais.models.store.errors import Unavailable
from relais.server.account_book import AccountBook
from relais.server.gathering import gathered
from relais.server.granted import Granted, InVain, granted_with, made_in_vain
from relais.server.standing import Standing

REMEMBERED = 20_000


@dataclass(frozen=True)
class CircleView:
    """A circle, the accounts that are or were in it, who was granted what, the time of each entry, and what was granted in vain."""

    row: CircleRow
    state: CircleState
    accounts: dict[AccountId, AccountState]
    granted: Granted
    times: tuple[Millis, ...]
    in_vain: InVain = field(default_factory=dict)
    _standing: list[Standing] = field(default_factory=list, init=False, repr=False, compare=False)

    def standing(self, now: Millis) -> Standing:
        """What every note asks, remembered."""
        if not self._standing or not self._standing[0].holds(now):
            self._standing[:] = [Standing(self.state, self.accounts, now)]
        return self._standing[0]


@dataclass
class _Asked:
    circles: set[CircleId]
    answer: asyncio.Future[dict[CircleId, int]]


@dataclass
class _Gate:
    """Lets one ledger change of a circle at a time through; notes wait until it is stored."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class CircleBook:
    """Views of circles. `alone`: no other node writes."""

    def __init__(self, store: CircleStore, accounts: AccountBook, *, alone: bool) -> None:
        self._store = store
        self._accounts = accounts
        self._alone = alone
        self._views: OrderedDict[CircleId, CircleView] = OrderedDict()
        self._gates: dict[CircleId, _Gate] = {}
        self._loading: dict[CircleId, set[object]] = {}
        self._asked: _Asked | None = None

    async def view(self, circle: CircleId) -> CircleView:
        """Raises ``not_found`` for a circle that does not exist."""
        known = self._views.get(circle)
        if known is not None and (self._alone or await self._is_current(known)):
            self._views.move_to_end(circle)
            return known
        return await self._load(circle)

    async def views(self, circles: Iterable[CircleId]) -> list[CircleView]:
        """Several views, read side by side."""
        return await gathered(self.view, circles)

    async def settled(self, circle: CircleId) -> CircleView:
        """The view once no ledger change is under way: what is written next comes after it."""
        gate = self._gates.get(circle)
        if gate is not None:
            async with gate.lock:
                pass
        return await self.view(circle)

    @asynccontextmanager
    async def changing(self, circle: CircleId) -> AsyncIterator[None]:
        """Change a circle's ledger, one at a time."""
        gate = self._gates.setdefault(circle, _Gate())
        gate.users += 1
        try:
            async with gate.lock:
                yield
        finally:
            gate.users -= 1
            if not gate.users:
                self._gates.pop(circle, None)

    def learn(self, view: CircleView, *, after: CircleView) -> None:
        """Remember what was just stored, which was made from `after`; unless something else came in between."""
        circle = view.state.circle
        self._loading.pop(circle, None)
        if view.row.revision != after.row.revision + 1:
            return self.forget(circle)
        self._remember(view)

    def account_changed(self, circle: CircleId, state: AccountState) -> None:
        """An account of a circle has moved on, and with it the circle's revision."""
        self._loading.pop(circle, None)
        known = self._views.get(circle)
        if known is None:
            return
        if not self._alone:
            return self.forget(circle)
        row = replace(known.row, revision=known.row.revision + 1)
        accounts = {**known.accounts, state.account: state}
        self._remember(replace(known, row=row, accounts=accounts))

    def forget(self, circle: CircleId) -> None:
        self._loading.pop(circle, None)
        self._views.pop(circle, None)

    def _remember(self, view: CircleView) -> None:
        self._views[view.state.circle] = view
        self._views.move_to_end(view.state.circle)
        if len(self._views) > REMEMBERED:
            self._views.popitem(last=False)

    async def _load(self, circle: CircleId) -> CircleView:
        """Read a circle; again when it changed meanwhile, so that nothing old is remembered."""
        while True:
            mark = object()
            self._loading.setdefault(circle, set()).add(mark)
            view = await self._read(circle)
            if mark in self._loading.get(circle, ()):
                self._loading[circle].discard(mark)
                self._remember(view)
                return view

    async def _read(self, circle: CircleId) -> CircleView:
        row = await self._store.row(circle)
        if row is None:
            raise Refusal(Code.NOT_FOUND, circle=circle)
        entries = [ledger.peek_entry(entry) for entry in await self._entries(circle)]
        authors = await self._accounts.states({entry.account for entry in entries})
        state: CircleState | None = None
        for entry in entries:
            state = ledger.apply(state, entry, authors[entry.account])
        if state is None or state.seq < row.seq:
            raise Unavailable("the ledger is being written")
        accounts = await self._accounts.states(state.members)
        made = await self._store.grants_made(circle)
        times = tuple(entry.at for entry in entries)
        granted, in_vain = granted_with({}, made), made_in_vain(made)
        return CircleView(row, state, accounts, granted, times, in_vain)

    async def _entries(self, circle: CircleId) -> list[bytes]:
        entries: list[bytes] = []
        for start in count(step=MOST_ENTRIES):
            some = await self._store.entries(circle, start)
            entries += some
            if len(some) < MOST_ENTRIES:
                break
        return entries

    async def _is_current(self, view: CircleView) -> bool:
        return (await self._revisions(view.state.circle)).get(
            view.state.circle
        ) == view.row.revision

    async def _revisions(self, circle: CircleId) -> dict[CircleId, int]:
        if self._asked is not None:
            self._asked.circles.add(circle)
            return await asyncio.shield(self._asked.answer)
        asked = _Asked({circle}, asyncio.get_running_loop().create_future())
        self._asked = asked
        try:
            await asyncio.sleep(0)  # whoever asks in the same turn of the loop shares the read
            self._asked = None
            found = await self._store.revisions(list(asked.circles))
        except BaseException:
            self._asked = None
            _give_up(asked)
            raise
        asked.answer.set_result(found)
        return found


def _give_up(asked: _Asked) -> None:
    asked.answer.set_exception(Unavailable("a shared read was cut short"))
    asked.answer.exception()  # nobody may be waiting: that is no error

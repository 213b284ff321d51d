"""Grants that their device cannot open: noted, so that their keys are missing and somebody hands them over again.

Only the device can tell, and nothing shows that it says the truth. So what it says concerns its own keys alone, and costs
others no more than `MOST_IN_VAIN` grants of a key each.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from relais.crypto import grant as grants
from relais.crypto.grant import Grant
from relais.models.ids import CircleId
from relais.models.store.circles import CircleChange, CircleStore
from relais.models.wire import circle as wire
from relais.server import authorize
from relais.server.audit.record import Act, entry_of
from relais.server.callers import Caller
from relais.server.circle_book import CircleBook, CircleView
from relais.server.clock import now_ms
from relais.server.hub import Hub


class UnfitGrants:
    """Answers ``circle.unopenable``. `changed` is told of every change, and answers how many keys are missing."""

    def __init__(
        self,
        store: CircleStore,
        book: CircleBook,
        changed: Callable[[CircleView], Awaitable[int]],
        hub: Hub,
    ) -> None:
        self._store = store
        self._book = book
        self._changed = changed
        self._hub = hub

    def actions(self) -> dict[type, Any]:
        return {wire.ReportGrants: self.report}

    async def report(self, caller: Caller, ask: wire.ReportGrants) -> wire.GrantsReported:
        """Each with an entry of the log that says whose it is, in the unit of the write."""
        async with self._book.changing(ask.circle):
            view = await self._book.view(ask.circle)
            authorize.may_know(view.state, caller.account)
            stored = await self._store.grants_to(ask.circle, caller.device, after=0)
            own = [(number, grants.peek(data)) for number, data in stored]
            named = {number: one for number, one in own if one.digest in ask.grants}
            if not named:
                return wire.GrantsReported(0)
            audit = tuple(entry_of(caller, _act(ask.circle, one)) for one in named.values())
            try:
                await self._store.write_change(
                    CircleChange(ask.circle, audit, unopenable=tuple(named))
                )
            finally:
                self._book.forget(ask.circle)  # what it takes away is read anew
            view = await self._book.view(ask.circle)
        await self._ask_again(view)
        return wire.GrantsReported(len(named))

    async def _ask_again(self, view: CircleView) -> None:
        if await self._changed(view):
            event = wire.GrantsWanted(view.state.circle, rotate=False)
            readers = authorize.readers_now(view.state, now_ms())
            await self._hub.tell_accounts(event, readers)


def _act(circle: CircleId, grant: Grant) -> Act:
    subject = {"grant": grant.digest, "granter": grant.granter, "device": grant.granter_device}
    return Act("circle.unopenable", circle, subject)

"""The other end of emergency access: the entry that lets somebody in, what renewal changes, and what has expired."""

import asyncio
import logging

from relais.crypto import grant
from relais.crypto.ledger import Entry
from relais.models.ids import AccountId
from relais.models.refusal import Refusal
from relais.models.store.emergency import EXPIRED, RELEASED, Closing, Release
from relais.models.store.errors import StoreError
from relais.models.wire.circle import AppendEntry
from relais.server import authorize
from relais.server.audit.record import Act, entry_of
from relais.server.callers import Caller, Stranger
from relais.server.circle_book import CircleView
from relais.server.clock import now_ms
from relais.server.emergency_parts import EmergencyParts
from relais.server.emergency_state import APPROVED

log = logging.getLogger(__name__)

SWEEP_SECONDS = 30.0
ITSELF = Stranger()


class Releases:
    """What other rooms ask and tell about emergency access; `run` it on every node."""

    def __init__(self, parts: EmergencyParts) -> None:
        self._parts = parts

    async def of(
        self, caller: Caller, view: CircleView, entry: Entry, ask: AppendEntry
    ) -> Release | None:
        """The request that an escrow's entry answers; None for everybody else's entries. `ask`: what brings it, and what else.

        Raises ``forbidden`` `not-allowed`.
        """
        if authorize.ESCROW not in caller.roles:
            return None
        granted = {grant.peek(one).account for one in ask.grants}
        added, until = authorize.let_in(entry, granted=granted, profile=ask.profile)
        row = await self._parts.store.open_of(added.account, view.state.circle)
        approved, asked_until, device = False, 0, caller.device
        if row is not None and row.escrow == caller.account:
            statement, state = await self._parts.judged(row)
            approved, asked_until, device = state == APPROVED, row.until, statement.device
        authorize.may_release(approved=approved, until=until, asked_until=asked_until)
        assert row is not None  # it was approved
        closing = Closing(RELEASED, now_ms(), device, row.changes)
        return Release(row.id, row.account, until, closing)

    async def done(self, release: Release) -> None:
        """Somebody was let in: tell whom it concerns; what they do in the circle counts as emergency access from now on."""
        row = await self._parts.store.row(release.request)
        if row is not None:
            await self._parts.tell(row, RELEASED)
        await self._parts.hub.profile_changed(release.account)

    async def renewed(self, account: AccountId) -> None:
        """An account has other devices than before. Of an escrow, other parts are needed for what is open."""
        for row in await self._parts.store.open(escrow=account):
            _, state = await self._parts.judged(row)
            await self._parts.tell(row, state)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except (StoreError, Refusal):
                log.exception("requests for emergency access were not looked through")

    async def sweep(self) -> None:
        """End what has expired, once whichever node is first; forget shares that are worth nothing."""
        for row in await self._parts.store.open():
            statement, state = await self._parts.judged(row)
            if state != EXPIRED:
                continue
            act = Act("emergency.expire", row.circle, {"request": row.id})
            closing = Closing(EXPIRED, now_ms(), statement.device, row.changes)
            if await self._parts.store.close(row.id, closing, audit=entry_of(ITSELF, act)):
                await self._parts.tell(row, EXPIRED)
        await self._parts.escrows.forget_revoked()

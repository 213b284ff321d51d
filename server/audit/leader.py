"""Who moves the log on: one node at a time, the others watch.

A node that watches claims the next term when the head has not moved for a lease, or when the leader laid its term down. A node
that leads shows itself at every beat. One that could not for a lease stops by itself; should it be wrong, its compare-and-set fails.
"""

import asyncio
import logging
import time
from dataclasses import dataclass

from relais.crypto.signed_note import SignerKey
from relais.models.store.errors import StoreError, Unavailable
from relais.server.audit.checkpoints import check_key, empty_head
from relais.server.audit.integrate import BATCH, Integrator, TermLost
from relais.server.audit.parts import LogDamaged, LogGauges, LogStores

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """Seconds, and entries of one batch. An entry waits `look` at most before it is integrated; a dead leader is
    replaced after `lease`, or at once by a node that is `alone`: there the leader before can only be its own past."""

    look: float = 0.1
    beat: float = 2.0
    lease: float = 6.0
    retry: float = 1.0
    retire: float = 5.0
    batch: int = BATCH
    alone: bool = False


class Leader:
    """One node's part in moving the log on."""

    def __init__(
        self, stores: LogStores, key: SignerKey, gauges: LogGauges, pace: Pace | None = None
    ) -> None:
        self._stores = stores
        self._key = key
        self._gauges = gauges
        self._pace = pace or Pace()
        self._shown = (
            0.0  # when the head was last seen to be ours, by the clock that never goes back
        )
        self.leads = False
        self._told = 0.0  # when the gauges were last set
        self._size = 0

    async def prepare(self) -> None:
        """Begin the log if there is none. Raises `SettingsError` where it is signed with another key."""
        check_key(await self._stores.heads.begin(empty_head(self._key)), self._key)

    async def run(self) -> None:
        """Watch and lead until cancelled; then integrate what still waits, if leading."""
        while True:
            try:
                await self._lead(await self._watch())
            except TermLost:
                log.warning("another node leads the audit log now")
            except LogDamaged:
                log.critical("the audit log was changed past this program", exc_info=True)
                await asyncio.sleep(self._pace.lease)
            except Unavailable as error:
                log.warning("the audit log cannot be reached: %s", error)
                await asyncio.sleep(self._pace.retry)

    async def _watch(self) -> int:
        """Wait until a term is to be had; answers it."""
        seen, since = await self._stores.heads.pulse(), time.monotonic()
        while True:
            is_over = seen.free or self._pace.alone
            if is_over or time.monotonic() - since >= self._pace.lease:
                term = await self._stores.heads.claim(seen)
                if term is not None:
                    return term
            await asyncio.sleep(self._pace.beat)
            now = await self._stores.heads.pulse()
            if now != seen:
                seen, since = now, time.monotonic()
            await self._show(now.size)

    async def _lead(self, term: int) -> None:
        log.info("leads the audit log", extra={"term": term})
        self.leads = True
        self._gauges.leads.set(1)
        integrator = Integrator(self._stores, self._key, term, batch=self._pace.batch)
        try:
            await self._integrate(integrator)
        except asyncio.CancelledError:
            await self._retire(integrator)
            raise
        finally:
            self.leads = False
            self._gauges.leads.set(0)

    async def _integrate(self, integrator: Integrator) -> None:
        """Integrate until the term is over. A database that does not answer is asked again from the start."""
        while True:
            try:
                await integrator.load()
                while True:
                    await self._step(integrator)
            except Unavailable as error:
                log.warning("the audit log waits for the database: %s", error)
                await asyncio.sleep(self._pace.retry)

    async def _step(self, integrator: Integrator) -> None:
        silent = time.monotonic() - integrator.shown
        if silent > self._pace.lease:
            raise TermLost("the node was silent for a lease")
        if silent > self._pace.beat:
            await integrator.beat()
        waited = await integrator.step()
        await self._show(integrator.size)
        await asyncio.sleep(0 if waited >= self._pace.batch else self._pace.look)

    async def _retire(self, integrator: Integrator) -> None:
        """At the end: what waits gets its place, and another node need not wait."""
        try:
            async with asyncio.timeout(self._pace.retire):
                await integrator.load()
                while await integrator.step():
                    continue
                await self._stores.heads.lay_down(integrator.term)
        except (TimeoutError, TermLost, LogDamaged, StoreError) as error:
            log.warning("the audit log was left to the next leader: %s", error)

    async def _show(self, size: int) -> None:
        """Set the gauges, once in a beat."""
        now = time.monotonic()
        if now - self._told >= self._pace.beat:
            self._told = now
            self._gauges.show(size, await self._stores.pending.waiting())

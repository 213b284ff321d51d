"""Files what the searched fields of the log's entries are, block after block: what searches and counts are answered from.

A block is filed once its last entry is in the tree. It does not matter which node does it, or where one dies: the same entries
make the same postings, and what is not filed is looked at entry by entry.
"""

import asyncio
import logging
from typing import Protocol

from relais.models.store.audit_log import LogEntry
from relais.models.store.audit_postings import BLOCK
from relais.models.store.errors import StoreError
from relais.server.audit.parts import LogStores

log = logging.getLogger(__name__)

READ = 256
"""Entries that are read at once: few, so that nothing else waits long for the database."""


class Leads(Protocol):
    """Says whether this node leads the log."""

    leads: bool


class Filer:
    """`run` it beside the leader. `look` and `retry` are seconds."""

    def __init__(self, stores: LogStores, *, look: float = 1.0, retry: float = 5.0) -> None:
        self._stores = stores
        self._look = look
        self._retry = retry

    async def run(self, leads: Leads) -> None:
        """File while this node leads, until cancelled."""
        while True:
            try:
                if not (leads.leads and await self.step()):
                    await asyncio.sleep(self._look)
            except StoreError:
                log.exception("the audit log was not filed for searches")
                await asyncio.sleep(self._retry)

    async def step(self) -> bool:
        """File the next block. False where it is not full yet."""
        block = await self._stores.postings.filed()
        if (block + 1) * BLOCK > (await self._stores.heads.pulse()).size:
            return False
        await self._stores.postings.add(block, await entries_of(self._stores, block))
        return True


async def refile(stores: LogStores, block: int) -> None:
    """File a block again, after entries of it lost their content; one that is not full yet will be filed without them."""
    entries = await entries_of(stores, block)
    if len(entries) == BLOCK:
        await stores.postings.replace(block, entries)


async def entries_of(stores: LogStores, block: int) -> list[LogEntry]:
    """The entries of a block, as many as there are."""
    entries: list[LogEntry] = []
    for start in range(block * BLOCK, (block + 1) * BLOCK, READ):
        entries += await stores.entries.between(start, start + READ)
    return entries

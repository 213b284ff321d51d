"""What auditors see at a real node's door, once everything that waits has its place."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import aiohttp
from members import House, Person
from patience import PATIENCE

from relais.crypto.checkpoint import Policy, SignedCheckpoint, verify_checkpoint
from relais.crypto.signed_note import VerifierKey, parse_vkey
from relais.models.store.audit_watch import WatchStore
from relais.models.wire.audit import AuditFound, SearchAudit


async def settled(house: House) -> int:
    """Wait until nothing waits; answers the size of the tree."""
    stores = house.node.audit.stores
    async with asyncio.timeout(PATIENCE):
        while (await stores.pending.waiting()).count:  # noqa: ASYNC110 (a database has no event)
            await asyncio.sleep(0.02)
    return (await stores.heads.pulse()).size


def search(**asked: Any) -> SearchAudit:
    """A search for everything, but for what is given."""
    fields: dict[str, Any] = dict.fromkeys(
        ("account", "circle", "organisation", "action", "outcome")
    )
    fields |= {"since": None, "until": None, "before": 0, "limit": 50}
    return SearchAudit(**{**fields, **asked})


def entries(found: AuditFound) -> list[dict[str, Any]]:
    return [json.loads(row.entry) for row in found.rows]


@dataclass
class LogReader:
    """Reads the log over HTTP, as anybody or as somebody."""

    house: House
    person: Person | None = None

    async def get(self, path: str, **query: Any) -> tuple[int, bytes, dict[str, str]]:
        """(status, body, headers)."""
        token = self.person.on.token if self.person else None
        headers = {"Authorization": f"Bearer {token.token}"} if token else {}
        async with aiohttp.ClientSession(headers=headers) as session:
            address = self.house.node.origin + path
            async with session.get(address, params=query) as response:
                return response.status, await response.read(), dict(response.headers)

    async def key(self) -> VerifierKey:
        _, body, _ = await self.get("/log/vkey")
        return parse_vkey(body.decode().removesuffix("\n"))

    async def checkpoint(self) -> SignedCheckpoint:
        _, body, _ = await self.get("/log/checkpoint")
        return verify_checkpoint(body, Policy((await self.key(),)))

    async def file(self, path: str) -> bytes | None:
        """A file of the log; None where there is none."""
        status, body, _ = await self.get(f"/log/{path}")
        assert status in (200, 404)
        return body if status == 200 else None


async def watched(house: House) -> int:
    """Wait until the rules have seen everything that happened so far; answers how many entries that are."""
    size = await settled(house)
    store = WatchStore(house.node.base.stores.database)
    async with asyncio.timeout(PATIENCE):
        while await store.next() < size:  # noqa: ASYNC110 (a database has no event)
            await asyncio.sleep(0.05)
    return size

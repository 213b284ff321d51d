"""What an auditor takes away over HTTP (docs/audit-log.md, "Over the network")."""

from collections.abc import Mapping

import aiohttp

from relais.client.disclosure import check
from relais.client.errors import ServerUnreachable
from relais.client.session import Session
from relais.models.refusal import Refusal

_PATH = "/audit/export"


async def log_key(session: Session) -> str:
    """The log's vkey as the server tells it. Raises `ServerUnreachable`."""
    return (await session.transport.file("/log/vkey")).decode().strip()


async def bundle(session: Session, query: Mapping[str, str], *, vkey: str) -> bytes:
    """A proof bundle of the entries that match, found good for a log of this key.

    Raises `Refusal`, `ServerUnreachable`, `ProtocolError` with the verifier's reason.
    """
    asked = {"format": "proof", **query}
    headers = {"Authorization": f"Bearer {session.token}"}
    address = session.identity.origin + _PATH
    try:
        async with session.transport.http.get(address, params=asked, headers=headers) as answer:
            body = await answer.read()
            if not answer.ok:
                raise Refusal.from_wire((await answer.json(content_type=None))["error"])
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise ServerUnreachable from error
    check(body, vkey)
    return body

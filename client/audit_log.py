"""The audit log as a member's program reads it: names for accounts, the log's key, proofs checked here."""

from collections.abc import Iterable, Mapping

import aiohttp

from relais.client.errors import ServerUnreachable
from relais.client.sdk import Client
from relais.crypto.checkpoint import Policy, verify_checkpoint
from relais.crypto.errors import ProtocolError
from relais.crypto.merkle import TreeHead, leaf_hash, verify_inclusion
from relais.crypto.signed_note import VerifierKey, parse_vkey
from relais.models.ids import AccountId
from relais.models.wire.audit import AuditRow, Proof


async def names_of(
    me: Client, accounts: Iterable[AccountId | None]
) -> Mapping[AccountId | None, str]:
    """What these accounts call themselves, each checked from its first statement."""
    wanted = {one for one in accounts if one}
    await me.session.accounts.load(wanted)
    return {one: me.session.accounts[one].profile.name for one in wanted}


async def log_key(me: Client) -> VerifierKey:
    """The key the server publishes: it proves that the log was not changed by others than the server. Raises `ServerUnreachable`."""
    transport = me.session.transport
    try:
        async with transport.http.get(f"{transport.origin}/log/vkey") as answer:
            return parse_vkey((await answer.text()).strip())
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ServerUnreachable from error


def check_proof(proof: Proof, row: AuditRow, key: VerifierKey) -> TreeHead:
    """That an entry as it was shown lies in the signed tree; answers its head. Raises ProtocolError."""
    if (proof.index, proof.entry) != (row.index, row.entry):
        raise ProtocolError("entry-differs")
    head = verify_checkpoint(proof.checkpoint, Policy((key,))).head
    verify_inclusion(leaf_hash(row.entry), index=row.index, head=head, proof=proof.path)
    return head

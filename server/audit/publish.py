"""Publishing the log: a tree head is shown to readers once enough witnesses have cosigned it.

The leader integrates and signs at its own pace and waits for nobody. Beside it the leading node asks the witnesses about the
newest head, all at once, and publishes the head with the cosignatures it has as soon as they satisfy the policy; those that
come later are added. Below the quorum the head that was published last stays, and the gauges say since when.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import aiohttp
from prometheus_client import CollectorRegistry, Gauge

from relais.crypto.checkpoint import CheckpointError, Policy, verify_checkpoint
from relais.crypto.signed_note import SignerKey, parse_signed_note
from relais.crypto.trust_policy import PolicyError, TrustPolicy
from relais.models.store.audit_head import LogHead
from relais.models.store.errors import StoreError
from relais.server.audit.parts import LogStores
from relais.server.audit.witness_client import WitnessClient
from relais.server.config import SettingsError

log = logging.getLogger(__name__)

SETTING = "log_policy_file"


@dataclass(frozen=True)
class Cadence:
    """Seconds: between two looks at the log; how long a round waits for a quorum, and for the others once it has one."""

    look: float = 0.5
    patience: float = 10.0
    grace: float = 0.2


class Leads(Protocol):
    """Says whether this node leads the log."""

    leads: bool


class WitnessGauges:
    """What the operator sees: how far the witnesses are, and since when readers see an old head."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._since: float | None = None
        self._published = Gauge(
            "relais_audit_published", "Entries under the published checkpoint", registry=registry
        )
        self._cosigned = Gauge(
            "relais_audit_witness_entries",
            "Entries each witness has cosigned",
            ["witness"],
            registry=registry,
        )
        self._behind = Gauge(
            "relais_audit_witness_behind",
            "1 where a witness has not cosigned what is published",
            ["witness"],
            registry=registry,
        )
        age = Gauge(
            "relais_audit_unpublished_seconds",
            "Since when the newest tree head lacks witnesses",
            registry=registry,
        )
        age.set_function(self._age)

    def show(self, head: LogHead, published: int, witnesses: Sequence[WitnessClient]) -> None:
        self._published.set(published)
        for witness in witnesses:
            name = witness.key.name
            self._cosigned.labels(name).set(witness.size)
            self._behind.labels(name).set(witness.size < published or not witness.cosigned)
        if published == head.size:
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()

    def _age(self) -> float:
        return 0.0 if self._since is None else time.monotonic() - self._since


class Publisher:
    """One node's part in publishing. `prepare` it, then `run` it beside the leader."""

    def __init__(
        self,
        stores: LogStores,
        trust: TrustPolicy | None,
        key: SignerKey,
        *,
        cadence: Cadence | None = None,
    ) -> None:
        self._heads = stores.heads
        self._policy = _policy(trust, key)
        places = trust.witnesses if trust else ()
        self.witnesses = [WitnessClient(stores, one.key, _url(one.url)) for one in places]
        self._cadence = cadence or Cadence()

    async def prepare(self) -> None:
        """Say in the database whether heads are published as they are signed, or only once they are cosigned."""
        await (self._heads.hold() if self.witnesses else self._heads.release())

    async def run(self, leads: Leads, gauges: WitnessGauges) -> None:
        """Publish while this node leads, until cancelled."""
        if not self.witnesses:
            return
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as asking:
            while True:
                if leads.leads:
                    await self._try_round(session, asking, gauges)
                await asyncio.sleep(self._cadence.look)

    async def _try_round(
        self, session: aiohttp.ClientSession, asking: asyncio.TaskGroup, gauges: WitnessGauges
    ) -> None:
        try:
            head = await self._heads.read()
            published = await self._round(session, asking, head)
            gauges.show(head, published, self.witnesses)
        except StoreError as error:
            log.warning("the audit log waits for the database: %s", error)

    async def _round(
        self, session: aiohttp.ClientSession, asking: asyncio.TaskGroup, head: LogHead
    ) -> int:
        """Ask whoever can be asked about this head; answers how many entries readers see at the end."""
        published = await self._publish(head)
        due = [witness for witness in self.witnesses if witness.is_due(head)]
        waiting = {asking.create_task(witness.ask(session, head)) for witness in due}
        ends = time.monotonic() + self._cadence.patience
        while waiting and (left := ends - time.monotonic()) > 0:
            most = min(left, self._cadence.grace) if published == head.size else left
            done, waiting = await asyncio.wait(
                waiting, timeout=most, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                break
            published = await self._publish(head)
        return published

    async def _publish(self, head: LogHead) -> int:
        """Publish this head if its cosignatures are enough, and more than it is published with already."""
        shown = await self._heads.published()
        note = parse_signed_note(head.checkpoint)
        found = [one for one in (w.signature_of(head) for w in self.witnesses) if one]
        cosigned = replace(note, signatures=(*note.signatures, *found)).encode()
        has_more = shown.size < head.size or len(cosigned) > len(shown.checkpoint)
        if shown.size > head.size or not has_more or not self._is_enough(cosigned):
            return shown.size
        await self._heads.publish(replace(head, checkpoint=cosigned))
        return head.size

    def _is_enough(self, note: bytes) -> bool:
        try:
            verify_checkpoint(note, self._policy)
        except CheckpointError:
            return False
        return True


def _policy(trust: TrustPolicy | None, key: SignerKey) -> Policy:
    if trust is None:
        return Policy((key.verifier,))
    try:
        return trust.policy(key.verifier)
    except PolicyError:
        raise SettingsError(SETTING, "lists logs, and this one is not among them") from None


def _url(url: str | None) -> str:
    if url is None or not url.startswith(("https://", "http://")):
        raise SettingsError(SETTING, "must say where each witness is reached: https://…")
    return url

"""The audit room, put together: who moves the log on, who answers, what is served over HTTP."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from relais.crypto.signed_note import SignerKey
from relais.crypto.trust_policy import TrustPolicy
from relais.models.store.accounts import AccountStore
from relais.models.store.audit_watch import WatchStore
from relais.models.store.database import Database
from relais.models.store.emergency import EmergencyStore
from relais.models.store.settings import SettingStore
from relais.server.audit.answers import AnswerParts, AuditAnswers, Circles
from relais.server.audit.filing import Filer
from relais.server.audit.leader import Leader, Pace
from relais.server.audit.ledger_heads import LedgerProofs, tell_standing
from relais.server.audit.members import MemberAnswers
from relais.server.audit.parts import LogGauges, LogStores
from relais.server.audit.publish import Publisher, WitnessGauges
from relais.server.audit.record import Recorder
from relais.server.audit.retention import Pruner
from relais.server.audit.routes import LogRoutes, RouteParts
from relais.server.audit.watch.answers import WatchAnswers, WatchParts
from relais.server.audit.watch.chase import ChaseParts, Chaser, ReviewGauge
from relais.server.audit.watch.facts import Facts
from relais.server.audit.watch.watcher import Watcher, WatcherParts
from relais.server.http import Gate
from relais.server.hub import Hub
from relais.server.metrics import Metrics


@dataclass(frozen=True)
class AuditParts:
    """What the room is made of. `key`: the log's, under the log's name; `trust`: its witnesses, where it has some."""

    database: Database
    key: SignerKey
    trust: TrustPolicy | None
    circles: Circles
    recorder: Recorder
    metrics: Metrics
    hub: Hub


class AuditRoom:
    """`prepare` it before the first member comes, and `run` it as long as the node serves.

    Raises `SettingsError` where the policy is not for this log.
    """

    def __init__(self, parts: AuditParts, *, pace: Pace | None = None) -> None:
        self._recorder = parts.recorder
        self.stores = LogStores.of(parts.database)
        gauges = LogGauges(parts.metrics.registry)
        self._leader = Leader(self.stores, parts.key, gauges, pace)
        self._publisher = Publisher(self.stores, parts.trust, parts.key)
        self._filer = Filer(self.stores)
        self._pruner = Pruner(self.stores, parts.recorder)
        self._witness_gauges = WitnessGauges(parts.metrics.registry)
        answering = AnswerParts(self.stores, parts.circles, parts.recorder)
        self._answers = AuditAnswers(answering)
        self._members = MemberAnswers(answering)
        self._proofs = LedgerProofs(answering)
        watch = WatchStore(parts.database)
        settings = SettingStore(parts.database)
        people = AccountStore(parts.database)
        facts = Facts(parts.circles, people, EmergencyStore(parts.database))
        gauge = ReviewGauge(parts.metrics.registry)
        self.chaser = Chaser(ChaseParts(watch, people, gauge, parts.hub))
        self._watcher = Watcher(WatcherParts(self.stores, watch, settings, facts))
        self._watch = WatchAnswers(WatchParts(self.stores, watch, settings, parts.recorder))

    async def prepare(self) -> None:
        """Raises `SettingsError` where the log in the database is signed with another key."""
        await self._leader.prepare()
        await self._publisher.prepare()
        await tell_standing(self.stores.ledgers, self._recorder)

    async def run(self) -> None:
        """Until cancelled; wait for its end before the database is closed."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publisher.run(self._leader, self._witness_gauges))
            group.create_task(self._watcher.run(), name="audit rules")
            group.create_task(self.chaser.run(), name="overdue findings")
            group.create_task(self._filer.run(self._leader), name="audit postings")
            group.create_task(self._pruner.run(self._leader), name="audit retention")
            await self._leader.run()

    def actions(self) -> Mapping[type, Any]:
        return {
            **self._answers.actions(),
            **self._proofs.actions(),
            **self._members.actions(),
            **self._watch.actions(),
        }

    def add_routes(self, app: web.Application, gate: Gate) -> None:
        LogRoutes(RouteParts(self.stores, self._recorder, gate)).add_routes(app)

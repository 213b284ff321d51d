"""One node, composed by hand: database, rooms, sockets, HTTP; and how it starts and stops."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiohttp import web

from relais.models.store.alarms import AlarmStore
from relais.models.store.database import Database, open_database
from relais.models.store.embedded import EmbeddedDatabase
from relais.models.store.journal import GroupWriter
from relais.models.store.migrations import migrate
from relais.server.accounts import AccountParts, Accounts
from relais.server.alarms import Alarms
from relais.server.audit.leader import Pace
from relais.server.audit.room import AuditParts, AuditRoom
from relais.server.base import Base, make_base, make_stores
from relais.server.blobs import PATCH_BYTES, BlobParts, BlobRoutes, Blobs
from relais.server.checking.checker import Checker
from relais.server.circle_queries import CircleQueries, QueryParts
from relais.server.circles import CircleParts, Circles
from relais.server.config import Settings
from relais.server.directory import Directory
from relais.server.disclosures import DisclosureParts, Disclosures
from relais.server.emergency_room import EmergencyRoom, RoomParts
from relais.server.enrolment import Enrolment, EnrolmentParts, Joining
from relais.server.http import Gate, add_operations, exchange, plain_errors, tell_headers
from relais.server.hub import Hub
from relais.server.keys import load_log_key, load_log_policy
from relais.server.notes import NoteParts, Notes
from relais.server.owed import OwedNotes
from relais.server.receipts import ReceiptParts, Receipts
from relais.server.site import Site, find_web
from relais.server.sockets.engine import make_manager
from relais.server.sockets.serve import Needs, Sockets
from relais.server.unfit_grants import UnfitGrants
from relais.server.unopenable import Unopenable
from relais.server.visibility import Visibility

log = logging.getLogger(__name__)

BACKLOG = 2_048
SWEEP_SECONDS = 3_600
ABANDONED = timedelta(days=1)


class Node:
    """A node that serves. Made by `running`."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.draining = False
        self.app = web.Application(client_max_size=PATCH_BYTES + 1_024, middlewares=[plain_errors])
        self.sockets = Sockets(_socket_needs(base), make_manager(base.settings.redis_url))
        self.audit = AuditRoom(
            _audit_parts(base, self.sockets), pace=Pace(alone=base.settings.is_embedded)
        )
        self.checker = Checker(base.settings.checking, base.metrics)
        self.exchanges: dict[Any, Any] = {}
        self.port = 0
        self._compose()

    @property
    def origin(self) -> str:
        """Where members find the node."""
        return origin_of(self.base.settings, self.port)

    async def is_ready(self) -> bool:
        """Whether a balancer should send members here."""
        if self.draining:
            return False
        try:
            await self.base.stores.database.ping()
        except Exception:
            log.warning("the database does not answer", exc_info=True)
            return False
        return True

    async def sweep(self) -> None:
        """Forget uploads that nobody finished and blobs that no note names; runs until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.base.stores.blobs.sweep(datetime.now(UTC) - ABANDONED)

    def _compose(self) -> None:
        base, stores, hub = self.base, self.base.stores, self.sockets
        directory = Directory(stores.accounts)
        hub.on_profile_changed(directory.refresh)
        visibility, owed = Visibility(stores.notes), OwedNotes(stores.notes)
        self.unopenable = Unopenable(base.book, owed, base.metrics.unopenable)
        self.emergency = EmergencyRoom(_emergency_parts(base), hub)
        people = self._people(directory)
        enrolment_parts = EnrolmentParts(
            stores.accounts, stores.invitations, stores.joins, base.accounts, base.recorder, hub
        )
        joining = Joining(enrolment_parts, people)
        receipts = ReceiptParts(stores.receipts, stores.notes, base.book, base.recorder, hub)
        rooms = (
            people,
            joining,
            self._circles(owed),
            UnfitGrants(stores.circles, base.book, self.unopenable.count, hub),
            self._queries(visibility, owed),
            self._notes(visibility),
            Receipts(receipts),
            self._disclosures(visibility),
            Alarms(AlarmStore(stores.database), base.book),
            self.emergency,
            self.audit,
        )
        for room in rooms:
            hub.add(room.actions())
        self._add_http(Enrolment(enrolment_parts, base.identity, people), joining)

    def _people(self, directory: Directory) -> Accounts:
        base, stores = self.base, self.base.stores
        return Accounts(
            AccountParts(
                store=stores.accounts,
                invitations=stores.invitations,
                circles=stores.circles,
                accounts=base.accounts,
                book=base.book,
                directory=directory,
                recorder=base.recorder,
                releases=self.emergency.releases,
                hub=self.sockets,
            )
        )

    def _circles(self, owed: OwedNotes) -> Circles:
        base, stores = self.base, self.base.stores
        return Circles(
            CircleParts(
                store=stores.circles,
                book=base.book,
                accounts=base.accounts,
                people=stores.accounts,
                owed=owed,
                changed=self.unopenable.count,
                releases=self.emergency.releases,
                hub=self.sockets,
            )
        )

    def _queries(self, visibility: Visibility, owed: OwedNotes) -> CircleQueries:
        base, stores = self.base, self.base.stores
        return CircleQueries(
            QueryParts(
                store=stores.circles,
                accounts=stores.accounts,
                chains=base.accounts,
                book=base.book,
                notes=stores.notes,
                visibility=visibility,
                owed=owed,
                recorder=base.recorder,
            )
        )

    def _notes(self, visibility: Visibility) -> Notes:
        base, stores = self.base, self.base.stores
        return Notes(
            NoteParts(
                store=stores.notes,
                circles=stores.circles,
                accounts=base.accounts,
                checker=self.checker,
                book=base.book,
                blobs=Blobs(stores.blobs),
                visibility=visibility,
                recorder=base.recorder,
                hub=self.sockets,
            )
        )

    def _disclosures(self, visibility: Visibility) -> Disclosures:
        base = self.base
        return Disclosures(
            DisclosureParts(
                log=self.audit.stores,
                notes=base.stores.notes,
                book=base.book,
                visibility=visibility,
                recorder=base.recorder,
            )
        )

    def _add_http(self, enrolment: Enrolment, joining: Joining) -> None:
        base = self.base
        gate = _gate(base)
        self.exchanges = {**enrolment.exchanges(), **joining.exchanges()}
        for kind, action in self.exchanges.items():
            self.app.router.add_post(kind.PATH, exchange(gate, kind, action))
        blobs = BlobParts(
            base.stores.blobs, base.book, base.recorder, gate, base.settings.blob_bytes
        )
        BlobRoutes(blobs).add_routes(self.app)
        self.audit.add_routes(self.app, gate)
        add_operations(self.app, base.metrics, self.is_ready)
        self.sockets.attach(self.app)
        tell_headers(self.app, behind_tls=base.settings.behind_tls)
        web_folder = find_web(base.settings.web)
        if web_folder is None:
            log.warning("no web client is built: only the programs of members can connect")
        else:
            Site(web_folder).add_routes(self.app)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Node]:
    """Start a node, and stop it in order: accept no more, finish, close sockets, the database last."""
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(_ending(asyncio.TaskGroup()))
        database = await stack.enter_async_context(_database(settings, tasks))
        writer = await stack.enter_async_context(GroupWriter(database))
        node = Node(make_base(settings, make_stores(database, writer, alone=settings.is_embedded)))
        await node.audit.prepare()
        background = [
            tasks.create_task(node.audit.run(), name="audit log"),
            tasks.create_task(node.sockets.cut_off_expired(), name="token ends"),
            tasks.create_task(node.sweep(), name="blob sweep"),
            tasks.create_task(node.emergency.run(), name="emergency access"),
            tasks.create_task(node.checker.run(), name="checking beside"),
            tasks.create_task(node.unopenable.run(node.base.stores.circles), name="missing grants"),
        ]
        try:
            async with _listening(node):
                yield node
        finally:
            for task in background:
                task.cancel()
            await asyncio.wait(background)  # what they still write goes before the database


@asynccontextmanager
async def _ending(group: asyncio.TaskGroup) -> AsyncIterator[asyncio.TaskGroup]:
    async with group:
        yield group


@asynccontextmanager
async def _database(settings: Settings, tasks: asyncio.TaskGroup) -> AsyncIterator[Database]:
    """MongoDB where an address is given, else the embedded one, watched as long as it runs."""
    async with AsyncExitStack() as stack:
        uri = settings.mongodb_uri
        if uri is None:
            embedded = EmbeddedDatabase(database_folder(settings), name=settings.database)
            uri = await stack.enter_async_context(_watched(embedded, tasks))
        database = await open_database(uri, name=settings.database)
        await stack.enter_async_context(database)
        await migrate(database)
        yield database


@asynccontextmanager
async def _watched(embedded: EmbeddedDatabase, tasks: asyncio.TaskGroup) -> AsyncIterator[str]:
    async with embedded:
        tasks.create_task(embedded.lost(), name="embedded database")
        yield embedded.uri


@asynccontextmanager
async def _listening(node: Node) -> AsyncIterator[None]:
    settings = node.base.settings
    runner = web.AppRunner(
        node.app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=settings.drain_seconds,
    )
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG)
    try:
        await site.start()
        node.port = runner.addresses[0][1]
        log.info("serving", extra={"port": node.port})
        if settings.origin is None and not is_loopback(settings.host):
            log.warning("no origin is set: a login made for any name of this host is taken")
        try:
            yield
        finally:
            node.draining = True
            await site.stop()  # nobody new
            await node.sockets.close()
    finally:
        await runner.cleanup()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin_of(settings: Settings, port: int) -> str:
    """The address members see; without one in the settings, that of this machine."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    shown = f"[{host}]" if ":" in host else host
    return settings.origin or f"http://{shown}:{port}"


def database_folder(settings: Settings) -> Path:
    """The embedded database makes its own folder in here."""
    return settings.data


def _emergency_parts(base: Base) -> RoomParts:
    return RoomParts(
        database=base.stores.database,
        people=base.stores.accounts,
        circles=base.stores.circles,
        accounts=base.accounts,
        book=base.book,
        recorder=base.recorder,
        addresses=base.addresses,
    )


def _audit_parts(base: Base, hub: Hub) -> AuditParts:
    return AuditParts(
        database=base.stores.database,
        key=load_log_key(base.settings),
        trust=load_log_policy(base.settings),
        circles=base.book,
        recorder=base.recorder,
        metrics=base.metrics,
        hub=hub,
    )


def _socket_needs(base: Base) -> Needs:
    return Needs(
        identity=base.identity,
        recorder=base.recorder,
        devices=base.devices,
        addresses=base.addresses,
        metrics=base.metrics,
        trust_proxy=base.settings.trust_proxy,
    )


def _gate(base: Base) -> Gate:
    return Gate(
        identity=base.identity,
        recorder=base.recorder,
        metrics=base.metrics,
        addresses=base.addresses,
        devices=base.devices,
        trust_proxy=base.settings.trust_proxy,
    )

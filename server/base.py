"""What every room of a node needs, made once: its collections, what is known of people and circles, the log, the limits."""

from dataclasses import dataclass

from relais.models.store.accounts import AccountStore
from relais.models.store.audit_pending import AuditPending
from relais.models.store.blobs import BlobStore
from relais.models.store.challenges import ChallengeStore
from relais.models.store.circles import CircleStore
from relais.models.store.database import Database
from relais.models.store.invitations import InvitationStore
from relais.models.store.joins import JoinStore
from relais.models.store.journal import GroupWriter
from relais.models.store.notes import NoteStore
from relais.models.store.receipts import ReceiptStore
from relais.server.account_book import AccountBook
from relais.server.audit.record import Recorder
from relais.server.circle_book import CircleBook
from relais.server.config import Settings
from relais.server.enrolment import Doorkeeper
from relais.server.identity import Identity, Terms
from relais.server.keys import load_token_key
from relais.server.limits import RateLimit
from relais.server.metrics import Metrics


@dataclass(frozen=True)
class Stores:
    """Every collection the node uses."""

    database: Database
    writer: GroupWriter
    accounts: AccountStore
    invitations: InvitationStore
    challenges: ChallengeStore
    joins: JoinStore
    circles: CircleStore
    notes: NoteStore
    receipts: ReceiptStore
    blobs: BlobStore
    pending: AuditPending


@dataclass(frozen=True)
class Base:
    """What every room needs, made once."""

    settings: Settings
    stores: Stores
    accounts: AccountBook
    book: CircleBook
    recorder: Recorder
    identity: Identity
    metrics: Metrics
    addresses: RateLimit
    devices: RateLimit


def make_stores(database: Database, writer: GroupWriter, *, alone: bool) -> Stores:
    return Stores(
        database=database,
        writer=writer,
        accounts=AccountStore(database),
        invitations=InvitationStore(database),
        challenges=ChallengeStore(database),
        joins=JoinStore(database),
        circles=CircleStore(database),
        notes=NoteStore(database, writer, alone=alone),
        receipts=ReceiptStore(database, writer),
        blobs=BlobStore(database),
        pending=AuditPending(writer),
    )


def make_base(settings: Settings, stores: Stores) -> Base:
    alone = settings.is_embedded
    accounts = AccountBook(stores.accounts, alone=alone)
    recorder = Recorder(stores.pending)
    doorkeeper = Doorkeeper(accounts, stores.accounts, stores.challenges, recorder)
    return Base(
        settings=settings,
        stores=stores,
        accounts=accounts,
        book=CircleBook(stores.circles, accounts, alone=alone),
        recorder=recorder,
        identity=Identity(
            load_token_key(settings), doorkeeper, Terms(settings.origin, settings.token_seconds)
        ),
        metrics=Metrics(),
        addresses=RateLimit(settings.logins_per_minute / 60, settings.login_burst),
        devices=RateLimit(settings.requests_per_second, settings.request_burst),
    )

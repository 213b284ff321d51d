"""What emergency access is served with, and what its rooms have in common."""

from dataclasses import dataclass

from relais.crypto import escrow
from relais.crypto.escrow import EscrowStatement
from relais.models.store.circles import CircleStore
from relais.models.store.emergency import EmergencyRow, EmergencyStore, EscrowStore
from relais.models.store.settings import SettingStore
from relais.models.wire.emergency import EmergencyChanged, RequestState
from relais.server import authorize
from relais.server.account_book import AccountBook
from relais.server.audit.record import Recorder
from relais.server.circle_book import CircleBook
from relais.server.clock import now_ms
from relais.server.emergency_state import state_of
from relais.server.escrows import Escrows
from relais.server.hub import Hub
from relais.server.limits import RateLimit


@dataclass(frozen=True)
class EmergencyParts:
    """`addresses`: looks are rationed as logins are."""

    store: EmergencyStore
    statements: EscrowStore
    escrows: Escrows
    accounts: AccountBook
    circles: CircleStore
    book: CircleBook
    settings: SettingStore
    recorder: Recorder
    hub: Hub
    addresses: RateLimit

    async def statement_of(self, row: EmergencyRow) -> EscrowStatement:
        """What a request's answers are judged by: the escrow as it is, or was when the request ended."""
        if row.escrow_device:
            found = await self.statements.row(row.escrow_device)
        else:
            found = (await self.escrows.current([row.escrow])).get(row.escrow)
        if found is None:  # all its devices are gone
            found = max(await self.statements.of(row.escrow), key=lambda one: one.at)
        return escrow.peek(found.statement)

    async def judged(self, row: EmergencyRow) -> tuple[EscrowStatement, RequestState]:
        """The statement, and how far the request is by now."""
        statement = await self.statement_of(row)
        return statement, state_of(row, statement, now_ms())

    async def tell(self, row: EmergencyRow, state: RequestState) -> EmergencyChanged:
        """Everybody whom a request concerns."""
        view = await self.book.view(row.circle)
        present = set(authorize.members_now(view.state, now_ms())) - {row.escrow}
        event = EmergencyChanged(row.id, row.circle, state)
        await self.hub.tell_accounts(event, present | {row.account, *row.guardians})
        return event

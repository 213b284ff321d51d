"""The room of emergency access, put together: escrows, requests and answers, and what lets somebody in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relais.models.store.accounts import AccountStore
from relais.models.store.circles import CircleStore
from relais.models.store.database import Database
from relais.models.store.emergency import EmergencyStore, EscrowStore
from relais.models.store.settings import SettingStore
from relais.server.account_book import AccountBook
from relais.server.audit.record import Recorder
from relais.server.circle_book import CircleBook
from relais.server.emergencies import Emergencies
from relais.server.emergency_parts import EmergencyParts
from relais.server.escrows import EscrowParts, Escrows
from relais.server.hub import Hub
from relais.server.limits import RateLimit
from relais.server.releases import Releases


@dataclass(frozen=True)
class RoomParts:
    """What the room is made of."""

    database: Database
    people: AccountStore
    circles: CircleStore
    accounts: AccountBook
    book: CircleBook
    recorder: Recorder
    addresses: RateLimit


class EmergencyRoom:
    """`releases` is what other rooms ask and tell; `run` it as long as the node serves."""

    def __init__(self, parts: RoomParts, hub: Hub) -> None:
        statements = EscrowStore(parts.database)
        self._escrows = Escrows(
            EscrowParts(statements, parts.accounts, parts.people, parts.circles, parts.recorder)
        )
        common = EmergencyParts(
            store=EmergencyStore(parts.database),
            statements=statements,
            escrows=self._escrows,
            accounts=parts.accounts,
            circles=parts.circles,
            book=parts.book,
            settings=SettingStore(parts.database),
            recorder=parts.recorder,
            hub=hub,
            addresses=parts.addresses,
        )
        self._emergencies = Emergencies(common)
        self.releases = Releases(common)

    def actions(self) -> Mapping[type, Any]:
        return {**self._escrows.actions(), **self._emergencies.actions()}

    async def run(self) -> None:
        """Until cancelled."""
        await self.releases.run()

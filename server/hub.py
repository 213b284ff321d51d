"""Telling members without being asked. Rooms other than `server/sockets` see this and no Socket.IO."""

from collections.abc import Iterable
from typing import Any, Protocol

from relais.models.ids import AccountId, DeviceId


class Hub(Protocol):
    """Events go out after what they tell is durable; a lost one costs a moment, never a note."""

    async def tell_accounts(self, event: Any, accounts: Iterable[AccountId]) -> None:
        """Send an event of `models/wire` to every connected device of these accounts, on every node."""

    async def tell_device(self, event: Any, device: DeviceId) -> None:
        """Send an event to one device."""

    async def cut_off(self, device: DeviceId) -> None:
        """End every open socket of a device, on every node."""

    async def profile_changed(self, account: AccountId) -> None:
        """Let every node read the account's profile again."""

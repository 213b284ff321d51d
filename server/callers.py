"""Who asks, as far as the server has proved it."""

from dataclasses import dataclass

from relais.models.ids import AccountId, DeviceId
from relais.models.wire.auth import AccountRole


@dataclass(frozen=True)
class Caller:
    """A device whose signature was checked, acting for its account. `source` is the network address."""

    account: AccountId
    device: DeviceId
    roles: tuple[AccountRole, ...]
    source: str | None = None


@dataclass(frozen=True)
class Stranger:
    """Nobody yet: before login, at enrolment, while joining."""

    source: str | None = None


Anyone = Caller | Stranger

"""Who asks, as far as the server has proved it; what they say beside that; and the id of what they ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from relais.models.ids import AccountId, CircleId, DeviceId, Millis
from relais.models.roles import AccountRole


@dataclass(frozen=True)
class Caller:
    """A device whose signature was checked, acting for its account.

    Attributes:
        source: the network address.
        organisation: what the account's profile says; "" where it says nothing.
        request: the id of what is being asked, as in the server's own logs.
        doors: the circles it was let into by emergency access, and until when.
        purpose: the purpose of use that was stated, a code of `purpose.STATED`; None: the action's own.
        on_behalf_of: the account it was stated to act for, such as that of the person replaced.
    """

    account: AccountId
    device: DeviceId
    roles: tuple[AccountRole, ...]
    source: str | None = None
    organisation: str = ""
    request: str | None = None
    doors: Mapping[CircleId, Millis] = field(default_factory=dict)
    purpose: str | None = None
    on_behalf_of: AccountId | None = None


@dataclass(frozen=True)
class Stranger:
    """Nobody yet: before login, at enrolment, while joining."""

    source: str | None = None
    request: str | None = None


CONSOLE = Stranger("console")
"""Whoever runs the administrative commands."""

Anyone = Caller | Stranger

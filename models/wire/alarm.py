"""What a device found that does not hold, told to the server so that it stands in the audit log (docs/protocol.md §9)."""

from dataclasses import dataclass
from typing import ClassVar

from relais.models.ids import AccountId, CircleId, Digest, Word


@dataclass(frozen=True)
class ReportAlarm:
    """An alarm that was raised on the asking device, once; the same again changes nothing.

    ``kind``: the reason word. ``circle``: one that the account is or was in. ``account``: whose chain, or whose doing.
    ``of``: the hash of what does not hold, such as an entry, envelope or grant; ``seq``: its place.
    """

    EVENT: ClassVar = "alarm.report"
    kind: Word
    circle: CircleId | None
    account: AccountId | None
    of: Digest | None
    seq: int | None


@dataclass(frozen=True)
class AlarmNoted:
    """Its audit entry is stored."""

"""Emergency access: escrows, requests to be let into a circle, guardians' answers (docs/protocol.md §13)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from relais.models.ids import AccountId, CircleId, DeviceId, Digest, Length, Millis
from relais.models.wire.auth import Signed

MOST_SEALED = 224
"""Seven guardians of 32 devices each."""
Answer = Annotated[bytes, Length(786_432, 1)]
RequestState = Literal["open", "approved", "declined", "released", "expired", "withdrawn"]


@dataclass(frozen=True)
class SealedFor:
    """Something sealed to one device."""

    device: DeviceId
    sealed: Annotated[bytes, Length(4_096, 1)]


Sealed = Annotated[tuple[SealedFor, ...], Length(MOST_SEALED)]


@dataclass(frozen=True)
class ShareEscrow:
    """By the escrow itself: how the key of one of its devices is shared, before that device is added or right after.

    ``possession``: of a device that is not in the account yet, by which its keys are known (docs/protocol.md §3); else null.
    """

    EVENT: ClassVar = "escrow.share"
    statement: Signed
    possession: Signed | None
    shares: Sealed


@dataclass(frozen=True)
class ReshareEscrow:
    """A guardian hands its share for one device of an escrow on to further devices of its own account."""

    EVENT: ClassVar = "escrow.reshare"
    escrow: AccountId
    escrow_device: DeviceId
    shares: Sealed


@dataclass(frozen=True)
class EscrowShared:
    """``stored``: shares that were kept."""

    stored: int


@dataclass(frozen=True)
class ListEscrows:
    """The escrows of one's own organisation, those that one guards, and those in one's circles."""

    EVENT: ClassVar = "escrow.list"


@dataclass(frozen=True)
class EscrowRow:
    """``statement``: of the oldest of the escrow's devices in force that has one. ``mine``: the shares for it that were made for the asking
    account's devices."""

    account: AccountId
    statement: Signed
    mine: tuple[SealedFor, ...]


@dataclass(frozen=True)
class Escrows:
    escrows: tuple[EscrowRow, ...]


@dataclass(frozen=True)
class LookEmergency:
    """By whoever holds a circle's emergency card. ``not_found`` where the circle has no escrow, or is none."""

    EVENT: ClassVar = "emergency.look"
    circle: CircleId


@dataclass(frozen=True)
class EmergencyLooked:
    """``open``: the asker's own request for that circle which is open."""

    escrow: AccountId
    statement: Signed
    open: Digest | None


@dataclass(frozen=True)
class RequestEmergency:
    """``explained``: the free words, sealed to each device in force of each guardian."""

    EVENT: ClassVar = "emergency.request"
    request: Signed
    explained: Sealed


@dataclass(frozen=True)
class EmergencyRequested:
    id: Digest


@dataclass(frozen=True)
class ListEmergencies:
    """The requests that concern one as requester, guardian or member of the circle: newest first, 200 at most."""

    EVENT: ClassVar = "emergency.list"


@dataclass(frozen=True)
class EmergencyRow:
    """``statement``: the one the answers are judged by. ``explained``: for the asking account's devices only.

    ``review_due``: until when an auditor has to look at a release; null where there was none.
    """

    id: Digest
    request: Signed
    state: RequestState
    statement: Signed
    answers: tuple[Answer, ...]
    explained: tuple[SealedFor, ...]
    review_due: Millis | None


@dataclass(frozen=True)
class Emergencies:
    requests: tuple[EmergencyRow, ...]


@dataclass(frozen=True)
class AnswerEmergency:
    """By a guardian. Another one of the same guardian takes the place of the first as long as nobody was let in."""

    EVENT: ClassVar = "emergency.answer"
    answer: Answer


@dataclass(frozen=True)
class WithdrawEmergency:
    """By the requester."""

    EVENT: ClassVar = "emergency.withdraw"
    id: Digest


@dataclass(frozen=True)
class EmergencyChanged:
    """Answer, and event to the guardians, the requester and all active members of the circle."""

    EVENT: ClassVar = "emergency.changed"
    id: Digest
    circle: CircleId
    state: RequestState

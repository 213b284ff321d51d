"""Who is there: challenge, token, enrolment, joining a device (docs/protocol.md §3). HTTP bodies, and two events."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from relais.models.ids import AccountId, DeviceId, Length, Millis, TicketId
from relais.models.roles import AccountRole

Signed = Annotated[bytes, Length(16_384, 1)]
Mac = Annotated[bytes, Length(32, 32)]
Roles = Annotated[tuple[AccountRole, ...], Length(7, 1)]


@dataclass(frozen=True)
class AskChallenge:
    """``POST /auth/challenge``; on an open socket ``auth.challenge`` (same body)."""

    EVENT: ClassVar = "auth.challenge"
    PATH: ClassVar = "/auth/challenge"
    device: DeviceId


@dataclass(frozen=True)
class Challenge:
    challenge: Mac
    expires_at: Millis


@dataclass(frozen=True)
class AskToken:
    """``POST /auth/token``; on an open socket ``auth.renew``."""

    EVENT: ClassVar = "auth.renew"
    PATH: ClassVar = "/auth/token"
    login: Signed


@dataclass(frozen=True)
class Token:
    token: Annotated[str, Length(4_096)]
    account: AccountId
    roles: Roles
    expires_at: Millis
    now: Millis


@dataclass(frozen=True)
class Enrol:
    """``POST /auth/enrol``: a one-time invitation and statement 0 of a new account."""

    PATH: ClassVar = "/auth/enrol"
    invitation: Annotated[str, Length(200, 16)]
    statement: Signed


@dataclass(frozen=True)
class Enrolled:
    account: AccountId
    roles: Roles
    now: Millis


@dataclass(frozen=True)
class LookInvitation:
    """``POST /auth/invitation``: what an invitation is for, before it is used."""

    PATH: ClassVar = "/auth/invitation"
    invitation: Annotated[str, Length(200, 16)]


@dataclass(frozen=True)
class Reset:
    """The account that a new one must name in ``replaces``, and what the directory shows of it."""

    account: AccountId
    name: str
    profession: str
    organisation: str


@dataclass(frozen=True)
class Invitation:
    roles: Roles
    organisation: Annotated[str, Length(120)]
    expires_at: Millis
    now: Millis
    resets: Reset | None


@dataclass(frozen=True)
class LookJoin:
    PATH: ClassVar = "/auth/join/look"
    ticket: TicketId


@dataclass(frozen=True)
class JoinLooked:
    account: AccountId
    now: Millis


@dataclass(frozen=True)
class RequestJoin:
    PATH: ClassVar = "/auth/join/request"
    ticket: TicketId
    possession: Signed
    mac: Mac


@dataclass(frozen=True)
class JoinRequested:
    pass


@dataclass(frozen=True)
class WaitJoin:
    """``POST /auth/join/wait``: answers within 25 s, ``pending`` if nobody has approved yet."""

    PATH: ClassVar = "/auth/join/wait"
    ticket: TicketId


@dataclass(frozen=True)
class JoinAnswered:
    pending: bool
    statements: Annotated[tuple[Signed, ...], Length(1_000)]
    mac: Mac | None

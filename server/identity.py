"""Who is there: the device is the credential (docs/protocol.md §3, Login).

challenge   time ‖ nonce ‖ MAC: 32 bytes this cluster made for this device, remembered only once used,
            so that nobody fills the database by asking
token       JWT (RFC 7519), EdDSA, minutes: sub account, device, roles, iat, exp
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relais.crypto import login
from relais.crypto.account import AccountState
from relais.crypto.errors import ProtocolError
from relais.models.ids import AccountId, CircleId, DeviceId, Millis
from relais.models.refusal import Code, Refusal
from relais.models.roles import AccountRole
from relais.models.wire import auth
from relais.server.callers import Anyone, Caller
from relais.server.clock import now_ms
from relais.server.keys import derive_secret

CHALLENGE_MS = 60_000
TIME_BYTES, NONCE_BYTES, MAC_BYTES = 6, 10, 16


@dataclass(frozen=True)
class Claims:
    """What a token says, and what is known of its account. `expires_at` in milliseconds; `doors` as a `Caller` has them."""

    account: AccountId
    device: DeviceId
    roles: tuple[AccountRole, ...]
    expires_at: int
    organisation: str = ""
    doors: Mapping[CircleId, Millis] = field(default_factory=dict)


@dataclass(frozen=True)
class Holder:
    """The account a device is in, and what that account may be. `is_superseded`: another took its place.

    `doors`: the circles it was let into by emergency access, and until when.
    """

    state: AccountState
    roles: tuple[AccountRole, ...]
    is_superseded: bool = False
    doors: Mapping[CircleId, Millis] = field(default_factory=dict)


class Holders(Protocol):
    """Finds accounts by device; remembers challenges that were used and logins."""

    async def holder_of(self, device: DeviceId) -> Holder | None: ...

    async def spend_challenge(self, challenge: bytes, *, expires_at: int) -> bool:
        """False when it was spent before."""

    async def logged_in(self, who: Anyone, claims: Claims) -> None:
        """Durably note the login before its token is answered."""


@dataclass(frozen=True)
class Terms:
    """The origin members see (None: any whose host is the one asked) and how long a token lives."""

    origin: str | None
    token_seconds: int


class Identity:
    """Challenges, logins and tokens. `key` is shared by all nodes of one service."""

    def __init__(self, key: Ed25519PrivateKey, holders: Holders, terms: Terms) -> None:
        self._key = key
        self._public = key.public_key()
        self._secret = derive_secret(key, "relais/1 challenge")
        self._holders = holders
        self._terms = terms

    def challenge(self, ask: auth.AskChallenge) -> auth.Challenge:
        """Something fresh to sign; the same whether or not the device exists."""
        expires_at = now_ms() + CHALLENGE_MS
        head = expires_at.to_bytes(TIME_BYTES, "big") + secrets.token_bytes(NONCE_BYTES)
        return auth.Challenge(head + self._mac(head, ask.device), expires_at)

    async def token(self, ask: auth.AskToken, host: str, who: Anyone) -> auth.Token:
        """Check a login sent to `host` and answer a token; on an open socket only for the same device.

        Raises `Refusal` ``unauthenticated`` with a reason: `unknown-device`, `revoked-device`, `superseded`,
        `bad-signature`, `wrong-origin`, `bad-challenge`, `spent-challenge`, `wrong-device`.
        """
        try:
            answered = login.peek(ask.login)
            holder = await self.holder(answered.device)
            login.verify(answered, holder.state.device(answered.device).sign)
        except ProtocolError as error:
            raise _unauthenticated(error.reason) from error
        if isinstance(who, Caller) and who.device != answered.device:
            raise _unauthenticated("wrong-device")
        self._check_origin(answered.origin, host)
        await self._spend(answered.challenge, answered.device)
        return await self._issue(holder, answered.device, who)

    async def verify(self, token: str) -> Claims:
        """What a token says, if it is ours, has not ended, and its device is still in force."""
        try:
            read = jwt.decode(
                token,
                self._public,
                algorithms=["EdDSA"],
                # Whether it has ended is asked below, of the clock that wrote it.
                options={"require": ["exp", "sub"], "verify_exp": False, "verify_iat": False},
            )
            device, roles, ends = read["device"], tuple(read["roles"]), int(read["exp"]) * 1000
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            raise _unauthenticated("bad-token") from error
        if ends <= now_ms():
            raise _unauthenticated("bad-token")
        holder = await self.holder(device)
        organisation = holder.state.profile.organisation
        return Claims(read["sub"], device, roles, ends, organisation, holder.doors)

    async def holder(self, device: DeviceId) -> Holder:
        """The account of a device that may act for it now. Raises ``unauthenticated``."""
        holder = await self._holders.holder_of(device)
        if holder is None:
            raise _unauthenticated("unknown-device")
        if not holder.state.in_force(device):
            raise _unauthenticated("revoked-device")
        if holder.is_superseded:
            raise _unauthenticated("superseded")
        return holder

    def _check_origin(self, origin: str, host: str) -> None:
        """A login made for another server must not work here."""
        try:
            parts = urlsplit(origin)
        except ValueError as error:
            raise _unauthenticated("wrong-origin") from error
        plain = parts.scheme in ("http", "https") and f"{parts.scheme}://{parts.netloc}" == origin
        expected = self._terms.origin
        if not plain or (parts.netloc != host if expected is None else origin != expected):
            raise _unauthenticated("wrong-origin")

    async def _spend(self, challenge: bytes, device: DeviceId) -> None:
        head, mac = challenge[:-MAC_BYTES], challenge[-MAC_BYTES:]
        expires_at = int.from_bytes(head[:TIME_BYTES], "big")
        if not hmac.compare_digest(mac, self._mac(head, device)) or expires_at <= now_ms():
            raise _unauthenticated("bad-challenge")
        if not await self._holders.spend_challenge(challenge, expires_at=expires_at):
            raise _unauthenticated("spent-challenge")

    async def _issue(self, holder: Holder, device: DeviceId, who: Anyone) -> auth.Token:
        now = now_ms()
        issued = now // 1000
        expires = issued + self._terms.token_seconds
        organisation = holder.state.profile.organisation
        account = holder.state.account
        claims = Claims(account, device, holder.roles, expires * 1000, organisation)
        facts = {"sub": claims.account, "device": device, "roles": list(holder.roles)}
        token = jwt.encode(facts | {"iat": issued, "exp": expires}, self._key, algorithm="EdDSA")
        await self._holders.logged_in(who, claims)
        return auth.Token(token, claims.account, holder.roles, claims.expires_at, now)

    def _mac(self, head: bytes, device: DeviceId) -> bytes:
        return hmac.digest(self._secret, head + bytes.fromhex(device), "sha256")[:MAC_BYTES]


def _unauthenticated(reason: str) -> Refusal:
    return Refusal(Code.UNAUTHENTICATED, reason=reason)

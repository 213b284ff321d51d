"""Safety numbers that were compared in this folder (docs/protocol.md §10)."""

import hmac
from dataclasses import dataclass
from typing import Any, Final

from relais.client.home import Home
from relais.client.session import Session
from relais.crypto import safety
from relais.crypto.account import AccountState
from relais.models.ids import AccountId, Millis

UNVERIFIED: Final = "unverified"
VERIFIED: Final = "verified"
CHANGED: Final = "changed"
_FILE: Final = "compared"


@dataclass(frozen=True)
class Person:
    """Somebody, the number one has with them, and what a comparison before said of it."""

    state: AccountState
    number: str
    mark: str
    compared_at: Millis | None


async def person(session: Session, account: AccountId) -> Person:
    """From both chains as the server has them now. Raises `BadAnswer`, `ProtocolError` (`wrong-account` for oneself)."""
    me = session.identity.account
    await session.accounts.load([me, account], fresh=True)
    state = session.accounts[account]
    number = safety.number(session.accounts[me], state)
    return Person(state, number, *_mark(session.home, state))


def keep(home: Home, state: AccountState, *, now: Millis) -> None:
    """The number was compared and is the same on both sides."""
    said = {"half": safety.half(state), "head": state.head, "at": now}
    home.update(_FILE, lambda before: {**(before or {}), state.account: said})


def forget(home: Home, account: AccountId) -> None:
    home.update(_FILE, lambda before: {k: v for k, v in (before or {}).items() if k != account})


def _mark(home: Home, state: AccountState) -> tuple[str, Millis | None]:
    kept: dict[str, Any] | None = (home.read(_FILE) or {}).get(state.account)
    if kept is None:
        return UNVERIFIED, None
    is_same = hmac.compare_digest(kept["half"], safety.half(state))
    return (VERIFIED if is_same else CHANGED), kept["at"]

"""The rehearsal of the recovery kit: is the sheet still there? Asked for the kit's third word, first a week after the
kit was made in this folder, then ever more rarely. What is kept to tell it is a slow hash of that one word."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from relais.client import unlocking
from relais.client.errors import ClientError
from relais.client.home import Home
from relais.crypto import kit
from relais.crypto.account import AccountState
from relais.models.ids import DeviceId, Millis

DAY: Final = 86_400_000
FIRST: Final = 7 * DAY
LONGEST: Final = 182 * DAY
ASKED_FOR: Final = 2  # the third
_FILE: Final = "kit"


class NoKitHere(ClientError):
    """The kit in force was not made in this folder: only the device it was made on can check it."""


@dataclass(frozen=True)
class Rehearsal:
    """What is kept of a kit: which one it is, its third word's hash, and when to ask (milliseconds)."""

    device: DeviceId
    salt: bytes
    hash: bytes
    interval: int
    ask_at: Millis


def remember(home: Home, device: DeviceId, words: Sequence[str], *, now: Millis) -> None:
    """A kit was made here."""
    salt = secrets.token_bytes(16)
    hashed = unlocking.stretched(kit.bare(words[ASKED_FOR]), salt)
    _keep(home, Rehearsal(device, salt, hashed, FIRST, now + FIRST))


def load(home: Home, mine: AccountState) -> Rehearsal | None:
    """What is kept of the kit in force; None where that was made elsewhere, or revoked."""
    kept = home.read(_FILE)
    known = Rehearsal(**kept) if kept else None
    return known if known and mine.in_force(known.device) else None


def is_due(home: Home, mine: AccountState, *, now: Millis) -> bool:
    known = load(home, mine)
    return known is not None and now >= known.ask_at


def check(home: Home, mine: AccountState, word: str, *, now: Millis) -> bool:
    """Whether it is the kit's third word; if so it is asked for half as often from now on. Raises `NoKitHere`."""
    known = load(home, mine)
    if known is None:
        raise NoKitHere
    is_right = hmac.compare_digest(unlocking.stretched(kit.bare(word), known.salt), known.hash)
    if is_right:
        longer = min(2 * known.interval, LONGEST)
        _keep(home, replace(known, interval=longer, ask_at=now + longer))
    return is_right


def _keep(home: Home, rehearsal: Rehearsal) -> None:
    home.write(_FILE, asdict(rehearsal))

"""Safety numbers (docs/protocol.md §10): 60 digits that two people compare to know there is nobody between them.

Each person's half stands for their account's id, which pins its first statement, and for all devices now
in force, whose ids pin their keys. Who puts an account or a device of their own in the place of another's
has to find one with the same 30 digits: some 2^99 tries.
"""

import hashlib
import hmac
import re
from typing import Final

from relais.crypto import cbor
from relais.crypto.account import AccountState
from relais.crypto.errors import ProtocolError
from relais.crypto.structure import to_bytes

_GROUPS: Final = 6
_GROUP_BYTES: Final = 5
_GROUP_DIGITS: Final = 5
_PREFIX: Final = "relais-safety:1:"
_NUMBER: Final = re.compile(r"[0-9]{60}")
_SPACES: Final = re.compile(r"[\s-]")


def half(state: AccountState) -> str:
    """The 30 digits of one account: they change when a device comes or goes, and with nothing else."""
    devices = sorted(to_bytes(device.id) for device in state.devices_in_force())
    digest = hashlib.sha256(cbor.encode(["relais/1 safety", to_bytes(state.account), devices]))
    return "".join(_group(digest.digest(), place) for place in range(_GROUPS))


def number(one: AccountState, other: AccountState) -> str:
    """The 60 digits of two accounts, the same whoever asks. Raises ProtocolError `wrong-account` for one with itself."""
    if one.account == other.account:
        raise ProtocolError("wrong-account")
    first, second = sorted((one, other), key=lambda state: state.account)
    return half(first) + half(second)


def grouped(number: str) -> str:
    """For people: twelve groups of five digits."""
    starts = range(0, len(number), _GROUP_DIGITS)
    return " ".join(number[start : start + _GROUP_DIGITS] for start in starts)


def qr_text(number: str) -> str:
    """What the QR code holds: ``relais-safety:1:`` and the 60 digits."""
    return _PREFIX + number


def read(text: str) -> str:
    """The 60 digits of a QR code's text, or as somebody typed them. Raises ProtocolError `bad-code`."""
    digits = _SPACES.sub("", text.strip().removeprefix(_PREFIX))
    if _NUMBER.fullmatch(digits) is None:
        raise ProtocolError("bad-code")
    return digits


def is_same(number: str, other: str) -> bool:
    """Compare two numbers in constant time."""
    return hmac.compare_digest(number, other)


def _group(digest: bytes, place: int) -> str:
    start = place * _GROUP_BYTES
    value = int.from_bytes(digest[start : start + _GROUP_BYTES], "big")
    return f"{value % 10**_GROUP_DIGITS:0{_GROUP_DIGITS}}"

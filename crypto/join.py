"""Joining (docs/protocol.md §3): a code shown on one device lets another into the account, past the server.

The code is 80 random bits, 16 characters of Crockford's base32 in groups of four. The server learns the
ticket derived from it and neither of the two keys, so it can forge no word between the devices.
"""

import hashlib
import hmac
import re
from typing import Final

from relais.crypto import suite
from relais.crypto.errors import ProtocolError
from relais.models.ids import TicketId

SECRET_SIZE: Final = 10
TICKET_SIZE: Final = 16
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS: Final = str.maketrans("OIL", "011")
_CODE: Final = re.compile(f"[{_ALPHABET}]{{16}}")


def make_code(secret: bytes) -> str:
    """Ten random bytes as ``ABCD-EFGH-JKMN-PQRS``."""
    if len(secret) != SECRET_SIZE:
        raise ValueError("a joining code needs 10 random bytes")
    number = int.from_bytes(secret, "big")
    code = "".join(_ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))
    return "-".join(code[start : start + 4] for start in range(0, 16, 4))


def read_code(text: str) -> bytes:
    """The ten bytes of a code, typed or scanned; case, spaces and hyphens do not matter.

    O is read as 0, I and L as 1. Raises ProtocolError `bad-code`.
    """
    code = re.sub(r"[\s-]", "", text).upper().translate(_READ_AS)
    if _CODE.fullmatch(code) is None:
        raise ProtocolError("bad-code")
    number = 0
    for character in code:
        number = number << 5 | _ALPHABET.index(character)
    return number.to_bytes(SECRET_SIZE, "big")


def ticket(secret: bytes) -> TicketId:
    """What the server knows the offer by."""
    return suite.hkdf(secret, ["relais/1 join", "ticket"], TICKET_SIZE).hex()


def request_mac(secret: bytes, possession: bytes) -> bytes:
    """The new device's word to the old one, 32 bytes."""
    return _mac(suite.hkdf(secret, ["relais/1 join", "request"]), possession)


def answer_mac(secret: bytes, statement: bytes) -> bytes:
    """The old device's word to the new one, 32 bytes."""
    return _mac(suite.hkdf(secret, ["relais/1 join", "answer"]), statement)


def check_mac(mac: bytes, expected: bytes) -> None:
    """Compare in constant time. Raises ProtocolError `wrong-mac`."""
    if not hmac.compare_digest(mac, expected):
        raise ProtocolError("wrong-mac")


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)

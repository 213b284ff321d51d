"""Login (docs/protocol.md §3): a device answers a server's challenge, for one origin."""

from dataclasses import dataclass

from relais.crypto import cose
from relais.crypto.cose import Signed
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.structure import ID16, TIME, Structure, bytes_of, text
from relais.models.ids import DeviceId, Millis

CHALLENGE_SIZE = 32

_LOGIN = Structure(
    "Login",
    {"challenge": bytes_of(CHALLENGE_SIZE), "device": ID16, "origin": text(200), "at": TIME},
)


@dataclass(frozen=True)
class Login:
    """A login taken apart; not to be trusted before `verify`."""

    challenge: bytes
    device: DeviceId
    origin: str
    at: Millis
    signed: Signed


def answer(keys: DeviceKeys, challenge: bytes, *, origin: str, at: Millis) -> bytes:
    """Sign a 32-byte challenge for the server at `origin`, as this device sees it."""
    fields = {"challenge": challenge, "device": keys.id, "origin": origin, "at": at}
    return cose.sign(_LOGIN.encode(fields), keys=keys, context=cose.LOGIN)


def peek(data: bytes) -> Login:
    """Take a login apart; it trusts nothing.

    Raises ProtocolError `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`,
    `bad-signature` (signed by another device than it names).
    """
    signed = cose.peek(data)
    login = Login(**_LOGIN.decode(signed.payload), signed=signed)
    if login.device != signed.kid:
        raise ProtocolError("bad-signature")
    return login


def verify(login: Login, sign_public: bytes) -> None:
    """Check the signature under the device's key. Raises ProtocolError `bad-signature`.

    Challenge, origin and time are the server's to compare.
    """
    cose.verify(login.signed, sign_public, context=cose.LOGIN)

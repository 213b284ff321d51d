"""Emergency access (docs/protocol.md §13): who asks to be let into a circle, and what the escrow's guardians answer."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from relais.crypto import cbor, cose, escrow, suite
from relais.crypto.account import AccountState
from relais.crypto.cose import Signed
from relais.crypto.device import Device, DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.escrow import EscrowStatement, Parts
from relais.crypto.structure import (
    BOOL,
    BYTES,
    ID16,
    ID32,
    TIME,
    Kind,
    Structure,
    array,
    bytes_of,
    text,
    to_bytes,
)
from relais.models.ids import AccountId, CircleId, DeviceId, Digest, Millis

REASONS: Final = ("vital", "night", "absence", "handover", "other")
LONGEST: Final[Millis] = 72 * 3_600_000
WORDS_MOST: Final = 500
SALT_SIZE: Final = 16
MOST_SEALED: Final = 224
"""Seven guardians of 32 devices each."""

_REQUEST = Structure(
    "EmergencyRequest",
    {
        "escrow": ID32,
        "circle": ID32,
        "account": ID32,
        "account_head": ID32,
        "device": ID16,
        "at": TIME,
        "until": TIME,
        "reason": text(20),
        "explained": ID32,
    },
)
_EXPLAINED = Structure("Explained", {"salt": bytes_of(SALT_SIZE), "text": text(WORDS_MOST)})
_PART = Structure("ReleasedParts", {"device": ID16, "sealed": BYTES})
_ANSWER = Structure(
    "EmergencyAnswer",
    {
        "request": ID32,
        "account": ID32,
        "device": ID16,
        "escrow_device": ID16,
        "at": TIME,
        "approved": BOOL,
        "parts": array(Kind(_PART.read, _PART.write), most=MOST_SEALED),
    },
)


@dataclass(frozen=True)
class EmergencyRequest:
    """A request taken apart; not to be trusted before `verify`. `explained`: the hash of the words, which guardians see."""

    escrow: AccountId
    circle: CircleId
    account: AccountId
    account_head: Digest
    device: DeviceId
    at: Millis
    until: Millis
    reason: str
    explained: Digest
    signed: Signed

    @property
    def id(self) -> Digest:
        return self.signed.digest


@dataclass(frozen=True)
class EmergencyAnswer:
    """A guardian's answer taken apart; not to be trusted before `verify_answer`.

    `escrow_device`: whose parts are in it. `parts`: what was sealed, by the device it was sealed to.
    """

    request: Digest
    account: AccountId
    device: DeviceId
    escrow_device: DeviceId
    at: Millis
    approved: bool
    parts: Mapping[DeviceId, bytes]
    signed: Signed


def explain(words: str, salt: bytes) -> bytes:
    """The free words as they are sealed; `salt` (16 random bytes) keeps their hash from being guessed."""
    return _EXPLAINED.encode({"salt": salt, "text": words})


def explained(plaintext: bytes) -> Digest:
    """The hash of `explain`, for the request."""
    return suite.digest(plaintext)


def write(
    keys: DeviceKeys,
    *,
    escrow: AccountId,
    circle: CircleId,
    account: AccountId,
    account_head: Digest,
    at: Millis,
    until: Millis,
    reason: str,
    explained: Digest,
) -> bytes:
    """Ask to be let into a circle. Raises ProtocolError `unknown-reason`, `bad-period`."""
    fields: dict[str, Any] = {
        "escrow": escrow,
        "circle": circle,
        "account": account,
        "account_head": account_head,
        "device": keys.id,
        "at": at,
        "until": until,
        "reason": reason,
        "explained": explained,
    }
    _check_request(reason, at=at, until=until)
    return cose.sign(_REQUEST.encode(fields), keys=keys, context=cose.EMERGENCY)


def peek(data: bytes) -> EmergencyRequest:
    """Take a request apart; it trusts nothing.

    Raises ProtocolError `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`, `unknown-reason`, `bad-period`,
    `bad-signature` (signed by another device than it names).
    """
    signed = cose.peek(data)
    request = EmergencyRequest(**_REQUEST.decode(signed.payload), signed=signed)
    if request.device != signed.kid:
        raise ProtocolError("bad-signature")
    _check_request(request.reason, at=request.at, until=request.until)
    return request


def verify(request: EmergencyRequest, requester: AccountState) -> None:
    """Check that a device of the requester, not revoked before `at`, signed it.

    Raises ProtocolError `wrong-account` (`account_head` is no head of it, too), `not-a-device`, `revoked-device`, `bad-signature`.
    """
    if requester.account != request.account or request.account_head not in requester.heads:
        raise ProtocolError("wrong-account")
    device = requester.require_in_force(request.device, request.at)
    cose.verify(request.signed, device.sign, context=cose.EMERGENCY)


def seal_words(plaintext: bytes, device: Device, *, circle: CircleId, requester: DeviceId) -> bytes:
    """Seal what `explain` made to one device of a guardian; `requester`: the device that asks."""
    return suite.seal_to(device.kem, plaintext, info=_words_info(circle, requester, to=device.id))


def open_words(sealed: bytes, keys: DeviceKeys, request: EmergencyRequest) -> str:
    """The free words, true to the request. Raises ProtocolError `cannot-open`, `wrong-words`."""
    info = _words_info(request.circle, request.device, to=keys.id)
    plaintext = suite.open_sealed(keys.kem_seed, sealed, info=info)
    if not hmac.compare_digest(explained(plaintext), request.explained):
        raise ProtocolError("wrong-words")
    words: str = _EXPLAINED.decode(plaintext)["text"]
    return words


def seal_parts(
    keys: DeviceKeys, device: Device, parts: Sequence[bytes], *, request: Digest
) -> bytes:
    """Seal a guardian's parts, in order, to one device of another guardian, for one request."""
    info = _parts_info(request, keys.id, to=device.id)
    return suite.seal_to(device.kem, cbor.encode(list(parts)), info=info)


def write_answer(
    keys: DeviceKeys,
    *,
    request: Digest,
    account: AccountId,
    escrow_device: DeviceId,
    parts: Mapping[DeviceId, bytes] | None,
    at: Millis,
) -> bytes:
    """Approve, with one's parts sealed to the devices of the other guardians; or decline (`parts` None)."""
    fields: dict[str, Any] = {
        "request": request,
        "account": account,
        "device": keys.id,
        "escrow_device": escrow_device,
        "at": at,
        "approved": parts is not None,
        "parts": [{"device": to, "sealed": sealed} for to, sealed in (parts or {}).items()],
    }
    return cose.sign(_ANSWER.encode(fields), keys=keys, context=cose.ANSWER)


def peek_answer(data: bytes) -> EmergencyAnswer:
    """Take an answer apart; it trusts nothing.

    Raises ProtocolError `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`, `bad-signature` (signed by
    another device than it names), `wrong-share` (parts in an answer that declines, none in one that approves, two for a device).
    """
    signed = cose.peek(data)
    fields = _ANSWER.decode(signed.payload)
    parts = {one["device"]: one["sealed"] for one in fields["parts"]}
    if fields["device"] != signed.kid:
        raise ProtocolError("bad-signature")
    if len(parts) != len(fields["parts"]) or fields["approved"] != bool(parts):
        raise ProtocolError("wrong-share")
    return EmergencyAnswer(**{**fields, "parts": parts}, signed=signed)


def verify_answer(answer: EmergencyAnswer, guardian: AccountState, *, request: Digest) -> None:
    """Check that a device of the guardian, not revoked before `at`, gave it, to this request.

    It does not check that the account is a guardian. Raises ProtocolError `wrong-request`, `wrong-account`, `not-a-device`,
    `revoked-device`, `bad-signature`.
    """
    if answer.request != request:
        raise ProtocolError("wrong-request")
    if guardian.account != answer.account:
        raise ProtocolError("wrong-account")
    device = guardian.require_in_force(answer.device, answer.at)
    cose.verify(answer.signed, device.sign, context=cose.ANSWER)


def open_parts(answer: EmergencyAnswer, keys: DeviceKeys, statement: EscrowStatement) -> Parts:
    """The parts that another guardian sealed to this device, true to the statement.

    Raises ProtocolError `parts-missing` (none for this device), `wrong-device` (parts of another device of the escrow),
    `not-a-guardian`, `cannot-open`, `wrong-share`.
    """
    if keys.id not in answer.parts:
        raise ProtocolError("parts-missing")
    if answer.escrow_device != statement.device:
        raise ProtocolError("wrong-device")
    info = _parts_info(answer.request, answer.device, to=keys.id)
    plaintext = suite.open_sealed(keys.kem_seed, answer.parts[keys.id], info=info)
    return escrow.read_parts(plaintext, statement, guardian=answer.account)


def _check_request(reason: str, *, at: Millis, until: Millis) -> None:
    if reason not in REASONS:
        raise ProtocolError("unknown-reason")
    if not at < until <= at + LONGEST:
        raise ProtocolError("bad-period")


def _words_info(circle: CircleId, requester: DeviceId, *, to: DeviceId) -> suite.Info:
    return ["relais/1 explained", *map(to_bytes, (circle, requester, to))]


def _parts_info(request: Digest, giver: DeviceId, *, to: DeviceId) -> suite.Info:
    return ["relais/1 release", *map(to_bytes, (request, giver, to))]

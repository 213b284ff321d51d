"""Receipts (docs/protocol.md §8): a device's signed word that it stored, read or acknowledged a version."""

from dataclasses import dataclass
from typing import Any, Final

from relais.crypto import cose
from relais.crypto.account import AccountState
from relais.crypto.cose import Signed
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.structure import ID16, ID32, TIME, UINT, UUID, Structure, choice
from relais.models.ids import AccountId, CircleId, DeviceId, Digest, Millis, NoteId

STORED: Final = "stored"
READ: Final = "read"
ACKNOWLEDGED: Final = "acknowledged"

_RECEIPT = Structure(
    "Receipt",
    {
        "circle": ID32,
        "note": UUID,
        "version": UINT,
        "envelope": ID32,
        "kind": choice(STORED, READ, ACKNOWLEDGED),
        "account": ID32,
        "device": ID16,
        "at": TIME,
    },
)


@dataclass(frozen=True)
class Receipt:
    """A receipt taken apart; not to be trusted before `verify`."""

    circle: CircleId
    note: NoteId
    version: int
    envelope: Digest
    kind: str
    account: AccountId
    device: DeviceId
    at: Millis
    signed: Signed

    @property
    def digest(self) -> Digest:
        return self.signed.digest


def write(
    keys: DeviceKeys,
    *,
    circle: CircleId,
    note: NoteId,
    version: int,
    envelope: Digest,
    kind: str,
    account: AccountId,
    at: Millis,
) -> bytes:
    """Sign a receipt for one version; `envelope` is the hash of that version's envelope."""
    fields: dict[str, Any] = {
        "circle": circle,
        "note": note,
        "version": version,
        "envelope": envelope,
        "kind": kind,
        "account": account,
        "device": keys.id,
        "at": at,
    }
    return cose.sign(_RECEIPT.encode(fields), keys=keys, context=cose.RECEIPT)


def peek(data: bytes) -> Receipt:
    """Take a receipt apart; it trusts nothing.

    Raises ProtocolError `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`,
    `bad-signature` (signed by another device than it names).
    """
    signed = cose.peek(data)
    receipt = Receipt(**_RECEIPT.decode(signed.payload), signed=signed)
    if receipt.device != signed.kid:
        raise ProtocolError("bad-signature")
    return receipt


def verify(receipt: Receipt, account: AccountState) -> None:
    """Check that a device of the account, not revoked before `at`, signed it.

    Raises ProtocolError `wrong-account`, `not-a-device`, `revoked-device`, `bad-signature`.
    """
    if account.account != receipt.account:
        raise ProtocolError("wrong-account")
    device = account.require_in_force(receipt.device, receipt.at)
    cose.verify(receipt.signed, device.sign, context=cose.RECEIPT)

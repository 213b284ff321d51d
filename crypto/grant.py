"""Grants (docs/protocol.md §5): epoch keys sealed to one device, signed by the device that hands them on."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from relais.crypto import cbor, cose, epoch, suite
from relais.crypto.account import AccountState
from relais.crypto.cose import Signed
from relais.crypto.device import Device, DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger_state import CircleState
from relais.crypto.structure import BYTES, ID16, ID32, TIME, UINT, Structure, array, text, to_bytes
from relais.models.ids import AccountId, CircleId, DeviceId, Digest, Millis

MOST_KEYS: Final = 1_000

EpochName = tuple[str, int]
"""(audience, epoch)"""

_KEY = Structure("GrantKey", {"audience": text(20), "epoch": UINT})
_GRANT = Structure(
    "Grant",
    {
        "circle": ID32,
        "account": ID32,
        "device": ID16,
        "granter": ID32,
        "at": TIME,
        "keys": array(_KEY.kind, most=MOST_KEYS, least=1),
        "sealed": BYTES,
    },
)


@dataclass(frozen=True)
class Grant:
    """A grant taken apart; not to be trusted before `verify`. `keys` names what is inside, in order."""

    circle: CircleId
    account: AccountId
    device: DeviceId
    granter: AccountId
    granter_device: DeviceId
    at: Millis
    keys: tuple[EpochName, ...]
    sealed: bytes
    signed: Signed

    @property
    def digest(self) -> Digest:
        return self.signed.digest


def seal(
    keys: DeviceKeys,
    device: Device,
    *,
    circle: CircleId,
    account: AccountId,
    granter: AccountId,
    epochs: Sequence[tuple[str, int, bytes]],
    at: Millis,
) -> bytes:
    """Seal (audience, epoch, 32-byte key) triples to a device of `account`; 1 to 1,000 of them.

    `granter` is the account of `keys`. It does not check who is entitled.
    """
    info = _info(circle, device.id, granter_device=keys.id)
    sealed = suite.seal_to(device.kem, cbor.encode([key for _, _, key in epochs]), info=info)
    fields: dict[str, Any] = {
        "circle": circle,
        "account": account,
        "device": device.id,
        "granter": granter,
        "at": at,
        "keys": [{"audience": audience, "epoch": number} for audience, number, _ in epochs],
        "sealed": sealed,
    }
    return cose.sign(_GRANT.encode(fields), keys=keys, context=cose.GRANT)


def peek(data: bytes) -> Grant:
    """Take a grant apart; it trusts nothing.

    Raises ProtocolError `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`.
    """
    signed = cose.peek(data)
    fields = _GRANT.decode(signed.payload)
    fields["keys"] = tuple((key["audience"], key["epoch"]) for key in fields["keys"])
    return Grant(**fields, granter_device=signed.kid, signed=signed)


def verify(grant: Grant, granter: AccountState) -> None:
    """Check that a device of the granter, not revoked before `at`, signed it.

    Raises ProtocolError `wrong-account`, `not-a-device`, `revoked-device`, `bad-signature`.
    """
    if granter.account != grant.granter:
        raise ProtocolError("wrong-account")
    device = granter.require_in_force(grant.granter_device, grant.at)
    cose.verify(grant.signed, device.sign, context=cose.GRANT)


def check_granter(grant: Grant, state: CircleState) -> None:
    """Check by the ledger that the granter could hold what it hands on.

    Raises ProtocolError `wrong-circle`, `not-entitled`, `wrong-epoch` (no such epoch).
    """
    if grant.circle != state.circle:
        raise ProtocolError("wrong-circle")
    member = state.members.get(grant.granter)
    for audience, number in grant.keys:
        if member is None or not member.has_read(audience):
            raise ProtocolError("not-entitled")
        if number not in state.audiences[audience].epochs:
            raise ProtocolError("wrong-epoch")


def open_grant(
    data: bytes, my_keys: DeviceKeys, state: CircleState, granter: AccountState
) -> dict[EpochName, bytes]:
    """Open a grant made to this device: the key of each (audience, epoch), true to its commitment.

    Raises ProtocolError: those of `peek`, `verify` and `check_granter`, and `wrong-device`,
    `cannot-open`, `wrong-key`.
    """
    grant = peek(data)
    if grant.device != my_keys.id:
        raise ProtocolError("wrong-device")
    verify(grant, granter)
    check_granter(grant, state)
    info = _info(grant.circle, grant.device, granter_device=grant.granter_device)
    keys = cbor.decode(suite.open_sealed(my_keys.kem_seed, grant.sealed, info=info))
    _check_keys(grant, keys, state)
    return dict(zip(grant.keys, keys, strict=True))


def _check_keys(grant: Grant, keys: Any, state: CircleState) -> None:
    if type(keys) is not list or len(keys) != len(grant.keys):
        raise ProtocolError("wrong-key")
    for (audience, number), key in zip(grant.keys, keys, strict=True):
        known = state.audiences[audience].epochs[number].commitment
        if type(key) is not bytes or not _is_committed(known, key, (audience, number)):
            raise ProtocolError("wrong-key")


def _is_committed(known: bytes, key: bytes, name: EpochName) -> bool:
    return hmac.compare_digest(epoch.commitment(key, *name), known)


def _info(circle: CircleId, device: DeviceId, *, granter_device: DeviceId) -> suite.Info:
    return ["relais/1 grant", to_bytes(circle), to_bytes(device), to_bytes(granter_device)]

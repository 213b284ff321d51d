"""Grants (docs/protocol.md §5): epoch keys sealed to one device, signed by the device that hands them on."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from relais.crypto import cbor, cose, epoch, suite
from relais.crypto.account import AccountState
from relais.crypto.cose import Signed
from relais.crypto.device import Device, DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger_state import CircleState, Member
from relais.crypto.structure import (
    BYTES,
    ID16,
    ID32,
    TIME,
    UINT,
    UUID,
    Kind,
    Structure,
    array,
    text,
    to_bytes,
)
from relais.models.ids import AccountId, CircleId, DeviceId, Digest, Millis, NoteId

MOST_KEYS: Final = 1_000

EpochName = tuple[str, int]
"""(audience, epoch)"""


class NoteName(NamedTuple):
    """One version, whose content key is handed over by itself."""

    note: NoteId
    version: int


KeyName = EpochName | NoteName

_EPOCH = Structure("GrantKey", {"audience": text(20), "epoch": UINT})
_NOTE = Structure("GrantNote", {"note": UUID, "version": UINT})


def _read_name(value: Any) -> KeyName:
    if type(value) is dict and "note" in value:
        return NoteName(**_NOTE.read(value))
    name = _EPOCH.read(value)
    return name["audience"], name["epoch"]


def _write_name(name: KeyName) -> Any:
    if isinstance(name, NoteName):
        return _NOTE.write(name._asdict())
    audience, number = name
    return _EPOCH.write({"audience": audience, "epoch": number})


_GRANT = Structure(
    "Grant",
    {
        "circle": ID32,
        "account": ID32,
        "device": ID16,
        "granter": ID32,
        "at": TIME,
        "keys": array(Kind(_read_name, _write_name), most=MOST_KEYS, least=1),
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
    keys: tuple[KeyName, ...]
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
    epochs: Sequence[tuple[str, int, bytes]] = (),
    notes: Mapping[NoteName, bytes] | None = None,
    at: Millis,
) -> bytes:
    """Seal (audience, epoch, 32-byte key) triples, and content keys of single versions, to a device of `account`.

    1 to 1,000 of them. `granter` is the account of `keys`. It does not check who is entitled.
    """
    own = notes or {}
    info = _info(circle, device.id, granter_device=keys.id)
    plaintext = cbor.encode([*(key for _, _, key in epochs), *own.values()])
    sealed = suite.seal_to(device.kem, plaintext, info=info)
    fields: dict[str, Any] = {
        "circle": circle,
        "account": account,
        "device": device.id,
        "granter": granter,
        "at": at,
        "keys": [*((audience, number) for audience, number, _ in epochs), *own],
        "sealed": sealed,
    }
    return cose.sign(_GRANT.encode(fields), keys=keys, context=cose.GRANT)


def peek(data: bytes) -> Grant:
    """Take a grant apart; it trusts nothing.

    Raises ProtocolError `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`.
    """
    signed = cose.peek(data)
    fields = _GRANT.decode(signed.payload)
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
    for name in grant.keys:
        if member is None or not _could_hold(member, name):
            raise ProtocolError("not-entitled")
        if not isinstance(name, NoteName) and name[1] not in state.audiences[name[0]].epochs:
            raise ProtocolError("wrong-epoch")


def _could_hold(member: Member, name: KeyName) -> bool:
    """An epoch's key by its audience; that of a version by any: who it is for stands in its envelope."""
    if isinstance(name, NoteName):
        return any(member.has_read(audience) for audience in member.all_audiences)
    return member.has_read(name[0])


def open_grant(
    data: bytes, my_keys: DeviceKeys, state: CircleState, granter: AccountState
) -> dict[KeyName, bytes]:
    """Open a grant made to this device: the key of each (audience, epoch), true to its commitment; and content keys
    of single versions, which only their envelopes can tell true (`envelope.content_key`).

    Raises ProtocolError: those of `peek`, `verify` and `check_granter`, and `wrong-device`,
    `cannot-open`, `wrong-key`.
    """
    grant = peek(data)
    if grant.device != my_keys.id:
        raise ProtocolError("wrong-device")
    verify(grant, granter)
    check_granter(grant, state)
    info = _info(grant.circle, grant.device, granter_device=grant.granter_device)
    keys = _inside(suite.open_sealed(my_keys.kem_seed, grant.sealed, info=info))
    _check_keys(grant, keys, state)
    return dict(zip(grant.keys, keys, strict=True))


def _inside(plaintext: bytes) -> Any:
    """What is no CBOR holds no key: like a wrong one, nobody but the device can see it."""
    try:
        return cbor.decode(plaintext)
    except ProtocolError:
        raise ProtocolError("wrong-key") from None


def _check_keys(grant: Grant, keys: Any, state: CircleState) -> None:
    if type(keys) is not list or len(keys) != len(grant.keys):
        raise ProtocolError("wrong-key")
    for name, key in zip(grant.keys, keys, strict=True):
        if type(key) is not bytes or not _is_true(state, key, name):
            raise ProtocolError("wrong-key")


def _is_true(state: CircleState, key: bytes, name: KeyName) -> bool:
    if isinstance(name, NoteName):
        return len(key) == suite.KEY_SIZE
    audience, number = name
    known = state.audiences[audience].epochs[number].commitment
    return hmac.compare_digest(epoch.commitment(key, audience, number), known)


def _info(circle: CircleId, device: DeviceId, *, granter_device: DeviceId) -> suite.Info:
    return ["relais/1 grant", to_bytes(circle), to_bytes(device), to_bytes(granter_device)]

"""Accounts (docs/protocol.md §3): a chain of signed statements about a person's devices and profile.

Nobody but a device in force adds a device, and none enters an account without its own signed word
(`possession`). State in, new state out; `replay` checks a whole chain from statement 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from relais.crypto import cose
from relais.crypto.account_operations import (
    OPERATION,
    AddDevice,
    ChangeProfile,
    CreateAccount,
    Operation,
    Profile,
    RenameDevice,
    RevokeDevice,
)
from relais.crypto.cose import Signed
from relais.crypto.device import BOT, DEVICE, RECOVERY, Device, DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.structure import ID16, ID32, TIME, UINT, Structure, optional
from relais.models.ids import AccountId, DeviceId, Digest, Millis

__all__ = [
    "MOST_DEVICES",
    "AccountState",
    "AddDevice",
    "ChangeProfile",
    "CreateAccount",
    "DeviceRecord",
    "Profile",
    "RenameDevice",
    "RevokeDevice",
    "Statement",
    "account_id",
    "add_device",
    "apply",
    "change_profile",
    "create",
    "peek",
    "possession",
    "read_possession",
    "read_resets",
    "rename_device",
    "replay",
    "revoke_device",
]

MOST_DEVICES: Final = 32

_STATEMENT = Structure(
    "Statement",
    {
        "account": optional(ID32),
        "seq": UINT,
        "prev": optional(ID32),
        "at": TIME,
        "device": ID16,
        "operation": OPERATION,
    },
)
_POSSESSION = Structure("Possession", {"account": ID32, "device": DEVICE})


@dataclass(frozen=True)
class Statement:
    """A statement taken apart; not to be trusted before `apply`."""

    account: AccountId | None
    seq: int
    prev: Digest | None
    at: Millis
    device: DeviceId
    operation: Operation
    signed: Signed

    @property
    def digest(self) -> Digest:
        return self.signed.digest


@dataclass(frozen=True)
class DeviceRecord:
    """A device in an account, and the statements (time and seq) that added and revoked it."""

    device: Device
    added_at: Millis
    added_seq: int
    revoked_at: Millis | None = None
    revoked_seq: int | None = None

    @property
    def is_revoked(self) -> bool:
        return self.revoked_seq is not None


@dataclass(frozen=True)
class AccountState:
    """An account after its statement `seq`. `heads[n]` is the hash of statement n."""

    account: AccountId
    seq: int
    head: Digest
    at: Millis
    profile: Profile
    devices: Mapping[DeviceId, DeviceRecord]
    replaces: AccountId | None
    heads: tuple[Digest, ...]

    def device(self, device: DeviceId) -> Device:
        """The keys of a device that is or was in the account. Raises ProtocolError `not-a-device`."""
        return self._record(device).device

    def in_force(self, device: DeviceId, at: Millis | None = None) -> bool:
        """Whether the device acts for the account: now, or by a time in milliseconds.

        By a time asks whether it had not been revoked before; when it was added does not count,
        for the clocks of two devices differ.
        """
        record = self.devices.get(device)
        if record is None:
            return False
        return record.revoked_at is None or (at is not None and at <= record.revoked_at)

    def require_in_force(self, device: DeviceId, at: Millis | None = None) -> Device:
        """The device. Raises ProtocolError `not-a-device`, or `revoked-device` as `in_force` sees it."""
        found = self.device(device)
        if not self.in_force(device, at):
            raise ProtocolError("revoked-device")
        return found

    def require_in_force_at_head(self, device: DeviceId, head: Digest) -> Device:
        """The device, in force when `head` was the account's head.

        Raises ProtocolError `wrong-account` (no head of this account), `not-a-device`, `revoked-device`.
        """
        if head not in self.heads:
            raise ProtocolError("wrong-account")
        record, seq = self._record(device), self.heads.index(head)
        if record.added_seq > seq:
            raise ProtocolError("not-a-device")
        if record.revoked_seq is not None and record.revoked_seq <= seq:
            raise ProtocolError("revoked-device")
        return record.device

    def devices_in_force(self) -> tuple[Device, ...]:
        """In the order they were added."""
        return tuple(r.device for r in self.devices.values() if not r.is_revoked)

    def _record(self, device: DeviceId) -> DeviceRecord:
        if device not in self.devices:
            raise ProtocolError("not-a-device")
        return self.devices[device]


def create(
    keys: DeviceKeys,
    device: Device,
    profile: Profile,
    *,
    at: Millis,
    replaces: AccountId | None = None,
) -> bytes:
    """Statement 0 of a new account, by its first device. `replaces` names the account it resets."""
    operation = CreateAccount(device, profile, replaces)
    return _write(None, keys, operation, at=at)


def add_device(state: AccountState, keys: DeviceKeys, possession: bytes, *, at: Millis) -> bytes:
    """The statement that adds the device which signed `possession`. Raises ProtocolError `bad-possession`."""
    device = read_possession(possession, state.account)
    return _write(state, keys, AddDevice(device, possession), at=at)


def revoke_device(state: AccountState, keys: DeviceKeys, device: DeviceId, *, at: Millis) -> bytes:
    return _write(state, keys, RevokeDevice(device), at=at)


def rename_device(
    state: AccountState, keys: DeviceKeys, device: DeviceId, *, label: str, at: Millis
) -> bytes:
    return _write(state, keys, RenameDevice(device, label), at=at)


def change_profile(state: AccountState, keys: DeviceKeys, profile: Profile, *, at: Millis) -> bytes:
    return _write(state, keys, ChangeProfile(profile), at=at)


def possession(keys: DeviceKeys, device: Device, account: AccountId) -> bytes:
    """The new device's own word that it joins this account and no other."""
    payload = _POSSESSION.encode({"account": account, "device": device})
    return cose.sign(payload, keys=keys, context=cose.DEVICE)


def read_possession(data: bytes, account: AccountId) -> Device:
    """The device that wants to join `account`. Raises ProtocolError `bad-possession`."""
    try:
        signed = cose.peek(data)
        claim = _POSSESSION.decode(signed.payload)
        device: Device = claim["device"]
        cose.verify(signed, device.sign, context=cose.DEVICE)
    except ProtocolError as error:
        raise ProtocolError("bad-possession") from error
    if signed.kid != device.id or claim["account"] != account:
        raise ProtocolError("bad-possession")
    return device


def peek(data: bytes) -> Statement:
    """Take a statement apart; it trusts nothing.

    Raises ProtocolError `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`,
    `unknown-operation`, `bad-signature` (signed by another device than it names).
    """
    signed = cose.peek(data)
    statement = Statement(**_STATEMENT.decode(signed.payload), signed=signed)
    if statement.device != signed.kid:
        raise ProtocolError("bad-signature")
    return statement


def account_id(statement: bytes) -> AccountId:
    """The id of the account that statement 0 opens: its hash."""
    return cose.digest(statement)


def apply(state: AccountState | None, statement: bytes) -> AccountState:
    """Check the next statement and go on to the state after it (None: before statement 0).

    Raises ProtocolError: those of `peek`, and `wrong-account`, `broken-chain`, `time-went-back`,
    `misplaced-create`, `not-a-device`, `revoked-device`, `bad-signature`, `duplicate-device`,
    `bad-possession`, `last-device`, `too-many-devices`, `not-allowed`.
    """
    read = peek(statement)
    return _open(read) if state is None else _continue(state, read)


def replay(statements: Iterable[bytes]) -> AccountState:
    """The state after a whole chain. Raises ProtocolError as `apply` does; `broken-chain` if it is empty."""
    state: AccountState | None = None
    for statement in statements:
        state = apply(state, statement)
    if state is None:
        raise ProtocolError("broken-chain")
    return state


def read_resets(statements: Sequence[bytes], account: AccountId) -> AccountState:
    """The account that stands for `account` after resets: statements 0, each naming the account before it; 1 or more.

    Raises ProtocolError `wrong-account` when one names another, and those of `apply`.
    """
    for statement in statements:
        state = apply(None, statement)
        if state.replaces != account:
            raise ProtocolError("wrong-account")
        account = state.account
    return state


def _open(statement: Statement) -> AccountState:
    created = statement.operation
    if not isinstance(created, CreateAccount):
        raise ProtocolError("misplaced-create")
    if (statement.account, statement.seq, statement.prev) != (None, 0, None):
        raise ProtocolError("broken-chain")
    if created.device.id != statement.device:
        raise ProtocolError("not-a-device")
    cose.verify(statement.signed, created.device.sign, context=cose.ACCOUNT)
    return AccountState(
        account=statement.digest,
        seq=0,
        head=statement.digest,
        at=statement.at,
        profile=created.profile,
        devices={created.device.id: DeviceRecord(created.device, statement.at, 0)},
        replaces=created.replaces,
        heads=(statement.digest,),
    )


def _continue(state: AccountState, statement: Statement) -> AccountState:
    if statement.account != state.account:
        raise ProtocolError("wrong-account")
    if (statement.seq, statement.prev) != (state.seq + 1, state.head):
        raise ProtocolError("broken-chain")
    signer = state.require_in_force(statement.device)
    cose.verify(statement.signed, signer.sign, context=cose.ACCOUNT)
    if statement.at < state.at:
        raise ProtocolError("time-went-back")
    return replace(
        _operate(state, statement, signer),
        seq=statement.seq,
        head=statement.digest,
        at=statement.at,
        heads=(*state.heads, statement.digest),
    )


def _operate(state: AccountState, statement: Statement, signer: Device) -> AccountState:
    match statement.operation:
        case CreateAccount():
            raise ProtocolError("misplaced-create")
        case AddDevice() as added:
            return _add(state, statement, signer=signer, added=added)
        case RevokeDevice(device):
            return _revoke(state, statement, signer=signer, device=device)
        case RenameDevice(device, label):
            state.require_in_force(device)
            record = state.devices[device]
            return _with(state, replace(record, device=replace(record.device, label=label)))
        case changed:
            return replace(state, profile=changed.profile)


def _add(
    state: AccountState, statement: Statement, *, signer: Device, added: AddDevice
) -> AccountState:
    if added.device.id in state.devices:
        raise ProtocolError("duplicate-device")
    if len(state.devices_in_force()) >= MOST_DEVICES:
        raise ProtocolError("too-many-devices")
    if signer.kind == BOT and added.device.kind != BOT:
        raise ProtocolError("not-allowed")
    if read_possession(added.possession, state.account) != added.device:
        raise ProtocolError("bad-possession")
    return _with(state, DeviceRecord(added.device, statement.at, statement.seq))


def _revoke(
    state: AccountState, statement: Statement, *, signer: Device, device: DeviceId
) -> AccountState:
    state.require_in_force(device)
    left = [other for other in state.devices_in_force() if other.id != device]
    is_left = any(other.kind != RECOVERY for other in left)
    was_kit = state.device(device).kind == RECOVERY
    if not left or not (is_left or was_kit or signer.kind == RECOVERY):
        raise ProtocolError("last-device")
    record = state.devices[device]
    return _with(state, replace(record, revoked_at=statement.at, revoked_seq=statement.seq))


def _with(state: AccountState, record: DeviceRecord) -> AccountState:
    return replace(state, devices={**state.devices, record.device.id: record})


def _write(
    state: AccountState | None, keys: DeviceKeys, operation: Operation, *, at: Millis
) -> bytes:
    fields: dict[str, Any] = {
        "account": state and state.account,
        "seq": 0 if state is None else state.seq + 1,
        "prev": state and state.head,
        "at": at,
        "device": keys.id,
        "operation": operation,
    }
    return cose.sign(_STATEMENT.encode(fields), keys=keys, context=cose.ACCOUNT)

"""Escrows (docs/protocol.md §13): accounts whose device comes of a 32-byte seed that is shared among guardians.

Parts are replicated (Ito, Saito, Nishizeki, "Secret sharing scheme realizing general access structure", 1987): for each set
of quorum − 1 guardians one random part, held by everybody else; the seed is the XOR of all. So any `quorum` guardians have
all parts, and any fewer lack one at least, without which every seed is as likely as any other.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from relais.crypto import cbor, cose, suite
from relais.crypto.account import AccountState
from relais.crypto.cose import Signed
from relais.crypto.device import Device, DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.structure import (
    ID16,
    ID32,
    TIME,
    UINT,
    Structure,
    array,
    bytes_of,
    to_bytes,
)
from relais.models.ids import AccountId, DeviceId, Millis

SEED_SIZE: Final = 32
PART_SIZE: Final = 32
LEAST: Final = 2
MOST_GUARDIANS: Final = 7
MOST_PARTS: Final = 35
"""Of seven guardians, four or five of whom are a quorum."""

Parts = Mapping[int, bytes]
"""Parts that somebody has, by their numbers."""

_STATEMENT = Structure(
    "EscrowStatement",
    {
        "account": ID32,
        "device": ID16,
        "at": TIME,
        "quorum": UINT,
        "guardians": array(ID32, most=MOST_GUARDIANS),
        "commitments": array(bytes_of(32), most=MOST_PARTS),
    },
)


@dataclass(frozen=True)
class EscrowStatement:
    """How the key of one device of an escrow is shared; not to be trusted before `verify`."""

    account: AccountId
    device: DeviceId
    at: Millis
    quorum: int
    guardians: tuple[AccountId, ...]
    commitments: tuple[bytes, ...]
    signed: Signed

    def held(self, guardian: AccountId) -> tuple[int, ...]:
        """The numbers of a guardian's parts, in order. Raises ProtocolError `not-a-guardian`."""
        if guardian not in self.guardians:
            raise ProtocolError("not-a-guardian")
        position = self.guardians.index(guardian)
        sets = _lacking(len(self.guardians), self.quorum)
        return tuple(number for number, one in enumerate(sets) if position not in one)


def keys_of(seed: bytes) -> DeviceKeys:
    """The key pairs of an escrow's device, derived from its seed."""
    return DeviceKeys(
        sign_seed=suite.hkdf(seed, ["relais/1 escrow", "sign"]),
        kem_seed=suite.hkdf(seed, ["relais/1 escrow", "kem"]),
    )


def part_count(guardians: int, quorum: int) -> int:
    """Into how many parts a seed is split. Raises ProtocolError `bad-quorum`."""
    if not LEAST <= quorum <= guardians <= MOST_GUARDIANS:
        raise ProtocolError("bad-quorum")
    return len(_lacking(guardians, quorum))


def split(seed: bytes, random: Sequence[bytes]) -> tuple[bytes, ...]:
    """The parts of a seed: those of `random` (32 bytes each, one fewer than `part_count`), and the one that makes them whole."""
    return (*random, _xor((seed, *random)))


def write(
    keys: DeviceKeys,
    *,
    account: AccountId,
    quorum: int,
    guardians: Sequence[AccountId],
    parts: Sequence[bytes],
    at: Millis,
) -> bytes:
    """State how the seed of `keys` is shared; `guardians` in ascending order. Raises ProtocolError `bad-quorum`."""
    named = enumerate(parts)
    fields: dict[str, Any] = {
        "account": account,
        "device": keys.id,
        "at": at,
        "quorum": quorum,
        "guardians": guardians,
        "commitments": [_commitment(account, keys.id, number=n, part=part) for n, part in named],
    }
    _check_quorum(quorum, guardians, len(parts))
    return cose.sign(_STATEMENT.encode(fields), keys=keys, context=cose.ESCROW)


def peek(data: bytes) -> EscrowStatement:
    """Take a statement apart; it trusts nothing.

    Raises ProtocolError `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`, `bad-quorum`,
    `bad-signature` (signed by another device than it names).
    """
    signed = cose.peek(data)
    statement = EscrowStatement(**_STATEMENT.decode(signed.payload), signed=signed)
    if statement.device != signed.kid:
        raise ProtocolError("bad-signature")
    _check_quorum(statement.quorum, statement.guardians, len(statement.commitments))
    return statement


def verify(statement: EscrowStatement, escrow: AccountState, *, past: bool = False) -> None:
    """Check that the device it is about signed it, and is in force in the escrow's account.

    `past`: that it was not revoked before `at` is enough. Raises ProtocolError `wrong-account`, `wrong-device`, `bad-signature`.
    """
    if escrow.account != statement.account:
        raise ProtocolError("wrong-account")
    if not escrow.in_force(statement.device, statement.at if past else None):
        raise ProtocolError("wrong-device")
    verify_by(statement, escrow.device(statement.device))


def verify_by(statement: EscrowStatement, device: Device) -> None:
    """The same for a device whose keys are known otherwise, as of a `possession`. Raises ProtocolError `wrong-device`, `bad-signature`."""
    if device.id != statement.device:
        raise ProtocolError("wrong-device")
    cose.verify(statement.signed, device.sign, context=cose.ESCROW)


def seal_share(device: Device, parts: Sequence[bytes], statement: EscrowStatement) -> bytes:
    """Seal a guardian's parts, in order, to one of its devices. It does not check whose they are."""
    return suite.seal_to(device.kem, cbor.encode(list(parts)), info=_info(statement, device.id))


def open_share(
    sealed: bytes, keys: DeviceKeys, statement: EscrowStatement, *, guardian: AccountId
) -> Parts:
    """A guardian's own parts, true to the statement; `guardian` is the account of `keys`.

    Raises ProtocolError `not-a-guardian`, `cannot-open`, `wrong-share`.
    """
    plaintext = suite.open_sealed(keys.kem_seed, sealed, info=_info(statement, keys.id))
    return read_parts(plaintext, statement, guardian=guardian)


def read_parts(plaintext: bytes, statement: EscrowStatement, *, guardian: AccountId) -> Parts:
    """The parts that were sealed, each against its commitment. Raises ProtocolError `not-a-guardian`, `wrong-share`."""
    numbers, parts = statement.held(guardian), _inside(plaintext)
    if len(parts) != len(numbers):
        raise ProtocolError("wrong-share")
    for number, part in zip(numbers, parts, strict=True):
        known = _commitment(statement.account, statement.device, number=number, part=part)
        if not hmac.compare_digest(known, statement.commitments[number]):
            raise ProtocolError("wrong-share")
    return dict(zip(numbers, parts, strict=True))


def assemble(statement: EscrowStatement, parts: Parts) -> DeviceKeys:
    """The keys of the escrow's device, of all parts (each checked by `read_parts`).

    Raises ProtocolError `parts-missing`; `wrong-share` when they give another device.
    """
    if parts.keys() != set(range(len(statement.commitments))):
        raise ProtocolError("parts-missing")
    keys = keys_of(_xor(tuple(parts.values())))
    if keys.id != statement.device:
        raise ProtocolError("wrong-share")
    return keys


def _lacking(guardians: int, quorum: int) -> list[tuple[int, ...]]:
    """For each part the positions of those who do not hold it, in lexicographic order."""
    return list(combinations(range(guardians), quorum - 1))


def _check_quorum(quorum: int, guardians: Sequence[AccountId], parts: int) -> None:
    if list(guardians) != sorted(set(guardians)) or part_count(len(guardians), quorum) != parts:
        raise ProtocolError("bad-quorum")


def _inside(plaintext: bytes) -> list[bytes]:
    try:
        parts = cbor.decode(plaintext)
    except ProtocolError:
        raise ProtocolError("wrong-share") from None
    if type(parts) is not list or any(type(one) is not bytes for one in parts):
        raise ProtocolError("wrong-share")
    if any(len(one) != PART_SIZE for one in parts):
        raise ProtocolError("wrong-share")
    return parts


def _commitment(account: AccountId, device: DeviceId, *, number: int, part: bytes) -> bytes:
    named = ["relais/1 part", to_bytes(account), to_bytes(device), number, part]
    return hashlib.sha256(cbor.encode(named)).digest()


def _xor(parts: Sequence[bytes]) -> bytes:
    if any(len(part) != PART_SIZE for part in parts):
        raise ValueError("a part is 32 bytes")
    total = 0
    for part in parts:
        total ^= int.from_bytes(part)
    return total.to_bytes(PART_SIZE)


def _info(statement: EscrowStatement, guardian_device: DeviceId) -> suite.Info:
    named = (statement.account, statement.device, guardian_device)
    return ["relais/1 share", *map(to_bytes, named)]

"""Devices (docs/protocol.md §3): an Ed25519 key pair and an X-Wing key pair that act for an account."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from relais.crypto import suite
from relais.crypto.structure import Kind, Structure, bytes_of, choice, text
from relais.models.ids import DeviceId

INTERACTIVE: Final = "interactive"
RECOVERY: Final = "recovery"
BOT: Final = "bot"

_DEVICE = Structure(
    "Device",
    {
        "sign": bytes_of(suite.SIGN_PUBLIC_SIZE),
        "kem": bytes_of(suite.KEM_PUBLIC_SIZE),
        "kind": choice(INTERACTIVE, RECOVERY, BOT),
        "label": text(80),
    },
)


@dataclass(frozen=True)
class Device:
    """What others know of a device: its public keys (32 and 1,216 bytes), kind and label."""

    sign: bytes
    kem: bytes
    kind: str
    label: str

    @cached_property
    def id(self) -> DeviceId:
        """The first 16 bytes of SHA-256(sign ‖ kem): an id cannot be used again for other keys."""
        return hashlib.sha256(self.sign + self.kem).digest()[:16].hex()


@dataclass(frozen=True)
class DeviceKeys:
    """The two 32-byte seeds only the device itself holds."""

    sign_seed: bytes = field(repr=False)
    kem_seed: bytes = field(repr=False)

    @classmethod
    def from_random(cls, random: bytes) -> "DeviceKeys":
        """Make keys of 64 random bytes."""
        if len(random) != 64:
            raise ValueError("device keys need 64 random bytes")
        return cls(random[:32], random[32:])

    @cached_property
    def sign_public(self) -> bytes:
        return suite.sign_public(self.sign_seed)

    @cached_property
    def kem_public(self) -> bytes:
        return suite.kem_public(self.kem_seed)

    @cached_property
    def id(self) -> DeviceId:
        return self.device(INTERACTIVE, "").id

    def device(self, kind: str, label: str) -> Device:
        """The public half, as an account's chain names it."""
        return Device(self.sign_public, self.kem_public, kind, label)


def _read(value: Any) -> Device:
    device = Device(**_DEVICE.read(value))
    suite.check_kem_public(device.kem)
    return device


def _write(device: Device) -> dict[str, Any]:
    return _DEVICE.write(vars(device))


DEVICE: Final = Kind(_read, _write)
"""A device as the kind of a field. A key nobody can seal to is `wrong-type`."""

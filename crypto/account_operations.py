"""What a statement of an account can say (docs/protocol.md §3), as values and as CBOR."""

from dataclasses import dataclass
from typing import Any, Final

from relais.crypto.device import DEVICE, Device
from relais.crypto.structure import BYTES, ID16, ID32, Kind, Structure, one_of, optional, text
from relais.models.ids import AccountId, DeviceId


@dataclass(frozen=True)
class Profile:
    """What the directory shows, in the person's own word."""

    name: str
    profession: str
    organisation: str


@dataclass(frozen=True)
class CreateAccount:
    """Statement 0. `replaces` names an older account of the same person (a reset)."""

    device: Device
    profile: Profile
    replaces: AccountId | None


@dataclass(frozen=True)
class AddDevice:
    """`possession` is the new device's own signed word that it joins this account."""

    device: Device
    possession: bytes


@dataclass(frozen=True)
class RevokeDevice:
    device: DeviceId


@dataclass(frozen=True)
class RenameDevice:
    device: DeviceId
    label: str


@dataclass(frozen=True)
class ChangeProfile:
    profile: Profile


Operation = CreateAccount | AddDevice | RevokeDevice | RenameDevice | ChangeProfile

_PROFILE_FIELDS = Structure(
    "Profile",
    {"name": text(120, least=1), "profession": text(60), "organisation": text(120)},
)
PROFILE: Final = Kind(
    lambda value: Profile(**_PROFILE_FIELDS.read(value)),
    lambda profile: _PROFILE_FIELDS.write(vars(profile)),
)
_CLASSES: Final[dict[str, type[Operation]]] = {
    "create": CreateAccount,
    "device.add": AddDevice,
    "device.revoke": RevokeDevice,
    "device.rename": RenameDevice,
    "profile": ChangeProfile,
}
_WORDS: Final = {operation: word for word, operation in _CLASSES.items()}
_TABLE: Final = one_of(
    "op",
    {
        "create": Structure(
            "create", {"device": DEVICE, "profile": PROFILE, "replaces": optional(ID32)}
        ),
        "device.add": Structure("device.add", {"device": DEVICE, "possession": BYTES}),
        "device.revoke": Structure("device.revoke", {"device": ID16}),
        "device.rename": Structure("device.rename", {"device": ID16, "label": text(80)}),
        "profile": Structure("profile", {"profile": PROFILE}),
    },
)


def _read(value: Any) -> Operation:
    word, fields = _TABLE.read(value)
    return _CLASSES[word](**fields)


def _write(operation: Operation) -> Any:
    return _TABLE.write((_WORDS[type(operation)], vars(operation)))


OPERATION: Final = Kind(_read, _write)

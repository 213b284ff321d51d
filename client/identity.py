"""Who this folder is: the account, the device and its two private seeds, and where the server is."""

import secrets
from dataclasses import dataclass

from relais.client.errors import NotEnrolled
from relais.client.home import Home
from relais.crypto.device import Device, DeviceKeys
from relais.models.ids import AccountId, DeviceId

_FILE = "keys"


@dataclass(frozen=True)
class Identity:
    """What the key store holds; ``keys`` never leave it but to sign and open."""

    origin: str
    account: AccountId
    keys: DeviceKeys
    kind: str
    label: str

    @property
    def device(self) -> DeviceId:
        return self.keys.id

    def public(self) -> Device:
        return self.keys.device(self.kind, self.label)

    def save(self, home: Home) -> None:
        home.write(
            _FILE,
            {
                "origin": self.origin,
                "account": self.account,
                "sign_seed": self.keys.sign_seed,
                "kem_seed": self.keys.kem_seed,
                "kind": self.kind,
                "label": self.label,
            },
        )

    @classmethod
    def load(cls, home: Home) -> "Identity":
        """Raises `NotEnrolled`, `DamagedHome`."""
        saved = home.read(_FILE)
        if saved is None:
            raise NotEnrolled
        keys = DeviceKeys(saved["sign_seed"], saved["kem_seed"])
        return cls(saved["origin"], saved["account"], keys, saved["kind"], saved["label"])


def new_keys() -> DeviceKeys:
    return DeviceKeys.from_random(secrets.token_bytes(64))

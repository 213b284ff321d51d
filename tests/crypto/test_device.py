import hashlib

import pytest
from care import device_keys, random, refused

from relais.crypto.device import BOT, DEVICE, INTERACTIVE, DeviceKeys

KEYS = device_keys("a phone")


def test_a_device_id_is_the_hash_of_both_public_keys() -> None:
    expected = hashlib.sha256(KEYS.sign_public + KEYS.kem_public).hexdigest()[:32]
    assert KEYS.id == expected
    assert KEYS.device(BOT, "label").id == expected


def test_keys_come_from_64_random_bytes_and_no_other_number() -> None:
    assert DeviceKeys.from_random(random("a phone", 64)) == KEYS
    with pytest.raises(ValueError, match="64"):
        DeviceKeys.from_random(bytes(63))


def test_a_seed_never_shows_in_a_log() -> None:
    assert KEYS.sign_seed.hex() not in repr(KEYS)
    assert repr(KEYS) == "DeviceKeys()"


def test_a_device_comes_back_from_cbor() -> None:
    device = KEYS.device(INTERACTIVE, "Téléphone")
    assert DEVICE.read(DEVICE.write(device)) == device


def test_a_device_nobody_can_seal_to_is_refused() -> None:
    written = DEVICE.write(KEYS.device(INTERACTIVE, "x"))
    refused(
        "wrong-type", lambda: DEVICE.read({**written, "kem": written["kem"][:1184] + bytes(32)})
    )

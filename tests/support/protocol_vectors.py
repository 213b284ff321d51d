"""The files of tests/vectors that docs/protocol.md speaks of, and what a test reads them with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relais.crypto import account
from relais.crypto.account import AccountState
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError

Json = dict[str, Any]
VECTORS = Path(__file__).parents[1] / "vectors"
NAMES = [
    "cbor",
    "content",
    "epoch",
    "receipt",
    "login",
    "kit",
    "join",
    "safety",
    "account",
    "ledger",
    "grant",
    "envelope",
    "escrow",
    "emergency",
    "hpke",
]
FILES = {name: json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES}


def cases(name: str, kind: str) -> Any:
    """Parametrize a test with the good or the bad cases of a file."""
    found = FILES[name][kind]
    return pytest.mark.parametrize(
        "case", found, ids=[case.get("name", str(place)) for place, case in enumerate(found)]
    )


def unhexed(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


def refused(reason: str, action: Callable[[], Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        action()
    assert caught.value.reason == reason


def device_keys(name: str, label: str) -> DeviceKeys:
    device = FILES[name]["devices"][label]
    return DeviceKeys(bytes.fromhex(device["sign_seed"]), bytes.fromhex(device["kem_seed"]))


def chain(name: str, label: str) -> AccountState:
    return account.replay(unhexed(FILES[name]["chains"][label]["statements"]))


def authors(name: str) -> Callable[[str], AccountState]:
    """Every account of a file by its id, in its longest version."""
    states = sorted((chain(name, label) for label in FILES[name]["chains"]), key=lambda s: s.seq)
    return {state.account: state for state in states}.__getitem__


def plain(value: Any) -> Any:
    """A tagged JSON value as CBOR knows it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict) and "bytes" in value:
        return bytes.fromhex(value["bytes"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value["map"]}
    return value

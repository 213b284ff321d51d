"""Somebody with a copy of the relay's whole database and the keys of some devices: what can they read?"""

from collections.abc import Iterable
from typing import Any

from pymongo.database import Database as RawDatabase

from relais.crypto import cbor, emergency, envelope, escrow, grant, ledger, suite
from relais.crypto.content import Content
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.structure import to_bytes

Raw = RawDatabase[dict[str, Any]]


def stolen_keys(database: Raw, devices: Iterable[DeviceKeys]) -> dict[tuple[str, str, int], bytes]:
    """Every epoch key, by (circle, audience, epoch), of every grant that one of these devices opens.

    No rule is kept: every grant is tried with every device, whoever it says it is for.
    """
    mine = list(devices)
    found: dict[tuple[str, str, int], bytes] = {}
    for row in database["grants"].find():
        one = grant.peek(bytes(row["grant"]))
        for keys in mine:
            names = [(one.circle, audience, number) for audience, number in one.keys]
            found.update(zip(names, _opened(one, keys), strict=False))
    return found


def _opened(one: grant.Grant, keys: DeviceKeys) -> list[bytes]:
    info: suite.Info = [
        "relais/1 grant",
        to_bytes(one.circle),
        to_bytes(one.device),
        to_bytes(one.granter_device),
    ]
    try:
        opened: list[bytes] = cbor.decode(suite.open_sealed(keys.kem_seed, one.sealed, info=info))
    except ProtocolError:
        return []
    return opened


def readable(database: Raw, devices: Iterable[DeviceKeys], circle: str) -> dict[int, Content]:
    """What of a circle's notes they can read, by seq."""
    keys = {
        (audience, number): key
        for (where, audience, number), key in stolen_keys(database, devices).items()
        if where == circle
    }
    found: dict[int, Content] = {}
    for row in database["notes"].find({"circle": circle}):
        try:
            found[row["seq"]] = envelope.open_envelope(envelope.peek(bytes(row["envelope"])), keys)
        except ProtocolError as error:
            assert error.reason in ("key-missing", "cannot-open")  # noqa: PT017
    return found


def current_epoch(database: Raw, circle: str, audience: str = "team") -> int:
    """By the stored ledger alone."""
    number = 0
    for row in database["entries"].find({"circle": circle}).sort("seq", 1):
        for operation in ledger.peek_entry(bytes(row["entry"])).operations:
            if isinstance(operation, ledger.EpochOpen) and operation.audience == audience:
                number = operation.epoch
    return number


def stolen_escrows(database: Raw, devices: Iterable[DeviceKeys]) -> list[DeviceKeys]:
    """The devices of escrows whose keys they can put together, of every share and every answer stored. No rule is kept."""
    mine, found = list(devices), []
    for row in database["escrows"].find():
        statement = escrow.peek(bytes(row["statement"]))
        parts: dict[int, bytes] = {}
        for sealed in database["escrow_shares"].find({"escrow_device": statement.device}):
            for keys in mine:
                parts |= _share(bytes(sealed["sealed"]), keys, statement)
        for asked in database["emergencies"].find():
            for one in asked["answers"]:
                for keys in mine:
                    parts |= _parts(bytes(one["answer"]), keys, statement)
        try:
            found.append(escrow.assemble(statement, parts))
        except ProtocolError as error:
            assert error.reason == "parts-missing"  # noqa: PT017
    return found


def _share(sealed: bytes, keys: DeviceKeys, statement: escrow.EscrowStatement) -> escrow.Parts:
    for guardian in statement.guardians:
        try:
            return escrow.open_share(sealed, keys, statement, guardian=guardian)
        except ProtocolError:
            continue
    return {}


def _parts(answer: bytes, keys: DeviceKeys, statement: escrow.EscrowStatement) -> escrow.Parts:
    try:
        return emergency.open_parts(emergency.peek_answer(answer), keys, statement)
    except ProtocolError:
        return {}

"""The people of the shared vectors, made from labels, and the tools to write bytes nobody should write."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from relais.crypto import account, cbor, cose, escrow, suite
from relais.crypto.account import AccountState, Profile
from relais.crypto.device import BOT, INTERACTIVE, RECOVERY, DeviceKeys

Json = dict[str, Any]
HOUR = 3600 * 1000
DAY = 24 * HOUR
START = 1_789_776_000_000  # 2026-09-19T00:00:00Z


def random(label: str, size: int = 32) -> bytes:
    """Bytes that look random and come out the same each time."""
    return hashlib.shake_256(f"relais vectors {label}".encode()).digest(size)


def keys(label: str) -> DeviceKeys:
    if label.startswith("escrow "):
        return escrow.keys_of(random(f"seed of {label}"))
    return DeviceKeys.from_random(random(f"device {label}", 64))


def device_json(label: str) -> Json:
    made = keys(label)
    return {
        "sign_seed": made.sign_seed.hex(),
        "kem_seed": made.kem_seed.hex(),
        "sign": made.sign_public.hex(),
        "kem": made.kem_public.hex(),
        "id": made.id,
    }


@dataclass
class Chain:
    """An account in the making: each step adds a statement and says how it was made."""

    name: str
    state: AccountState | None = None
    statements: tuple[bytes, ...] = ()
    steps: tuple[Json, ...] = ()

    def known(self) -> AccountState:
        assert self.state is not None
        return self.state

    def then(self, by: str, statement: bytes, **step: Any) -> "Chain":
        state = account.apply(self.state, statement)
        told = {
            "by": by,
            "at": state.at,
            **as_json(step),
            "statement": statement.hex(),
            "digest": state.head,
        }
        return Chain(self.name, state, (*self.statements, statement), (*self.steps, told))

    def create(
        self, label: str, profile: Profile, *, kind: str = INTERACTIVE, **more: Any
    ) -> "Chain":
        at, replaces = more.get("at", START), more.get("replaces")
        device = keys(label).device(kind, label)
        statement = account.create(keys(label), device, profile, at=at, replaces=replaces)
        return self.then(
            label, statement, op="create", device=device, profile=profile, replaces=replaces
        )

    def add(self, by: str, label: str, *, kind: str = INTERACTIVE, at: int = START + 1) -> "Chain":
        device = keys(label).device(kind, label)
        joined = account.possession(keys(label), device, self.known().account)
        statement = account.add_device(self.known(), keys(by), joined, at=at)
        return self.then(
            by, statement, op="device.add", device=device, possession=joined, new=label
        )

    def revoke(self, by: str, label: str, *, at: int) -> "Chain":
        statement = account.revoke_device(self.known(), keys(by), keys(label).id, at=at)
        return self.then(by, statement, op="device.revoke", device=keys(label).id)

    def rename(self, by: str, label: str, *, to: str, at: int) -> "Chain":
        device = keys(label).id
        statement = account.rename_device(self.known(), keys(by), device, label=to, at=at)
        return self.then(by, statement, op="device.rename", device=device, label=to)

    def profile(self, by: str, profile: Profile, *, at: int) -> "Chain":
        statement = account.change_profile(self.known(), keys(by), profile, at=at)
        return self.then(by, statement, op="profile", profile=profile)


def chains_json(*names: str) -> Json:
    """Chains by name, as whoever reads them gets them."""
    return {
        name: {
            "account": chain.known().account,
            "statements": [statement.hex() for statement in chain.statements],
        }
        for name, chain in ((name, {**CHAINS, **RESETS, **ESCROWS}[name]) for name in names)
    }


def devices_json(*labels: str) -> Json:
    return {label: device_json(label) for label in labels or DEVICES}


def as_json(value: Any) -> Any:
    """Dataclasses as objects, bytes as hex, sets sorted."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, frozenset | set):
        return sorted(as_json(item) for item in value)
    if isinstance(value, tuple | list):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    return value


def tagged(value: Any) -> Any:
    """A CBOR value in JSON: bytes as {"bytes": hex}, maps as {"map": [[key, value], …]}."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, dict):
        return {"map": [[key, tagged(item)] for key, item in value.items()]}
    return value


def sign_raw(payload: bytes, label: str, *, context: str, kid: bytes | None = None) -> bytes:
    """Sign any payload, under any key id."""
    return sign_under(
        bytes.fromhex("a201270450") + (kid or bytes.fromhex(keys(label).id)),
        payload,
        label,
        context=context,
    )


def sign_under(protected: bytes, payload: bytes, label: str, *, context: str) -> bytes:
    """Sign with any protected header."""
    to_sign = cbor.encode(["Signature1", protected, context.encode(), payload])
    signature = suite.sign(keys(label).sign_seed, to_sign)
    return cbor.encode([protected, {}, payload, signature])


def payload_of(signed: bytes) -> Json:
    payload: Json = cbor.decode(cose.peek(signed).payload)
    return payload


def resigned(
    signed: bytes,
    label: str,
    change: Callable[[Json], Any],
    *,
    context: str,
    kid: bytes | None = None,
) -> bytes:
    """The same object with its payload changed, signed again."""
    payload = payload_of(signed)
    change(payload)
    return sign_raw(cbor.encode(payload), label, context=context, kid=kid)


def flipped(data: bytes, *, place: int) -> bytes:
    """One bit changed."""
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def unsorted_map(signed: bytes, label: str, *, context: str) -> bytes:
    """The payload's map with its last field written first."""
    payload = payload_of(signed)
    items = sorted(payload.items(), key=lambda item: cbor.encode(item[0]))
    order = [items[-1], *items[:-1]]
    head = cbor.encode(payload)[:1]
    body = b"".join(cbor.encode(key) + cbor.encode(value) for key, value in order)
    return sign_raw(head + body, label, context=context)


def form_defects(
    signed: bytes, label: str, *, context: str, field: str
) -> Iterable[tuple[str, str, bytes]]:
    """What can be wrong with a signed map: (name, reason, bytes). `field` is one of its payload."""

    def again(change: Callable[[Json], Any]) -> bytes:
        return resigned(signed, label, change, context=context)

    payload = cose.peek(signed).payload
    longer = sign_raw(payload + b"\0", label, context=context)
    yield from signing_defects(signed, label, context=context)
    yield "payload with trailing byte", "non-canonical", longer
    yield "payload map out of order", "non-canonical", unsorted_map(signed, label, context=context)
    yield "unknown field", "unknown-field", again(lambda p: p.update(extra=1))
    yield "missing field", "missing-field", again(lambda p: p.pop(field))
    yield "field of another type", "wrong-type", again(lambda p: p.update({field: True}))
    yield "payload not a map", "wrong-type", sign_raw(cbor.encode([1]), label, context=context)


def signing_defects(signed: bytes, label: str, *, context: str) -> Iterable[tuple[str, str, bytes]]:
    """What can be wrong with any COSE_Sign1, whatever its payload."""
    protected = bytes.fromhex("a201270450") + bytes.fromhex(keys(label).id)
    parts = cbor.decode(signed)
    payload = parts[2]
    yield "flipped bit in the signature", "bad-signature", flipped(signed, place=-1)
    yield (
        "signed for another purpose",
        "bad-signature",
        sign_raw(payload, label, context="relais/1 other"),
    )
    yield (
        "key id of another device",
        "bad-signature",
        sign_raw(payload, label, context=context, kid=random("kid", 16)),
    )
    yield "trailing byte", "non-canonical", signed + b"\0"
    yield "cut short", "non-canonical", signed[:-1]
    yield "nothing", "non-canonical", b""
    yield "tagged as COSE_Sign1", "non-canonical", b"\xd2" + signed
    yield "not an array", "wrong-type", cbor.encode({"payload": payload})
    yield (
        "unprotected header not empty",
        "wrong-type",
        cbor.encode([parts[0], {4: b"kid"}, payload, parts[3]]),
    )
    yield (
        "another algorithm",
        "wrong-type",
        sign_under(bytes.fromhex("a201260450") + protected[5:], payload, label, context=context),
    )
    yield (
        "key id missing",
        "wrong-type",
        sign_under(bytes.fromhex("a10127"), payload, label, context=context),
    )


ANNE = (
    Chain("anne")
    .create("anne phone", Profile("Anne Morel", "Infirmière", "Cabinet des Tilleuls"))
    .add("anne phone", "anne laptop", at=START + 1)
    .add("anne laptop", "anne kit", kind=RECOVERY, at=START + 2)
)
BRUNO = Chain("bruno").create("bruno phone", Profile("Bruno Petit", "Médecin", "Maison de santé"))
CLAIRE = Chain("claire").create(
    "claire phone", Profile("Claire Roy", "Pharmacien", "Pharmacie du Pont")
)
DENIS = Chain("denis").create("denis phone", Profile("Denis Blanc", "", ""))
LAB = Chain("lab").create(
    "lab machine", Profile("Laboratoire du Parc", "Biologie", "Labo"), kind=BOT
)
EVE = Chain("eve").create("eve phone", Profile("Ève Noir", "Infirmière", ""))
ANNE_LATER = ANNE.revoke("anne phone", "anne laptop", at=START + 20 * DAY)
CHAINS = {chain.name: chain for chain in (ANNE, BRUNO, CLAIRE, DENIS, LAB, EVE)}
CHAINS["anne later"] = ANNE_LATER
ESCROW = Chain("escrow").create("escrow one", Profile("Accès d’urgence", "", "CPTS des Coteaux"))
ESCROW_LATER = ESCROW.add("escrow one", "escrow two", at=START + 3 * DAY).revoke(
    "escrow one", "escrow one", at=START + 3 * DAY + 1
)
ESCROWS = {"escrow": ESCROW, "escrow later": ESCROW_LATER}
RESETS = {
    name: Chain(name).create(
        f"{name.split()[0]} {device}",
        old.known().profile,
        at=START + DAY,
        replaces=old.known().account,
    )
    for name, device, old in (
        ("anne again", "new phone", ANNE),
        ("bruno again", "new phone", BRUNO),
        ("claire again", "new phone", CLAIRE),
    )
}
"""People whose old account is lost."""
RESETS["bruno once more"] = Chain("bruno once more").create(
    "bruno newer phone",
    BRUNO.known().profile,
    at=START + DAY + HOUR,
    replaces=RESETS["bruno again"].known().account,
)
DEVICES = (
    "anne phone",
    "anne laptop",
    "anne kit",
    "bruno phone",
    "claire phone",
    "denis phone",
    "lab machine",
    "eve phone",
)

"""grant.json: epoch keys sealed to devices of the circle of `vector_ledger.standing`."""

from collections.abc import Callable, Iterable
from typing import Any

import vector_people as people
from vector_envelope import AT, circle, keys_json
from vector_ledger import epoch_key, identity, standing
from vector_people import CHAINS, DAY, START, Json, keys, random

from relais.crypto import cose, grant
from relais.crypto.grant import NoteName
from relais.crypto.structure import to_bytes

Bad = tuple[str, str, str, str, bytes]
"""Name, reason, device it is opened by, chain of its granter, the grant."""
LAPTOP = "anne laptop"
VERSION = NoteName("01990000-0000-7000-8000-000000000001", 1)
CORRECTED = NoteName("01990000-0000-7000-8000-000000000001", 2)


def triples(*names: tuple[str, int]) -> list[tuple[str, int, bytes]]:
    return [(audience, number, epoch_key(audience, number)) for audience, number in names]


def granted(by: str, to: str, *names: tuple[str, int], **more: Any) -> bytes:
    device = keys(to).device("interactive", to)
    return grant.seal(
        keys(by),
        device,
        circle=more.get("circle", standing().known().circle),
        account=identity(to.split()[0]),
        granter=identity(by.split()[0]),
        epochs=more.get("epochs") or triples(*names),
        notes=more.get("notes"),
        at=more.get("at", AT),
    )


def _grants_good() -> Iterable[tuple[str, str, str, bytes]]:
    whole = (("team", 1), ("team", 2), ("family", 1))
    yield "to the own laptop", "anne laptop", "anne", granted("anne phone", "anne laptop", *whole)
    yield "to the kit", "anne kit", "anne", granted("anne laptop", "anne kit", *whole)
    yield (
        "to another's phone",
        "bruno phone",
        "anne",
        granted("anne phone", "bruno phone", ("team", 1)),
    )
    late = granted("bruno phone", "anne phone", ("team", 1))
    yield "from another account", "anne phone", "bruno", late
    yield (
        "by a device revoked since",
        "bruno phone",
        "anne later",
        granted("anne laptop", "bruno phone", ("team", 2)),
    )
    yield (
        "a single version by its own key",
        "bruno phone",
        "anne",
        granted("anne phone", "bruno phone", notes={VERSION: random("content key")}),
    )
    yield (
        "an epoch and two versions",
        "anne laptop",
        "anne",
        granted(
            "anne phone",
            "anne laptop",
            ("team", 1),
            notes={VERSION: random("content key"), CORRECTED: random("another content key")},
        ),
    )
    many = [("family", 1, epoch_key("family", 1))] * 3
    yield (
        "the same key three times",
        "anne laptop",
        "anne",
        granted("anne phone", "anne laptop", epochs=many),
    )


def _grants_bad() -> Iterable[Bad]:
    first = granted("anne phone", "anne laptop", ("team", 1), ("team", 2))
    yield from _bad_forms(first)
    yield from _bad_fields(first)
    yield from _bad_keys()
    yield from _bad_granters()
    yield "made for another device", "wrong-device", "bruno phone", "anne", first


def _bad_forms(first: bytes) -> Iterable[Bad]:
    for name, reason, data in people.form_defects(
        first, "anne phone", context=cose.GRANT, field="at"
    ):
        if name != "key id of another device":
            yield name, reason, LAPTOP, "anne", data
    yield (
        "key id of another device",
        "not-a-device",
        LAPTOP,
        "anne",
        people.sign_raw(
            cose.peek(first).payload, "anne phone", context=cose.GRANT, kid=random("kid", 16)
        ),
    )


def _bad_fields(first: bytes) -> Iterable[Bad]:
    def again(name: str, reason: str, change: Callable[[Json], Any]) -> Bad:
        return (
            name,
            reason,
            LAPTOP,
            "anne",
            people.resigned(first, "anne phone", change, context=cose.GRANT),
        )

    yield again(
        "sealed has a flipped bit",
        "cannot-open",
        lambda p: p.update(sealed=people.flipped(p["sealed"], place=-1)),
    )
    yield again("sealed is cut short", "cannot-open", lambda p: p.update(sealed=p["sealed"][:-1]))
    yield again("sealed is empty", "cannot-open", lambda p: p.update(sealed=b""))
    yield again("keys in another order", "wrong-key", lambda p: p.update(keys=p["keys"][::-1]))
    yield again(
        "a key less than named",
        "wrong-key",
        lambda p: p["keys"].append({"audience": "family", "epoch": 1}),
    )
    yield again("a key more than named", "wrong-key", lambda p: p["keys"].pop())
    yield again("no keys", "wrong-type", lambda p: p.update(keys=[]))
    yield again("an epoch that is not there", "wrong-epoch", lambda p: p["keys"][1].update(epoch=3))
    yield again(
        "an audience that is not there",
        "not-entitled",
        lambda p: p["keys"][1].update(audience="night"),
    )
    yield again(
        "an unknown field in a key", "unknown-field", lambda p: p["keys"][0].update(key=b"")
    )
    yield again(
        "a name that is neither",
        "unknown-field",
        lambda p: p["keys"][0].update(note=bytes(16)),
    )
    yield again(
        "a version without its number",
        "missing-field",
        lambda p: p["keys"].append({"note": bytes(16)}),
    )
    yield again("another circle", "wrong-circle", lambda p: p.update(circle=random("circle")))
    yield again("another device", "wrong-device", lambda p: p.update(device=random("device", 16)))
    yield again("another granter", "wrong-account", lambda p: p.update(granter=random("granter")))


def _bad_keys() -> Iterable[Bad]:
    foreign = granted("anne phone", "anne laptop", ("team", 1), circle=random("circle").hex())
    foreign = people.resigned(
        foreign,
        "anne phone",
        lambda p: p.update(circle=to_bytes(standing().known().circle)),
        context=cose.GRANT,
    )
    yield "sealed for another circle", "cannot-open", LAPTOP, "anne", foreign
    wrong = [("team", 1, epoch_key("team", 1)), ("team", 2, random("a made-up key"))]
    yield (
        "a key of the granter's own making",
        "wrong-key",
        LAPTOP,
        "anne",
        granted("anne phone", "anne laptop", epochs=wrong),
    )
    short = [("team", 1, epoch_key("team", 1)[:31])]
    yield (
        "a key of 31 bytes",
        "wrong-key",
        LAPTOP,
        "anne",
        granted("anne phone", "anne laptop", epochs=short),
    )


def _bad_granters() -> Iterable[Bad]:
    yield (
        "by a bot",
        "not-entitled",
        "anne phone",
        "lab",
        granted("lab machine", "anne phone", ("team", 1)),
    )
    yield (
        "a version by a bot",
        "not-entitled",
        "anne phone",
        "lab",
        granted("lab machine", "anne phone", notes={VERSION: random("content key")}),
    )
    yield (
        "a version by an outsider",
        "not-entitled",
        "anne phone",
        "eve",
        granted("eve phone", "anne phone", notes={VERSION: random("content key")}),
    )
    yield (
        "a version's key of 31 bytes",
        "wrong-key",
        LAPTOP,
        "anne",
        granted("anne phone", "anne laptop", notes={VERSION: random("content key", 31)}),
    )
    yield (
        "by who is not in the audience",
        "not-entitled",
        "anne phone",
        "bruno",
        granted("bruno phone", "anne phone", ("family", 1)),
    )
    yield (
        "by an outsider",
        "not-entitled",
        "anne phone",
        "eve",
        granted("eve phone", "anne phone", ("team", 1)),
    )
    yield (
        "by a stolen device",
        "revoked-device",
        "bruno phone",
        "anne later",
        granted("anne laptop", "bruno phone", ("team", 1), at=START + 20 * DAY + 1),
    )


def grants() -> Json:
    def case(name: str, to: str, chain: str, data: bytes) -> Json:
        return {"name": name, "to": to, "granter": chain, "grant": data.hex()}

    good = []
    for name, to, chain, data in _grants_good():
        opened = grant.open_grant(data, keys(to), circle().known(), CHAINS[chain].known())
        read = people.as_json(grant.peek(data))
        read.pop("signed")
        good.append({**case(name, to, chain, data), "read": read, "opened": keys_json(opened)})
    return {
        "description": "Grants (docs/protocol.md §5) in the circle of `entries`: opened by the device `to` (keys in "
        "`devices`), checked by the chain `granter`. `read` is what the grant says. A bad one is refused for "
        "`reason` when it is opened.",
        "devices": people.devices_json(),
        "chains": people.chains_json(*CHAINS),
        "entries": [entry.hex() for entry in circle().entries],
        "good": good,
        "bad": [
            {**case(name, to, chain, data), "reason": reason}
            for name, reason, to, chain, data in _grants_bad()
        ],
    }

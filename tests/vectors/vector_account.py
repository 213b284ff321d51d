"""account.json: chains of statements."""

from collections.abc import Iterable
from typing import Any

import vector_people as people
from vector_people import ANNE, BRUNO, START, Chain, Json, keys, random, resigned, sign_raw

from relais.crypto import account, cbor, cose
from relais.crypto.account import Profile
from relais.crypto.device import BOT, RECOVERY

CONTEXT = cose.ACCOUNT
LOW_ORDER = bytes(32)


def state_json(chain: Chain) -> Json:
    state = chain.known()
    return {
        "account": state.account,
        "seq": state.seq,
        "head": state.head,
        "at": state.at,
        "profile": people.as_json(state.profile),
        "replaces": state.replaces,
        "devices": [
            {
                "id": record.device.id,
                "kind": record.device.kind,
                "label": record.device.label,
                "added_at": record.added_at,
                "revoked_at": record.revoked_at,
            }
            for record in state.devices.values()
        ],
    }


def good() -> Iterable[Chain]:
    yield ANNE
    renamed = ANNE.rename("anne kit", "anne laptop", to="Ordinateur 💻", at=START + 3)
    edited = renamed.profile("anne phone", Profile("Anne Morel-Roy", "IPA", ""), at=START + 3)
    yield Chain(
        "renamed, moved, a phone lost",
        *_rest(edited.revoke("anne laptop", "anne phone", at=START + 9)),
    )
    yield Chain("reset").create(
        "anne second phone", Profile("Anne Morel", "", ""), replaces=ANNE.known().account
    )
    bot = Chain("a bot adds its own device").create(
        "lab machine", Profile("Labo", "", ""), kind=BOT
    )
    yield bot.add("lab machine", "lab spare", kind=BOT)
    kit = Chain("the kit replaces the only phone").create("gone phone", Profile("Zoé", "", ""))
    kit = kit.add("gone phone", "zoe kit", kind=RECOVERY).add("zoe kit", "new phone", at=START + 5)
    yield kit.revoke("new phone", "gone phone", at=START + 6).revoke(
        "zoe kit", "new phone", at=START + 7
    )
    yield Chain("longest texts").create(
        "long phone", Profile("n" * 118 + "😀", "p" * 60, "o" * 120)
    )


def _rest(chain: Chain) -> tuple[Any, ...]:
    return chain.state, chain.statements, chain.steps


def bad() -> Iterable[tuple[str, str, list[bytes]]]:
    first, second = ANNE.statements[:2]
    for name, reason, statement in people.form_defects(
        second, "anne phone", context=CONTEXT, field="seq"
    ):
        yield name, reason, [first, statement]
    yield from _bad_places(first, second)
    yield from _bad_operations(first, second)
    yield from _bad_devices(first, second)
    yield from _bad_possessions(first, second)


def _bad_places(first: bytes, second: bytes) -> Iterable[tuple[str, str, list[bytes]]]:
    def follows(name: str, reason: str, **changes: Any) -> tuple[str, str, list[bytes]]:
        statement = resigned(second, "anne phone", lambda p: p.update(changes), context=CONTEXT)
        return name, reason, [first, statement]

    yield follows("a seq left out", "broken-chain", seq=2)
    yield follows("prev is another hash", "broken-chain", prev=random("prev"))
    yield follows("prev is null", "broken-chain", prev=None)
    yield follows("another account", "wrong-account", account=random("account"))
    yield follows("time went back", "time-went-back", at=START - 1)
    yield follows("an integer beyond 2^53 - 1 is null's place", "wrong-type", at=None)
    zero = resigned(first, "anne phone", lambda p: p.update(seq=1), context=CONTEXT)
    yield "statement 0 with seq 1", "broken-chain", [zero]
    prev = resigned(first, "anne phone", lambda p: p.update(prev=random("p")), context=CONTEXT)
    yield "statement 0 with a prev", "broken-chain", [prev]
    yield "no create first", "misplaced-create", [second]
    yield follows(
        "create again", "misplaced-create", operation=people.payload_of(first)["operation"]
    )
    other = resigned(
        first,
        "eve phone",
        lambda p: p.update(device=bytes.fromhex(keys("eve phone").id)),
        context=CONTEXT,
    )
    yield "created by another device", "not-a-device", [other]
    big = people.payload_of(second)
    head, tail = cbor.encode({**big, "seq": 1}).split(cbor.encode("seq") + b"\x01")
    wide = head + cbor.encode("seq") + bytes.fromhex("1b0020000000000000") + tail
    yield "seq is 2^53", "non-canonical", [first, sign_raw(wide, "anne phone", context=CONTEXT)]


def _bad_operations(first: bytes, second: bytes) -> Iterable[tuple[str, str, list[bytes]]]:
    def does(name: str, reason: str, operation: Any) -> tuple[str, str, list[bytes]]:
        statement = resigned(
            second, "anne phone", lambda p: p.update(operation=operation), context=CONTEXT
        )
        return name, reason, [first, statement]

    phone = bytes.fromhex(keys("anne phone").id)
    profile = {"name": "Anne", "profession": "", "organisation": ""}
    yield does("an operation nobody knows", "unknown-operation", {"op": "device.lend"})
    yield does("an operation without op", "missing-field", {"device": phone})
    yield does("op is no text", "wrong-type", {"op": 1, "device": phone})
    yield does("an operation is no map", "wrong-type", "profile")
    yield does(
        "an unknown field in it", "unknown-field", {"op": "device.revoke", "device": phone, "x": 1}
    )
    yield does("a missing field in it", "missing-field", {"op": "device.rename", "device": phone})
    yield does("empty name", "wrong-type", {"op": "profile", "profile": {**profile, "name": ""}})
    yield does(
        "name of 121 code units",
        "wrong-type",
        {"op": "profile", "profile": {**profile, "name": "n" * 119 + "😀"}},
    )
    yield does(
        "control character in a label",
        "wrong-type",
        {"op": "device.rename", "device": phone, "label": "a\0b"},
    )
    yield does(
        "unknown field in the profile",
        "unknown-field",
        {"op": "profile", "profile": {**profile, "mail": ""}},
    )
    unknown = random("nobody", 16)
    yield does(
        "revokes a device that is not there",
        "not-a-device",
        {"op": "device.revoke", "device": unknown},
    )
    yield does(
        "renames a device that is not there",
        "not-a-device",
        {"op": "device.rename", "device": unknown, "label": "x"},
    )
    yield does("revokes the last device", "last-device", {"op": "device.revoke", "device": phone})


def _bad_devices(first: bytes, second: bytes) -> Iterable[tuple[str, str, list[bytes]]]:
    def device(**changes: Any) -> list[bytes]:
        def change(payload: Json) -> None:
            payload["operation"]["device"].update(changes)

        return [first, resigned(second, "anne phone", change, context=CONTEXT)]

    kem = keys("anne laptop").kem_public
    yield "unknown kind of device", "wrong-type", device(kind="toaster")
    yield "sign key of 31 bytes", "wrong-type", device(sign=bytes(31))
    yield "kem coefficient not below 3329", "wrong-type", device(kem=b"\xff" * 3 + kem[3:])
    yield "X25519 point of low order", "wrong-type", device(kem=kem[:1184] + LOW_ORDER)
    outsider = account.change_profile(
        ANNE.known(), keys("eve phone"), Profile("Eve", "", ""), at=START + 5
    )
    yield "signed by an outsider", "not-a-device", [*ANNE.statements, outsider]
    lost = ANNE.revoke("anne phone", "anne laptop", at=START + 3)
    thief = account.change_profile(
        lost.known(), keys("anne laptop"), Profile("Thief", "", ""), at=START + 5
    )
    yield "signed by a revoked device", "revoked-device", [*lost.statements, thief]
    twice = account.revoke_device(
        lost.known(), keys("anne phone"), keys("anne laptop").id, at=START + 5
    )
    yield "revoked twice", "revoked-device", [*lost.statements, twice]
    back = _adding(lost, "anne phone", "anne laptop")
    yield "a revoked device comes back", "duplicate-device", [*lost.statements, back]
    yield (
        "a device added twice",
        "duplicate-device",
        [*ANNE.statements, _adding(ANNE, "anne phone", "anne kit", RECOVERY)],
    )
    yield "the last that is no kit, by itself", "last-device", _last_but_kit()
    yield "a kit alone", "last-device", _kit_alone()
    yield "a thirty-third device", "too-many-devices", _too_many()
    bot = Chain("bot").create("lab machine", Profile("Labo", "", ""), kind=BOT)
    yield (
        "a bot adds a person's device",
        "not-allowed",
        [*bot.statements, _adding(bot, "lab machine", "eve phone")],
    )


def _adding(chain: Chain, by: str, label: str, kind: str = "interactive") -> bytes:
    device = keys(label).device(kind, label)
    joined = account.possession(keys(label), device, chain.known().account)
    return account.add_device(chain.known(), keys(by), joined, at=START + 30)


def _last_but_kit() -> list[bytes]:
    chain = BRUNO.add("bruno phone", "bruno kit", kind=RECOVERY)
    gone = account.revoke_device(
        chain.known(), keys("bruno phone"), keys("bruno phone").id, at=START + 5
    )
    return [*chain.statements, gone]


def _kit_alone() -> list[bytes]:
    chain = BRUNO.add("bruno phone", "bruno kit", kind=RECOVERY)
    chain = chain.revoke("bruno kit", "bruno phone", at=START + 5)
    gone = account.revoke_device(
        chain.known(), keys("bruno kit"), keys("bruno kit").id, at=START + 6
    )
    return [*chain.statements, gone]


def _too_many() -> list[bytes]:
    chain = BRUNO
    for number in range(31):
        chain = chain.add("bruno phone", f"bruno {number}")
    return [*chain.statements, _adding(chain, "bruno phone", "bruno 31")]


def _bad_possessions(first: bytes, second: bytes) -> Iterable[tuple[str, str, list[bytes]]]:
    def joining(name: str, possession: bytes, **changes: Any) -> tuple[str, str, list[bytes]]:
        def change(payload: Json) -> None:
            payload["operation"].update(possession=possession)
            payload["operation"]["device"].update(changes)

        return (
            name,
            "bad-possession",
            [first, resigned(second, "anne phone", change, context=CONTEXT)],
        )

    mine, laptop = ANNE.known().account, keys("anne laptop")
    device = laptop.device("interactive", "anne laptop")
    good = account.possession(laptop, device, mine)
    yield joining(
        "possession for another account", account.possession(laptop, device, BRUNO.known().account)
    )
    yield joining(
        "possession by another device", account.possession(keys("eve phone"), device, mine)
    )
    yield joining(
        "possession of other keys",
        account.possession(
            keys("eve phone"), keys("eve phone").device("interactive", "anne laptop"), mine
        ),
    )
    yield joining("possession with another label", good, label="another")
    yield joining(
        "possession signed as a statement",
        sign_raw(cose.peek(good).payload, "anne laptop", context=CONTEXT),
    )
    yield joining("possession with a flipped bit", people.flipped(good, place=-1))
    yield joining("possession is empty", b"")


def build() -> Json:
    chains = list(good())
    labels = {step["by"] for chain in chains for step in chain.steps}
    labels |= {step["new"] for chain in chains for step in chain.steps if "new" in step}
    return {
        "description": "Chains of an account (docs/protocol.md §3). A good one replays to `state`; each step can "
        "be made again, byte for byte, by the device `by` (keys in `devices`). A bad one is refused at its last "
        "statement for `reason`; all before it is good.",
        "devices": people.devices_json(*sorted(labels)),
        "good": [
            {"name": chain.name, "steps": list(chain.steps), "state": state_json(chain)}
            for chain in chains
        ],
        "bad": [
            {"name": name, "reason": reason, "statements": [s.hex() for s in statements]}
            for name, reason, statements in bad()
        ],
    }

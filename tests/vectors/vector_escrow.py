"""escrow.json: seeds and their parts, statements about them, and guardians' shares."""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import vector_people as people
from vector_people import CHAINS, DAY, ESCROWS, START, Json, keys, random

from relais.crypto import cbor, cose, escrow, suite
from relais.crypto.escrow import EscrowStatement

AT = START + DAY
GUARDIANS = {"anne": "anne phone", "bruno": "bruno phone", "claire": "claire phone"}
MANY = {**GUARDIANS, "denis": "denis phone", "eve": "eve phone"}
SPLITS = ((2, 2), (3, 2), (3, 3), (5, 3), (7, 4), (7, 7))


def identity(name: str) -> str:
    return {**CHAINS, **ESCROWS}[name].known().account


def ascending(names: Iterable[str]) -> list[str]:
    return sorted(names, key=identity)


def parts_of(label: str, guardians: int, quorum: int) -> tuple[bytes, ...]:
    """The parts of the seed of one of the escrow's devices."""
    count = escrow.part_count(guardians, quorum) - 1
    return escrow.split(
        random(f"seed of {label}"), [random(f"{label} {quorum} {one}") for one in range(count)]
    )


def stated(label: str, names: Iterable[str], quorum: int, *, at: int = AT) -> bytes:
    named = ascending(names)
    return escrow.write(
        keys(label),
        account=identity("escrow"),
        quorum=quorum,
        guardians=[identity(name) for name in named],
        parts=parts_of(label, len(named), quorum),
        at=at,
    )


def own_parts(statement: EscrowStatement, label: str, name: str) -> list[bytes]:
    """A guardian's parts, in order."""
    every = parts_of(label, len(statement.guardians), statement.quorum)
    return [every[number] for number in statement.held(identity(name))]


def share(statement: EscrowStatement, label: str, name: str, device: str) -> bytes:
    public = keys(device).device("interactive", device)
    return escrow.seal_share(public, own_parts(statement, label, name), statement)


def build() -> Json:
    first, second = stated("escrow one", GUARDIANS, 2), stated("escrow two", GUARDIANS, 2)
    good = [
        _case("two of three", "escrow one", GUARDIANS, 2),
        _case("both of two", "escrow one", {n: GUARDIANS[n] for n in ("anne", "bruno")}, 2),
        _case("three of five", "escrow one", MANY, 3),
        _case("of a device that replaced another", "escrow two", GUARDIANS, 2, chain="escrow later")
        | {"possession": ESCROWS["escrow later"].steps[1]["possession"]},
        _case("of a device revoked since", "escrow one", GUARDIANS, 2, chain="escrow later")
        | {"past": True},
    ]
    return {
        "description": "Escrows (docs/protocol.md §13). `splits`: a seed, what is random, its parts, and who holds "
        "which. In `good`, `again` and `parts` make the statement again; `possession` vouches for its device before "
        "the account has it; where `past`, its device is in force no more. Each share opens with the device named; "
        "any `quorum` guardians' parts give `seed`. In `bad`: a statement that is refused, or a share (`sealed`), "
        "or what is put together of the `parts` of some guardians.",
        "devices": people.devices_json(*MANY.values(), "anne laptop"),
        "chains": people.chains_json("escrow", "escrow later", *MANY),
        "splits": [_split(guardians, quorum) for guardians, quorum in SPLITS],
        "good": good,
        "bad": [*_bad_statements(first), *_bad_shares(first, second), *_bad_seeds(first)],
    }


def _split(guardians: int, quorum: int) -> Json:
    seed, count = random("a seed"), escrow.part_count(guardians, quorum)
    some = [random(f"part {one}") for one in range(count - 1)]
    lacking = list(combinations(range(guardians), quorum - 1))
    made = escrow.keys_of(seed)
    return {
        "name": f"{quorum} of {guardians}",
        "guardians": guardians,
        "quorum": quorum,
        "seed": seed.hex(),
        "sign_seed": made.sign_seed.hex(),
        "kem_seed": made.kem_seed.hex(),
        "device": made.id,
        "random": people.as_json(some),
        "parts": people.as_json(escrow.split(seed, some)),
        "held": [
            [n for n, one in enumerate(lacking) if who not in one] for who in range(guardians)
        ],
    }


def _case(name: str, label: str, who: dict[str, str], quorum: int, **more: Any) -> Json:
    data = stated(label, who, quorum)
    read = escrow.peek(data)
    again = {"account": read.account, "quorum": quorum, "guardians": read.guardians, "at": AT}
    devices = [(one, device) for one, device in who.items()]
    devices += [("anne", "anne laptop")]
    return {
        "name": name,
        "chain": more.get("chain", "escrow"),
        "seed": random(f"seed of {label}").hex(),
        "again": people.as_json(again),
        "parts": people.as_json(parts_of(label, len(who), quorum)),
        "statement": data.hex(),
        "shares": [
            {
                "guardian": identity(one),
                "device": device,
                "held": list(read.held(identity(one))),
                "sealed": share(read, label, one, device).hex(),
            }
            for one, device in devices
        ],
    }


def _bad_statements(first: bytes) -> Iterable[Json]:
    def refused(name: str, reason: str, data: bytes, chain: str = "escrow") -> Json:
        return {"name": name, "reason": reason, "chain": chain, "statement": data.hex()}

    def again(**changes: Any) -> bytes:
        return people.resigned(
            first, "escrow one", lambda p: p.update(changes), context=cose.ESCROW
        )

    for defect in people.form_defects(first, "escrow one", context=cose.ESCROW, field="quorum"):
        yield refused(*defect)
    named, published = (
        people.payload_of(first)["guardians"],
        people.payload_of(first)["commitments"],
    )
    yield refused("a quorum of one", "bad-quorum", again(quorum=1))
    yield refused("a quorum of more than all", "bad-quorum", again(quorum=4))
    yield refused("no guardian", "bad-quorum", again(guardians=[]))
    yield refused("one guardian", "bad-quorum", again(guardians=named[:1]))
    yield refused("a guardian twice", "bad-quorum", again(guardians=[*named[:2], named[1]]))
    yield refused("guardians in another order", "bad-quorum", again(guardians=named[::-1]))
    yield refused("a commitment less", "bad-quorum", again(commitments=published[:-1]))
    yield refused("a commitment more", "bad-quorum", again(commitments=[*published, bytes(32)]))
    yield refused("a commitment of 31 bytes", "wrong-type", again(commitments=[bytes(31)] * 3))
    eight = sorted(random(f"guardian {one}") for one in range(8))
    yield refused("eight guardians", "wrong-type", again(guardians=eight))
    yield refused("about another account", "wrong-account", again(account=random("account")))
    yield refused("of a device revoked since", "wrong-device", first, "escrow later")
    yield refused(
        "of a device that is not there yet", "wrong-device", stated("escrow two", GUARDIANS, 2)
    )
    mine = people.keys("anne phone")
    yield refused(
        "by a guardian in the escrow's name",
        "wrong-device",
        people.resigned(
            first,
            "anne phone",
            lambda p: p.update(device=bytes.fromhex(mine.id)),
            context=cose.ESCROW,
        ),
    )


def _bad_shares(first: bytes, second: bytes) -> Iterable[Json]:
    read, renewed = escrow.peek(first), escrow.peek(second)
    good, own = (
        share(read, "escrow one", "anne", "anne phone"),
        own_parts(read, "escrow one", "anne"),
    )
    phone = keys("anne phone").device("interactive", "")

    def refused(name: str, reason: str, sealed: bytes, **more: Any) -> Json:
        who = {"guardian": identity("anne"), "device": "anne phone"}
        return {
            "name": name,
            "reason": reason,
            "statement": first.hex(),
            **who,
            "sealed": sealed.hex(),
        } | more

    def holding(plaintext: bytes) -> bytes:
        named = (read.account, read.device, phone.id)
        info: suite.Info = ["relais/1 share", *map(bytes.fromhex, named)]
        return suite.seal_to(phone.kem, plaintext, info=info)

    yield refused("share with a flipped bit", "cannot-open", people.flipped(good, place=-1))
    yield refused("share for another device", "cannot-open", good, device="anne laptop")
    old = share(renewed, "escrow two", "anne", "anne phone")
    yield refused("share of another device of the escrow", "cannot-open", old)
    yield refused(
        "the parts of another guardian",
        "wrong-share",
        holding(cbor.encode(own_parts(read, "escrow one", "bruno"))),
    )
    yield refused(
        "a part with a flipped bit",
        "wrong-share",
        holding(cbor.encode([own[0], people.flipped(own[1], place=0)])),
    )
    yield refused("a part too many", "wrong-share", holding(cbor.encode([*own, own[0]])))
    yield refused("a part too few", "wrong-share", holding(cbor.encode(own[:1])))
    yield refused("a part of 31 bytes", "wrong-share", holding(cbor.encode([own[0], own[1][:-1]])))
    yield refused("a part that is text", "wrong-share", holding(cbor.encode([own[0], "part"])))
    yield refused("parts that are no list", "wrong-share", holding(cbor.encode({})))
    yield refused("parts that are no CBOR", "wrong-share", holding(b"\xff"))
    yield refused(
        "of somebody who guards nothing", "not-a-guardian", good, guardian=identity("eve")
    )


def _bad_seeds(first: bytes) -> Iterable[Json]:
    """What does not give the escrow's device."""
    read, every = escrow.peek(first), parts_of("escrow one", 3, 2)
    one = {str(number): every[number].hex() for number in read.held(identity("anne"))}
    whole = {str(number): part.hex() for number, part in enumerate(every)}
    base = {"statement": first.hex()}
    other = parts_of("escrow two", 3, 2)[0].hex()
    yield {"name": "one guardian of two", "reason": "parts-missing", **base, "parts": one}
    yield {"name": "no part", "reason": "parts-missing", **base, "parts": {}}
    yield {
        "name": "a part that was not checked",
        "reason": "wrong-share",
        **base,
        "parts": whole | {"0": other},
    }

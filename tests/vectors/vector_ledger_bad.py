"""The bad half of ledger.json: entries that break one rule each."""

from collections.abc import Callable, Iterable
from typing import Any

import vector_people as people
from vector_ledger import (
    CONTEXT,
    OPENED,
    Bad,
    Circle,
    Operation,
    adds,
    begun,
    changes,
    opens,
    removes,
    standing,
)
from vector_people import CHAINS, DAY, HOUR, START, Json, keys, random

from relais.crypto import ledger
from relais.crypto.ledger import Close, Create, EpochOpen, MemberAdd


def bad() -> Iterable[Bad]:
    circle = standing()
    entry = circle.written("anne phone", OPENED + 2 * HOUR, adds("claire", at=OPENED + 2 * HOUR))
    for name, reason, data in people.form_defects(
        entry, "anne phone", context=CONTEXT, field="seq"
    ):
        yield name, reason, (*circle.entries, data)
    yield from _bad_places(circle, entry)
    yield from _bad_starts()
    yield from _bad_additions(circle, OPENED + 2 * HOUR)
    yield from _bad_periods(circle, OPENED + 2 * HOUR)
    yield from _bad_changes(circle, OPENED + 2 * HOUR)
    yield from _bad_removals(circle, OPENED + 2 * HOUR)
    yield from _bad_epochs(circle, OPENED + 2 * HOUR)


def _bad_places(circle: Circle, entry: bytes) -> Iterable[Bad]:
    def again(name: str, reason: str, change: Callable[[Json], Any], by: str = "anne phone") -> Bad:
        data = people.resigned(entry, by, change, context=CONTEXT)
        return name, reason, (*circle.entries, data)

    def operation(name: str, reason: str, operations: Any) -> Bad:
        return again(name, reason, lambda p: p.update(operations=operations))

    yield again("another circle", "wrong-circle", lambda p: p.update(circle=random("circle")))
    yield again("circle is null", "wrong-circle", lambda p: p.update(circle=None))
    yield again("a seq left out", "broken-chain", lambda p: p.update(seq=3))
    yield again("prev is another hash", "broken-chain", lambda p: p.update(prev=random("prev")))
    yield again(
        "a head the account never had",
        "wrong-account",
        lambda p: p.update(account_head=random("head")),
    )
    early = bytes.fromhex(CHAINS["anne"].steps[0]["digest"])
    laptop = bytes.fromhex(keys("anne laptop").id)
    yield again(
        "a device that was not there at that head",
        "not-a-device",
        lambda p: p.update(account_head=early, device=laptop),
        "anne laptop",
    )
    eve = bytes.fromhex(keys("eve phone").id)
    yield again(
        "a device of another account", "not-a-device", lambda p: p.update(device=eve), "eve phone"
    )
    later = CHAINS["anne later"].known()
    stolen = ledger.write_entry(
        circle.state,
        keys("anne laptop"),
        account=later.account,
        account_head=later.head,
        operations=[opens("team", 2)],
        at=START + 21 * DAY,
    )
    yield "a stolen device, revoked at that head", "revoked-device", (*circle.entries, stolen)
    yield again("time went back", "time-went-back", lambda p: p.update(at=OPENED))
    yield operation("no operations", "wrong-type", [])
    yield operation("101 operations", "wrong-type", [{"op": "close"}] * 101)
    yield operation("an operation nobody knows", "unknown-operation", [{"op": "member.promote"}])
    yield operation("an operation without op", "missing-field", [{"account": laptop}])
    yield operation(
        "an unknown field in an operation", "unknown-field", [{"op": "close", "why": ""}]
    )
    yield operation("a missing field in an operation", "missing-field", [{"op": "member.remove"}])


def _bad_starts() -> Iterable[Bad]:
    def start(
        name: str, *operations: Operation, reason: str = "misplaced-create", by: str = "anne phone"
    ) -> Bad:
        return name, reason, (Circle().written(by, OPENED, *operations),)

    create, lead = Create(random("nonce", 16)), adds("anne", "lead", at=OPENED)
    yield start("no create", lead, opens("team", 1))
    yield start("create alone", create)
    yield start("no epoch", create, lead)
    yield start("an epoch too many", create, lead, opens("team", 1), opens("family", 1))
    yield start("an epoch twice", create, lead, opens("team", 1), opens("team", 1))
    yield start("epoch 2 first", create, lead, opens("team", 2))
    yield start("a second member", create, lead, opens("team", 1), adds("bruno", at=OPENED))
    yield start("somebody else as lead", create, adds("bruno", "lead", at=OPENED), opens("team", 1))
    yield start("not as lead", create, adds("anne", at=OPENED), opens("team", 1))
    yield start(
        "without team", create, adds("anne", "lead", "family", at=OPENED), opens("family", 1)
    )
    yield start(
        "with an end", create, adds("anne", "lead", at=OPENED, until=OPENED + DAY), opens("team", 1)
    )
    yield start(
        "without history", create, adds("anne", "lead", at=OPENED, history=OPENED), opens("team", 1)
    )
    yield start("since another time", create, adds("anne", "lead", at=OPENED - 1), opens("team", 1))
    names = ("team", "Family")
    capital = adds("anne", "lead", *names, at=OPENED)
    yield start(
        "an audience in capitals",
        create,
        capital,
        *[opens(n, 1) for n in names],
        reason="bad-audience",
    )
    many = ("team", *[f"audience-{n}" for n in range(8)])
    nine = adds("anne", "lead", *many, at=OPENED)
    yield start("nine audiences", create, nine, *[opens(n, 1) for n in many], reason="bad-audience")
    first = begun().entries[0]

    def placed(name: str, **fields: Any) -> Bad:
        data = people.resigned(first, "anne phone", lambda p: p.update(fields), context=CONTEXT)
        return name, "wrong-circle" if "circle" in fields else "broken-chain", (data,)

    yield placed("entry 0 with a circle", circle=random("circle"))
    yield placed("entry 0 with seq 1", seq=1)
    yield placed("entry 0 with a prev", prev=random("prev"))
    again = begun().written("anne phone", OPENED, create)
    yield "create again", "misplaced-create", (*begun().entries, again)


def _after(circle: Circle, at: int) -> Callable[..., Bad]:
    def case(name: str, reason: str, by: str, *operations: Operation, when: int = at) -> Bad:
        return name, reason, (*circle.entries, circle.written(by, when, *operations))

    return case


def _bad_additions(circle: Circle, at: int) -> Iterable[Bad]:
    case = _after(circle, at)
    yield case("an outsider acts", "not-a-member", "eve phone", adds("claire", at=at))
    yield case(
        "past the own until", "not-a-member", "denis phone", opens("family", 2), when=at + 2 * DAY
    )
    closed = circle.then("anne phone", at, Close())
    yield _after(closed, at)("after the close", "circle-closed", "anne phone", opens("team", 2))
    yield case("already a member", "already-a-member", "anne phone", adds("bruno", at=at))
    yield case(
        "a carer adds", "not-allowed", "denis phone", adds("claire", "carer", "family", at=at)
    )
    yield case("a bot adds", "not-allowed", "lab machine", adds("claire", at=at))
    yield case(
        "a professional adds a lead", "not-allowed", "bruno phone", adds("claire", "lead", at=at)
    )
    yield case(
        "a professional adds where it is not",
        "not-allowed",
        "bruno phone",
        adds("claire", "carer", "family", at=at),
    )
    yield case("a role nobody knows", "bad-role", "anne phone", adds("claire", "nurse", at=at))
    yield case(
        "an audience nobody opened",
        "bad-audience",
        "anne phone",
        adds("claire", "carer", "night", at=at),
    )
    yield case(
        "no audience", "bad-audience", "anne phone", _without_audience(adds("claire", at=at))
    )
    yield case(
        "an audience twice",
        "bad-audience",
        "anne phone",
        adds("claire", "carer", "team", "team", at=at),
    )


def _bad_periods(circle: Circle, at: int) -> Iterable[Bad]:
    case = _after(circle, at)
    yield case(
        "since another time", "bad-period", "anne phone", adds("claire", at=at, since=at + 1)
    )
    yield case("until not after since", "bad-period", "anne phone", adds("claire", at=at, until=at))
    yield case(
        "history after since",
        "bad-period",
        "anne phone",
        adds("claire", at=at, history=at + 1),
        opens("team", 2),
    )
    yield case(
        "no history and no new epoch",
        "rotation-missing",
        "anne phone",
        adds("claire", at=at, history=at),
    )
    yield case(
        "no history and an epoch short",
        "rotation-missing",
        "anne phone",
        adds("claire", "professional", "team", "family", at=at, history=at),
        opens("team", 2),
    )


def _bad_changes(circle: Circle, at: int) -> Iterable[Bad]:
    case = _after(circle, at)
    yield case(
        "a professional changes", "not-allowed", "bruno phone", changes("bruno", "lead", "team")
    )
    yield case(
        "changes who is not there", "not-a-member", "anne phone", changes("claire", "carer", "team")
    )
    yield case(
        "changes to a role nobody knows", "bad-role", "anne phone", changes("bruno", "boss", "team")
    )
    yield case(
        "changes to an end in the past",
        "bad-period",
        "anne phone",
        changes("bruno", "professional", "team", until=at),
    )
    yield case(
        "changes to an unknown audience",
        "bad-audience",
        "anne phone",
        changes("bruno", "professional", "team", "night"),
    )
    yield case(
        "takes an audience without rotation",
        "rotation-missing",
        "anne phone",
        changes("bruno", "professional", "family"),
    )
    late = circle.then("anne phone", at, adds("claire", at=at, history=at - 1), opens("team", 2))
    yield _after(late, at)(
        "gives an audience to a late history without rotation",
        "rotation-missing",
        "anne phone",
        changes("claire", "professional", "team", "family"),
    )
    yield case(
        "a reader becomes a bot without rotation",
        "rotation-missing",
        "anne phone",
        changes("bruno", "bot", "team"),
    )
    yield case(
        "the last lead steps down",
        "last-lead",
        "anne phone",
        changes("anne", "professional", "team", "family"),
    )
    yield case(
        "the last lead gets an end",
        "last-lead",
        "anne phone",
        changes("anne", "lead", "team", "family", until=at + DAY),
    )


def _without_audience(added: MemberAdd) -> MemberAdd:
    return MemberAdd(**{**vars(added), "audiences": ()})


def _bad_removals(circle: Circle, at: int) -> Iterable[Bad]:
    case = _after(circle, at)
    yield case("removed without rotation", "rotation-missing", "anne phone", removes("bruno"))
    yield case(
        "removed with another rotation",
        "rotation-missing",
        "anne phone",
        removes("bruno"),
        opens("family", 2),
    )
    yield case(
        "a professional removes whom it did not add",
        "not-allowed",
        "bruno phone",
        removes("denis"),
        opens("team", 2),
    )
    yield case(
        "a carer removes", "not-allowed", "denis phone", removes("bruno"), opens("family", 2)
    )
    yield case("a bot removes", "not-allowed", "lab machine", removes("bruno"))
    yield case("removes who was never there", "not-a-member", "anne phone", removes("claire"))
    gone = circle.then("anne phone", at, removes("bruno"), opens("team", 2))
    yield _after(gone, at)("removed twice", "not-a-member", "anne phone", removes("bruno"))
    yield _after(gone, at)("acts when removed", "not-a-member", "bruno phone", opens("team", 3))
    yield case(
        "leaves with the next key", "not-allowed", "bruno phone", removes("bruno"), opens("team", 2)
    )
    yield case("the only lead leaves", "last-lead", "anne phone", removes("anne"))
    second = circle.then("anne phone", at, adds("claire", "lead", at=at, until=at + DAY))
    yield _after(second, at)(
        "the lead leaves one with an end", "last-lead", "anne phone", removes("anne")
    )
    yield _after(second, at)(
        "a lead with an end removes the last without",
        "last-lead",
        "claire phone",
        removes("anne"),
        opens("team", 2),
    )
    yield case("a professional closes", "not-allowed", "bruno phone", Close())
    yield case("closes and more", "not-allowed", "anne phone", Close(), opens("team", 2))


def _bad_epochs(circle: Circle, at: int) -> Iterable[Bad]:
    case = _after(circle, at)
    yield case("the same epoch again", "wrong-epoch", "anne phone", opens("team", 1))
    yield case("an epoch left out", "wrong-epoch", "anne phone", opens("team", 3))
    yield case(
        "two epochs at once", "wrong-epoch", "anne phone", opens("team", 2), opens("team", 3)
    )
    yield case("a bot opens", "not-allowed", "lab machine", opens("team", 2))
    yield case("opens where it is not", "not-allowed", "bruno phone", opens("family", 2))
    yield case("a professional opens an audience", "not-allowed", "bruno phone", opens("night", 1))
    yield case(
        "a lead opens an audience it does not enter", "not-allowed", "anne phone", opens("night", 1)
    )
    enters = changes("anne", "lead", "team", "family", "night")
    yield case(
        "a new audience with epoch 2", "wrong-epoch", "anne phone", enters, opens("night", 2)
    )
    capital = changes("anne", "lead", "team", "family", "Night")
    yield case(
        "a new audience in capitals", "bad-audience", "anne phone", capital, opens("Night", 1)
    )
    yield case(
        "leaves an audience with its next key",
        "not-allowed",
        "anne phone",
        changes("anne", "lead", "team"),
        opens("family", 2),
    )
    broken = EpochOpen("team", 2, random("c"), b"\xff" * 3 + opens("team", 2).inbox_key[3:])
    data = circle.written("anne phone", at, opens("team", 2))
    operation = {
        "op": "epoch.open",
        "audience": "team",
        "epoch": 2,
        "commitment": broken.commitment,
        "inbox_key": broken.inbox_key,
    }
    bad_key = people.resigned(
        data, "anne phone", lambda p: p.update(operations=[operation]), context=CONTEXT
    )
    yield "an inbox key nobody can seal to", "wrong-type", (*circle.entries, bad_key)

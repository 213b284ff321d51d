"""What ledger.json says of people who were reset and are let in again."""

from collections.abc import Iterable

import vector_people as people
from vector_ledger import (
    CONTEXT,
    OPENED,
    Bad,
    Circle,
    adds,
    begun,
    identity,
    opens,
    removes,
    standing,
)
from vector_people import CHAINS, DAY, HOUR, RESETS

from relais.crypto.ledger import MemberReadmit

AT = OPENED + 2 * HOUR


def readmits(name: str, *newer: str) -> MemberReadmit:
    """`name` was reset to the last of `newer`, one after the other."""
    chains = [RESETS[one] for one in newer]
    statements = tuple(chain.statements[0] for chain in chains)
    return MemberReadmit(identity(name), chains[-1].known().head, statements)


def good() -> Iterable[tuple[str, Circle, int]]:
    """Each circle, and a moment to look at it."""
    since = OPENED + 90 * 60 * 1000
    guest = standing().then(
        "bruno phone",
        since,
        adds("claire", at=since, until=AT + DAY, history=since),
        opens("team", 2),
    )
    again = guest.then("anne phone", AT, readmits("bruno", "bruno again"), opens("team", 3))
    again = again.then("bruno new phone", AT + HOUR, removes("claire"), opens("team", 4))
    yield (
        "a professional comes back after a reset, and may remove whom it had added",
        again,
        AT + HOUR,
    )
    twice = standing().then(
        "anne phone", AT, readmits("bruno", "bruno again", "bruno once more"), opens("team", 2)
    )
    yield "reset twice before a circle let them in again", twice, AT + HOUR
    led = begun("team", "family")
    led = led.then("anne phone", AT, adds("denis", "carer", "team", "family", at=AT))
    led = led.then(
        "denis phone", AT, readmits("anne", "anne again"), opens("team", 2), opens("family", 2)
    )
    led = led.then(
        "anne new phone", AT + HOUR, removes("denis"), opens("team", 3), opens("family", 3)
    )
    yield "the only lead is let in again by a carer, and leads", led, AT + HOUR
    past = guest.then("anne phone", AT, readmits("claire", "claire again"), opens("team", 3))
    yield "a guest keeps the end and the history of the stay", past, AT + HOUR


def bad() -> Iterable[Bad]:
    circle = standing()
    known = readmits("bruno", "bruno again")

    def case(name: str, reason: str, by: str, *operations: object, of: Circle = circle) -> Bad:
        return name, reason, (*of.entries, of.written(by, AT, *operations))  # type: ignore[arg-type]

    yield case("let in again without rotation", "rotation-missing", "anne phone", known)
    others = MemberReadmit(
        identity("bruno"), known.account_head, readmits("anne", "anne again").statements
    )
    yield case("a reset of somebody else", "wrong-account", "anne phone", others, opens("team", 2))
    none = MemberReadmit(identity("bruno"), CHAINS["eve"].known().head, CHAINS["eve"].statements)
    yield case(
        "an account that replaces nobody", "wrong-account", "anne phone", none, opens("team", 2)
    )
    step = readmits("bruno", "bruno once more")
    yield case("a reset left out", "wrong-account", "anne phone", step, opens("team", 2))
    (statement,) = known.statements
    forged = MemberReadmit(
        identity("bruno"), known.account_head, (people.flipped(statement, place=-1),)
    )
    yield case(
        "a reset that nobody signed", "bad-signature", "anne phone", forged, opens("team", 2)
    )
    later = MemberReadmit(
        identity("anne"), CHAINS["anne"].known().head, CHAINS["anne"].statements[1:2]
    )
    yield case(
        "a statement that is not the first",
        "misplaced-create",
        "anne phone",
        later,
        opens("team", 2),
    )
    absent = readmits("claire", "claire again")
    yield case(
        "somebody who was never there", "not-a-member", "anne phone", absent, opens("team", 2)
    )
    gone = circle.then("anne phone", AT, removes("bruno"), opens("team", 2))
    yield case(
        "somebody who was removed", "not-a-member", "anne phone", known, opens("team", 3), of=gone
    )
    again = circle.then("anne phone", AT, known, opens("team", 2))
    yield case(
        "let in again twice", "not-a-member", "anne phone", known, opens("team", 3), of=again
    )
    added = circle.then("anne phone", AT, adds("bruno again", at=AT))
    yield case(
        "who is there already", "already-a-member", "anne phone", known, opens("team", 2), of=added
    )
    yield case("a bot lets in again", "not-allowed", "lab machine", known, opens("team", 2))
    family = readmits("anne", "anne again")
    yield case(
        "where it is not",
        "not-allowed",
        "bruno phone",
        family,
        opens("team", 2),
        opens("family", 2),
    )
    second = circle.then("anne phone", AT, adds("claire", "lead", at=AT))
    yield case(
        "a professional, and another lead is left",
        "not-allowed",
        "bruno phone",
        family,
        opens("team", 2),
        of=second,
    )
    yield from _bad_forms(circle)


def _bad_forms(circle: Circle) -> Iterable[Bad]:
    data = circle.written("anne phone", AT, readmits("bruno", "bruno again"), opens("team", 2))
    operation = people.payload_of(data)["operations"][0]
    for name, statements in (
        ("no statement", []),
        ("nine statements", operation["statements"] * 9),
    ):
        changed = {**operation, "statements": statements}
        entry = people.resigned(
            data, "anne phone", lambda p, o=changed: p.update(operations=[o]), context=CONTEXT
        )
        yield name, "wrong-type", (*circle.entries, entry)

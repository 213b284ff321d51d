"""ledger.json: circles from entry 0 on, and entries that break one rule each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import vector_people as people
from vector_people import CHAINS, DAY, HOUR, RESETS, START, Chain, Json, keys, random

from relais.crypto import cose, epoch, ledger
from relais.crypto.envelope_header import Header, SealedKey
from relais.crypto.ledger import (
    CircleState,
    Close,
    Create,
    EpochOpen,
    MemberAdd,
    MemberChange,
    MemberReadmit,
    MemberRemove,
)
from relais.crypto.readers import readers_of

CONTEXT = cose.CIRCLE
OPENED = START + DAY
WORDS = {
    Create: "create",
    MemberAdd: "member.add",
    MemberRemove: "member.remove",
    MemberChange: "member.change",
    MemberReadmit: "member.readmit",
    EpochOpen: "epoch.open",
    Close: "close",
}
Operation = (
    ledger.Create | MemberAdd | MemberRemove | MemberChange | MemberReadmit | EpochOpen | Close
)
PEOPLE = CHAINS | RESETS
Bad = tuple[str, str, Sequence[bytes]]


def author(account: str) -> Any:
    return {chain.known().account: chain.known() for chain in PEOPLE.values()}[account]


def acting(device: str) -> Any:
    """The account a device like ``anne phone`` acts for."""
    found = (chain.known() for chain in PEOPLE.values())
    return next(state for state in found if keys(device).id in state.devices)


def identity(name: str) -> str:
    return PEOPLE[name].known().account


def epoch_key(audience: str, number: int) -> bytes:
    return random(f"key of {audience} {number}")


def opens(audience: str, number: int) -> EpochOpen:
    return epoch.open_operation(audience, number, epoch_key(audience, number))


def adds(name: str, role: str = "professional", *audiences: str, at: int, **more: Any) -> MemberAdd:
    return MemberAdd(
        account=identity(name),
        account_head=PEOPLE[name].known().head,
        role=role,
        audiences=audiences or ("team",),
        since=more.get("since", at),
        until=more.get("until"),
        history=more.get("history", 0),
    )


def changes(name: str, role: str, *audiences: str, until: int | None = None) -> MemberChange:
    return MemberChange(identity(name), role, audiences, until)


def removes(name: str) -> MemberRemove:
    return MemberRemove(identity(name))


@dataclass(frozen=True)
class Circle:
    """A ledger in the making."""

    state: CircleState | None = None
    entries: tuple[bytes, ...] = ()
    steps: tuple[Json, ...] = ()

    def known(self) -> CircleState:
        assert self.state is not None
        return self.state

    def written(self, by: str, at: int, *operations: Operation) -> bytes:
        """The next entry by a device like ``anne phone``, right or wrong."""
        chain = acting(by)
        return ledger.write_entry(
            self.state,
            keys(by),
            account=chain.account,
            account_head=chain.head,
            operations=operations,
            at=at,
        )

    def then(self, by: str, at: int, *operations: Operation) -> "Circle":
        entry = self.written(by, at, *operations)
        chain = acting(by)
        state = ledger.apply(self.state, entry, author(chain.account))
        step = {
            "by": by,
            "account": chain.account,
            "account_head": chain.head,
            "at": at,
            "operations": [{"op": WORDS[type(o)], **people.as_json(o)} for o in operations],
            "entry": entry.hex(),
            "digest": state.head,
        }
        return Circle(state, (*self.entries, entry), (*self.steps, step))


def begun(*audiences: str, by: str = "anne phone") -> Circle:
    names = audiences or ("team",)
    name = by.split()[0]
    return Circle().then(
        by,
        OPENED,
        Create(random("nonce", 16)),
        adds(name, "lead", *names, at=OPENED),
        *[opens(audience, 1) for audience in names],
    )


def life() -> Circle:
    """A circle from its first day to its last."""
    at = OPENED
    circle = begun().then("anne laptop", at + HOUR, adds("bruno", at=at + HOUR))
    at += 2 * HOUR
    circle = circle.then("bruno phone", at, adds("claire", at=at, history=at), opens("team", 2))
    circle = circle.then("anne phone", at, adds("lab", "bot", at=at))
    until = at + 14 * DAY
    circle = circle.then("bruno phone", at, adds("denis", "carer", at=at, until=until))
    at += HOUR
    circle = circle.then(
        "anne phone",
        at,
        changes("anne", "lead", "team", "family"),
        changes("denis", "carer", "family", until=until),
        opens("family", 1),
        opens("team", 3),
    )
    at += HOUR
    circle = circle.then("bruno phone", at, removes("claire"), opens("team", 4))
    circle = circle.then("anne phone", at + HOUR, adds("claire", at=at + HOUR))
    circle = circle.then("anne phone", until + DAY, removes("denis"), opens("family", 2))
    at = until + 2 * DAY
    circle = circle.then("anne phone", at, removes("lab"))
    circle = circle.then("bruno phone", at + HOUR, removes("bruno"))
    circle = circle.then("claire phone", at + 2 * HOUR, opens("team", 5))
    return circle.then("anne phone", at + DAY, Close())


def standing() -> Circle:
    """Anne leads; Bruno, a professional; Denis, a carer; the laboratory; `family` without Bruno."""
    circle = begun("team", "family")
    at = OPENED + HOUR
    return circle.then(
        "anne phone",
        at,
        adds("bruno", at=at),
        adds("denis", "carer", "family", at=at, until=at + DAY),
        adds("lab", "bot", at=at),
    )


def rotated_at(at: int) -> Circle:
    return begun("team", "family").then("anne phone", at, opens("team", 2))


def state_json(state: CircleState) -> Json:
    return {
        "circle": state.circle,
        "seq": state.seq,
        "head": state.head,
        "at": state.at,
        "closed": state.closed,
        "heads": list(state.heads),
        "members": [people.as_json(member) for member in state.members.values()],
        "audiences": [
            {
                "name": audience.name,
                "epoch": audience.epoch,
                "epochs": [people.as_json(opened) for opened in audience.epochs.values()],
            }
            for audience in state.audiences.values()
        ],
    }


def _check(circle: Circle, at: int, **chains: Chain) -> Json:
    """What follows from the state at a moment, with some accounts as they were by then."""
    state = circle.known()
    names = {name: CHAINS[name] for name in ("anne", "bruno", "claire", "denis", "lab")} | chains
    names |= {
        name: chain for name, chain in RESETS.items() if chain.known().account in state.members
    }
    accounts = {chain.known().account: chain.known() for chain in names.values()}
    return {
        "after": state.seq,
        "at": at,
        "chains": {chain.known().account: _name_of(chain) for chain in names.values()},
        "active": [member.account for member in ledger.active_members(state, at)],
        "readers": {a: [m.account for m in ledger.readers(state, a, at)] for a in state.audiences},
        "entitled": sorted(list(one) for one in ledger.entitled(state, accounts, at)),
        "owed": [
            [member.account, audience, epoch, when]
            for member in ledger.active_members(state, at)
            for audience, known in state.audiences.items()
            for epoch in known.epochs
            for when in (member.history - 1, member.history, at)
            if member.history and ledger.is_owed_key(state, member, [(audience, epoch)], when)
        ],
        "rotation": {
            a: ledger.rotation_due(state, a, at=at, accounts=accounts) for a in state.audiences
        },
    }


def _could_read(circle: Circle) -> Iterable[Json]:
    """Who could read a version of each epoch, written as it opened and an hour later; and one for all audiences."""
    states = [ledger.replay(circle.entries[: n + 1], author) for n in range(len(circle.entries))]
    accounts = {chain.known().account: chain.known() for chain in PEOPLE.values()}
    audiences = sorted(circle.known().audiences.values(), key=lambda one: one.name)
    asked = [
        ([(audience.name, number)], opened.opened_at + later)
        for audience in audiences
        for number, opened in audience.epochs.items()
        for later in (0, HOUR)
    ]
    asked.append(([(one.name, one.epoch) for one in audiences], circle.known().at))
    for keys_of, at in asked:
        header = _header(circle, keys_of, at)
        found = [people.as_json(one) for one in readers_of(states, accounts, header)]
        keys_json = [{"audience": name, "epoch": number} for name, number in keys_of]
        yield {"at": at, "keys": keys_json, "readers": found}


def _header(circle: Circle, sealed: Sequence[tuple[str, int]], at: int) -> Header:
    state = circle.known()
    return Header(
        circle=state.circle,
        note="0199612c-1c00-7000-8000-000000000002",
        version=1,
        replaces=None,
        kind="post",
        account=identity("anne"),
        device=keys("anne phone").id,
        at=at,
        ledger_seq=state.seq,
        ledger_head=state.head,
        keys=tuple(SealedKey(name, number, "epoch", b"") for name, number in sealed),
        commitment=bytes(32),
        blobs=(),
        urgent=False,
        acknowledge=False,
        mentions=(),
    )


def _name_of(chain: Chain) -> str:
    return next(name for name, known in PEOPLE.items() if known is chain)


def _life_checks() -> Iterable[Json]:
    whole = life()
    for count in range(1, len(whole.entries) + 1):
        circle = Circle(ledger.replay(whole.entries[:count], author), whole.entries[:count])
        yield _check(circle, circle.known().at + 1)
        if count in (5, 6):
            yield _check(circle, OPENED + 40 * DAY)


def _standing_checks() -> Iterable[Json]:
    circle, later = standing(), CHAINS["anne later"]
    yield _check(circle, OPENED + 2 * HOUR)
    yield _check(circle, OPENED + 3 * DAY)
    yield _check(circle, START + 21 * DAY, anne=later)
    yield _check(circle, OPENED + 30 * DAY - 1)
    yield _check(circle, OPENED + 30 * DAY)
    at = START + 22 * DAY
    rotated = circle.then("anne phone", at, opens("team", 2))
    yield _check(Circle(rotated.state, rotated.entries), at, anne=later) | {"entries": "rotated"}


def good() -> Iterable[Json]:
    circle = life()
    yield _case("a circle's life", circle, list(_life_checks()))
    circle = standing()
    at = START + 22 * DAY
    rotated = circle.then("anne phone", at, opens("team", 2))
    yield _case("a team and a family", rotated, list(_standing_checks()))
    revoked = START + 20 * DAY
    same = circle.then("anne phone", revoked, opens("team", 2))
    check = _check(same, revoked, anne=CHAINS["anne later"])
    yield _case("a rotation in the millisecond of a revocation", same, [check])
    at = OPENED + HOUR
    two = begun().then("anne phone", at, adds("bruno", "lead", at=at))
    two = two.then("bruno phone", at, removes("anne"), opens("team", 2))
    yield _case("a lead hands over and is removed", two, [])
    first = (
        begun()
        .then("anne phone", at, adds("bruno", "lead", at=at))
        .then("anne phone", at, removes("anne"))
    )
    yield _case("a lead leaves another behind", first, [_check(first, at)])
    bot = standing().then("anne phone", at, changes("lab", "professional", "team"))
    bot = bot.then("anne phone", at, changes("bruno", "bot", "team"), opens("team", 2))
    yield _case("a bot becomes a reader, a reader a bot", bot, [_check(bot, at)])
    eight = begun("team", *[f"audience-{n}" for n in range(7)])
    yield _case("eight audiences", eight, [])
    since = OPENED + 3 * HOUR
    late = rotated_at(OPENED + 2 * HOUR).then(
        "anne phone", since, adds("claire", at=since, history=OPENED + HOUR), opens("team", 3)
    )
    yield _case("a history that begins in the middle of an epoch", late, [_check(late, since)])
    given = late.then(
        "anne phone",
        since + HOUR,
        changes("claire", "professional", "team", "family"),
        opens("family", 2),
    )
    yield _case("a further audience for it", given, [_check(given, since + HOUR)])
    import vector_ledger_resets

    for name, reset, at in vector_ledger_resets.good():
        yield _case(name, reset, [_check(reset, at)])


def _case(name: str, circle: Circle, checks: list[Json]) -> Json:
    for check in checks:
        check.pop("entries", None)
    return {
        "name": name,
        "steps": list(circle.steps),
        "state": state_json(circle.known()),
        "checks": checks,
        "could_read": list(_could_read(circle)),
    }


def build() -> Json:
    import vector_ledger_bad
    import vector_ledger_resets

    return {
        "description": "Ledgers of circles (docs/protocol.md §4). `chains` are the accounts. A good ledger replays "
        "to `state`; each step can be written again, byte for byte. `checks` say what follows after entry `after` "
        "at the time `at`, with the chains named; `could_read`, who could ever read a version written `at` and sealed under "
        "`keys`, by every chain at its longest. A bad one is refused at its last entry for `reason`; all before "
        "it is good.",
        "devices": people.devices_json(*people.DEVICES, "anne new phone", "bruno new phone"),
        "chains": people.chains_json(*PEOPLE),
        "good": list(good()),
        "bad": [
            {"name": name, "reason": reason, "entries": [entry.hex() for entry in entries]}
            for name, reason, entries in (*vector_ledger_bad.bad(), *vector_ledger_resets.bad())
        ],
    }

"""Random ledgers: whatever people try, what the rules promise holds after each accepted entry."""

from collections import Counter
from dataclasses import dataclass, replace
from random import Random

from care import DAY, HOUR, NOW, Person, accounts, adds, opens, random, refused
from hypothesis import given, settings
from hypothesis import strategies as st

from relais.crypto import ledger, ledger_rules
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import (
    CircleState,
    Close,
    Create,
    EpochOpen,
    MemberAdd,
    MemberChange,
    MemberRemove,
)
from relais.crypto.ledger_rules import Entry
from relais.crypto.ledger_state import BOT, LEAD, ROLES

PEOPLE = [Person(name) for name in ("anne", "bruno", "claire", "denis", "lab")]
ACCOUNTS = accounts(*PEOPLE)
AUDIENCES = ["team", "family", "night"]
HEAD = random("head").hex()

AUDIENCE_LISTS = [("team",), ("team",), ("team", "family"), ("family",), ("team", "night"), ()]
ROTATIONS = [(), (), ("team",), ("team",), ("family",), ("team", "family"), ("night",)]
ENDS = [None, None, NOW + DAY, NOW + 2 * DAY, NOW + 9 * DAY]
ROLES_TRIED = [*sorted(ROLES), LEAD, "professional", "nurse"]


@dataclass(frozen=True)
class Attempt:
    """What somebody tries: `by` counts through the active members, or everybody from 6 on."""

    by: int
    after: int
    operations: tuple[ledger_rules.Operation, ...]


def tried(chance: Random, state: CircleState | None, at: int) -> ledger_rules.Operation:
    """Mostly something that fits the ledger."""
    active = {m.account for m in ledger.active_members(state, at)} if state else set()
    role, audiences = chance.choice(ROLES_TRIED), chance.choice(AUDIENCE_LISTS)
    until = chance.choice(ENDS)
    kind = chance.choice(["add", "add", "add", "change", "change", "remove", "remove", "open"])
    if kind == "add":
        who = _meant(chance, [one for one in ACCOUNTS if one not in active])
        history = chance.choice([0, 0, at, at + 1 if at % 7 == 0 else 0])
        return MemberAdd(who, HEAD, role, audiences, at, until, history)
    who = _meant(chance, [one for one in ACCOUNTS if one in active])
    if kind == "change":
        return MemberChange(who, role, audiences, until)
    if kind == "remove":
        return MemberRemove(who)
    return opens(chance.choice(AUDIENCES), chance.randint(1, 3))


def _meant(chance: Random, fitting: list[str]) -> str:
    return chance.choice(fitting if fitting and chance.random() < 0.9 else [*ACCOUNTS])


def attempted(chance: Random, state: CircleState | None) -> Entry:
    """An entry somebody tries to write next, often with the rotations it owes."""
    after = chance.choice([0, 1, HOUR, DAY])
    at = (state.at if state else NOW) + after
    wanted = [tried(chance, state, at) for _ in range(chance.choice([0, 1, 1, 1, 1, 2]))]
    rotates = chance.choice(ROTATIONS)
    operations = (*wanted, *[_next(state, name) for name in rotates])
    operations = operations or (_next(state, "team"),)
    if chance.random() < 0.02:
        operations = (Close(),)
    return entry_of(state, Attempt(chance.choice([0, 0, 1, 2, 3, 6]), after, operations))


def ledgers(length: int) -> st.SearchStrategy[list[Random]]:
    """Chances for as many attempts; uniform, where Hypothesis itself would prefer the smallest."""
    return st.integers(0, 2**48).map(lambda seed: [Random(f"{seed} {n}") for n in range(length)])


def entry_of(state: CircleState | None, attempt: Attempt) -> Entry:
    """The attempt as an entry."""
    at = (state.at if state else NOW) + attempt.after
    seq = 0 if state is None else state.seq + 1
    return Entry(
        circle=state and state.circle,
        seq=seq,
        prev=state and state.head,
        at=at,
        account=_actor(state, attempt, at),
        device="00" * 16,
        account_head=HEAD,
        operations=attempt.operations,
        digest=random(f"entry {seq} {attempt}").hex(),
    )


def _actor(state: CircleState | None, attempt: Attempt, at: int) -> str:
    active = [m.account for m in ledger.active_members(state, at)] if state else []
    everybody = [*active, *active, *active, *ACCOUNTS] if attempt.by > 5 else active or [*ACCOUNTS]
    return everybody[attempt.by % len(everybody)]


def _next(state: CircleState | None, name: str) -> EpochOpen:
    known = state.audiences.get(name) if state else None
    return opens(name, (known.epoch if known else 0) + 1)


def begun() -> CircleState:
    anne = PEOPLE[0]
    operations = (Create(bytes(16)), adds(anne, LEAD), opens("team", 1))
    state = ledger_rules.follow(None, entry_of(None, Attempt(0, 0, operations)))
    entered = (MemberChange(anne.id, LEAD, ("team", "family"), None),)
    operations = (*entered, opens("family", 1))
    return ledger_rules.follow(state, entry_of(state, Attempt(0, 0, operations)))


def followed(state: CircleState, entry: Entry, outcomes: Counter[str] | None = None) -> CircleState:
    """The state after the entry; the same object where the rules refuse it."""
    try:
        return ledger_rules.follow(state, entry)
    except ProtocolError as error:
        if outcomes is not None:
            outcomes[error.reason] += 1
        return state


def readers_of(state: CircleState, audience: str, at: int) -> set[str]:
    return {member.account for member in ledger.readers(state, audience, at)}


def check_promises(before: CircleState, entry: Entry, after: CircleState) -> None:
    leads = [m for m in ledger.active_members(after, entry.at) if m.role == LEAD]
    assert any(lead.last.until is None for lead in leads)
    assert not before.closed
    assert after.seq == before.seq + 1
    assert after.at >= before.at
    assert before.members[entry.account].active(entry.at)
    for name, audience in before.audiences.items():
        rotated = after.audiences[name].epoch - audience.epoch
        assert rotated in (0, 1)
        lost = readers_of(before, name, entry.at) - readers_of(after, name, entry.at)
        assert rotated == 1 or lost <= {entry.account}
    for member in after.members.values():
        assert member.audiences <= after.audiences.keys()
        assert member.last.since <= entry.at
    for name in after.audiences.keys() - before.audiences.keys():
        assert before.members[entry.account].role == LEAD
        assert entry.account in readers_of(after, name, entry.at)


def check_openers(before: CircleState, entry: Entry, after: CircleState) -> None:
    """Whoever makes a key may hold it afterwards."""
    for operation in entry.operations:
        if isinstance(operation, EpochOpen):
            assert entry.account in readers_of(after, operation.audience, entry.at)
            assert before.members[entry.account].role != BOT


def check_entitled(after: CircleState, at: int) -> None:
    """Nobody is entitled to a key who is not a reader of its audience, and no rotation is owed at once."""
    for account, _, audience, epoch in ledger.entitled(after, ACCOUNTS, at):
        member = after.members[account]
        assert member.reads(audience, at)
        opened = after.audiences[audience].epochs[epoch].opened_at
        assert member.history == 0 or opened >= member.history


@settings(max_examples=300)
@given(ledgers(40))
def test_no_sequence_of_entries_breaks_what_the_rules_promise(chances: list[Random]) -> None:
    state = begun()
    for chance in chances:
        entry = attempted(chance, state)
        after = followed(state, entry)
        if after is not state:
            check_promises(state, entry, after)
            check_openers(state, entry, after)
            check_entitled(after, entry.at)
        state = after


@settings(max_examples=100)
@given(ledgers(20))
def test_a_rotation_that_is_due_is_one_entry_away(chances: list[Random]) -> None:
    state = begun()
    for chance in chances:
        state = followed(state, attempted(chance, state))
    if state.closed:
        return
    for name in state.audiences:
        readers = ledger.readers(state, name, state.at)
        if readers:
            rotation = replace(
                entry_of(state, Attempt(0, 1, (_next(state, name),))), account=readers[0].account
            )
            rotated = ledger_rules.follow(state, rotation)
            due = ledger.rotation_due(rotated, name, at=rotated.at, accounts=ACCOUNTS)
            assert due is None


@given(ledgers(1))
def test_a_circle_begins_with_its_first_entry_and_no_other(chances: list[Random]) -> None:
    refused("misplaced-create", lambda: ledger_rules.follow(None, attempted(chances[0], None)))


def test_the_attempts_are_worth_making() -> None:
    """Each kind of operation is accepted, and each rule refuses, many times over."""
    outcomes: Counter[str] = Counter()
    for seed in range(60):
        state = begun()
        for number in range(40):
            entry = attempted(Random(f"{seed} {number}"), state)
            after = followed(state, entry, outcomes)
            if after is not state:
                outcomes.update({type(operation).__name__ for operation in entry.operations})
            state = after
    wanted = {"MemberAdd", "MemberRemove", "MemberChange", "EpochOpen", "Close", "last-lead"}
    wanted |= {"not-allowed", "not-a-member", "already-a-member", "rotation-missing", "bad-role"}
    wanted |= {"bad-period", "bad-audience", "wrong-epoch", "circle-closed"}
    assert {name: outcomes[name] for name in wanted if outcomes[name] < 10} == {}

import dataclasses

import pytest
from care import DAY, NOW, Circle, Person, accounts, adds, opens, refused, written
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import ledger
from relais.crypto.device import BOT, RECOVERY
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import Close, MemberChange, MemberRemove

ANNE, BRUNO, CLAIRE, LAB = (
    Person("anne"),
    Person("bruno"),
    Person("claire"),
    Person("lab", kind=BOT),
)
PEOPLE = (ANNE, BRUNO, CLAIRE, LAB)


def test_a_circle_is_named_by_its_first_entry() -> None:
    circle = Circle(ANNE)
    entry = ledger.peek_entry(circle.entries[0])
    assert circle.state.circle == circle.state.head == entry.digest
    assert entry.circle is None


def test_a_ledger_replays_with_the_chains_of_its_authors() -> None:
    circle = Circle(ANNE).then(ANNE, adds(BRUNO, "professional"))
    states = accounts(*PEOPLE)
    assert ledger.replay(circle.entries, states.__getitem__) == circle.state
    refused("broken-chain", lambda: ledger.replay([], states.__getitem__))


def test_an_entry_is_judged_by_the_account_that_acts() -> None:
    circle = Circle(ANNE)
    entry = written(circle.state, ANNE, [opens("team", 2)], at=NOW)
    assert ledger.apply(circle.state, entry, ANNE.state).seq == 1
    assert ledger.apply(circle.state, ledger.peek_entry(entry), ANNE.state).seq == 1
    refused("wrong-account", lambda: ledger.apply(circle.state, entry, BRUNO.state))


def test_the_rules_alone_can_be_asked() -> None:
    circle = Circle(ANNE)
    good = ledger.peek_entry(written(circle.state, ANNE, [opens("team", 2)], at=NOW))
    ledger.check_rules(circle.state, good)
    again = dataclasses.replace(good, operations=(opens("team", 1),))
    refused("wrong-epoch", lambda: ledger.check_rules(circle.state, again))


def test_of_two_entries_for_one_place_the_second_is_refused() -> None:
    circle = Circle(ANNE)
    rivals = [written(circle.state, ANNE, [adds(who, "carer")], at=NOW) for who in (BRUNO, CLAIRE)]
    after = ledger.apply(circle.state, rivals[0], ANNE.state)
    refused("broken-chain", lambda: ledger.apply(after, rivals[1], ANNE.state))


def test_a_head_once_seen_shows_a_fork_and_a_rollback() -> None:
    circle = Circle(ANNE).then(ANNE, adds(BRUNO, "professional"))
    for seq, head in enumerate(circle.state.heads):
        ledger.check_head(circle.state, seq, head)
    refused("fork", lambda: ledger.check_head(circle.state, 0, circle.state.head))
    refused("rollback", lambda: ledger.check_head(circle.state, 2, circle.state.head))


def test_a_guest_is_active_from_since_until_its_end() -> None:
    circle = Circle(ANNE).then(ANNE, adds(BRUNO, "professional", until=NOW + DAY))
    bruno = circle.state.members[BRUNO.id]
    assert [bruno.active(NOW + t) for t in (-1, 0, DAY - 1, DAY)] == [False, True, True, False]
    assert circle.state.member(BRUNO.id, NOW) == bruno
    refused("not-a-member", lambda: circle.state.member(BRUNO.id, NOW + DAY))
    refused("not-a-member", lambda: circle.state.member(CLAIRE.id, NOW))


def test_whoever_comes_back_has_a_second_period() -> None:
    circle = Circle(ANNE).then(ANNE, adds(BRUNO, "professional"))
    circle.then(ANNE, MemberRemove(BRUNO.id), opens("team", 2), at=NOW + 1)
    circle.then(ANNE, adds(BRUNO, "carer", at=NOW + 2), at=NOW + 2)
    member = circle.state.members[BRUNO.id]
    spans = [(p.since, p.removed_at, p.role) for p in member.periods]
    assert spans == [(NOW, NOW + 1, "professional"), (NOW + 2, None, "carer")]
    assert member.role == "carer"


def test_a_member_is_judged_by_the_period_an_entry_left_open() -> None:
    circle = Circle(ANNE).then(ANNE, adds(BRUNO, "professional"))
    circle.then(ANNE, MemberRemove(BRUNO.id), opens("team", 2))
    circle.then(ANNE, adds(BRUNO, "carer"))
    member = circle.state.members[BRUNO.id]
    found = [member.period_after(seq) for seq in range(4)]
    assert [period and period.role for period in found] == [None, "professional", None, "carer"]


def test_every_device_of_a_reader_is_entitled_and_no_bot_is() -> None:
    bruno = Person("bruno of two devices")
    kit, machine = bruno.join("kit", kind=RECOVERY), bruno.join("machine", kind=BOT)
    circle = Circle(ANNE).then(ANNE, adds(bruno, "professional"), adds(LAB, "bot"))
    found = ledger.entitled(circle.state, accounts(ANNE, bruno, LAB), NOW)
    assert {device for _, device, _, _ in found} == {ANNE.keys.id, bruno.keys.id, kit.id}
    assert machine.id not in {device for _, device, _, _ in found}


def test_a_newcomer_without_history_is_entitled_to_what_opens_from_then_on() -> None:
    at = NOW + DAY
    circle = Circle(ANNE).then(
        ANNE, adds(BRUNO, "carer", at=at, history=at), opens("team", 2), at=at
    )
    circle.then(ANNE, opens("team", 3), at=at + 1)
    found = ledger.entitled(circle.state, accounts(ANNE, BRUNO), at + 1)
    assert {(who, epoch) for who, _, _, epoch in found} == {
        *[(ANNE.id, epoch) for epoch in (1, 2, 3)],
        *[(BRUNO.id, epoch) for epoch in (2, 3)],
    }


def test_readers_of_an_audience_are_its_active_members_save_bots() -> None:
    circle = Circle(ANNE, ("team", "family"))
    circle.then(ANNE, adds(BRUNO, "carer", "family"), adds(LAB, "bot"))
    assert [m.account for m in ledger.readers(circle.state, "team", NOW)] == [ANNE.id]
    assert [m.account for m in ledger.readers(circle.state, "family", NOW)] == [ANNE.id, BRUNO.id]
    everybody = [m.account for m in ledger.active_members(circle.state, NOW)]
    assert everybody == [ANNE.id, BRUNO.id, LAB.id]


def due(circle: Circle, *people: Person, at: int = NOW, audience: str = "team") -> str | None:
    return ledger.rotation_due(circle.state, audience, at=at, accounts=accounts(*people))


def test_a_rotation_is_due_when_a_reader_left_and_not_when_it_was_removed() -> None:
    circle = Circle(ANNE).then(ANNE, adds(BRUNO, "professional"), adds(CLAIRE, "carer"))
    assert due(circle, ANNE, BRUNO, CLAIRE) is None
    circle.then(ANNE, MemberRemove(BRUNO.id), opens("team", 2))
    assert due(circle, ANNE, BRUNO, CLAIRE) is None
    circle.then(CLAIRE, MemberRemove(CLAIRE.id))
    assert due(circle, ANNE, BRUNO, CLAIRE) == "left"
    circle.then(ANNE, opens("team", 3))
    assert due(circle, ANNE, BRUNO, CLAIRE) is None


def test_a_rotation_is_due_when_a_guest_has_had_its_time() -> None:
    circle = Circle(ANNE).then(ANNE, adds(BRUNO, "professional", until=NOW + DAY))
    assert due(circle, ANNE, BRUNO, at=NOW + DAY - 1) is None
    assert due(circle, ANNE, BRUNO, at=NOW + DAY) == "left"
    circle.then(ANNE, opens("team", 2), at=NOW + DAY)
    assert due(circle, ANNE, BRUNO, at=NOW + DAY) is None


def test_no_rotation_is_due_for_a_bot_that_left() -> None:
    circle = Circle(ANNE).then(ANNE, adds(LAB, "bot")).then(LAB, MemberRemove(LAB.id))
    assert due(circle, ANNE, LAB) is None


def test_no_rotation_is_due_when_who_left_came_back() -> None:
    circle = Circle(ANNE).then(ANNE, adds(BRUNO, "carer")).then(BRUNO, MemberRemove(BRUNO.id))
    circle.then(ANNE, adds(BRUNO, "carer"))
    assert due(circle, ANNE, BRUNO) is None


def test_a_rotation_is_due_when_a_reader_lost_a_device_and_not_when_a_bot_did() -> None:
    bruno = Person("bruno who loses")
    machine, phone = bruno.join("his machine", kind=BOT), bruno.join("his phone")
    circle = Circle(ANNE).then(ANNE, adds(bruno, "professional"))
    bruno.lose(machine, at=NOW + 1)
    assert due(circle, ANNE, bruno) is None
    bruno.lose(phone, at=NOW + 1)
    assert due(circle, ANNE, bruno) == "revoked"
    circle.then(ANNE, opens("team", 2), at=NOW + 1)
    assert due(circle, ANNE, bruno) == "revoked"
    circle.then(ANNE, opens("team", 3), at=NOW + 2)
    assert due(circle, ANNE, bruno) is None


def test_a_rotation_is_due_after_thirty_days() -> None:
    circle = Circle(ANNE)
    assert due(circle, ANNE, at=NOW + 30 * DAY - 1) is None
    assert due(circle, ANNE, at=NOW + 30 * DAY) == "old"


def test_a_clock_behind_the_last_entry_does_not_judge_by_its_own_time() -> None:
    state = Circle(ANNE).then(ANNE, opens("team", 2), at=NOW + 5).state
    assert [state.moment(NOW + at) for at in (0, 5, 6)] == [NOW + 5, NOW + 5, NOW + 6]


def test_a_reader_that_becomes_a_bot_loses_its_audiences_to_a_rotation() -> None:
    circle = Circle(ANNE).then(ANNE, adds(BRUNO, "carer"))
    change = MemberChange(BRUNO.id, "bot", ("team",), None)
    entry = written(circle.state, ANNE, [change], at=NOW)
    refused("rotation-missing", lambda: ledger.apply(circle.state, entry, ANNE.state))
    circle.then(ANNE, change, opens("team", 2))
    assert due(circle, ANNE, BRUNO) is None
    assert ledger.readers(circle.state, "team", NOW) == (circle.state.members[ANNE.id],)


def test_nothing_follows_a_close() -> None:
    circle = Circle(ANNE).then(ANNE, Close())
    assert circle.state.closed
    entry = written(circle.state, ANNE, [opens("team", 2)], at=NOW)
    refused("circle-closed", lambda: ledger.apply(circle.state, entry, ANNE.state))


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_ledger_with_any_byte_changed_is_refused(place: int, flip: int) -> None:
    circle = Circle(ANNE)
    changed = bytearray(written(circle.state, ANNE, [opens("team", 2)], at=NOW))
    changed[place % len(changed)] ^= flip
    with pytest.raises(ProtocolError):
        ledger.apply(circle.state, bytes(changed), ANNE.state)

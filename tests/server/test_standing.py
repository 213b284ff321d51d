"""What is remembered of a circle for every note is forgotten when somebody's time ends."""

from care import DAY, NOW, Circle, Person, adds, posted

from relais.crypto import envelope
from relais.server.standing import Standing

ANNE, BRUNO, EVE = Person("anne"), Person("bruno"), Person("eve")
ACCOUNTS = {one.state.account: one.state for one in (ANNE, BRUNO, EVE)}


def test_it_holds_until_the_first_guest_has_to_go() -> None:
    made = Circle(ANNE, ("team",)).then(
        ANNE, adds(BRUNO, "professional", until=NOW + 2 * DAY), adds(EVE, "carer", until=NOW + DAY)
    )
    standing = Standing(made.state, ACCOUNTS, NOW)
    assert standing.holds(NOW + DAY - 1)
    assert not standing.holds(NOW + DAY)
    later = Standing(made.state, ACCOUNTS, NOW + DAY)
    assert later.holds(NOW + 2 * DAY - 1)
    assert not later.holds(NOW + 2 * DAY)
    assert not later.holds(NOW + DAY - 1)  # the clock went back


def test_who_had_to_go_hears_nothing_and_leaves_a_key_to_rotate() -> None:
    made = Circle(ANNE, ("team",)).then(ANNE, adds(EVE, "carer", until=NOW + DAY))
    header = envelope.peek(posted(made, ANNE)).header
    before, after = (Standing(made.state, ACCOUNTS, at) for at in (NOW, NOW + DAY))
    assert set(before.readers_of(header)) == {ANNE.state.account, EVE.state.account}
    assert before.due == frozenset()
    assert list(after.readers_of(header)) == [ANNE.state.account]
    assert after.due == {"team"}
    assert before.readers_of(header) is before.readers_of(header)

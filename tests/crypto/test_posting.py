from care import (
    DAY,
    NOW,
    Circle,
    Person,
    adds,
    opens,
    posted,
    refused,
    to_epoch,
    to_inbox,
)

from relais.crypto import envelope, posting
from relais.crypto.content import Content
from relais.crypto.device import BOT
from relais.crypto.envelope import Header
from relais.crypto.ledger import Close, MemberChange, MemberRemove

ANNE, BRUNO, LAB, EVE = Person("anne"), Person("bruno"), Person("lab", kind=BOT), Person("eve")
PROFILE = Content("PROFILE", "Mme D.")


def circle() -> Circle:
    made = Circle(ANNE, ("team", "family"))
    return made.then(ANNE, adds(BRUNO, "professional"), adds(LAB, "bot"))


def header(data: bytes) -> Header:
    return envelope.peek(data).header


def test_a_reader_posts_with_the_key_and_a_bot_through_the_inbox() -> None:
    made = circle()
    for said in (
        header(posted(made, BRUNO)),
        header(posted(made, LAB, to_inbox(made))),
        header(posted(made, ANNE, to_epoch(made), to_epoch(made, "family"))),
    ):
        posting.check_may_post(made.state, said, at=NOW)
        posting.check_could_post(made.state, said)
    for wrong in (header(posted(made, LAB)), header(posted(made, BRUNO, to_inbox(made)))):
        refused("wrong-method", lambda said=wrong: posting.check_may_post(made.state, said, at=NOW))  # type: ignore[misc]


def test_a_lead_posts_to_an_audience_it_is_not_in_through_its_inbox() -> None:
    made = circle()
    made.then(ANNE, adds(EVE, "carer", "family"))
    made.then(EVE, opens("family", 2))
    made.then(ANNE, MemberChange(EVE.id, "lead", ("family",), None))
    made.then(EVE, MemberChange(ANNE.id, "lead", ("team",), None), opens("family", 3))
    posting.check_may_post(made.state, header(posted(made, ANNE, to_inbox(made, "family"))), at=NOW)
    wrong = header(posted(made, ANNE, to_epoch(made, "family")))
    refused("wrong-method", lambda: posting.check_may_post(made.state, wrong, at=NOW))
    other = header(posted(made, BRUNO, to_inbox(made, "family")))
    refused("not-a-member", lambda: posting.check_may_post(made.state, other, at=NOW))


def test_a_note_under_an_old_epoch_is_refused_on_arrival_and_stays_readable() -> None:
    made = circle()
    said = header(posted(made, BRUNO))
    posting.check_may_post(made.state, said, at=NOW)
    made.then(ANNE, opens("team", 2))
    refused("wrong-epoch", lambda: posting.check_may_post(made.state, said, at=NOW))
    posting.check_could_post(made.state, said)


def test_who_left_posts_no_more_and_what_it_wrote_stays_readable() -> None:
    made = circle()
    said = header(posted(made, BRUNO))
    made.then(ANNE, MemberRemove(BRUNO.id), opens("team", 2))
    refused("not-a-member", lambda: posting.check_may_post(made.state, said, at=NOW))
    posting.check_could_post(made.state, said)
    late = header(posted(made, BRUNO))
    refused("not-a-member", lambda: posting.check_could_post(made.state, late))


def test_a_guest_posts_until_its_end() -> None:
    made = circle().then(ANNE, adds(EVE, "carer", until=NOW + DAY))
    said = header(posted(made, EVE, at=NOW + DAY - 1))
    posting.check_could_post(made.state, said)
    posting.check_may_post(made.state, said, at=NOW + DAY - 1)
    refused("not-a-member", lambda: posting.check_may_post(made.state, said, at=NOW + DAY))
    late = header(posted(made, EVE, at=NOW + DAY))
    refused("not-a-member", lambda: posting.check_could_post(made.state, late))


def test_a_stranger_posts_nothing() -> None:
    made = circle()
    said = header(posted(made, EVE))
    refused("not-a-member", lambda: posting.check_may_post(made.state, said, at=NOW))
    refused("not-a-member", lambda: posting.check_could_post(made.state, said))


def test_a_closed_circle_takes_no_note() -> None:
    made = circle()
    said = header(posted(made, ANNE))
    made.then(ANNE, Close())
    refused("circle-closed", lambda: posting.check_may_post(made.state, said, at=NOW))
    posting.check_could_post(made.state, said)


def test_an_author_who_saw_another_ledger_is_an_alarm() -> None:
    made, other = circle(), Circle(ANNE, ("team", "family"))
    said = header(posted(made, ANNE))
    forked = header(posted(made, ANNE, ledger_head=other.state.head))
    ahead = header(posted(made, ANNE, ledger_seq=made.state.seq + 1))
    posting.check_may_post(made.state, said, at=NOW)
    refused("fork", lambda: posting.check_may_post(made.state, forked, at=NOW))
    refused("rollback", lambda: posting.check_may_post(made.state, ahead, at=NOW))


def test_a_note_of_another_circle_is_refused() -> None:
    made = circle()
    said = header(posted(made, ANNE, circle="00" * 32))
    refused("wrong-circle", lambda: posting.check_may_post(made.state, said, at=NOW))
    refused("wrong-circle", lambda: posting.check_could_post(made.state, said))


def test_a_profile_goes_to_every_audience_by_any_member_but_a_bot() -> None:
    made = circle()
    both = (to_epoch(made), to_inbox(made, "family"))
    good = header(posted(made, BRUNO, *both, said=PROFILE, kind="profile"))
    posting.check_may_post(made.state, good, at=NOW)
    short = header(posted(made, BRUNO, to_epoch(made), said=PROFILE, kind="profile"))
    refused("key-missing", lambda: posting.check_may_post(made.state, short, at=NOW))
    inboxes = (to_inbox(made), to_inbox(made, "family"))
    bots = header(posted(made, LAB, *inboxes, said=PROFILE, kind="profile"))
    refused("not-allowed", lambda: posting.check_may_post(made.state, bots, at=NOW))

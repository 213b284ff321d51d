"""Emergency access from a card to the first note: real people, a real relay, nothing simulated."""

import asyncio
from pathlib import Path

import pytest
from guarded import BEFORE, WHY, Guarded, guarded, make_escrow, texts
from people import MARCEL, Town
from second_device import PASSPHRASE, joined

from relais.client import emergency, escrow, guarding, release
from relais.client.emergency_card import Card
from relais.client.errors import NoShareHere, UnknownCircle
from relais.client.escrow import NotForAnEscrow, Sharing
from relais.client.session import Session
from relais.crypto.account import Profile
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.models.refusal import Code, Refusal


@pytest.fixture
async def there(town: Town) -> Guarded:
    return await guarded(town)


async def test_two_of_three_guardians_let_somebody_in_who_reads_everything_and_says_why(
    there: Guarded,
) -> None:
    olga, circle = there.olga, there.circle.circle
    before = there.escrow.statement.device
    id_ = await there.ask()

    first = await release.approve(there.guardians[0].session, id_)
    assert (first.state, first.acted, first.waits_for) == ("open", False, 1)
    with pytest.raises(UnknownCircle):
        await texts(olga, circle)

    second = await release.approve(there.guardians[2].session, id_)
    assert (second.state, second.acted) == ("released", True)
    assert await texts(olga, circle) == [BEFORE]
    await emergency.say_why(olga.session)
    assert (await texts(there.nadia, circle))[-1] == f"Accès d’urgence : {WHY}"
    assert olga.session.home.names("emergency") == []

    member = (await olga.circle(circle)).view.state.members[olga.account]
    (asked,) = await emergency.listed(olga.session)
    assert (member.role, member.last.until, member.added_by) == (
        "professional",
        asked.request.until,
        there.escrow.account,
    )
    assert (await there.escrow_now()).statement.device != before


async def test_everybody_concerned_hears_and_sees_who_asks_and_why_but_only_guardians_the_words(
    there: Guarded,
) -> None:
    id_ = await there.ask()
    for client in (*there.guardians, there.olga, there.nadia):
        (one,) = await emergency.listed(client.session)
        assert (one.id, one.state, one.request.reason) == (id_, "open", "vital")
        assert one.words == (None if client is there.nadia else WHY)
    stranger = await there.town.newcomer("Paul")
    assert await emergency.listed(stranger.session) == []
    async with asyncio.timeout(300):
        waiting = asyncio.create_task(emergency.decided(there.olga.session, id_))
        for guardian in there.guardians[:2]:
            await release.approve(guardian.session, id_)
        assert (await waiting).state == "released"


async def test_when_so_many_decline_that_no_quorum_is_left_nobody_is_let_in(there: Guarded) -> None:
    id_ = await there.ask()
    first, second, third = (one.session for one in there.guardians)
    await release.approve(first, id_)
    for guardian in (second, third):
        state = await emergency.answer(
            guardian, await emergency.found(guardian, id_), approved=False
        )
    assert state == "declined"
    assert (await release.approve(first, id_)).state == "declined", "it is over"
    with pytest.raises(UnknownCircle):
        await texts(there.olga, there.circle.circle)
    await emergency.say_why(there.olga.session)
    assert there.olga.session.home.names("emergency") == []


async def test_a_request_can_be_taken_back_and_made_again_and_only_one_is_open(
    there: Guarded,
) -> None:
    id_ = await there.ask()
    with pytest.raises(Refusal) as twice:
        await there.ask()
    assert twice.value.code is Code.CONFLICT
    assert there.olga.session.home.names("emergency") == [f"emergency/{id_}"]
    assert await emergency.withdraw(there.olga.session, id_) == "withdrawn"
    with pytest.raises(Refusal):
        await release.approve(there.guardians[0].session, id_)
    assert await there.ask() != id_


async def test_whoever_is_a_member_or_holds_a_card_of_another_circle_is_refused(
    there: Guarded,
) -> None:
    with pytest.raises(Refusal) as inside:
        await there.ask(there.nadia)
    assert inside.value.code is Code.FORBIDDEN
    without = await there.nadia.create_circle(MARCEL)
    for circle in (without.circle, "0" * 64):
        with pytest.raises(Refusal) as unknown:
            await there.ask(card=Card(circle, None))
        assert unknown.value.code is Code.NOT_FOUND
    with pytest.raises(ProtocolError, match="wrong-account"):
        await there.ask(card=Card(there.circle.circle, "f" * 64))
    await there.ask(card=Card(there.circle.circle, None))


async def test_a_guardian_who_asks_needs_the_others_and_gets_no_parts(town: Town) -> None:
    there = await guarded(town)
    asker, second, third = there.guardians
    id_ = await there.ask(asker)
    with pytest.raises(Refusal) as own:
        await release.approve(asker.session, id_)
    assert own.value.code is Code.FORBIDDEN
    await release.approve(second.session, id_)
    (answer,) = (await emergency.found(second.session, id_)).answers
    assert asker.device not in answer.parts
    assert third.device in answer.parts
    assert (await release.approve(third.session, id_)).acted
    assert await texts(asker, there.circle.circle) == [BEFORE]


async def test_after_a_release_the_next_note_is_under_a_new_key_and_the_escrow_opens_its_other_circles(
    there: Guarded,
) -> None:
    other = await there.another_circle()
    id_ = await there.ask()
    for guardian in there.guardians[:2]:
        await release.approve(guardian.session, id_)
    epoch = there.circle.view.state.audiences["team"].epoch
    await there.circle.post("après")
    await there.circle.refresh()
    assert there.circle.view.state.audiences["team"].epoch == epoch + 1

    # nobody of the other circle was online in between, nor healed anything
    paul = await there.town.newcomer("Paul")
    again = await there.ask(paul, card=there.card_of(other))
    for guardian in there.guardians[1:]:
        answered = await release.approve(guardian.session, again)
    assert answered.acted
    assert await texts(paul, other.circle) == [BEFORE]


async def test_an_approval_from_before_the_escrow_was_renewed_is_given_again_by_itself(
    there: Guarded,
) -> None:
    other = await there.another_circle()
    paul = await there.town.newcomer("Paul")
    first, second, third = (one.session for one in there.guardians)
    waits = await there.ask(paul, card=there.card_of(other))
    await release.approve(first, waits)
    id_ = await there.ask()
    for guardian in (second, third):
        await release.approve(guardian, id_)
    (stale,) = [one for one in await emergency.listed(first) if one.id == waits]
    assert (stale.state, stale.approvals, stale.waits_for) == ("open", (), 2)

    await release.finish_all(first)
    assert (await emergency.found(first, waits)).waits_for == 1
    assert (await release.approve(second, waits)).acted
    assert await texts(paul, other.circle) == [BEFORE]


async def test_guardians_who_complete_it_at_the_same_moment_let_in_once(there: Guarded) -> None:
    id_ = await there.ask()
    first, second, third = (one.session for one in there.guardians)
    await release.approve(first, id_)
    answered = await asyncio.gather(release.approve(second, id_), release.approve(third, id_))
    assert {one.state for one in answered} == {"released"}
    assert [one.acted for one in answered].count(True) == 1
    await release.finish_all(first)
    now = await there.escrow_now()
    assert [one.id for one in now.state.devices_in_force()] == [now.statement.device]


async def test_a_guardian_who_comes_when_the_escrow_was_renewed_is_told_that_it_is_done(
    there: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = await there.ask()
    first, second, third = (one.session for one in there.guardians)
    await release.approve(first, id_)
    put_together = release._put_together

    async def late(session: Session, one: emergency.Emergency) -> DeviceKeys:
        keys = await put_together(session, one)
        if session is second:
            assert (await release.approve(third, id_)).acted
        return keys

    monkeypatch.setattr(release, "_put_together", late)
    answered = await release.approve(second, id_)
    assert answered == release.Answered("released", acted=False, waits_for=0)


async def test_a_further_device_of_a_guardian_and_a_kit_are_given_the_share(
    there: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAIS_PASSPHRASE", PASSPHRASE)
    second = await there.town.connect(await joined(there.guardians[0], tmp_path))
    id_ = await there.ask()
    await release.approve(second.session, id_)
    assert (await release.approve(there.guardians[1].session, id_)).acted
    shared = await escrow.found(second.session, there.escrow.account)
    assert {second.device, there.guardians[0].device} <= set(shared.mine)


async def test_a_device_without_a_share_says_so(
    there: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAIS_PASSPHRASE", PASSPHRASE)

    async def nothing(session: object) -> int:
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(guarding, "reshare", nothing)
        second = await there.town.connect(await joined(there.guardians[0], tmp_path))
    id_ = await there.ask()
    with pytest.raises(NoShareHere):
        await release.approve(second.session, id_)
    assert await guarding.reshare(there.guardians[0].session) == 1
    assert await guarding.reshare(there.guardians[0].session) == 0
    await release.approve(second.session, id_)


async def test_an_escrow_needs_an_invitation_for_one_and_a_quorum_that_is_one(town: Town) -> None:
    maker = await town.newcomer("Nadia")
    others = [(await town.person()).account for _ in range(2)]
    profile = Profile("Accès d’urgence", "", "Sud")
    with pytest.raises(NotForAnEscrow):
        await escrow.make(
            maker.session,
            await town.invitation("professional"),
            profile,
            Sharing(tuple(others), 2),
        )
    for guardians, quorum in ((others, 3), (others, 1), (others[:1] * 2, 2)):
        with pytest.raises(ProtocolError, match="bad-quorum"):
            Sharing(tuple(guardians), quorum)
    made = await make_escrow(town, maker, others)
    assert made.statement.guardians == tuple(sorted(others))

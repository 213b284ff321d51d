"""Who comes and goes, and what each can read: by the front door, and with the whole database in hand."""

import pytest
import thief
from people import ODETTE, Town

from relais.client import circle_state
from relais.client.errors import UnknownCircle
from relais.client.sdk import Circle, Client
from relais.models.refusal import Code, Refusal
from relais.models.wire.circle import GetGrants
from relais.models.wire.note import PageCircle, SyncCircle


async def texts(client: Client, circle: str) -> list[str | None]:
    """What somebody reads of a circle; None is a note that stays locked."""
    opened = await client.circle(circle)
    return [note.content.text if note.content else None async for note in opened.notes()]


async def circle_of(town: Town, *names: str) -> tuple[Circle, list[Client]]:
    people = [await town.newcomer(name) for name in names]
    circle = await people[0].create_circle(ODETTE)
    for other in people[1:]:
        await circle.add(other.account)
    return circle, people


async def test_removing_somebody_opens_a_new_epoch_in_the_same_entry(town: Town) -> None:
    circle, (_, doctor, pharmacist) = await circle_of(town, "Nadia", "Denis", "Paule")
    before = circle.view.state

    await circle.remove(doctor.account)

    after = (await pharmacist.circle(circle.circle)).view.state
    assert after.seq == before.seq + 1
    assert after.audiences["team"].epoch == before.audiences["team"].epoch + 1
    assert not after.members[doctor.account].active(after.at + 1)


async def test_somebody_removed_reads_nothing_new_even_with_the_whole_database(town: Town) -> None:
    nurse, pharmacist = await town.newcomer("Nadia"), await town.newcomer("Paule")
    doctor = await town.person("Denis")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(pharmacist.account)
    await circle.add(doctor.account)
    await circle.post("avant")

    await circle.remove(doctor.account)
    await circle.post("après")
    await (await pharmacist.circle(circle.circle)).post("après aussi")

    gone = await town.connect(doctor)
    for request in (SyncCircle(circle.circle, 0, 50), PageCircle(circle.circle, 0, 50)):
        with pytest.raises(Refusal) as refused:
            await gone.session.call(request)
        assert (refused.value.code, refused.value.reason) == (Code.FORBIDDEN, "not-a-member")
    with town.relay.database() as database:
        read = thief.readable(database, [doctor.keys], circle.circle)
        others = thief.readable(database, [pharmacist.session.identity.keys], circle.circle)
    assert {seq: content.text for seq, content in read.items()} == {1: "avant"}
    assert len(others) == 3, "the same search reads everything with a member's keys"
    assert await texts(pharmacist, circle.circle) == ["avant", "après", "après aussi"]


async def test_somebody_removed_keeps_their_ledger_and_learns_of_nobody_who_came_later(
    town: Town,
) -> None:
    circle, (_, doctor, pharmacist) = await circle_of(town, "Nadia", "Denis", "Paule")
    await doctor.circle(circle.circle)  # the ledger is pinned
    await circle.remove(doctor.account)
    removal = (await circle_state.fetch(doctor.session, circle.circle)).state
    newcomer = await town.newcomer("Lea")
    await circle.add(newcomer.account)

    again = (await circle_state.fetch(doctor.session, circle.circle)).state

    assert (again.seq, again.head) == (removal.seq, removal.head)
    assert newcomer.account not in again.members
    assert doctor.session.pins.alarm(circle.circle) is None
    seen = (await circle_state.fetch(pharmacist.session, circle.circle)).state
    assert newcomer.account in seen.members
    await circle.add(doctor.account)
    assert (await doctor.circle(circle.circle)).view.state.seq == seen.seq + 1


async def test_a_newcomer_without_history_reads_nothing_old_and_everything_new(town: Town) -> None:
    circle, (nurse,) = await circle_of(town, "Nadia")
    substitute = await town.person("Solène")
    await circle.post("secret d'hier")

    await circle.add(substitute.account, history=False)
    await circle.post("pour la remplaçante")

    client = await town.connect(substitute)
    assert await texts(client, circle.circle) == ["pour la remplaçante"]
    assert [summary.name for summary in await client.circles()] == [ODETTE.name]
    with town.relay.database() as database:
        read = thief.readable(database, [substitute.keys], circle.circle)
        all_of_it = thief.readable(database, [nurse.session.identity.keys], circle.circle)
    assert {content.text for content in read.values()} == {"pour la remplaçante"}
    assert len(all_of_it) == 2


async def test_a_newcomer_with_history_reads_everything_across_epochs(town: Town) -> None:
    circle, (_, doctor) = await circle_of(town, "Nadia", "Denis")
    newcomer = await town.newcomer("Solène")
    await circle.post("époque une")
    await circle.remove(doctor.account)
    await circle.post("époque deux")

    await circle.add(newcomer.account, history=True)

    assert await texts(newcomer, circle.circle) == ["époque une", "époque deux"]


async def test_whoever_left_is_shut_out_and_the_next_note_is_under_a_key_they_never_had(
    town: Town,
) -> None:
    nurse = await town.newcomer("Nadia")
    doctor = await town.person("Denis")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    await circle.post("avant")
    leaving = await town.connect(doctor)

    await (await leaving.circle(circle.circle)).leave()
    await circle.refresh()
    posted = await circle.post("après")

    with town.relay.database() as database:
        read = thief.readable(database, [doctor.keys], circle.circle)
        assert thief.current_epoch(database, circle.circle) == 2
    assert posted.seq == 2
    assert {content.text for content in read.values()} == {"avant"}
    with pytest.raises(Refusal, match="not-a-member"):
        await leaving.session.call(SyncCircle(circle.circle, 0, 50))


async def test_the_only_lead_cannot_leave_but_can_close(town: Town) -> None:
    circle, (nurse, doctor) = await circle_of(town, "Nadia", "Denis")
    await circle.post("un")

    with pytest.raises(Exception, match="last-lead"):
        await circle.leave()
    await circle.close()

    with pytest.raises(Refusal) as refused:
        await (await doctor.circle(circle.circle)).post("trop tard")
    assert refused.value.reason == "circle-closed"
    assert await nurse.circles() == []
    (closed,) = await nurse.circles(closed=True)
    assert closed.row.closed
    assert await texts(doctor, circle.circle) == ["un"]


async def test_only_a_lead_or_whoever_added_somebody_removes_them(town: Town) -> None:
    circle, (_, doctor, pharmacist) = await circle_of(town, "Nadia", "Denis", "Paule")
    carer = await town.newcomer("Camille", "carer")
    theirs = await doctor.circle(circle.circle)
    await theirs.add(carer.account, role="carer")

    with pytest.raises(Exception, match="not-allowed"):
        await (await pharmacist.circle(circle.circle)).remove(carer.account)
    await theirs.remove(carer.account)

    await circle.refresh()
    assert not circle.view.state.members[carer.account].active(circle.view.state.at + 1)


async def test_whoever_comes_back_without_history_reads_from_the_new_period_only(
    town: Town,
) -> None:
    circle, (_, doctor) = await circle_of(town, "Nadia", "Denis")
    await circle.post("première période")
    await circle.remove(doctor.account)
    await circle.post("absence")
    await circle.add(doctor.account, history=False)
    await circle.post("seconde période")

    assert await texts(doctor, circle.circle) == ["seconde période"]


async def test_somebody_removed_is_granted_nothing_of_the_new_epoch(town: Town) -> None:
    circle, (_, doctor) = await circle_of(town, "Nadia", "Denis")
    before = (await doctor.session.call(GetGrants(circle.circle, 0))).grants
    await circle.remove(doctor.account)

    assert (await doctor.session.call(GetGrants(circle.circle, 0))).grants == before
    stranger = await town.newcomer("Stéphane")
    with pytest.raises(UnknownCircle):
        await stranger.circle(circle.circle)


@pytest.mark.parametrize("off", [-5_000, 5_000])
async def test_a_newcomers_first_note_is_told_by_the_key_and_not_by_a_clock_that_is_off(
    town: Town, off: int
) -> None:
    circle, (nurse,) = await circle_of(town, "Nadia")
    substitute = await town.newcomer("Solène")
    await circle.post("juste avant")
    clock = nurse.session.clock
    clock.set(clock.now() + off)

    await circle.add(substitute.account, history=False)
    posted = await circle.post("juste après")

    assert await texts(substitute, circle.circle) == ["juste après"]
    (summary,) = await substitute.circles()
    assert (summary.row.last_seq, summary.row.unread) == (posted.seq, 1)

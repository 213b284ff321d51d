"""What somebody who left may still know of a circle: what it was when they left."""

from dataclasses import replace

import pytest
from later import pass_by
from members import Circle, House, Person, now, refused

from relais.crypto import grant, ledger
from relais.crypto.ledger import Close
from relais.models.refusal import Code
from relais.models.store.circles import CircleChange, GrantRow
from relais.models.wire import circle as wire
from relais.server.audit.record import Act, entry_of
from relais.server.callers import Stranger

MINUTE = 60_000


async def team(house: House) -> tuple[Person, Person, Circle]:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    doctor.meet(nurse)
    return nurse, doctor, circle


async def ledger_of(person: Person, circle: Circle, start: int = 0) -> list[bytes]:
    """Read as clients do: as long as there is more."""
    entries: list[bytes] = []
    while True:
        page = await person.on.call(wire.GetLedger(circle.id, start + len(entries)))
        entries += page.entries
        if not page.more:
            return entries


async def row_of(person: Person, circle: Circle, *, closed: bool = False) -> wire.CircleRow | None:
    listed = await person.on.call(wire.ListCircles(closed))
    return next((row for row in listed.circles if row.circle == circle.id), None)


async def test_somebody_removed_sees_the_ledger_up_to_their_removal_and_members_see_all(
    house: House,
) -> None:
    nurse, doctor, circle = await team(house)
    await nurse.remove(circle, doctor)
    removal, head = circle.state.seq, circle.state.head
    later = await house.person("Lea")
    await nurse.add(circle, later)
    entries = await ledger_of(doctor, circle)
    known = ledger.replay(entries, nurse.known.__getitem__)
    assert (known.seq, known.head, later.id in known.members) == (removal, head, False)
    row = await row_of(doctor, circle)
    assert row is not None
    assert (row.ledger_seq, row.ledger_head, row.profile) == (removal, head, None)
    assert (
        await ledger_of(doctor, circle, removal) == entries[removal:]
    )  # clients ask on from there
    assert await ledger_of(doctor, circle, removal + 1) == []
    assert len(await ledger_of(nurse, circle)) == len(await ledger_of(later, circle)) == removal + 2


async def test_somebody_removed_does_not_hear_where_the_ledger_stands(house: House) -> None:
    nurse, doctor, circle = await team(house)
    old = replace(circle)
    await nurse.remove(circle, doctor)
    removal = circle.state.seq
    await nurse.change(circle, nurse.rotations(circle))
    stale = wire.AppendEntry(circle.id, doctor.entry(old.state, [Close()]), (), None)
    refusal = await refused(doctor.on.call(stale), Code.CONFLICT)
    assert refusal.facts["seq"] == removal
    refusal = await refused(nurse.on.call(too_late(nurse, old)), Code.CONFLICT)
    assert refusal.facts["seq"] == removal + 1


async def test_somebody_past_their_time_sees_the_entries_before_it_and_no_later_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, _, circle = await team(house)
    guest, at = await house.person("Gil"), max(now(), circle.state.at)
    until = at + MINUTE
    adding = nurse.adding(guest, since=at, until=until)
    await nurse.change(circle, [adding], at=at, also=[("team", 1)], to=[guest])
    await nurse.change(circle, nurse.rotations(circle))
    shown = await ledger_of(guest, circle)
    assert len(shown) == circle.state.seq + 1
    pass_by(monkeypatch, MINUTE + 1)
    assert await ledger_of(guest, circle) == shown  # nothing they saw is taken back
    await nurse.change(circle, nurse.rotations(circle))
    await nurse.remove(circle, guest)
    assert await ledger_of(guest, circle) == shown
    row = await row_of(guest, circle)
    assert row is not None
    assert (row.ledger_seq, row.active) == (len(shown) - 1, False)


async def test_whoever_comes_back_sees_everything_again(house: House) -> None:
    nurse, doctor, circle = await team(house)
    await nurse.remove(circle, doctor)
    await nurse.change(circle, nurse.rotations(circle))
    await nurse.add(circle, doctor)
    assert len(await ledger_of(doctor, circle)) == circle.state.seq + 1
    row = await row_of(doctor, circle)
    assert row is not None
    assert (row.ledger_seq, row.ledger_head) == (circle.state.seq, circle.state.head)


async def test_somebody_removed_does_not_learn_that_the_circle_was_closed(house: House) -> None:
    nurse, doctor, circle = await team(house)
    lea = await house.person("Lea")
    await nurse.add(circle, lea)
    await nurse.remove(circle, doctor)
    await nurse.change(circle, [Close()])
    row = await row_of(doctor, circle)
    assert row is not None
    assert not row.closed
    assert await row_of(lea, circle) is None
    row = await row_of(lea, circle, closed=True)
    assert row is not None
    assert row.closed


async def test_a_grant_of_a_later_epoch_stays_with_the_server(house: House) -> None:
    nurse, doctor, circle = await team(house)
    old = await doctor.on.call(wire.GetGrants(circle.id, 0))
    await nurse.remove(circle, doctor)
    sealed = grant.seal(
        nurse.keys,
        doctor.state.devices_in_force()[0],
        circle=circle.id,
        account=doctor.id,
        granter=nurse.id,
        epochs=[("team", 2, circle.keys["team", 2])],
        at=now(),
    )
    await planted(
        house, circle, GrantRow(nurse.id, doctor.id, doctor.keys.id, (("team", 2),), sealed)
    )
    assert (await doctor.on.call(wire.GetGrants(circle.id, 0))).grants == old.grants
    await nurse.add(circle, doctor)
    assert sealed in (await doctor.on.call(wire.GetGrants(circle.id, 0))).grants


async def planted(house: House, circle: Circle, row: GrantRow) -> None:
    """A grant that came by another way than the server's own judgement."""
    audit = (entry_of(Stranger(), Act("circle.grant", circle.id)),)
    change = CircleChange(circle.id, audit, grants=(row,))
    await house.node.base.stores.circles.write_change(change)
    house.node.base.book.forget(circle.id)


def too_late(person: Person, circle: Circle) -> wire.AppendEntry:
    """An entry for a place that is taken."""
    return wire.AppendEntry(circle.id, person.entry(circle.state, [Close()]), (), None)

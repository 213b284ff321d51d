"""What the other tests break is accepted where it is whole: they fail for the reason they say and no other."""

import pytest
from people import ODETTE, Town
from scene import would_send

from relais.client import membership
from relais.client.attachments import File
from relais.client.patient import profile_of
from relais.models.wire.account import AppendStatement
from relais.models.wire.circle import AppendEntry, CreateCircle
from relais.models.wire.note import PostNote, PostReceipts


async def test_what_was_held_back_is_accepted_when_it_is_sent_after_all(town: Town) -> None:
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    create = await would_send(
        nurse, CreateCircle, membership.create(nurse.session, profile_of(ODETTE))
    )
    made = await nurse.session.call(create)
    circle = await nurse.circle(made.circle)
    await circle.add(doctor.account)
    theirs = await doctor.circle(made.circle)

    post = await would_send(nurse, PostNote, circle.post("bonne note"))
    assert (await nurse.session.call(post)).seq == 1
    (note,) = [one async for one in theirs.notes()]
    mark = await would_send(doctor, PostReceipts, theirs.acknowledge(note.note))
    assert (await doctor.session.call(mark)).stored == 3
    assert (await doctor.session.call(mark)).stored == 0, "once is enough"
    append = await would_send(nurse, AppendEntry, circle.remove(doctor.account))
    assert (await nurse.session.call(append)).seq == 2


async def test_a_blob_that_is_whole_is_taken_in_and_given_back(town: Town) -> None:
    nurse = await town.newcomer("Nadia")
    circle = await nurse.create_circle(ODETTE)
    data = b"%PDF-1.7\n" + bytes(3_000_000)
    posted = await circle.post("plan", attachments=[File("plan.pdf", data)])
    assert await circle.fetch(posted.note, "plan.pdf") == data


async def test_a_statement_that_is_whole_is_taken(town: Town) -> None:
    from scene import kit_statement

    nurse = await town.newcomer("Nadia")
    statement = await kit_statement(nurse)
    answer = await nurse.session.call(AppendStatement(statement))
    assert answer.seq == 1
    with pytest.raises(Exception, match="not-a-device|broken-chain|conflict"):
        await nurse.session.call(AppendStatement(statement[:-1] + bytes([statement[-1] ^ 1])))

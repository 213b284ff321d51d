"""What a member is given of a circle with several audiences: versions it is entitled to a key of, and nothing of the others."""

import pytest
from members import Circle, House, Person, new_keys, now, refused

from relais.crypto import account, envelope
from relais.crypto.content import Content
from relais.crypto.device import INTERACTIVE
from relais.crypto.ledger import MemberChange
from relais.models.refusal import Code
from relais.models.wire.circle import AskHelp, Help, ListCircles
from relais.models.wire.note import (
    GetNote,
    GetReceipts,
    NotePosted,
    PageCircle,
    PostReceipts,
    ReceiptPosted,
    SyncReceipts,
)


async def family(house: House) -> tuple[Circle, Person, Person]:
    """A nurse in the audiences team and family, a daughter in family alone."""
    nurse, daughter = await house.person("Nadia"), await house.person("Claire", "carer")
    circle = await nurse.open_circle("team", "family")
    await nurse.add(circle, daughter, "carer", audiences=("family",))
    return circle, nurse, daughter


def note(who: Person, circle: Circle, *audiences: str) -> bytes:
    return who.seal(circle, who.draft(circle), Content("GEN", "Bonjour"), circle.to(*audiences))


async def test_a_page_has_what_is_for_the_member_and_only_the_numbers_of_the_rest(
    house: House,
) -> None:
    circle, nurse, daughter = await family(house)
    for audiences in (["team"], ["family"], ["team"], ["family", "team"]):
        await nurse.send(note(nurse, circle, *audiences))

    synced = await daughter.sync(circle)
    paged = await daughter.on.call(PageCircle(circle.id, 0, 50))
    whole = await nurse.sync(circle)

    assert [one.seq for one in synced.notes] == [2, 4]
    assert synced.others == (1, 3)
    assert (paged.notes, paged.others) == (synced.notes, synced.others)
    assert [one.seq for one in whole.notes] == [1, 2, 3, 4]
    assert whole.others == ()


async def test_a_note_for_others_is_not_found_and_not_told(house: House) -> None:
    circle, nurse, daughter = await family(house)
    theirs, ours = note(nurse, circle, "team"), note(nurse, circle, "family")
    await nurse.send(theirs)
    await nurse.send(ours)

    told = await daughter.on.hear(NotePosted)
    assert told.seq == 2
    asked = GetNote(circle.id, envelope.peek(theirs).header.note)
    await refused(daughter.on.call(asked), Code.NOT_FOUND)
    found = await daughter.on.call(GetNote(circle.id, envelope.peek(ours).header.note))
    assert [one.seq for one in found.notes] == [2]


async def test_receipts_for_a_note_are_given_and_taken_only_among_its_readers(house: House) -> None:
    circle, nurse, daughter = await family(house)
    doctor = await house.person("Denis")
    await nurse.add(circle, doctor)
    theirs, ours = note(nurse, circle, "team"), note(nurse, circle, "family", "team")
    await nurse.send(theirs)
    await nurse.send(ours)
    await doctor.on.call(PostReceipts(circle.id, (doctor.receipt(theirs), doctor.receipt(ours))))

    told = await daughter.on.hear(ReceiptPosted)
    synced = await daughter.on.call(SyncReceipts(circle.id, 0, 100))
    assert [one.number for one in told.receipts] == [2]
    assert [one.number for one in synced.receipts] == [2]
    hidden = await daughter.on.call(GetReceipts(circle.id, envelope.peek(theirs).header.note))
    assert hidden.receipts == ()
    mine = PostReceipts(circle.id, (daughter.receipt(theirs),))
    await refused(daughter.on.call(mine), Code.NOT_FOUND)
    await daughter.on.call(PostReceipts(circle.id, (daughter.receipt(ours),)))


async def test_unread_counts_what_is_for_the_member(house: House) -> None:
    circle, nurse, daughter = await family(house)
    await nurse.send(note(nurse, circle, "team"))
    await nurse.send(note(nurse, circle, "family"))

    (row,) = (await daughter.on.call(ListCircles(False))).circles

    assert row.unread == 1


async def test_an_audience_given_later_brings_its_notes_and_one_taken_away_keeps_them(
    house: House,
) -> None:
    circle, nurse, daughter = await family(house)
    await nurse.send(note(nurse, circle, "team"))
    await nurse.send(note(nurse, circle, "family"))
    both = MemberChange(daughter.id, "carer", ("family", "team"), None)
    await nurse.change(circle, [both], also=[("team", 1)], to=[daughter])

    assert [one.seq for one in (await daughter.sync(circle)).notes] == [1, 2]

    team = MemberChange(daughter.id, "carer", ("team",), None)
    await nurse.change(circle, [team, *nurse.rotations(circle, "family")])

    after = await daughter.sync(circle)
    assert ([one.seq for one in after.notes], after.others) == ([1], (2,))


@pytest.mark.parametrize("is_told", [True, False])
async def test_an_access_is_in_the_log_with_what_was_given(house: House, is_told: bool) -> None:
    circle, nurse, daughter = await family(house)
    await nurse.send(note(nurse, circle, "family" if is_told else "team"))

    await daughter.sync(circle)

    log = [one for one in await house.audit() if one.get("circle") == circle.id]
    (entry,) = [one for one in log if one["action"] == "circle.sync"]
    assert entry["subject"]["count"] == int(is_told)


async def test_whoever_waits_for_a_key_is_told_who_can_give_it_and_nobody_else_is(
    house: House,
) -> None:
    circle, nurse, daughter = await family(house)
    assert (await daughter.on.call(AskHelp(circle.id))) == Help(None, (), None)
    before = now()
    keys = new_keys()
    word = account.possession(keys, keys.device(INTERACTIVE, "tablet"), daughter.id)
    await daughter.append(account.add_device(daughter.state, daughter.keys, word, at=now()))
    waiting = house.door(keys)
    await waiting.connect()

    told = await waiting.call(AskHelp(circle.id))

    assert told.since >= before
    assert told.accounts == tuple(sorted((nurse.id, daughter.id)))
    assert told.last_seen is not None
    assert (await daughter.on.call(AskHelp(circle.id))) == Help(None, (), None)
    stranger = await house.person("Olga")
    await refused(stranger.on.call(AskHelp(circle.id)), Code.FORBIDDEN, "not-a-member")

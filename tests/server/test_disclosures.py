"""A member gets the log's proofs of a note it may read, and whoever asked stands in the log."""

import json

from audit_house import LogReader, settled
from members import Circle, House, Person, now, refused

from relais.crypto import envelope
from relais.crypto.checkpoint import Policy, verify_checkpoint
from relais.crypto.merkle import leaf_hash, verify_inclusion
from relais.models.ids import NoteId, uuid7
from relais.models.refusal import Code
from relais.models.wire import note as wire


def ask(
    circle: Circle, note: NoteId, *, version: int = 1, receipts: bool = True
) -> wire.DiscloseNote:
    return wire.DiscloseNote(circle.id, note, version, receipts)


async def posted(author: Person, circle: Circle) -> envelope.Envelope:
    sealed = author.note(circle)
    await author.send(sealed)
    return envelope.peek(sealed)


async def asked(house: House, circle: Circle) -> list[dict[str, object]]:
    """The entries of those who asked, in their order."""
    found = [one for one in await house.audit() if one["action"] == "note.disclose"]
    return sorted((one for one in found if one["circle"] == circle.id), key=lambda one: one["id"])


async def test_the_entries_of_posting_and_receipts_are_proven_towards_one_checkpoint(
    house: House,
) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    note = await posted(nurse, circle)
    receipt = doctor.receipt(note.raw)
    await doctor.on.call(wire.PostReceipts(circle.id, (receipt,)))
    await posted(nurse, circle)
    await settled(house)
    proven = await doctor.on.call(ask(circle, note.header.note))
    key = await LogReader(house).key()
    assert proven.vkey == key.encode()
    head = verify_checkpoint(proven.checkpoint, Policy((key,))).head
    for one in proven.entries:
        verify_inclusion(leaf_hash(one.entry), index=one.index, head=head, proof=one.path)
    told = [json.loads(one.entry) for one in proven.entries]
    assert [one["action"] for one in told] == ["note.post", "receipt.post"]
    assert told[0]["subject"]["envelope"] == note.digest
    assert told[1]["account"] == doctor.id
    bare = await doctor.on.call(ask(circle, note.header.note, receipts=False))
    assert len(bare.entries) == 1
    place = {"note": note.header.note, "version": 1}
    assert [(one["account"], one["subject"]) for one in await asked(house, circle)] == [
        (doctor.id, {**place, "entries": 2}),
        (doctor.id, {**place, "entries": 1}),
    ]


async def test_nobody_but_a_reader_gets_proofs_and_the_attempt_is_in_the_log(house: House) -> None:
    nurse, stranger = await house.person("Nadia"), await house.person("Stan")
    late = await house.person("Léa")
    circle = await nurse.open_circle()
    note = (await posted(nurse, circle)).header.note
    at = max(now(), circle.state.at)
    joining = nurse.adding(late, since=at, history=at)
    await nurse.change(circle, [joining, *nurse.rotations(circle)], at=at, to=[late])
    await settled(house)
    await refused(stranger.on.call(ask(circle, note)), Code.FORBIDDEN, "not-a-member")
    await refused(late.on.call(ask(circle, note)), Code.NOT_FOUND)
    await refused(nurse.on.call(ask(circle, note, version=2)), Code.NOT_FOUND)
    await refused(nurse.on.call(ask(circle, uuid7(1_772_000_000_000))), Code.NOT_FOUND)
    reasons = [one["reason"] for one in await asked(house, circle)]
    assert reasons == ["forbidden", "not_found", "not_found", "not_found"]
    assert (await nurse.on.call(ask(circle, note))).entries


async def test_a_note_that_is_not_in_the_tree_yet_is_to_be_asked_for_again(house: House) -> None:
    nurse = await house.person("Nadia")
    circle = await nurse.open_circle()
    await settled(house)
    heads = house.node.audit.stores.heads
    old = await heads.published()
    note = (await posted(nurse, circle)).header.note
    await settled(house)

    async def published() -> object:
        return old

    vars(heads)["published"] = published
    try:
        await refused(nurse.on.call(ask(circle, note)), Code.UNAVAILABLE, "not-logged-yet")
    finally:
        del vars(heads)["published"]
    assert (await nurse.on.call(ask(circle, note))).entries

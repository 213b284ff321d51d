"""Posting and reading notes through a real socket."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from members import Circle, House, Person, new_keys, now, refused

from relais.crypto import account, cose, envelope
from relais.crypto.content import Attachment, Content
from relais.crypto.envelope import To
from relais.crypto.ledger import MemberRemove
from relais.models.ids import uuid7
from relais.models.refusal import Code, Refusal
from relais.models.store.errors import Unavailable
from relais.models.wire import circle as circle_wire
from relais.models.wire import note as wire
from relais.server.logs import JsonLines


async def two(house: House) -> tuple[Person, Person, Circle]:
    """A nurse who leads a circle, and a doctor in it."""
    nurse = await house.person("Nadia")
    doctor = await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    doctor.meet(nurse)
    return nurse, doctor, circle


async def test_a_note_is_numbered_told_to_the_circle_and_read_back(house: House) -> None:
    nurse, doctor, circle = await two(house)
    sealed = nurse.note(circle)
    stored = await nurse.send(sealed)
    assert stored.seq == 1
    heard = await doctor.on.hear(wire.NotePosted)
    assert (heard.circle, heard.seq, heard.at, heard.envelope) == (circle.id, 1, stored.at, sealed)
    synced = await doctor.sync(circle)
    assert [(note.seq, note.at, note.envelope) for note in synced.notes] == [(1, stored.at, sealed)]
    assert synced.last_seq == 1


async def test_numbers_have_no_gap_when_many_post_at_once(house: House) -> None:
    nurse, doctor, circle = await two(house)
    answers = await asyncio.gather(
        *(who.post(circle, str(n)) for n in range(10) for who in (nurse, doctor))
    )
    assert sorted(stored.seq for stored in answers) == list(range(1, 21))
    notes = (await nurse.sync(circle)).notes
    assert [note.seq for note in notes] == list(range(1, 21))


async def test_the_same_envelope_again_gets_the_same_answer(house: House) -> None:
    nurse, _, circle = await two(house)
    sealed = nurse.note(circle)
    first = await nurse.send(sealed)
    assert await nurse.send(sealed) == first
    assert (await nurse.sync(circle)).last_seq == 1


async def test_the_same_envelope_gets_its_answer_even_under_an_epoch_now_old(house: House) -> None:
    nurse, doctor, circle = await two(house)
    sealed = doctor.note(circle)
    first = await doctor.send(sealed)
    await nurse.change(circle, nurse.rotations(circle))
    assert await doctor.send(sealed) == first


async def test_a_repetition_among_many_leaves_no_gap(house: House) -> None:
    nurse, doctor, circle = await two(house)
    sealed = nurse.note(circle)
    await nurse.send(sealed)
    answers = await asyncio.gather(
        nurse.send(sealed), *(doctor.post(circle, str(n)) for n in range(6)), nurse.send(sealed)
    )
    assert sorted({stored.seq for stored in answers}) == list(range(1, 8))
    assert [note.seq for note in (await nurse.sync(circle)).notes] == list(range(1, 8))


async def test_another_envelope_for_the_same_version_is_a_conflict(house: House) -> None:
    nurse, _, circle = await two(house)
    note = uuid7(now())
    await nurse.post(circle, note=note)
    await refused(nurse.post(circle, "another", note=note), Code.CONFLICT)
    assert (await nurse.sync(circle)).last_seq == 1


async def test_a_note_under_an_old_epoch_is_refused_with_the_current_one(house: House) -> None:
    nurse, doctor, circle = await two(house)
    old = doctor.note(circle)
    await nurse.change(circle, nurse.rotations(circle))
    refusal = await refused(doctor.send(old), Code.STALE_EPOCH)
    assert refusal.facts == {"audience": "team", "epoch": 2, "rotate": False}
    assert (await doctor.post(circle)).seq == 1


async def test_a_note_is_refused_while_a_revoked_device_holds_the_key(house: House) -> None:
    nurse, doctor, circle = await two(house)
    await revoke_a_second_device(doctor)
    refusal = await refused(nurse.post(circle), Code.STALE_EPOCH)
    assert refusal.facts == {"audience": "team", "epoch": 1, "rotate": True}
    await nurse.on.hear(circle_wire.GrantsWanted, lambda event: event.rotate)
    nurse.meet(doctor)
    await nurse.change(circle, nurse.rotations(circle))
    assert (await nurse.post(circle)).seq == 1


async def test_a_note_is_refused_while_somebody_who_left_holds_the_key(house: House) -> None:
    nurse, doctor, circle = await two(house)
    await doctor.change(circle, [MemberRemove(doctor.id)])
    refusal = await refused(nurse.post(circle), Code.STALE_EPOCH)
    assert refusal.facts["rotate"] is True


async def test_who_was_removed_can_neither_post_nor_read(house: House) -> None:
    nurse, doctor, circle = await two(house)
    await nurse.remove(circle, doctor)
    await refused(doctor.post(circle), Code.FORBIDDEN, "not-a-member")
    await refused(doctor.sync(circle), Code.FORBIDDEN, "not-a-member")
    assert (await nurse.post(circle)).seq == 1
    assert not [event for event in doctor.on.heard if isinstance(event, wire.NotePosted)]


async def test_a_stranger_to_the_circle_is_refused_and_the_log_says_who(house: House) -> None:
    _, _, circle = await two(house)
    stranger = await house.person("Sacha")
    stranger.meet()
    await refused(stranger.post(circle), Code.FORBIDDEN, "not-a-member")
    await refused(stranger.sync(circle), Code.FORBIDDEN, "not-a-member")
    entries = [entry for entry in await house.audit() if entry["account"] == stranger.id]
    refusals = [(e["action"], e["reason"]) for e in entries if e["outcome"] == "refused"]
    assert sorted(refusals) == [("circle.sync", "forbidden"), ("note.post", "forbidden")]


async def test_a_circle_that_is_not_there_is_not_found(house: House) -> None:
    nurse = await house.person("Nadia")
    ask = wire.SyncCircle("c" * 64, 0, 10)
    await refused(nurse.on.call(ask), Code.NOT_FOUND)


@pytest.mark.parametrize("place", ["signature", "payload", "kid"])
async def test_a_forged_note_is_refused_and_nothing_is_stored(house: House, place: str) -> None:
    nurse, doctor, circle = await two(house)
    sealed = bytearray(nurse.note(circle))
    if place == "signature":
        sealed[-1] ^= 1
    elif place == "payload":
        sealed[len(sealed) // 2] ^= 1
    else:
        sealed = bytearray(resigned(nurse.note(circle), doctor))
    with pytest.raises(Refusal) as caught:
        await nurse.send(bytes(sealed))
    assert caught.value.code in (Code.FORBIDDEN, Code.MALFORMED)
    assert (await nurse.sync(circle)).last_seq == 0
    assert (await nurse.post(circle)).seq == 1


async def test_a_note_in_anothers_name_is_refused(house: House) -> None:
    nurse, doctor, circle = await two(house)
    await refused(doctor.send(nurse.note(circle)), Code.FORBIDDEN, "wrong-account")


async def test_a_note_dated_ahead_is_refused_and_one_from_long_ago_keeps_its_hour(
    house: House,
) -> None:
    nurse, _, circle = await two(house)
    await refused(nurse.post(circle, at=now() + 660_000), Code.MALFORMED, "time-ahead")
    long_ago = now() - 40 * 86_400_000
    sealed = nurse.note(circle, at=long_ago)
    stored = await nurse.send(sealed)
    assert stored.at > long_ago
    assert envelope.peek((await nurse.sync(circle)).notes[0].envelope).header.at == long_ago


async def test_a_note_that_saw_another_ledger_is_a_fork(house: House) -> None:
    nurse, _, circle = await two(house)
    await refused(nurse.post(circle, ledger_head="d" * 64), Code.CONFLICT, "fork")


async def test_a_correction_follows_its_version_and_a_withdrawal_ends_the_note(
    house: House,
) -> None:
    nurse, doctor, circle = await two(house)
    first = nurse.note(circle)
    await nurse.send(first)
    second = nurse.correction(circle, first)
    assert (await nurse.send(second)).seq == 2
    third = nurse.correction(circle, second, "", kind="withdrawal")
    assert (await nurse.send(third)).seq == 3
    await refused(nurse.send(nurse.correction(circle, third)), Code.CONFLICT, "wrong-version")
    note = envelope.peek(first).header.note
    got = await doctor.on.call(wire.GetNote(circle.id, note))
    assert [version.envelope for version in got.notes] == [first, second, third]


async def test_a_correction_of_what_somebody_else_wrote_is_refused(house: House) -> None:
    nurse, doctor, circle = await two(house)
    first = nurse.note(circle)
    await nurse.send(first)
    await refused(doctor.send(doctor.correction(circle, first)), Code.FORBIDDEN, "not-the-author")


async def test_a_version_that_leaves_one_out_or_names_another_is_refused(house: House) -> None:
    nurse, _, circle = await two(house)
    first = nurse.note(circle)
    await nurse.send(first)
    skipping = nurse.correction(circle, first, version=3)
    refusal = await refused(nurse.send(skipping), Code.CONFLICT, "wrong-version")
    assert refusal.facts["version"] == 1
    astray = nurse.correction(circle, first, replaces="e" * 64)
    await refused(nurse.send(astray), Code.CONFLICT, "wrong-version")


async def test_a_note_that_names_a_blob_nobody_uploaded_is_refused(house: House) -> None:
    nurse, _, circle = await two(house)
    lost = Attachment(
        id=uuid7(now()),
        blob="f" * 64,
        key=bytes(32),
        name="wound.jpg",
        media_type="image/jpeg",
        size=10,
        sha256="a" * 64,
        width=None,
        height=None,
        thumbnail=None,
    )
    sealed = nurse.seal(circle, nurse.draft(circle), Content("GEN", "", attachments=(lost,)))
    await refused(nurse.send(sealed), Code.NOT_FOUND, "blob-missing")


async def test_a_bot_writes_through_the_inbox_and_reads_nothing(house: House) -> None:
    nurse = await house.person("Nadia")
    bot = await house.person("Laboratory", "bot", kind="bot")
    circle = await nurse.open_circle()
    await nurse.add(circle, bot, "bot")
    bot.meet()
    current = circle.state.audiences["team"].current
    inbox = [To("team", current.epoch, inbox_key=current.inbox_key)]
    stored = await bot.send(bot.seal(circle, bot.draft(circle), Content("GEN", "CRP"), inbox))
    assert stored.seq == 1
    await nurse.on.hear(wire.NotePosted)
    await refused(bot.sync(circle), Code.FORBIDDEN, "not-allowed")
    await refused(bot.send(bot.note(circle)), Code.MALFORMED, "wrong-method")
    grants = await bot.on.call(circle_wire.GetGrants(circle.id, 0))
    assert grants.grants == ()
    assert not [event for event in bot.on.heard if isinstance(event, wire.NotePosted)]


async def test_an_account_that_is_a_bot_enters_as_a_bot_only(house: House) -> None:
    nurse = await house.person("Nadia")
    bot = await house.person("Laboratory", "bot", kind="bot")
    circle = await nurse.open_circle()
    await refused(nurse.add(circle, bot, "professional"), Code.FORBIDDEN, "not-allowed")


async def test_pages_go_backwards_and_syncs_forwards(house: House) -> None:
    nurse, doctor, circle = await two(house)
    for number in range(1, 8):
        await nurse.post(circle, str(number))
    newest = await doctor.on.call(wire.PageCircle(circle.id, 0, 3))
    assert [note.seq for note in newest.notes] == [5, 6, 7]
    older = await doctor.on.call(wire.PageCircle(circle.id, 5, 3))
    assert [note.seq for note in older.notes] == [2, 3, 4]
    oldest = await doctor.on.call(wire.PageCircle(circle.id, 2, 3))
    assert [note.seq for note in oldest.notes] == [1]
    assert (await doctor.on.call(wire.PageCircle(circle.id, 1, 3))).notes == ()
    synced = await doctor.sync(circle, after=3, limit=2)
    assert [note.seq for note in synced.notes] == [4, 5]
    assert synced.last_seq == 7


@pytest.mark.parametrize("limit", [0, 201])
async def test_a_page_has_1_to_200_versions(house: House, limit: int) -> None:
    nurse, _, circle = await two(house)
    refusal = await refused(nurse.sync(circle, limit=limit), Code.MALFORMED)
    assert refusal.facts == {"field": "limit"}


async def test_an_answer_carries_so_many_bytes_and_the_rest_is_asked_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relais.server.notes.PAGE_BYTES", 3_000)
    nurse, _, circle = await two(house)
    sent = [nurse.note(circle, str(number)) for number in range(6)]
    for sealed in sent:
        await nurse.send(sealed)
    synced = await nurse.sync(circle)
    assert 1 < len(synced.notes) < 6
    assert [note.envelope for note in synced.notes] == sent[: len(synced.notes)]
    page = await nurse.on.call(wire.PageCircle(circle.id, 0, 10))
    assert [note.envelope for note in page.notes] == sent[-len(page.notes) :]
    assert 1 < len(page.notes) < 6


async def test_a_newcomer_reads_from_its_history_on(house: House) -> None:
    nurse = await house.person("Nadia")
    late = await house.person("Lea")
    circle = await nurse.open_circle()
    await nurse.post(circle, "before")
    await later()  # the newcomer's moment is later than the note's
    at = max(now(), circle.state.at)
    operations = [nurse.adding(late, since=at, history=at), *nurse.rotations(circle)]
    await nurse.change(circle, operations, at=at)
    late.meet(nurse)
    await later()
    sealed = nurse.note(circle, "after")
    await nurse.send(sealed)
    assert [note.seq for note in (await late.sync(circle)).notes] == [2]
    page = await late.on.call(wire.PageCircle(circle.id, 0, 10))
    assert [note.envelope for note in page.notes] == [sealed]
    assert len((await nurse.sync(circle)).notes) == 2


async def test_reading_is_in_the_log_with_what_was_read_before_it_is_answered(house: House) -> None:
    nurse, doctor, circle = await two(house)
    for number in range(3):
        await nurse.post(circle, str(number))
    await doctor.sync(circle, after=1)
    of_circle = [e for e in await house.audit() if e["circle"] == circle.id]
    (entry,) = [e for e in of_circle if e["action"] == "circle.sync"]
    assert entry["account"] == doctor.id
    assert entry["role"] == "professional"
    assert entry["subject"] == {"count": 2, "seq_from": 2, "seq_to": 3}
    posts = [e for e in of_circle if e["action"] == "note.post"]
    assert sorted(e["subject"]["seq"] for e in posts) == [1, 2, 3]


async def test_what_cannot_be_recorded_is_not_answered(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, doctor, circle = await two(house)
    await nurse.post(circle)

    async def fail(*_: Any) -> None:
        raise Unavailable("no disk")

    with monkeypatch.context() as broken:
        broken.setattr(house.node.base.stores.pending, "add", fail)
        await refused(doctor.sync(circle), Code.UNAVAILABLE)
        assert (await nurse.on.raw("nonsense", {}))["error"] == {"code": "unavailable"}
    assert len((await doctor.sync(circle)).notes) == 1


async def test_a_bug_is_told_as_internal_without_its_text_and_the_socket_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nurse, _, circle = await two(house)

    async def fail(*_: Any) -> None:
        raise ZeroDivisionError("Mme D.")

    with monkeypatch.context() as broken:
        broken.setattr(house.node.base.stores.notes, "last_seq", fail)
        await refused(nurse.sync(circle), Code.INTERNAL)
    formatted = [JsonLines().format(record) for record in caplog.records]
    assert any("ZeroDivisionError" in line for line in formatted)
    assert not any("Mme D." in line for line in formatted)
    assert (await nurse.sync(circle)).notes == ()


async def test_a_new_profile_is_kept_with_the_circle_and_takes_no_number(house: House) -> None:
    nurse, doctor, circle = await two(house)
    sealed = nurse.seal_profile(circle)
    await nurse.send(sealed)
    assert (await nurse.sync(circle)).last_seq == 0
    ledger = await doctor.on.call(circle_wire.GetLedger(circle.id, 0))
    assert ledger.profile == sealed
    assert (await nurse.send(sealed)).seq == 0


async def test_of_two_new_profiles_the_second_is_told_its_version_is_taken(house: House) -> None:
    nurse, doctor, circle = await two(house)
    rival = replace(circle)
    doctor.known |= nurse.known
    await nurse.send(nurse.seal_profile(circle))
    await refused(doctor.send(doctor.seal_profile(rival)), Code.CONFLICT, "wrong-version")


async def later() -> None:
    """Until the clock shows another millisecond."""
    before = now()
    while now() == before:  # noqa: ASYNC110 (a clock cannot be awaited)
        await asyncio.sleep(0)


async def revoke_a_second_device(person: Person) -> None:
    """Add a device to the account and revoke it again, later than any epoch so far."""
    keys = new_keys()
    word = account.possession(keys, keys.device("interactive", "lost"), person.id)
    await person.append(account.add_device(person.state, person.keys, word, at=now()))
    await person.append(account.revoke_device(person.state, person.keys, keys.id, at=now()))


def resigned(sealed: bytes, other: Person) -> bytes:
    """The same payload, signed by somebody else."""
    payload = envelope.peek(sealed).signed.payload
    return cose.sign(payload, keys=other.keys, context=cose.NOTE)

"""A laboratory writes into a circle and can read nothing of it."""

import json
from pathlib import Path

import pytest
import thief
from people import ODETTE, Town

from relais.client.lab import result_file
from relais.client.sdk import Client
from relais.crypto.ledger import EpochOpen, peek_entry
from relais.models.refusal import Code, Refusal
from relais.models.wire.circle import GetGrants, GetLedger, GetMissing, ListCircles
from relais.models.wire.note import GetNote, GetReceipts, PageCircle, PostReceipts, SyncCircle

INR = {
    "loinc": "6301-6",
    "name": "INR",
    "value": "3.9",
    "unit": "1",
    "range": "2.0-3.0",
    "flag": "H",
}


async def test_a_laboratorys_result_is_readable_to_members_and_to_nobody_else(
    town: Town, tmp_path: Path
) -> None:
    nurse, bot = await town.newcomer("Nadia"), await town.person("Labo", "bot")
    circle = await nurse.create_circle(ODETTE)
    await circle.post("Avant le labo")
    await circle.add(bot.account, role="bot")
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"circle": circle.circle, "observations": [INR], "urgent": True}))
    result = result_file.read(path)

    async with bot.connected() as laboratory:
        written = await laboratory.circle(result.circle)
        posted = await written.write(result.writing)
        assert written.view.keys == {}
        assert written.view.profile is None

    note = (await circle.versions(posted.note))[-1]
    assert note.content is not None
    assert note.content.form is not None
    assert note.content.form.data["observations"] == [INR]
    assert note.author == bot.account
    assert {key.method for key in note.header.keys} == {"inbox"}
    with town.relay.database() as database:
        assert thief.stolen_keys(database, [bot.keys]) == {}
        assert thief.readable(database, [bot.keys], circle.circle) == {}
        assert len(thief.readable(database, [nurse.session.identity.keys], circle.circle)) == 2


async def test_a_bot_is_refused_the_notes_and_told_nothing_of_the_patient(town: Town) -> None:
    nurse, bot = await town.newcomer("Nadia"), await town.newcomer("Labo", "bot")
    circle = await nurse.create_circle(ODETTE)
    posted = await circle.post("Pour l'équipe")
    await circle.add(bot.account, role="bot")

    for request in (
        SyncCircle(circle.circle, 0, 50),
        PageCircle(circle.circle, 0, 50),
        GetNote(circle.circle, posted.note),
        GetReceipts(circle.circle, posted.note),
        PostReceipts(circle.circle, (b"\x00",)),
    ):
        with pytest.raises(Refusal) as refused:
            await bot.session.call(request)
        assert (refused.value.code, refused.value.reason) == (Code.FORBIDDEN, "not-allowed")
    assert (await bot.session.call(GetGrants(circle.circle, 0))).grants == ()
    assert (await bot.session.call(GetLedger(circle.circle, 0))).profile is None
    assert (await bot.session.call(GetMissing(None))).missing == ()
    (row,) = (await bot.session.call(ListCircles(False))).circles
    assert (row.profile, row.last_seq, row.unread) == (None, 0, 0)


async def test_nobody_has_to_change_the_key_when_a_bot_comes_or_goes(town: Town) -> None:
    nurse, bot = await town.newcomer("Nadia"), await town.newcomer("Labo", "bot")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(bot.account, role="bot")
    await circle.remove(bot.account)

    entries = (await nurse.session.call(GetLedger(circle.circle, 0))).entries
    operations = [operation for entry in entries for operation in peek_entry(entry).operations]
    assert [one.epoch for one in operations if isinstance(one, EpochOpen)] == [1]


async def test_a_bot_cannot_enter_as_a_reader(town: Town) -> None:
    nurse, bot = await town.newcomer("Nadia"), await town.newcomer("Labo", "bot")
    circle = await nurse.create_circle(ODETTE)

    with pytest.raises(Refusal) as refused:
        await circle.add(bot.account, role="professional")
    assert refused.value.reason == "not-allowed"


async def test_a_bots_note_arrives_after_the_key_changed_too(town: Town) -> None:
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    bot: Client = await town.newcomer("Labo", "bot")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    await circle.add(bot.account, role="bot")
    writing = await bot.circle(circle.circle)
    await writing.post("premier résultat")
    await circle.remove(doctor.account)

    posted = await writing.post("second résultat")

    note = (await circle.versions(posted.note))[-1]
    assert note.content is not None
    assert note.content.text == "second résultat"
    assert [key.epoch for key in note.header.keys] == [2]


async def test_a_laboratory_can_be_added_without_the_history_and_no_key_changes_for_it(
    town: Town,
) -> None:
    nurse, bot = await town.newcomer("Nadia"), await town.newcomer("Labo", "bot")
    circle = await nurse.create_circle(ODETTE)

    await circle.add(bot.account, role="bot", history=False)

    assert circle.view.state.members[bot.account].role == "bot"
    assert circle.view.state.audiences["team"].epoch == 1

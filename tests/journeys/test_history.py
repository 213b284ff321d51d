"""A history that begins at a moment: every note from then on, none of before, by the keys and not by the server's word."""

import asyncio
from pathlib import Path

import pytest
import thief
from people import ODETTE, Person, Town
from second_device import PASSPHRASE, joined

from relais.client import healing
from relais.client.sdk import Circle, Client
from relais.models.ids import Millis
from relais.models.refusal import Code, Refusal
from relais.models.wire.circle import GetMissing
from relais.models.wire.note import GetNote, SyncCircle


async def texts(client: Client, circle: str) -> list[str | None]:
    opened = await client.circle(circle)
    return [note.content.text if note.content else None async for note in opened.notes()]


async def moment(client: Client) -> Millis:
    """Now, and later than everything before."""
    now = client.session.clock.now()
    while client.session.clock.now() <= now:  # noqa: ASYNC110 (a clock of milliseconds)
        await asyncio.sleep(0.001)
    return client.session.clock.now()


async def straddling(town: Town, client: Client) -> tuple[Circle, Millis]:
    """One epoch with a note before a moment and two after it."""
    circle = await client.create_circle(ODETTE)
    await circle.post("avant le 3 mars")
    since = await moment(client)
    await circle.post("le 3 mars")
    await circle.post("le 4 mars")
    return circle, since


def readable(town: Town, person: Person, circle: str) -> set[str]:
    with town.relay.database() as database:
        return {one.text for one in thief.readable(database, [person.keys], circle).values()}


async def test_every_note_from_that_moment_on_and_none_before(town: Town) -> None:
    nurse, substitute = await town.newcomer("Nadia"), await town.person("Solène")
    circle, since = await straddling(town, nurse)

    await circle.add(substitute.account, history=since)
    await circle.post("aujourd'hui")

    client = await town.connect(substitute)
    expected = ["le 3 mars", "le 4 mars", "aujourd'hui"]
    assert await texts(client, circle.circle) == expected
    assert readable(town, substitute, circle.circle) == set(expected), "with the whole database"
    assert [summary.row.unread for summary in await client.circles()] == [3]
    missing = await nurse.session.call(GetMissing(circle.circle))
    assert (missing.missing, missing.notes) == ((), ())


async def test_the_server_hands_out_no_envelope_from_before(town: Town) -> None:
    nurse, substitute = await town.newcomer("Nadia"), await town.newcomer("Solène")
    circle, since = await straddling(town, nurse)
    (first, *_) = [note async for note in circle.notes()]
    await circle.add(substitute.account, history=since)

    page = await substitute.session.call(SyncCircle(circle.circle, 0, 50))
    assert [one.seq for one in page.notes] == [2, 3]
    with pytest.raises(Refusal) as refused:
        await substitute.session.call(GetNote(circle.circle, first.note))
    assert refused.value.code is Code.NOT_FOUND
    assert await texts(nurse, circle.circle) == ["avant le 3 mars", "le 3 mars", "le 4 mars"]


async def test_what_the_adder_did_not_get_to_is_healed_by_another(town: Town) -> None:
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    circle, since = await straddling(town, nurse)
    await circle.add(doctor.account)
    substitute = await town.newcomer("Solène")

    async def nothing(*_: object) -> int:
        return 0  # the adder's machine dies between its two steps

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(healing, "heal_circle", nothing)
        await circle.add(substitute.account, history=since)
    assert await texts(substitute, circle.circle) == [None, None]
    (row,) = (await doctor.session.call(GetMissing(circle.circle))).notes
    assert row.seqs == (2, 3)

    assert await doctor.heal() == 1

    assert await texts(substitute, circle.circle) == ["le 3 mars", "le 4 mars"]
    assert (await doctor.session.call(GetMissing(circle.circle))).notes == ()


async def test_a_note_written_before_and_sent_after_stays_closed_and_holds_nobody_up(
    town: Town,
) -> None:
    nurse, substitute = await town.newcomer("Nadia"), await town.newcomer("Solène")
    circle, since = await straddling(town, nurse)
    clock = nurse.session.clock
    clock.set(since - 60_000)
    await circle.post("écrit la veille, parti plus tard")
    clock.set(await moment(substitute))
    await circle.add(substitute.account, history=since)
    await circle.post("ensuite")
    assert await texts(substitute, circle.circle) == ["le 3 mars", "le 4 mars", "ensuite"]


@pytest.mark.parametrize("by", ["the guest's first device", "a colleague"])
async def test_a_later_device_of_such_a_member_is_healed_into_the_same_history(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setenv("RELAIS_PASSPHRASE", PASSPHRASE)
    nurse, substitute = await town.newcomer("Nadia"), await town.newcomer("Solène")
    circle, since = await straddling(town, nurse)
    await circle.add(substitute.account, history=since)
    await circle.post("aujourd'hui")
    expected = ["le 3 mars", "le 4 mars", "aujourd'hui"]

    async def nothing(*_: object) -> int:
        return 0  # the first device is put away before it hands anything over

    with pytest.MonkeyPatch.context() as patch:
        if by == "a colleague":
            patch.setattr(healing, "heal_all", nothing)
        second = await joined(substitute, tmp_path)
    client = await town.connect(second)
    if by == "a colleague":
        assert await texts(client, circle.circle) == [None, None, None]
        (row,) = (await nurse.session.call(GetMissing(circle.circle))).notes
        assert (row.device, row.seqs) == (second.device, (2, 3))
        await nurse.heal()
    assert await texts(client, circle.circle) == expected
    assert readable(town, second, circle.circle) == set(expected), "with the whole database"
    missing = await nurse.session.call(GetMissing(circle.circle))
    assert (missing.missing, missing.notes) == ((), ())

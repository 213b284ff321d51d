"""A relay that acknowledges and drops, or tells notes otherwise in a later run: each run of the command line is a new one."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from lied_to import Stage, noted, read, refused

from relais.client.alarms import Alarm
from relais.client.errors import UnknownNote
from relais.client.sdk import Change, Client
from relais.crypto.errors import ProtocolError
from relais.models.refusal import Refusal

Notes = list[dict[str, Any]]
DROPS: dict[str, Callable[[Any], Any]] = {
    "dropped": lambda ok: {**ok, "notes": ok["notes"][:3], "last_seq": 3},
    "said to be for others": lambda ok: {**ok, "notes": ok["notes"][:3], "others": [4]},
    "its number another's": lambda ok: {
        **ok,
        "notes": [*ok["notes"][:3], {**ok["notes"][0], "seq": 4}],
    },
    "left out": lambda ok: {
        **ok,
        "notes": [*ok["notes"][:3], {**ok["notes"][0], "seq": 5}],
        "last_seq": 5,
    },
}
UNREADABLE = ("said to be for others", "its number another's", "left out")


def alarms(client: Client) -> list[tuple[str, int | None]]:
    return [(one.kind, one.seq) for one in client.session.alarms.raised()]


@pytest.mark.parametrize("how", DROPS)
async def test_a_note_that_was_acknowledged_and_does_not_stand_there_is_an_alarm_and_can_be_sent_again(
    stage: Stage, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    nadia = await stage.victim()
    posted = await (await nadia.circle(stage.id)).post("quatre")
    assert (posted.seq, nadia.lost()) == (4, [])
    stage.liar.answers["circle.sync"] = lambda _, ok: DROPS[how](ok)
    later = await stage.victim()
    with pytest.raises(ProtocolError, match="wrong-order") if how in UNREADABLE else nullcontext():
        await read(later, stage.id)
    (lost,) = later.lost()
    assert (lost.seq, lost.waiting.content.text) == (4, "quatre")
    assert ("lost-note", 4) in alarms(later)
    assert "had confirmed a note of yours" in caplog.text
    entry = await noted(stage, "lost-note")
    assert (entry.circle, entry.subject["of"], entry.subject["seq"]) == (stage.id, lost.digest, 4)
    stage.liar.answers.clear()
    (again,) = await later.resend(posted.note)
    assert (again.note, again.version, later.lost()) == (posted.note, 1, [])
    assert await read(later, stage.id) == ["un", "deux", "trois", "quatre"]
    assert later.session.acknowledged.of(stage.id) == []
    with pytest.raises(UnknownNote):
        await later.resend(posted.note)


async def test_a_note_that_stands_where_it_was_acknowledged_is_kept_until_it_is_read_and_then_let_go(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    await circle.post("quatre")
    (kept,) = nadia.session.acknowledged.of(stage.id)
    assert (kept.seq, kept.waiting.content.text) == (4, "quatre")
    assert [note.seq async for note in circle.notes(after=4)] == [], "not read yet"
    assert nadia.session.acknowledged.of(stage.id) == [kept]
    await read(nadia, stage.id)
    assert (nadia.session.acknowledged.of(stage.id), nadia.lost(), alarms(nadia)) == ([], [], [])


async def test_a_lost_note_that_is_refused_when_it_is_sent_again_stays_with_its_author(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    posted = await (await nadia.circle(stage.id)).post("quatre")
    stage.liar.answers["circle.sync"] = lambda _, ok: DROPS["dropped"](ok)
    later = await stage.victim()
    await read(later, stage.id)
    (lost,) = later.lost()
    await stage.circle.remove(nadia.account)
    unsealed = replace(lost, waiting=replace(lost.waiting, envelope=None))
    later.session.acknowledged.put(
        unsealed
    )  # as if its epoch had passed: what is sealed is stored already
    with pytest.raises(Refusal, match="not-a-member"):
        await later.resend(posted.note)
    assert [one.waiting.content.text for one in later.lost()] == ["quatre"]


def swapped(notes: Notes) -> Notes:
    seqs = [one["seq"] for one in notes]
    return [
        {**one, "seq": seq} for one, seq in zip([notes[1], notes[0], notes[2]], seqs, strict=True)
    ]


LATER: dict[str, Callable[[Notes], Notes]] = {
    "swapped": swapped,
    "the second instead of the first": lambda notes: [{**notes[1], "seq": 1}, *notes[2:]],
    "told again at another number": lambda notes: [*notes, {**notes[0], "seq": 4}],
    "shorter": lambda notes: notes[:2],
}


@pytest.mark.parametrize("how", LATER)
async def test_notes_told_otherwise_in_a_later_run_are_an_alarm_until_somebody_has_looked_into_it(
    stage: Stage, how: str
) -> None:
    first = await stage.victim()
    assert await read(first, stage.id) == ["un", "deux", "trois"]
    stage.lie_about_notes(LATER[how])
    for _ in range(2):
        later = await stage.victim()
        await refused("wrong-order", read(later, stage.id))
        assert later.session.alarms.raised() == (Alarm("wrong-order", stage.id),)
    assert (await noted(stage, "wrong-order")).circle == stage.id
    stage.liar.answers.clear()
    honest = await stage.victim()
    circle = await honest.circle(stage.id)
    assert await read(honest, stage.id) == ["un", "deux", "trois"], "the first story is no lie"
    await circle.post("quatre")
    circle.read_anew()
    assert await read(honest, stage.id) == ["un", "deux", "trois", "quatre"]


async def test_a_note_told_again_to_a_run_that_reads_on_from_there_is_an_alarm(
    stage: Stage,
) -> None:
    first = await stage.victim()
    await read(first, stage.id)
    kept: list[Any] = []
    stage.liar.answers["circle.sync"] = lambda _, ok: kept.append(ok) or ok
    await read(await stage.victim(), stage.id)
    replayed = {**kept[0]["notes"][0], "seq": 4}
    stage.liar.answers["circle.sync"] = lambda _, ok: {**ok, "notes": [replayed], "last_seq": 4}
    later = await stage.victim()
    circle = await later.circle(stage.id)
    await refused("wrong-order", anext(circle.notes(after=3)))


async def test_who_may_read_less_than_before_is_shown_less_without_an_alarm(stage: Stage) -> None:
    await stage.circle.open_audience("care", [stage.nadia.account])
    await stage.circle.post("entre soignants", audiences=("care",))
    nadia = await stage.victim()
    following = (await nadia.circle(stage.id)).notes(follow=True)
    told = [await anext(following) for _ in range(4)]
    assert told[-1].audiences == ("care",)
    await stage.circle.change(stage.nadia.account, Change("professional", ("team",)))
    assert await read(nadia, stage.id) == ["un", "deux", "trois"]
    assert alarms(nadia) == []

"""A relay that lies about notes, attachments and receipts: each lie is caught by name."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from lied_to import Stage, noted, read, refused
from people import MARCEL

from relais.client import reading
from relais.client.errors import BadAnswer
from relais.client.reading import Note
from relais.client.sdk import Circle, Client, File
from relais.crypto import envelope
from relais.crypto.content import Content
from relais.crypto.envelope import Draft, To
from relais.models.ids import uuid7
from relais.models.wire.note import SyncCircle


async def test_notes_told_in_another_order_twice_or_not_at_all_are_refused(stage: Stage) -> None:
    lies: dict[str, Callable[[list[dict[str, Any]]], list[Any]]] = {
        "swapped": lambda notes: [notes[1], notes[0], notes[2]],
        "with a gap": lambda notes: [notes[0], notes[2]],
        "beginning late": lambda notes: notes[1:],
        "replayed": lambda notes: [*notes, {**notes[0], "seq": 4}],
    }
    for change in lies.values():
        nadia = await stage.victim()
        stage.lie_about_notes(change)
        await refused("wrong-order", read(nadia, stage.id))
    nadia = await stage.victim()
    stage.liar.answers["circle.sync"] = lambda _, ok: {**ok, "notes": []}
    await refused("wrong-order", read(nadia, stage.id))
    assert (await noted(stage, "wrong-order")).circle == stage.id


async def test_a_note_said_to_be_for_others_is_missed_by_whoever_is_in_every_audience(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    stage.liar.answers["circle.sync"] = lambda _, ok: {
        **ok,
        "notes": [*ok["notes"][:1], *ok["notes"][2:]],
        "others": [ok["notes"][1]["seq"]],
    }
    await refused("wrong-order", read(nadia, stage.id))


async def test_notes_that_change_places_while_one_looks_are_refused(stage: Stage) -> None:
    nadia = await stage.victim()
    assert await read(nadia, stage.id) == ["un", "deux", "trois"]

    def swap(notes: list[dict[str, Any]]) -> list[Any]:
        first, second, third = (one["seq"] for one in notes)
        return [
            {**notes[1], "seq": first},
            {**notes[0], "seq": second},
            {**notes[2], "seq": third},
        ]

    stage.lie_about_notes(swap)
    await refused("wrong-order", read(nadia, stage.id))


async def test_a_note_moved_from_another_circle_is_refused(stage: Stage) -> None:
    other = await stage.denis.create_circle(MARCEL)
    await other.add(stage.nadia.account)
    await other.post("pour Marcel")
    moved = (await stage.denis.session.call(SyncCircle(other.circle, 0, 1))).notes[0]
    nadia = await stage.victim()
    stage.lie_about_notes(lambda notes: [{**notes[0], "envelope": moved.envelope}, *notes[1:]])
    first = await marked("wrong-circle", nadia, stage)
    entry = await noted(stage, "forged-note")
    told = {"kind": "forged-note", "of": first.digest, "seq": 1}
    assert (entry.circle, dict(entry.subject)) == (stage.id, told)


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
async def test_a_note_with_one_flipped_bit_is_refused(stage: Stage, place: float) -> None:
    def flip(notes: list[dict[str, Any]]) -> list[Any]:
        data = bytearray(notes[0]["envelope"])
        data[int(len(data) * place)] ^= 1
        return [{**notes[0], "envelope": bytes(data)}, *notes[1:]]

    nadia = await stage.victim()
    stage.lie_about_notes(flip)
    first = await marked("", nadia, stage)
    assert (await noted(stage, "forged-note")).subject["of"] == first.digest


async def test_what_is_no_envelope_is_marked_with_its_place_alone_and_the_others_are_read(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    for garbage, reason in ((secrets.token_bytes(300), ""), (b"\0", "wrong-type")):
        nadia = await stage.victim()
        stage.lie_about_notes(told_as_first(garbage))
        first = await marked(reason, nadia, stage)
        assert (first.seq, first.refused, first.locked, first.withdrawn) == (1, True, False, False)
        with pytest.raises(ValueError, match="no header"):
            _ = first.author
    assert "not authentic" in caplog.text


async def test_a_note_that_is_not_authentic_stops_neither_following_nor_receipts(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    stage.lie_about_notes(told_as_first(secrets.token_bytes(300)))
    following = circle.notes(follow=True)
    told = [await anext(following) for _ in range(3)]
    await circle.mark([note for note in told if note.content], "stored", "read")
    stage.liar.answers.clear()
    await stage.circle.post("quatre")
    fourth = await anext(following)
    assert [note.content.text if note.content else None for note in (*told, fourth)] == [
        None,
        "deux",
        "trois",
        "quatre",
    ]


async def marked(reason: str, client: Client, stage: Stage) -> Note:
    """The first note is marked for this reason, with an alarm; the two others are read."""
    opened = await client.circle(stage.id)
    first, *others = [note async for note in opened.notes()]
    assert [note.content.text for note in others if note.content] == ["deux", "trois"]
    assert first.refused
    assert first.content is None
    assert first.damaged
    assert reason in first.damaged
    (raised,) = client.session.alarms.raised()[-1:]
    assert (raised.kind, raised.circle, raised.of, raised.seq) == (
        "forged-note",
        stage.id,
        first.digest,
        1,
    )
    return first


def written(stage: Stage, author: Client, circle: Circle, **more: Any) -> bytes:
    """A note by anybody, under the circle's current key, as the relay alone would let it in."""
    state, now = circle.view.state, author.session.clock.now()
    fields: dict[str, Any] = {
        "circle": circle.circle,
        "note": uuid7(now),
        "version": 1,
        "replaces": None,
        "kind": "post",
        "account": author.account,
        "at": now,
        "ledger_seq": state.seq,
        "ledger_head": state.head,
    }
    draft = Draft(**(fields | more))
    number = state.audiences["team"].epoch
    to = [To("team", number, key=circle.view.current_key("team"))]
    entropy = secrets.token_bytes(envelope.ENTROPY_SIZE)
    keys = author.session.identity.keys
    return envelope.seal(keys, draft, Content("GEN", "x"), to=to, entropy=entropy)


def told_as_first(data: bytes) -> Callable[[list[dict[str, Any]]], list[Any]]:
    return lambda notes: [{**notes[0], "envelope": data}, *notes[1:]]


async def test_a_note_by_somebody_who_is_not_in_the_circle_is_refused(stage: Stage) -> None:
    nadia = await stage.victim()
    stage.lie_about_notes(told_as_first(written(stage, stage.olga, stage.circle)))
    await marked("not-a-member", nadia, stage)


async def test_a_note_whose_author_saw_another_ledger_is_an_alarm(stage: Stage) -> None:
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    other = written(stage, stage.denis, stage.circle, ledger_head="ab" * 32)
    stage.lie_about_notes(told_as_first(other))
    await refused("fork", read(nadia, stage.id))
    await refused("fork", circle.post("non"))
    assert stage.liar.writes == []


async def test_a_note_whose_author_knew_more_than_the_relay_shows_is_an_alarm(stage: Stage) -> None:
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    ahead = written(stage, stage.denis, stage.circle, ledger_seq=stage.circle.view.state.seq + 1)
    stage.lie_about_notes(told_as_first(ahead))
    await refused("rollback", read(nadia, stage.id))
    await refused("rollback", circle.post("non"))
    entry = await noted(stage, "rollback")
    state = stage.circle.view.state
    told = {"kind": "rollback", "of": state.head, "seq": state.seq + 1}
    assert (entry.circle, dict(entry.subject)) == (stage.id, told)


async def test_a_hidden_or_foreign_version_of_a_note_is_refused(stage: Stage) -> None:
    first = (await stage.denis.session.call(SyncCircle(stage.id, 0, 1))).notes[0]
    note = envelope.peek(first.envelope).header.note
    await stage.circle.correct(note, "un, corrigé")
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    assert len(await circle.versions(note)) == 2
    stage.liar.answers["note.get"] = lambda _, ok: {**ok, "notes": ok["notes"][1:]}
    await refused("wrong-version", circle.versions(note))
    other = (await stage.denis.session.call(SyncCircle(stage.id, 1, 1))).notes[0]
    stage.liar.answers["note.get"] = lambda _, ok: {
        **ok,
        "notes": [{"seq": other.seq, "at": other.at, "envelope": other.envelope}],
    }
    await refused("wrong-version", circle.versions(note))


async def test_a_correction_by_another_than_the_author_is_refused_wherever_it_is_listed(
    stage: Stage,
) -> None:
    """The members' keys seal it rightly: that it is not the author's shows beside version 1 only."""
    await stage.circle.add(stage.olga.account)
    first = (await stage.denis.session.call(SyncCircle(stage.id, 0, 1))).notes[0]
    before = envelope.peek(first.envelope)
    said = {"note": before.header.note, "version": 2, "kind": "correction"}
    cases = {
        "not-the-author": written(stage, stage.olga, stage.circle, replaces=before.digest, **said),
        "wrong-version": written(stage, stage.denis, stage.circle, replaces="ab" * 32, **said),
    }
    for reason, forged in cases.items():
        told = {"seq": 4, "at": first.at, "envelope": forged}
        for seq, where in ((0, "circle.sync"), (3, "circle.sync"), (0, "circle.page")):
            nadia = await stage.victim()
            circle = await nadia.circle(stage.id)
            listing = reading.after if where == "circle.sync" else reading.before
            stage.liar.answers[where] = lambda _, ok, told=told: {
                "notes": [*ok["notes"], told],
                "last_seq": 4,
                "others": [],
            }
            page = await listing(nadia.session, circle.view, seq)
            assert [note.damaged for note in page.notes] == [None] * (len(page.notes) - 1) + [
                reason
            ]


async def test_the_authors_correction_is_listed_and_versions_asked_for_only_where_none_is_known(
    stage: Stage,
) -> None:
    first = (await stage.denis.session.call(SyncCircle(stage.id, 0, 1))).notes[0]
    await stage.circle.correct(envelope.peek(first.envelope).header.note, "un, corrigé")
    for seq, asked in ((0, []), (3, ["note.get"])):
        nadia = await stage.victim()
        circle = await nadia.circle(stage.id)
        listed = [note async for note in circle.notes(after=seq)]
        listed += [note async for note in circle.notes(after=3)]
        assert [one.version for one in listed[-2:]] == [2, 2]
        assert [event for event, _ in stage.liar.forwarded if event == "note.get"] == asked


async def test_an_attachment_that_was_changed_cut_or_exchanged_is_refused(stage: Stage) -> None:
    data = b"%PDF-1.7\n" + secrets.token_bytes(150_000)
    posted = await stage.circle.post("plan", attachments=[File("plan.pdf", data)])
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    for lie in (
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: sealed[:-1],
        lambda sealed: sealed + b"\x00",
        lambda sealed: b"",
    ):
        stage.liar.blobs = lie
        with pytest.raises(BadAnswer):
            await circle.fetch(posted.note, "plan.pdf")
    stage.liar.blobs = lambda sealed: sealed
    assert await circle.fetch(posted.note, "plan.pdf") == data


async def test_a_receipt_that_was_changed_or_is_for_another_version_is_refused(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    posted = [await circle.post(text) for text in ("vu ?", "et ceci ?")]
    for one in posted:
        await (await stage.denis.circle(stage.id)).acknowledge(one.note)
    assert len(await circle.receipts(posted[0].note)) == 3
    kept: list[Any] = []

    def keep(_: Any, ok: Any) -> Any:
        kept.extend(ok["receipts"])
        return ok

    stage.liar.answers["receipt.get"] = keep
    await circle.receipts(posted[1].note)
    stage.liar.answers["receipt.get"] = lambda _, ok: {**ok, "receipts": kept}
    await refused("wrong-version", circle.receipts(posted[0].note))

    def flip(_: Any, ok: Any) -> Any:
        first = ok["receipts"][0]
        bad = first["receipt"][:-1] + bytes([first["receipt"][-1] ^ 1])
        return {**ok, "receipts": [{**first, "receipt": bad}]}

    stage.liar.answers["receipt.get"] = flip
    await refused("bad-signature", circle.receipts(posted[0].note))

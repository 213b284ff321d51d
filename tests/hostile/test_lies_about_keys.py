"""A relay that lies about keys and the patient, or answers in no known shape: caught, and nothing is written."""

import asyncio
import secrets
from pathlib import Path

import pytest
from lied_to import Stage, entries_of, noted, read, refused
from people import MARCEL, ODETTE, Person, Town
from second_device import PASSPHRASE, joined

from relais.client import healing, reading
from relais.client.alarms import Alarm
from relais.client.circle_state import Offer
from relais.client.errors import BadAnswer, LedgerAlarm, Locked
from relais.client.sdk import Circle, Client
from relais.crypto import cose, epoch, grant, suite
from relais.crypto.epoch import NotePlace
from relais.crypto.grant import NoteName
from relais.models.wire.circle import GetGrants, GetMissing, GiveGrants
from relais.models.wire.note import GetNote


async def test_a_grant_with_a_wrong_key_opens_nothing_and_nothing_is_posted_under_it(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    device = stage.nadia.keys.device("interactive", "telephone")

    def granted(by: Client, key: bytes, circle: str = stage.id) -> bytes:
        return grant.seal(
            by.session.identity.keys,
            device,
            circle=circle,
            account=stage.nadia.account,
            granter=by.account,
            epochs=[("team", 1, key)],
            at=by.session.clock.now(),
        )

    right = stage.circle.view.current_key("team")
    for reason, bad in (
        ("wrong-key", granted(stage.denis, secrets.token_bytes(32))),
        ("not-entitled", granted(stage.olga, right)),
        ("wrong-circle", granted(stage.denis, right, circle="ab" * 32)),
    ):
        stage.lie_about_grants([bad])
        circle = await nadia.circle(stage.id)
        assert circle.view.faults == [reason]
        assert circle.view.keys == {}
        with pytest.raises(Locked):
            await circle.post("sous une fausse clé")
        if reason != "wrong-key":  # that is told by the grant itself, where the server has it
            assert (await noted(stage, reason)).subject["of"] == cose.digest(bad)
    assert stage.liar.writes == []

    stage.liar.answers.clear()
    good = (await nadia.session.call(GetGrants(stage.id, 0))).grants
    stage.lie_about_grants([granted(stage.denis, bytes(32)), *good])
    assert await read(nadia, stage.id) == ["un", "deux", "trois"], "a false one hides no good one"


async def nothing(*_: object) -> int:
    return 0


async def bare_second_device(first: Client, folder: Path) -> Person:
    """Joined, and put away before it was granted anything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(healing, "heal_all", nothing)
        return await joined(first, folder)


async def test_a_wrong_key_from_a_hostile_member_is_reported_and_cured_by_anothers(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAIS_PASSPHRASE", PASSPHRASE)
    nadia, denis = await town.newcomer("Nadia"), await town.newcomer("Denis")
    mallory = await town.newcomer("Mallory")
    circle = await nadia.create_circle(ODETTE)
    for other in (denis, mallory):
        await circle.add(other.account)
    await circle.post("un")
    phone = await bare_second_device(nadia, tmp_path)
    junk = grant.seal(
        mallory.session.identity.keys,
        phone.keys.device("interactive", "tablette"),
        circle=circle.circle,
        account=nadia.account,
        granter=mallory.account,
        epochs=[
            ("team", number, secrets.token_bytes(32))
            for number in circle.view.state.audiences["team"].epochs
        ],
        at=mallory.session.clock.now(),
    )
    assert (await mallory.session.call(GiveGrants(circle.circle, (junk,)))).stored == 1
    assert (await denis.session.call(GetMissing(circle.circle))).missing == (), "a bluff that holds"

    client = await town.connect(phone)
    opened = await client.circle(circle.circle)

    assert opened.view.unfit == {cose.digest(junk): mallory.account}
    assert opened.view.faults == ["wrong-key"]
    with pytest.raises(Locked):
        await opened.post("sous une fausse clé")
    (entry,) = entries_of(town, "circle.unopenable", nadia.account)
    told = {"grant": cose.digest(junk), "granter": mallory.account, "device": mallory.device}
    assert (entry.device, dict(entry.subject)) == (phone.device, told)
    (row,) = (await denis.session.call(GetMissing(circle.circle))).missing
    assert (row.account, row.device) == (nadia.account, phone.device)
    assert await denis.heal() == 1
    assert await read(client, circle.circle) == ["un"]
    cured = await client.circle(circle.circle)
    assert (cured.view.faults, cured.view.unfit) == ([], {})
    await cured.post("deux")
    assert await read(nadia, circle.circle) == ["un", "deux"]


async def test_a_wrong_key_of_a_single_version_is_reported_and_cured_by_anothers(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    nadia, denis = await town.newcomer("Nadia"), await town.newcomer("Denis")
    mallory, solene = await town.newcomer("Mallory"), await town.newcomer("Solène")
    circle = await nadia.create_circle(ODETTE)
    for other in (denis, mallory):
        await circle.add(other.account)
    await circle.post("avant")
    since = nadia.session.clock.now() + 1
    while nadia.session.clock.now() < since:  # noqa: ASYNC110 (a clock of milliseconds)
        await asyncio.sleep(0.001)
    own = [await circle.post(text) for text in ("le 3 mars", "le 4 mars")]
    with monkeypatch.context() as patch:
        patch.setattr(healing, "heal_circle", nothing)  # the adder's machine dies between its steps
        await circle.add(solene.account, history=since)
    device = solene.session.identity.keys.device("interactive", "telephone")
    true = _content_key(await circle.versions(own[1].note), circle)
    names = [NoteName(one.note, 1) for one in own]
    junk = grant.seal(
        mallory.session.identity.keys,
        device,
        circle=circle.circle,
        account=solene.account,
        granter=mallory.account,
        notes=dict(zip(names, (secrets.token_bytes(32), true), strict=True)),
        at=mallory.session.clock.now(),
    )
    assert (await mallory.session.call(GiveGrants(circle.circle, (junk,)))).stored == 1
    assert (await denis.session.call(GetMissing(circle.circle))).notes == (), "a bluff that holds"

    opened = await solene.circle(circle.circle)
    shown = [note async for note in opened.notes()]

    assert [note.locked for note in shown] == [True, True], "the whole grant counts no more"
    digest = cose.digest(junk)
    told = Alarm("wrong-key", circle.circle, account=mallory.account, of=digest)
    assert solene.session.alarms.raised() == (told,)
    (entry,) = entries_of(town, "circle.unopenable", solene.account)
    assert entry.subject["granter"] == mallory.account
    (row,) = (await denis.session.call(GetMissing(circle.circle))).notes
    assert (row.device, row.seqs) == (solene.device, (2, 3))
    assert await denis.heal() == 1
    assert await read(solene, circle.circle) == ["le 3 mars", "le 4 mars"]
    assert (await nadia.session.call(GetMissing(circle.circle))).notes == ()
    assert len(entries_of(town, "circle.unopenable", solene.account)) == 1


async def test_a_true_key_of_a_single_version_is_found_beside_a_wrong_one(town: Town) -> None:
    nadia, mallory = await town.newcomer("Nadia"), await town.newcomer("Mallory")
    circle = await nadia.create_circle(ODETTE)
    posted = await circle.post("un")
    view = (await nadia.circle(circle.circle)).view
    name, true = NoteName(posted.note, 1), _content_key(await circle.versions(posted.note), circle)
    view.keys.clear()
    offers = [Offer("d1" * 32, mallory.account, bytes(32)), Offer("d2" * 32, nadia.account, true)]
    for order in (offers, offers[::-1]):
        view.offers[name], view.unfit = list(order), {}
        stored = (await nadia.session.call(GetNote(circle.circle, posted.note))).notes[0]
        note = await reading.opened(nadia.session, view, stored)
        assert note.content is not None
        assert (note.content.text, view.unfit) == ("un", {"d1" * 32: mallory.account})


def _content_key(versions: tuple[reading.Note, ...], circle: Circle) -> bytes:
    """What whoever reads a version hands on of it."""
    header = versions[0].header
    place = NotePlace(header.circle, header.note, header.version)
    (sealed,) = header.keys
    epoch_key = circle.view.keys[sealed.audience, sealed.epoch]
    wrap = epoch.wrap_key(epoch_key, sealed.audience, sealed.epoch, place=place)
    nonce, wrapped = sealed.sealed[: suite.NONCE_SIZE], sealed.sealed[suite.NONCE_SIZE :]
    return suite.decrypt(wrap, wrapped, nonce=nonce, aad=header.commitment)


async def test_another_circles_profile_is_refused(stage: Stage) -> None:
    other = await stage.denis.create_circle(MARCEL)
    profile = other.view.profile_envelope
    nadia = await stage.victim()
    stage.liar.answers["circle.ledger"] = lambda _, ok: {**ok, "profile": profile}
    await refused("wrong-circle", nadia.circle(stage.id))


async def test_an_answer_of_another_shape_is_refused(stage: Stage) -> None:
    nadia = await stage.victim()
    for event, lie in (
        ("circle.ledger", {"entries": "none", "profile": None, "more": False}),
        ("circle.ledger", {"entries": [], "profile": None, "more": True}),
        ("circle.grants", {"grants": []}),
        ("account.get", {"chains": [], "more": True}),
    ):
        stage.liar.answers = {event: lambda _, ok, lie=lie: lie}
        nadia.session.accounts.forget(stage.denis.account)
        with pytest.raises((BadAnswer, LedgerAlarm)):
            await nadia.circle(stage.id)
    assert stage.liar.writes == []

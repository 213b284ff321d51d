"""A relay that lies about keys and the patient, or answers in no known shape: caught, and nothing is written."""

import secrets
from pathlib import Path

import pytest
from lied_to import Stage, read, refused
from people import MARCEL, ODETTE, Person, Town
from second_device import PASSPHRASE, joined

from relais.client import healing
from relais.client.errors import BadAnswer, LedgerAlarm, Locked
from relais.client.sdk import Client
from relais.crypto import cose, grant
from relais.models.wire.circle import GetGrants, GetMissing, GiveGrants


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
    assert stage.liar.writes == []

    stage.liar.answers.clear()
    good = (await nadia.session.call(GetGrants(stage.id, 0))).grants
    stage.lie_about_grants([granted(stage.denis, bytes(32)), *good])
    assert await read(nadia, stage.id) == ["un", "deux", "trois"], "a false one hides no good one"


async def bare_second_device(first: Client, folder: Path) -> Person:
    """Joined, and put away before it was granted anything."""

    async def nothing(*_: object) -> int:
        return 0

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
    (row,) = (await denis.session.call(GetMissing(circle.circle))).missing
    assert (row.account, row.device) == (nadia.account, phone.device)
    assert await denis.heal() == 1
    assert await read(client, circle.circle) == ["un"]
    cured = await client.circle(circle.circle)
    assert (cured.view.faults, cured.view.unfit) == ([], {})
    await cured.post("deux")
    assert await read(nadia, circle.circle) == ["un", "deux"]


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

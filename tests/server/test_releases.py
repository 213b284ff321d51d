"""What an escrow's session can do in a circle: let in whom a quorum approved, for a time; and be renewed, whatever breaks off."""

from dataclasses import replace
from typing import Any

import pytest
from escrowed import HOUR, Escrow, Night, night
from later import pass_by
from members import Circle, House, Person, now, refused

from relais.crypto import emergency, envelope, escrow, ledger
from relais.crypto.ledger import MemberRemove
from relais.models.refusal import Code
from relais.models.wire.circle import AppendEntry, EntryAppended, GetGrants, GetLedger
from relais.models.wire.emergency import (
    AnswerEmergency,
    EmergencyChanged,
    ListEmergencies,
    ListEscrows,
    WithdrawEmergency,
)
from relais.models.wire.note import GetNote

MINUTE = 60_000


async def state(person: Person, request: str) -> str:
    rows = (await person.on.call(ListEmergencies())).requests
    return next(row.state for row in rows if row.id == request)


async def denied(scene: Night, ask: object) -> None:
    await refused(scene.escrow.person.on.call(ask), Code.FORBIDDEN, "not-allowed")


async def test_the_escrow_lets_in_whom_a_quorum_approved(house: House) -> None:
    scene = await night(house)
    await scene.nadia.post(scene.circle, "avant")
    request = await scene.let_in()
    assert await state(scene.nadia, request) == "released"
    for person in (scene.nadia, scene.omar, *scene.guardians):
        told = await person.on.hear(EmergencyChanged, lambda one: one.state == "released")
        assert told.id == request
    assert len((await scene.omar.sync(scene.circle)).notes) == 1
    assert (await scene.omar.on.call(GetGrants(scene.circle.id, 0))).grants


async def test_it_reads_the_ledger_and_its_keys_and_no_note(house: House) -> None:
    scene = await night(house)
    sealed = scene.nadia.note(scene.circle)
    await scene.nadia.send(sealed)
    escrow_ = scene.escrow.person
    assert (await escrow_.on.call(GetLedger(scene.circle.id, 0))).entries
    assert (await escrow_.on.call(GetGrants(scene.circle.id, 0))).grants
    note = envelope.peek(sealed).header.note
    await denied(scene, GetNote(scene.circle.id, note))
    assert await scene.nadia.on.call(GetNote(scene.circle.id, note))


async def test_nobody_is_let_in_before_a_quorum_approved(house: House) -> None:
    scene = await night(house)
    ask = scene.escrow.letting_in(scene.circle, scene.omar)
    await denied(scene, ask)
    request = await scene.asked()
    await denied(scene, ask)
    await scene.escrow.answers(scene.guardians[0], request)
    await denied(scene, ask)
    await scene.escrow.answers(scene.guardians[1], request)
    await scene.escrow.person.on.call(ask)


async def test_a_guardian_who_takes_their_word_back_at_the_last_moment_is_heard(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await night(house)
    request = await scene.approved()
    releases = house.node.emergency.releases
    judged = releases.of

    async def late(*asked: Any) -> Any:
        found = await judged(*asked)
        await scene.escrow.answers(scene.guardians[0], request, approves=False)
        return found

    ask = scene.escrow.letting_in(scene.circle, scene.omar)
    with monkeypatch.context() as patched:
        patched.setattr(releases, "of", late)
        await refused(scene.escrow.person.on.call(ask), Code.CONFLICT)
    assert await state(scene.omar, request) == "open"
    await denied(scene, ask)
    await scene.escrow.answers(scene.guardians[2], request)
    await scene.escrow.person.on.call(ask)


@pytest.mark.parametrize("ended", ["withdrawn", "declined"])
async def test_nobody_is_let_in_by_a_request_that_ended(house: House, ended: str) -> None:
    scene = await night(house)
    request = await scene.approved()
    if ended == "withdrawn":
        await scene.omar.on.call(WithdrawEmergency(request))
    else:
        for guardian in scene.guardians[1:]:
            await scene.escrow.answers(guardian, request, approves=False)
    await denied(scene, scene.escrow.letting_in(scene.circle, scene.omar))
    await scene.approved()
    await scene.escrow.person.on.call(scene.escrow.letting_in(scene.circle, scene.omar))


async def test_nobody_else_is_let_in_nor_longer_nor_as_anything_else(house: House) -> None:
    scene = await night(house)
    other = await house.person("Olga")
    scene.escrow.person.meet(other)
    await scene.approved()

    def ask(who: Person, **more: object) -> object:
        return scene.escrow.letting_in(scene.circle, who, **more)

    await denied(scene, ask(other))
    await denied(scene, ask(scene.omar, until=now() + 13 * HOUR))
    await denied(scene, ask(scene.omar, until=None))
    await denied(scene, ask(scene.omar, role="carer"))
    await scene.escrow.person.on.call(ask(scene.omar, until=now() + 11 * HOUR))


async def test_an_entry_with_anything_besides_is_refused(house: House) -> None:
    scene = await night(house)
    await scene.approved()
    escrow_, circle = scene.escrow.person, scene.circle
    at = max(now(), circle.state.at)
    adding = escrow_.adding(scene.omar, since=at, until=at + HOUR)
    opening = escrow_.rotations(replace(circle, keys=dict(circle.keys)))
    for operations in ([adding, *opening], opening, [MemberRemove(scene.escrow.id)]):
        entry = escrow_.entry(circle.state, operations, at=at)
        await denied(scene, AppendEntry(circle.id, entry, (), None))
    await escrow_.on.call(scene.escrow.letting_in(circle, scene.omar))


async def test_nothing_but_their_keys_comes_with_the_entry(house: House) -> None:
    scene = await night(house)
    await scene.approved()
    ask = scene.escrow.letting_in(scene.circle, scene.omar)
    circle = replace(
        scene.circle, state=ledger.apply(scene.circle.state, ask.entry, scene.escrow.person.state)
    )
    profile = scene.escrow.person.seal_profile(circle)
    await denied(scene, replace(ask, profile=profile))
    theirs = scene.escrow.person.grants(circle, circle.keys, only={scene.nadia.id})
    await denied(scene, replace(ask, grants=(*ask.grants, *theirs)))
    await scene.escrow.person.on.call(ask)


async def test_one_request_lets_in_once_and_the_same_entry_again_is_the_same_answer(
    house: House,
) -> None:
    scene = await night(house)
    await scene.approved()
    ask = scene.escrow.letting_in(scene.circle, scene.omar)
    call = scene.escrow.person.on.call
    appended = await call(ask)
    assert isinstance(appended, EntryAppended)
    assert await call(ask) == appended
    scene.circle.state = ledger.apply(scene.circle.state, ask.entry, scene.escrow.person.state)
    scene.nadia.meet(scene.omar)
    await scene.nadia.remove(scene.circle, scene.omar)
    await denied(scene, scene.escrow.letting_in(scene.circle, scene.omar))


async def test_what_somebody_let_in_does_is_logged_as_emergency_access(house: House) -> None:
    scene = await night(house)
    other = await scene.omar_has_a_circle()
    request = await scene.let_in()
    await scene.omar.on.hear(EmergencyChanged, lambda one: one.state == "released")
    await scene.learnt()
    await scene.omar.sync(scene.circle)
    await scene.omar.sync(other)
    await scene.nadia.sync(scene.circle)
    logged = [one for one in await house.audit() if one["action"] == "circle.sync"]
    purposes = {(one["account"], one["circle"]): one["purpose"] for one in logged}
    assert purposes[scene.omar.id, scene.circle.id] == "BTG"
    assert purposes[scene.omar.id, other.id] == "TREAT"
    assert purposes[scene.nadia.id, scene.circle.id] == "TREAT"
    entries = [one for one in await house.audit() if one["subject"].get("request") == request]
    (released,) = [one for one in entries if one["action"] == "circle.append"]
    assert (released["account"], released["subject"]["member"]) == (
        scene.escrow.id,
        scene.omar.id,
    )


async def test_who_comes_back_over_http_is_logged_as_emergency_access_too(house: House) -> None:
    scene = await night(house)
    await scene.let_in()
    token = (await scene.omar.on.login()).token
    url = f"{house.node.origin}/blobs/{'0' * 64}?circle={scene.circle.id}"
    headers = {"Authorization": f"Bearer {token}"}
    async with scene.omar.on.http.get(url, headers=headers) as answer:
        assert answer.status == 404
    logged = [one for one in await house.audit() if one["action"] == "blob.read"]
    assert [(one["account"], one["purpose"]) for one in logged] == [(scene.omar.id, "BTG")]


async def test_access_ends_on_the_minute_and_is_no_emergency_then(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await night(house)
    await scene.approved()
    soon = now() + MINUTE
    ask = scene.escrow.letting_in(scene.circle, scene.omar, until=soon)
    await scene.escrow.person.on.call(ask)
    await scene.omar.sync(scene.circle)
    pass_by(monkeypatch, MINUTE)
    await refused(scene.omar.sync(scene.circle), Code.FORBIDDEN, "not-a-member")


@pytest.mark.parametrize("done", [0, 1, 2, 3])
async def test_wherever_a_renewal_breaks_off_a_quorum_lets_the_next_one_in(
    house: House, done: int
) -> None:
    scene = await night(house)
    await scene.let_in()
    session = scene.escrow.person.on
    before = replace(scene.escrow)
    for number, step in enumerate(await scene.escrow.renewal(house)):
        if number == done:
            break
        await session.call(step)
    escrow_ = scene.escrow if done >= 3 else before  # the oldest device in force has all keys
    await lets_in(scene, escrow_)


async def lets_in(scene: Night, made: Escrow) -> None:
    """Two guardians, by what the server tells them alone, let somebody else in."""
    house = scene.house
    other = await house.person("Prune")
    circle = await fresh(scene)
    request = (await other.on.call(made.request(other, circle))).id
    first, second = made.guardians[:2]
    rows = (await first.on.call(ListEscrows())).escrows
    statement = escrow.peek(next(row for row in rows if row.account == made.id).statement)
    assert statement.device == made.statement.device
    await first.on.call(AnswerEmergency(made.answer(first, request)))
    keys = await together(second, first, request, made.id)
    session = house.door(keys)
    await session.connect()
    acting = replace(made.person, on=session)
    acting.meet(scene.nadia, scene.omar, other, *made.guardians)
    await made.answers(second, request)
    await session.call(replace(made, person=acting).letting_in(circle, other))
    assert await state(other, request) == "released"


async def together(mine: Person, theirs: Person, request: str, account: str) -> escrow.DeviceKeys:
    """The escrow's key, of one's own share and the parts in another guardian's answer."""
    rows = (await mine.on.call(ListEscrows())).escrows
    row = next(one for one in rows if one.account == account)
    statement = escrow.peek(row.statement)
    (share,) = row.mine
    parts = dict(escrow.open_share(share.sealed, mine.keys, statement, guardian=mine.id))
    requests = (await mine.on.call(ListEmergencies())).requests
    for data in next(one for one in requests if one.id == request).answers:
        read = emergency.peek_answer(data)
        assert read.account == theirs.id
        parts |= emergency.open_parts(read, mine.keys, statement)
    return escrow.assemble(statement, parts)


async def fresh(scene: Night) -> Circle:
    """The circle as its ledger is by now."""
    entries = (await scene.nadia.on.call(GetLedger(scene.circle.id, 0))).entries
    known = {one.id: one.state for one in (scene.nadia, scene.omar, scene.escrow.person)}
    state = ledger.replay(entries, known.__getitem__)
    scene.circle.state = state
    return scene.circle


async def test_approvals_before_a_renewal_count_no_more_and_are_given_again(
    house: House,
) -> None:
    scene = await night(house)
    late = await house.person("Prune")
    waiting = (await late.on.call(scene.escrow.request(late, scene.circle))).id
    for guardian in scene.guardians[:2]:
        await scene.escrow.answers(guardian, waiting)
    assert await state(late, waiting) == "approved"
    old = scene.escrow.answer(scene.guardians[0], waiting)
    await scene.let_in()
    session = scene.escrow.person.on
    for step in await scene.escrow.renewal(house):
        await session.call(step)
    await session.cut_off()
    await late.on.hear(EmergencyChanged, lambda one: (one.id, one.state) == (waiting, "open"))
    first, second = scene.guardians[:2]
    assert await state(first, waiting) == "open"
    await refused(first.on.call(AnswerEmergency(old)), Code.CONFLICT, "wrong-device")
    await scene.escrow.answers(first, waiting)
    assert (await scene.escrow.answers(second, waiting)).state == "approved"


async def test_a_renewed_escrow_that_was_handed_no_key_gets_it_of_a_member(house: House) -> None:
    scene = await night(house)
    session = scene.escrow.person.on
    for step in await scene.escrow.renewal(house):
        await session.call(step)
    await scene.escrow.person.on.connect()
    call = scene.escrow.person.on.call
    assert (await call(GetGrants(scene.circle.id, 0))).grants == ()
    scene.nadia.meet(scene.escrow.person)
    await scene.nadia.change(scene.circle, scene.nadia.rotations(scene.circle))
    assert (await call(GetGrants(scene.circle.id, 0))).grants

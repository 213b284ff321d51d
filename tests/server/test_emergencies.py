"""Emergency access: who may ask, who answers, what follows, and who hears of it."""

from dataclasses import replace

import pytest
from escrowed import HOUR, Night, escrowed, night
from later import pass_by
from members import House, Person, new_keys, now, refused

from relais.crypto import emergency, escrow
from relais.crypto.ledger import Close, MemberRemove
from relais.models.refusal import Code
from relais.models.store.emergency import OPEN, EmergencyRow
from relais.models.wire.emergency import (
    AnswerEmergency,
    EmergencyChanged,
    ListEmergencies,
    LookEmergency,
    SealedFor,
    WithdrawEmergency,
)
from relais.models.wire.emergency import (
    EmergencyRow as ListedRow,
)
from relais.server import emergencies
from relais.server.emergency_state import PATIENCE_MS, state_of

MINUTE = 60_000


async def listed(person: Person, request: str) -> ListedRow | None:
    rows = (await person.on.call(ListEmergencies())).requests
    return next((row for row in rows if row.id == request), None)


async def state(person: Person, request: str) -> str:
    row = await listed(person, request)
    assert row is not None
    return row.state


async def test_whoever_holds_the_card_finds_the_escrow_and_learns_nothing_else(
    house: House,
) -> None:
    scene = await night(house)
    looked = await scene.omar.on.call(LookEmergency(scene.circle.id))
    assert (looked.escrow, looked.open) == (scene.escrow.id, None)
    assert looked.statement == scene.escrow.statement.signed.raw
    request = await scene.asked()
    assert (await scene.omar.on.call(LookEmergency(scene.circle.id))).open == request
    assert (await scene.nadia.on.call(LookEmergency(scene.circle.id))).open is None


async def test_a_circle_without_an_escrow_and_no_circle_have_the_same_answer(
    house: House,
) -> None:
    scene = await night(house)
    plain = await scene.nadia.open_circle()
    answers = [
        await scene.omar.on.raw("emergency.look", {"circle": circle})
        for circle in (plain.id, "0" * 64)
    ]
    assert answers == [{"error": {"code": "not_found"}}] * 2
    await scene.omar.on.call(LookEmergency(scene.circle.id))


async def test_looks_are_rationed_as_logins_are(build: object) -> None:
    async with build(login_burst=60, logins_per_minute=1) as house:  # type: ignore[operator]
        omar = await house.person("Omar")
        answers = [
            (await omar.on.raw("emergency.look", {"circle": "0" * 64}))["error"]["code"]
            for _ in range(8)
        ]
    assert answers[0] == "not_found"
    assert answers[-1] == "rate_limited"


@pytest.mark.parametrize("roles", [("carer",), ("auditor",), ("administrator",), ("bot",)])
async def test_only_who_cares_by_profession_asks(house: House, roles: tuple[str, ...]) -> None:
    scene = await night(house)
    other = await house.person("Other", *roles)
    ask = scene.escrow.request(other, scene.circle)
    await refused(other.on.call(LookEmergency(scene.circle.id)), Code.FORBIDDEN, "not-allowed")
    await refused(other.on.call(ask), Code.FORBIDDEN, "not-allowed")
    await scene.asked()


async def test_a_request_is_told_to_guardians_members_and_requester(house: House) -> None:
    scene = await night(house)
    request = await scene.asked()
    wanted = EmergencyChanged(request, scene.circle.id, "open")
    for person in (scene.nadia, scene.omar, *scene.guardians):
        assert await person.on.hear(EmergencyChanged, lambda one: one.id == request) == wanted
    outsider = await house.person("Olga")
    assert await listed(outsider, request) is None
    for person in (scene.nadia, scene.omar, *scene.guardians):
        assert await state(person, request) == "open"


async def test_the_words_are_told_to_the_devices_they_were_sealed_to(house: House) -> None:
    scene = await night(house)
    request = await scene.asked()
    for guardian in scene.guardians:
        row = await listed(guardian, request)
        assert row is not None
        (sealed,) = row.explained
        read = emergency.peek(row.request)
        assert emergency.open_words(sealed.sealed, guardian.keys, read).startswith("Patient")
    row = await listed(scene.nadia, request)
    assert row is not None
    assert row.explained == ()


async def test_one_request_at_a_time_and_the_same_one_again_has_the_same_answer(
    house: House,
) -> None:
    scene = await night(house)
    ask = scene.escrow.request(scene.omar, scene.circle)
    made = await scene.omar.on.call(ask)
    assert await scene.omar.on.call(ask) == made
    again = scene.escrow.request(scene.omar, scene.circle)
    await refused(scene.omar.on.call(again), Code.CONFLICT)
    await scene.omar.on.call(WithdrawEmergency(made.id))
    await scene.omar.on.call(again)


async def test_who_is_in_the_circle_needs_nobody(house: House) -> None:
    scene = await night(house)
    ask = scene.escrow.request(scene.nadia, scene.circle)
    await refused(scene.nadia.on.call(ask), Code.FORBIDDEN, "already-a-member")
    await scene.asked()


async def test_a_request_that_does_not_hold_is_refused(house: House) -> None:
    scene = await night(house)
    escrow_, omar, circle = scene.escrow, scene.omar, scene.circle
    call, forged = omar.on.call, escrow_.request(scene.nadia, circle)
    await refused(call(forged), Code.FORBIDDEN, "wrong-device")
    head = {"account_head": scene.nadia.state.head}
    await refused(call(escrow_.request(omar, circle, **head)), Code.FORBIDDEN, "wrong-account")
    past = {"at": now() - 2 * HOUR, "until": now() - HOUR}
    await refused(call(escrow_.request(omar, circle, **past)), Code.MALFORMED, "bad-period")
    ahead = {"at": now() + 2 * HOUR, "until": now() + 3 * HOUR}
    await refused(call(escrow_.request(omar, circle, **ahead)), Code.MALFORMED, "time-ahead")
    other = await escrowed(house, *scene.guardians)
    await refused(call(other.request(omar, circle)), Code.NOT_FOUND)
    good = escrow_.request(omar, circle)
    stranger = (*good.explained, SealedFor(new_keys().id, b"x"))
    await refused(call(replace(good, explained=stranger)), Code.FORBIDDEN, "wrong-device")
    await call(good)


async def test_nobody_asks_for_a_circle_that_the_escrow_left_or_that_is_closed(
    house: House,
) -> None:
    scene, closing = await night(house), await night(house)
    gone = [MemberRemove(scene.escrow.id), *scene.nadia.rotations(scene.circle)]
    await scene.nadia.change(scene.circle, gone)
    await closing.nadia.change(closing.circle, [Close()])
    for one in (scene, closing):
        ask = one.escrow.request(one.omar, one.circle)
        await refused(one.omar.on.call(ask), Code.NOT_FOUND)


async def test_a_quorum_of_approvals_approves(house: House) -> None:
    scene = await night(house)
    request = await scene.asked()
    first, second, third = scene.guardians
    assert (await scene.escrow.answers(first, request)).state == "open"
    assert (await scene.escrow.answers(first, request)).state == "open", "one guardian twice is one"
    assert (await scene.escrow.answers(second, request)).state == "approved"
    assert (await scene.escrow.answers(third, request, approves=False)).state == "approved"
    heard = await scene.nadia.on.hear(EmergencyChanged, lambda one: one.state == "approved")
    assert heard.id == request
    row = await listed(third, request)
    assert row is not None
    assert (row.state, len(row.answers)) == ("approved", 3)
    assert row.statement == scene.escrow.statement.signed.raw


async def test_two_answers_hold_the_parts_that_the_third_device_needs(house: House) -> None:
    scene = await night(house)
    request = await scene.approved()
    third = scene.guardians[2]
    row = await listed(third, request)
    assert row is not None
    parts: dict[int, bytes] = {}
    for data in row.answers:
        read = emergency.peek_answer(data)
        parts |= emergency.open_parts(read, third.keys, scene.escrow.statement)
    keys = escrow.assemble(scene.escrow.statement, parts)
    assert keys.id == scene.escrow.statement.device


async def test_so_many_decline_that_no_quorum_is_left(house: House) -> None:
    scene = await night(house)
    request = await scene.asked()
    first, second, third = scene.guardians
    assert (await scene.escrow.answers(first, request, approves=False)).state == "open"
    assert (await scene.escrow.answers(second, request, approves=False)).state == "declined"
    refusal = await refused(scene.escrow.answers(third, request), Code.CONFLICT)
    assert refusal.facts["state"] == "declined"
    assert await scene.asked() != request, "who was declined can ask again"


async def test_a_guardian_thinks_again_as_long_as_nobody_was_let_in(house: House) -> None:
    scene = await night(house)
    request = await scene.approved()
    first = scene.guardians[0]
    assert (await scene.escrow.answers(first, request, approves=False)).state == "open"
    assert (await scene.escrow.answers(first, request)).state == "approved"


async def test_an_answer_that_does_not_hold_is_refused(house: House) -> None:
    scene = await night(house)
    request = await scene.asked()
    first, second = scene.guardians[:2]
    made, call = scene.escrow, first.on.call

    async def refused_as(code: Code, reason: str | None, answer: bytes) -> None:
        await refused(call(AnswerEmergency(answer)), code, reason)

    forged = made.answer(second, request)
    await refused_as(Code.FORBIDDEN, "wrong-device", forged)
    named = made.answer(first, request, account=second.id)
    await refused_as(Code.FORBIDDEN, "wrong-account", named)
    await refused_as(Code.NOT_FOUND, None, made.answer(first, "0" * 64))
    ahead = made.answer(first, request, at=now() + HOUR)
    await refused_as(Code.MALFORMED, "time-ahead", ahead)
    other = made.answer(first, request, escrow_device=new_keys().id)
    await refused_as(Code.CONFLICT, "wrong-device", other)
    stray = made.answer(first, request, parts={new_keys().id: b"x"})
    await refused_as(Code.FORBIDDEN, "wrong-device", stray)
    empty = made.answer(first, request, parts={})
    await refused_as(Code.MALFORMED, "wrong-share", empty)
    approval = made.answer(first, request)
    flipped = approval[:-1] + bytes([approval[-1] ^ 1])
    await refused_as(Code.FORBIDDEN, "bad-signature", flipped)
    await refused(scene.omar.on.call(AnswerEmergency(approval)), Code.NOT_FOUND)
    await call(AnswerEmergency(approval))


async def test_an_approval_of_one_request_answers_no_other(house: House) -> None:
    scene = await night(house)
    request = await scene.asked()
    first = scene.guardians[0]
    approval = scene.escrow.answer(first, request)
    await first.on.call(AnswerEmergency(approval))
    await scene.omar.on.call(WithdrawEmergency(request))
    later = await scene.asked()
    answered = await first.on.call(AnswerEmergency(approval))
    assert (answered.id, answered.state) == (request, "withdrawn"), "it is about the first still"
    assert await state(first, later) == "open"
    row = await listed(first, later)
    assert row is not None
    assert row.answers == ()


async def test_of_very_many_requests_the_newest_are_listed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await night(house)
    asked = []
    for _ in range(3):
        asked.append(await scene.asked())
        await scene.omar.on.call(WithdrawEmergency(asked[-1]))
    monkeypatch.setattr(emergencies, "MOST_LISTED", 2)
    for person in (scene.omar, scene.nadia, scene.guardians[0]):
        rows = (await person.on.call(ListEmergencies())).requests
        assert [row.id for row in rows] == [asked[2], asked[1]]


async def test_the_requester_alone_withdraws(house: House) -> None:
    scene = await night(house)
    request = await scene.asked()
    await refused(scene.nadia.on.call(WithdrawEmergency(request)), Code.NOT_FOUND)
    for _ in range(2):
        withdrawn = await scene.omar.on.call(WithdrawEmergency(request))
        assert withdrawn.state == "withdrawn"
    await refused(scene.escrow.answers(scene.guardians[0], request), Code.CONFLICT)
    assert await state(scene.nadia, request) == "withdrawn"


async def test_every_step_is_an_entry_of_the_log(house: House) -> None:
    scene = await night(house)
    await scene.omar.on.call(LookEmergency(scene.circle.id))
    request = await scene.approved()
    await scene.omar.on.call(WithdrawEmergency(request))
    logged = [entry for entry in await house.audit() if entry["subject"].get("request") == request]
    said = sorted((entry["action"], entry["subject"].get("state")) for entry in logged)
    assert said == [
        ("emergency.answer", "approved"),
        ("emergency.answer", "open"),
        ("emergency.request", None),
        ("emergency.withdraw", None),
    ]
    assert {entry["circle"] for entry in logged} == {scene.circle.id}
    assert not any("Patient" in str(entry) for entry in logged)


async def test_an_open_request_expires_once_and_everybody_hears(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await night(house)
    soon = now() + MINUTE
    ask = scene.escrow.request(scene.omar, scene.circle, until=soon)
    request = (await scene.omar.on.call(ask)).id
    releases = house.node.emergency.releases
    pass_by(monkeypatch, MINUTE)
    await releases.sweep()
    await releases.sweep()
    for person in (scene.nadia, scene.omar, scene.guardians[0]):
        await person.on.hear(EmergencyChanged, lambda one: one.state == "expired")
    expired = [
        entry
        for entry in await house.audit()
        if entry["action"] == "emergency.expire" and entry["subject"]["request"] == request
    ]
    assert len(expired) == 1
    await refused(scene.escrow.answers(scene.guardians[0], request), Code.CONFLICT)


async def asked_long_ago(scene: Night) -> EmergencyRow:
    request = await scene.asked()
    store = scene.house.node.emergency.releases._parts.store
    row = await store.row(request)
    assert row is not None
    return row


async def test_a_request_is_what_its_answers_and_the_time_make_of_it(house: House) -> None:
    scene = await night(house)
    row, statement = await asked_long_ago(scene), scene.escrow.statement
    row = replace(row, until=row.at + 2 * PATIENCE_MS)
    assert state_of(row, statement, row.at + PATIENCE_MS - 1) == OPEN
    assert state_of(row, statement, row.at + PATIENCE_MS) == "expired"
    await scene.escrow.answers(scene.guardians[0], row.id)
    await scene.escrow.answers(scene.guardians[1], row.id)
    stored = await house.node.emergency.releases._parts.store.row(row.id)
    assert stored is not None
    approved = replace(stored, until=row.until)
    assert state_of(approved, statement, row.at + PATIENCE_MS) == "approved"
    assert state_of(approved, statement, row.until - 1) == "approved"
    assert state_of(approved, statement, row.until) == "expired"
    assert state_of(replace(approved, state="withdrawn"), statement, 0) == "withdrawn"

"""Emergency access at the mercy of the relay, and of a guardian: forged, replayed and swapped things are refused by name."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from forged import resigned
from guarded import BEFORE, WHY, Guarded, guarded, texts
from lied_to import refused
from lying_relay import LyingRelay
from people import Town

from relais.client import emergency, escrow, guarding, release
from relais.client.emergency_card import Card
from relais.client.errors import GuardiansMissing
from relais.client.sdk import Client
from relais.crypto import cose
from relais.crypto import emergency as signed
from relais.crypto import escrow as sharing
from relais.crypto.device import DeviceKeys
from relais.models.wire.emergency import AnswerEmergency, RequestEmergency, SealedFor

STRANGER = DeviceKeys.from_random(bytes(range(64)))


@dataclass
class Stage:
    """The last guardian and Olga are lied to; everybody else is not."""

    there: Guarded
    liar: LyingRelay
    guardian: Client
    olga: Client

    def lie(self, event: str, rows: str, **changes: Any) -> None:
        """Tell every row with these fields changed; a function is told the row."""

        def told(_: Any, ok: Any) -> Any:
            for row in ok[rows]:
                row.update({k: v(row) if callable(v) else v for k, v in changes.items()})
            return ok

        self.liar.answers[event] = told

    def lie_about_requests(self, **changes: Any) -> None:
        self.lie("emergency.list", "requests", **changes)

    def sent(self, event: str) -> list[Any]:
        return [request for name, request in self.liar.forwarded if name == event]


@pytest.fixture
async def stage(town: Town) -> AsyncIterator[Stage]:
    async with LyingRelay(town.relay.origin) as liar:
        there = await guarded(town)
        people = (liar.catch(there.people[-1]), liar.catch(there.outside))
        guardian, olga = [await town.connect(person) for person in people]
        yield Stage(there, liar, guardian, olga)
        await town.disconnect()


async def test_another_escrow_or_other_guardians_than_the_cards_are_told_no_words(
    stage: Stage,
) -> None:
    there, card = stage.there, Card(stage.there.circle.circle, stage.there.escrow.account)
    for reason, change in (
        ("wrong-account", {"escrow": there.nadia.account}),
        (
            "bad-signature",
            {"statement": lambda ok: resigned(ok["statement"], STRANGER, cose.ESCROW)},
        ),
        (
            "bad-signature",
            {
                "statement": lambda ok: resigned(
                    ok["statement"], STRANGER, cose.ESCROW, kid=there.escrow.statement.device
                )
            },
        ),
        ("wrong-device", {"statement": lambda ok: _own_guardians(there, ok["statement"])}),
    ):

        def told(_: Any, ok: Any, change: Any = change) -> Any:
            return {**ok, **{k: v(ok) if callable(v) else v for k, v in change.items()}}

        stage.liar.answers["emergency.look"] = told
        await refused(reason, there.ask(stage.olga, card=card))
    assert stage.sent("emergency.request") == []
    stage.liar.answers.clear()
    await there.ask(stage.olga, card=card)


def _own_guardians(there: Guarded, statement: bytes) -> bytes:
    """As a server would like them: of a device of its own."""
    seed = secrets.token_bytes(32)
    return sharing.write(
        sharing.keys_of(seed),
        account=there.escrow.account,
        quorum=2,
        guardians=sorted(("a" * 64, "b" * 64)),
        parts=sharing.split(seed, [secrets.token_bytes(32)]),
        at=sharing.peek(statement).at,
    )


async def test_a_forged_request_is_refused_by_whoever_is_asked(stage: Stage) -> None:
    there, session = stage.there, stage.guardian.session
    id_ = await there.ask()
    honest = await emergency.found(there.guardians[0].session, id_)
    device, raw = honest.request.device, honest.request.signed.raw
    longer = _request(honest, STRANGER, until=honest.request.until + 1)
    for reason, forged in (
        ("bad-signature", resigned(raw, STRANGER, cose.EMERGENCY)),
        ("bad-signature", resigned(raw, STRANGER, cose.EMERGENCY, kid=device)),
        ("not-a-device", longer),
        ("wrong-account", _request(honest, STRANGER, account=there.nadia.account)),
    ):
        stage.lie_about_requests(request=forged, id=cose.digest(forged))
        assert await emergency.listed(session) == []
        assert reason in kinds_of(stage.guardian)
        await refused(reason, release.approve(session, cose.digest(forged)))
    stage.lie_about_requests(request=longer)
    await refused("wrong-request", release.approve(session, id_))
    assert stage.sent("emergency.answer") == []
    stage.liar.answers.clear()
    assert (await release.approve(session, id_)).waits_for == 1


async def test_other_words_than_those_of_the_request_are_shown_to_nobody(stage: Stage) -> None:
    there, session = stage.there, stage.guardian.session
    id_ = await there.ask()
    honest = await emergency.found(session, id_)
    stage.lie_about_requests(explained=lambda _: _words_to(stage, honest, b"autre chose"))
    assert (honest.words, (await emergency.found(session, id_)).words) == (WHY, None)
    assert "wrong-words" in kinds_of(stage.guardian)


async def test_words_that_open_nowhere_keep_guardians_from_no_other_request(stage: Stage) -> None:
    there, guardian = stage.there, stage.guardian
    id_ = await there.ask()
    paul = await there.town.newcomer("Paul")
    await paul.session.accounts.load([paul.account])
    asked = _request(
        await emergency.found(guardian.session, id_),
        paul.session.identity.keys,
        account=paul.account,
        account_head=paul.session.accounts[paul.account].head,
    )
    words = tuple(SealedFor(one.device, bytes(80)) for one in there.guardians)
    await paul.session.call(RequestEmergency(asked, words))
    known = {one.id: one.words for one in await emergency.listed(guardian.session)}
    assert known == {id_: WHY, cose.digest(asked): None}
    assert "cannot-open" in kinds_of(guardian)
    assert (await release.approve(guardian.session, id_)).waits_for == 1


def kinds_of(client: Client) -> set[str]:
    """What a client has raised the alarm about."""
    return {alarm.kind for alarm in client.session.alarms.raised()}


def _request(honest: emergency.Emergency, keys: DeviceKeys, **changes: Any) -> bytes:
    """The request, changed, as a device of the server's would sign it."""
    request = honest.request
    fields = {
        name: getattr(request, name)
        for name in ("escrow", "circle", "account", "account_head", "at", "until", "reason")
    }
    return signed.write(keys, explained=request.explained, **{**fields, **changes})


def _words_to(stage: Stage, honest: emergency.Emergency, words: bytes) -> list[dict[str, Any]]:
    plaintext = signed.explain(words.decode(), bytes(signed.SALT_SIZE))
    device = stage.guardian.session.identity.public()
    request = honest.request
    sealed = signed.seal_words(plaintext, device, circle=request.circle, requester=request.device)
    return [{"device": device.id, "sealed": sealed}]


async def test_a_forged_approval_or_one_of_another_request_counts_for_nothing(
    stage: Stage,
) -> None:
    there, session = stage.there, stage.guardian.session
    other = await there.another_circle()
    paul = await there.town.newcomer("Paul")
    elsewhere = await there.ask(paul, card=there.card_of(other))
    await release.approve(there.guardians[0].session, elsewhere)
    (approval,) = (await emergency.found(session, elsewhere)).answers
    id_ = await there.ask()
    raw, device = approval.signed.raw, approval.device
    own = signed.write_answer(
        paul.session.identity.keys,
        request=id_,
        account=paul.account,
        escrow_device=there.escrow.statement.device,
        parts={paul.device: b"x"},
        at=paul.session.clock.now(),
    )
    for reason, false in (
        ("wrong-request", raw),
        ("bad-signature", resigned(raw, STRANGER, cose.ANSWER)),
        ("bad-signature", _again(raw, id_, kid=device)),
        ("not-a-guardian", own),
    ):

        def told(_: Any, ok: Any, false: bytes = false) -> Any:
            rows = [row for row in ok["requests"] if row["id"] == id_]
            for row in rows:
                row.update(answers=[false], state="approved")
            return {"requests": rows}

        stage.liar.answers["emergency.list"] = told
        await refused(reason, release.approve(session, id_))
    assert stage.sent("emergency.answer") == []

    stage.lie_about_requests(state="approved")
    await refused("have to approve again", release.approve(session, id_))
    assert stage.liar.writes == [], "nobody acted as the escrow"


def _again(raw: bytes, id_: str, *, kid: str) -> bytes:
    """The approval of another request as one of this request, by whoever has not the guardian's key."""
    answer = signed.peek_answer(raw)
    forged = signed.write_answer(
        STRANGER,
        request=id_,
        account=answer.account,
        escrow_device=answer.escrow_device,
        parts=answer.parts,
        at=answer.at,
    )
    return forged if kid == "" else resigned(forged, STRANGER, cose.ANSWER, kid=kid)


async def test_a_wrong_share_is_refused_and_nothing_is_answered_with_it(stage: Stage) -> None:
    there, session = stage.there, stage.guardian.session
    id_ = await there.ask()
    mine = await escrow.found(session, there.escrow.account)
    held = mine.statement.held(stage.guardian.account)
    public = session.identity.public()
    wrong = sharing.seal_share(public, [bytes(32) for _ in held], mine.statement)
    few = sharing.seal_share(public, [], mine.statement)
    theirs = next(
        iter((await escrow.found(there.guardians[0].session, mine.account)).mine.values())
    )
    for reason, sealed in (("wrong-share", wrong), ("wrong-share", few), ("cannot-open", theirs)):
        stage.lie(
            "escrow.list",
            "escrows",
            mine=lambda _, sealed=sealed: [{"device": public.id, "sealed": sealed}],
        )
        await refused(reason, release.approve(session, id_))
    assert stage.sent("emergency.answer") == []
    stage.liar.answers.clear()
    assert (await release.approve(session, id_)).waits_for == 1


async def test_a_guardian_who_gives_wrong_parts_keeps_nobody_out_while_a_quorum_gives_true_ones(
    stage: Stage,
) -> None:
    there = stage.there
    hostile, second, third = there.guardians
    id_ = await there.ask()
    one = await emergency.found(hostile.session, id_)
    held = one.escrow.statement.held(hostile.account)
    false = {
        device.id: signed.seal_parts(
            hostile.session.identity.keys, device, [bytes(32) for _ in held], request=id_
        )
        for other in (second, third)
        for device in guarding.devices_of(hostile.session, other.account)
    }
    answer = signed.write_answer(
        hostile.session.identity.keys,
        request=id_,
        account=hostile.account,
        escrow_device=one.escrow.statement.device,
        parts=false,
        at=hostile.session.clock.now(),
    )
    await hostile.session.call(AnswerEmergency(answer))
    with pytest.raises(GuardiansMissing):
        await release.approve(second.session, id_)
    assert (await release.approve(third.session, id_)).acted
    assert await texts(there.olga, there.circle.circle) == [BEFORE]

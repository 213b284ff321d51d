"""Whatever is wrong with a message, it is refused by name, stores nothing, and the socket goes on (property tests)."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scene import RawSocket, Scene, kit_statement

from relais.client import membership
from relais.client.patient import profile_of
from relais.client.sdk import Patient
from relais.models import wire
from relais.models.refusal import Refusal
from relais.models.wire import account, alarm, audit, auth, circle, emergency, heads, note, watch
from relais.models.wire.codec import decode, encode

pytestmark = pytest.mark.usefixtures("unharmed")
PROPERTY = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=80)
    | st.binary(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def good(scene: Scene) -> dict[type, Any]:
    """One good request of each kind that Denis, or whoever may, could send."""
    denis, nadia, one = scene.clients["Denis"], scene.clients["Nadia"], scene.circle.circle
    odette = profile_of(Patient("Odette", "F", "1938-04-17", "Saulieu"))
    post = scene.would_send("Denis", note.PostNote, scene.theirs.post("bonne note"))
    mark = scene.would_send("Denis", note.PostReceipts, scene.theirs.acknowledge(scene.second.note))
    create = scene.would_send(
        "Denis", circle.CreateCircle, membership.create(denis.session, odette)
    )
    append = scene.would_send(
        "Nadia", circle.AppendEntry, scene.circle.remove(scene.clients["Labo"].account)
    )
    statement = scene.run(kit_statement(denis))
    requests = [
        auth.AskChallenge(denis.device),
        auth.AskToken(b"\x00"),
        account.GetAccounts((nadia.account,)),
        account.AppendStatement(statement),
        account.SearchDirectory("nadia", 10),
        account.ListDevices(),
        account.OfferDevice("0" * 32),
        account.ApproveDevice("0" * 32, statement, bytes(32)),
        account.Invite(("professional",), "Sud", 7),
        account.ListAccounts(0, 10),
        create,
        append,
        circle.ListCircles(False),
        circle.GetLedger(one, 0),
        circle.GetGrants(one, 0),
        circle.GiveGrants(one, append.grants or create.grants),
        circle.GetMissing(one),
        post,
        note.SyncCircle(one, 0, 50),
        note.PageCircle(one, 0, 50),
        note.GetNote(one, scene.first.note),
        mark,
        note.SyncReceipts(one, 0, 50),
        note.GetReceipts(one, scene.first.note),
        audit.SearchAudit(None, one, None, None, None, None, None, 0, 10),
        audit.ProveEntry(0),
        audit.ProveConsistency(1),
        audit.CircleAccesses(one, 0, 10),
        audit.NoteAccesses(one, scene.first.note, ()),
        heads.ProveHeads((heads.LedgerFrom(one, 0),), 0),
        note.DiscloseNote(one, scene.first.note, 1, False),
        circle.AskHelp(one),
        circle.ReportGrants(one, ("0" * 64,)),
        alarm.ReportAlarm("fork", one, nadia.account, "0" * 64, 3),
        *emergencies(one),
        *watching(denis.account),
    ]
    assert {type(request) for request in requests} == set(wire.REQUESTS)
    return {type(request): request for request in requests}


def emergencies(one: str) -> list[Any]:
    """What a guardian, or whoever asks to be let in, says of it."""
    sealed = (emergency.SealedFor("0" * 32, b"\x00"),)
    return [
        emergency.ShareEscrow(b"\x00", None, sealed),
        emergency.ReshareEscrow("0" * 64, "0" * 32, sealed),
        emergency.ListEscrows(),
        emergency.LookEmergency(one),
        emergency.RequestEmergency(b"\x00", sealed),
        emergency.ListEmergencies(),
        emergency.AnswerEmergency(b"\x00"),
        emergency.WithdrawEmergency("0" * 64),
    ]


def watching(somebody: str) -> list[Any]:
    """What an auditor, or an administrator, asks of the rules and of what they found."""
    rules = ("refusals",), "Europe/Paris", 30, (watch.OpeningHours("Sud", 1, 5, 8, 19),)
    return [
        watch.ListFindings(True, somebody, 0, 10),
        watch.ReviewFinding("refusals", 0, "expected"),
        watch.ViewEntry(0),
        watch.TellVerified(1, bytes(32), 1, None),
        watch.CountAudit(somebody, None, None, None, None, None, None),
        watch.CountHours(somebody, "2026-03"),
        watch.GetRules(),
        watch.SetRules(watch.Rules(0, *rules, 5, 10, 15, 5, 10, 72)),
    ]


def breaks(kind: type, value: Any) -> str | None:
    """The field the contract itself refuses, None if it would let the message through."""
    try:
        decode(kind, value)
    except Refusal as refusal:
        return str(refusal.facts["field"])
    return None


KINDS = st.sampled_from(sorted(wire.REQUESTS, key=lambda kind: kind.__name__))


@PROPERTY
@given(kind=KINDS, data=st.data())
def test_a_field_of_another_kind_is_refused_by_its_name(
    scene: Scene, good: dict[type, Any], kind: Any, data: st.DataObject
) -> None:
    message = encode(good[kind])
    assume(message)
    field = data.draw(st.sampled_from(sorted(message)))
    message[field] = data.draw(VALUES)
    broken = breaks(kind, message)
    assume(broken)

    assert scene.refused("Denis", kind.EVENT, message) == {"code": "malformed", "field": broken}


@PROPERTY
@given(kind=KINDS, data=st.data())
def test_a_missing_or_unknown_field_is_refused_by_its_name(
    scene: Scene, good: dict[type, Any], kind: Any, data: st.DataObject
) -> None:
    message = encode(good[kind])
    gone = data.draw(st.sets(st.sampled_from(sorted(message)))) if message else set()
    added = data.draw(st.dictionaries(st.text(max_size=12), VALUES, max_size=2))
    changed = {key: value for key, value in message.items() if key not in gone} | added
    broken = breaks(kind, changed)
    assume(broken)

    error = scene.refused("Denis", kind.EVENT, changed)
    assert error == {"code": "malformed", "field": broken}


@PROPERTY
@given(kind=KINDS, arguments=st.lists(VALUES, max_size=3))
def test_anything_but_one_map_is_refused(scene: Scene, kind: Any, arguments: list[Any]) -> None:
    assume(len(arguments) != 1 or breaks(kind, arguments[0]))
    assert scene.refused("Denis", kind.EVENT, *arguments)["code"] == "malformed"


@PROPERTY
@given(event=st.text(min_size=1, max_size=60), argument=VALUES)
def test_an_unknown_event_is_refused_and_answered(scene: Scene, event: str, argument: Any) -> None:
    assume(event not in {kind.EVENT for kind in wire.REQUESTS})  # type: ignore[attr-defined]
    assume(event not in ("connect", "disconnect", "connect_error"))

    answer = scene.run(scene.raw["Denis"].ask(event, argument))

    assert answer == {"error": {"code": "malformed", "field": "event"}}
    scene.told.refusals["event.unknown", "malformed", scene.people["Denis"].device] += 1


@PROPERTY
@given(data=st.data())
def test_one_flipped_byte_anywhere_in_what_was_signed_is_refused(
    scene: Scene, good: dict[type, Any], data: st.DataObject
) -> None:
    kind, field, who = data.draw(
        st.sampled_from(
            [
                (note.PostNote, "envelope", "Denis"),
                (note.PostReceipts, "receipts", "Denis"),
                (circle.CreateCircle, "entry", "Denis"),
                (circle.CreateCircle, "grants", "Denis"),
                (circle.CreateCircle, "profile", "Denis"),
                (circle.AppendEntry, "entry", "Nadia"),
                (account.AppendStatement, "statement", "Denis"),
            ]
        )
    )
    message = encode(good[kind])
    whole = message[field]
    signed: bytes = whole[0] if isinstance(whole, list) else whole
    place, flip = data.draw(st.integers(0, len(signed) - 1)), data.draw(st.integers(1, 255))
    bad = signed[:place] + bytes([signed[place] ^ flip]) + signed[place + 1 :]
    message[field] = [bad, *whole[1:]] if isinstance(whole, list) else bad

    error = scene.refused(who, kind.EVENT, message)
    assert error["code"] in ("malformed", "forbidden", "conflict", "not_found", "too_large")
    assert error.get("reason") or error["code"] == "not_found"


@PROPERTY
@given(kind=KINDS, data=st.data())
def test_a_signed_thing_that_is_only_noise_is_refused(
    scene: Scene, good: dict[type, Any], kind: Any, data: st.DataObject
) -> None:
    message = encode(good[kind])
    fields = [key for key, value in message.items() if isinstance(value, bytes)]
    assume(fields and kind is not auth.AskToken)
    field = data.draw(st.sampled_from(fields))
    message[field] = data.draw(st.binary(min_size=1, max_size=400))
    assume(breaks(kind, message) is None)

    assert scene.refused("Denis", kind.EVENT, message)["code"] in (
        *("malformed", "forbidden", "not_found", "conflict"),
    )


@PROPERTY
@given(frame=st.binary(min_size=1, max_size=400) | st.text(min_size=1, max_size=80))
def test_a_frame_that_is_no_packet_harms_nobody_else(scene: Scene, frame: bytes | str) -> None:
    """Whoever sends it may lose the socket; the others, and the next one, do not."""
    scene.told.unheard.add(("event.unknown", "malformed", scene.people["Denis"].device))

    async def send() -> dict[str, Any]:
        token = scene.clients["Denis"].session.token
        raw = await RawSocket().connect(scene.relay.origin, token)
        try:
            await raw.frame(frame)
            return await scene.raw["Nadia"].ask("circle.list", {"closed": False})
        finally:
            await raw.close()

    assert "ok" in scene.run(send())


@PROPERTY
@given(kind=st.sampled_from(list(wire.EXCHANGES)), body=st.binary(max_size=300) | st.text())
def test_an_http_body_that_is_none_is_refused(scene: Scene, kind: Any, body: bytes | str) -> None:
    status, answer = scene.post(kind.PATH, body.encode() if isinstance(body, str) else body)
    assert (status, answer["error"]["code"]) == (400, "malformed")


@PROPERTY
@given(kind=st.sampled_from(list(wire.EXCHANGES)), data=st.data())
def test_an_http_body_of_another_shape_is_refused_by_the_field(
    scene: Scene, kind: Any, data: st.DataObject
) -> None:
    plain = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=40),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=4,
    )
    names = st.sampled_from([*encode_fields(kind), "more"])
    value = data.draw(st.dictionaries(names, plain, max_size=4))
    try:
        decode(kind, value, json=True)
    except Refusal as refusal:
        field = refusal.facts["field"]
    else:
        assume(False)
        raise AssertionError
    status, answer = scene.post(kind.PATH, json.dumps(value).encode())
    assert (status, answer) == (400, {"error": {"code": "malformed", "field": field}})


def encode_fields(kind: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]

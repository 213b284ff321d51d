"""Notes that are well-formed and wrong: another's circle, an old epoch, a replay, a forged signature, another's device."""

import time
from typing import Any

import pytest
from forged import draft, resigned, sealed, sealed_under
from running_relay import START_SECONDS
from scene import Scene, would_send

from relais.client import attachments
from relais.client.attachments import File
from relais.client.circle_state import CircleView
from relais.crypto import cose
from relais.models.wire import note

pytestmark = [
    pytest.mark.usefixtures("unharmed"),
    pytest.mark.parametrize("scene", ["auto", "beside"], indirect=True),
]
"""By the server itself, for so few notes are no load; and by the process beside it: the same words."""


def post(scene: Scene, who: str, data: bytes) -> dict[str, Any]:
    return scene.refused(who, "note.post", {"envelope": data})


def view_of(scene: Scene, who: str) -> CircleView:
    """The circle as somebody knows it now."""

    async def fetch() -> CircleView:
        return (await scene.clients[who].circle(scene.circle.circle)).view

    return scene.run(fetch())


def test_a_note_into_a_circle_one_is_not_in_is_refused(scene: Scene) -> None:
    """Even with its current key in hand."""
    view = scene.circle.view
    for who in ("Olga", "Rémi"):
        made, number = draft(scene, who, view), view.state.audiences["team"].epoch
        data = sealed_under(scene, who, made, number, view.current_key("team"))
        assert post(scene, who, data) == {"code": "forbidden", "reason": "not-a-member"}


def test_a_note_under_an_old_epoch_is_refused_with_the_current_one(scene: Scene) -> None:
    view = view_of(scene, "Denis")
    number = view.state.audiences["team"].epoch
    made, old = draft(scene, "Denis", view), view.keys["team", number - 1]

    data = sealed_under(scene, "Denis", made, number - 1, old)

    refusal = {"code": "stale_epoch", "audience": "team", "epoch": number, "rotate": False}
    assert post(scene, "Denis", data) == refusal


def test_a_note_under_an_epoch_that_is_not_yet_is_refused(scene: Scene) -> None:
    view = view_of(scene, "Denis")
    number = view.state.audiences["team"].epoch + 1
    data = sealed_under(scene, "Denis", draft(scene, "Denis", view), number, bytes(32))
    assert post(scene, "Denis", data)["reason"] == "wrong-epoch"


def test_a_note_by_somebody_else_is_refused_however_it_is_signed(scene: Scene) -> None:
    view = view_of(scene, "Denis")
    nadias = sealed(scene, "Nadia", draft(scene, "Nadia", view), view)
    denis, nadia = scene.people["Denis"], scene.people["Nadia"]

    assert post(scene, "Denis", nadias)["reason"] == "wrong-account", "sent by another"
    forged = resigned(nadias, denis.keys, cose.NOTE)
    assert post(scene, "Denis", forged)["reason"] == "bad-signature", "signed by another"
    masked = resigned(nadias, denis.keys, cose.NOTE, kid=nadia.device)
    assert post(scene, "Nadia", masked)["reason"] == "bad-signature", "and said to be hers"
    other = resigned(nadias, nadia.keys, cose.RECEIPT)
    assert post(scene, "Nadia", other)["reason"] == "bad-signature", "signed for another purpose"
    claimed = sealed(scene, "Denis", draft(scene, "Denis", view, account=nadia.account), view)
    assert post(scene, "Denis", claimed)["reason"] == "wrong-account", "his device, her account"


def test_a_note_that_names_another_ledger_is_refused(scene: Scene) -> None:
    view = view_of(scene, "Denis")
    for more, reason in (
        ({"ledger_head": "ab" * 32}, "fork"),
        ({"ledger_seq": view.state.seq + 1}, "rollback"),
    ):
        data = sealed(scene, "Denis", draft(scene, "Denis", view, **more), view)
        assert post(scene, "Denis", data)["reason"] == reason


def test_a_note_from_the_future_is_refused(scene: Scene) -> None:
    view = view_of(scene, "Denis")
    later = scene.clients["Denis"].session.clock.now() + 3_600_000
    data = sealed(scene, "Denis", draft(scene, "Denis", view, at=later), view)
    assert post(scene, "Denis", data)["reason"] == "time-ahead"


def test_a_version_that_follows_nothing_and_a_second_of_the_same_are_refused(scene: Scene) -> None:
    view = view_of(scene, "Nadia")
    stored = scene.run(scene.circle.versions(scene.first.note))[-1]
    gap = draft(
        scene, "Nadia", view, note=stored.note, version=3, replaces="ab" * 32, kind="correction"
    )
    assert post(scene, "Nadia", sealed(scene, "Nadia", gap, view))["reason"] == "wrong-version"
    wrong = draft(
        scene, "Nadia", view, note=stored.note, version=2, replaces="ab" * 32, kind="correction"
    )
    assert post(scene, "Nadia", sealed(scene, "Nadia", wrong, view))["reason"] == "wrong-version"
    rival = draft(scene, "Nadia", view, note=stored.note)
    error = post(scene, "Nadia", sealed(scene, "Nadia", rival, view))
    assert error == {"code": "conflict", "note": stored.note, "version": 1}
    theirs = draft(
        scene, "Denis", view, note=stored.note, version=2, replaces=stored.digest, kind="correction"
    )
    assert post(scene, "Denis", sealed(scene, "Denis", theirs, view))["reason"] == "not-the-author"


def test_a_note_that_names_a_blob_nobody_uploaded_is_refused(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: Any, **__: Any) -> None:
        """The upload that never arrives."""

    async def write() -> note.PostNote:
        opened = await scene.clients["Denis"].circle(scene.circle.circle)
        file = File("plan.pdf", b"%PDF-1.7\n")
        action = opened.post("x", attachments=[file])
        return await would_send(scene.clients["Denis"], note.PostNote, action)

    monkeypatch.setattr(attachments, "upload_kept", lost)
    request = scene.run(write())
    assert post(scene, "Denis", request.envelope)["reason"] == "blob-missing"


def test_the_same_note_again_gets_the_same_answer_and_is_not_doubled(scene: Scene) -> None:
    stored = scene.run(
        scene.clients["Nadia"].session.call(note.GetNote(scene.circle.circle, scene.first.note))
    ).notes[0]
    for _ in range(3):
        answer = scene.send("Nadia", "note.post", {"envelope": stored.envelope})
        assert answer == {"ok": {"seq": stored.seq, "at": stored.at}}
    assert post(scene, "Denis", stored.envelope)["reason"] == "wrong-account"


def test_all_that_was_checked_was_checked_where_it_was_to_be(
    scene: Scene, request: pytest.FixtureRequest
) -> None:
    where = request.node.callspec.params["scene"]
    view = view_of(scene, "Denis")
    data = sealed(scene, "Denis", draft(scene, "Denis", view), view)
    forged = data[:-1] + bytes([data[-1] ^ 1])
    before, patience = checked_beside(scene), time.monotonic() + START_SECONDS
    while True:
        assert post(scene, "Denis", forged)["reason"] == "bad-signature"
        is_beside = checked_beside(scene) > before
        if is_beside or where == "auto" or time.monotonic() > patience:  # it may have to start
            break
    assert is_beside == (where == "beside")


def checked_beside(scene: Scene) -> float:
    """How many envelopes the process beside the server has checked."""

    async def fetch() -> str:
        async with scene.http.get(f"{scene.relay.origin}/metrics") as answer:
            return await answer.text()

    line = 'relais_envelopes_checked_total{where="beside"} '
    found = [one for one in scene.run(fetch()).splitlines() if one.startswith(line)]
    return float(found[0].removeprefix(line))

"""Entries, receipts and statements that are well-formed and against the rules; circles one is not in."""

from typing import Any

import pytest
from forged import resigned
from scene import Scene, kit_statement

from relais.client.identity import new_keys
from relais.crypto import account, cose, grant, ledger
from relais.crypto.ledger import Close, MemberAdd, MemberRemove, Operation
from relais.models.wire import audit, circle, note
from relais.models.wire.codec import encode

pytestmark = pytest.mark.usefixtures("unharmed")


def requests_about(scene: Scene, one: str) -> list[Any]:
    """Everything that can be asked about a circle."""
    return [
        circle.GetGrants(one, 0),
        circle.GetLedger(one, 0),
        circle.GetMissing(one),
        circle.GiveGrants(one, ()),
        note.SyncCircle(one, 0, 50),
        note.PageCircle(one, 0, 50),
        note.GetNote(one, scene.first.note),
        note.SyncReceipts(one, 0, 50),
        note.GetReceipts(one, scene.first.note),
        audit.CircleAccesses(one, 0, 10),
    ]


def test_a_circle_one_was_never_in_tells_nothing(scene: Scene) -> None:
    for request in requests_about(scene, scene.circle.circle):
        error = scene.refused("Olga", request.EVENT, encode(request))
        assert error == {"code": "forbidden", "reason": "not-a-member"}, request


def test_a_circle_that_does_not_exist_is_not_found(scene: Scene) -> None:
    for request in requests_about(scene, "0" * 64):
        error = scene.refused("Olga", request.EVENT, encode(request))
        assert error["code"] in ("not_found", "forbidden"), request


def test_somebody_removed_keeps_the_ledger_and_loses_the_rest(scene: Scene) -> None:
    for request in requests_about(scene, scene.circle.circle):
        if isinstance(request, circle.GetLedger | circle.GetGrants | circle.GetMissing):
            continue
        error = scene.refused("Rémi", request.EVENT, encode(request))
        assert (error["code"], error["reason"]) == ("forbidden", "not-a-member"), request


def test_an_entry_replayed_is_answered_again_and_a_rival_of_it_is_a_conflict(scene: Scene) -> None:
    view = scene.circle.view
    answer = scene.run(scene.clients["Nadia"].session.call(circle.GetLedger(view.circle, 0)))
    message = {"circle": view.circle, "grants": [], "profile": None}

    same = scene.send("Nadia", "circle.append", {**message, "entry": answer.entries[-1]})
    assert same["ok"] == {"circle": view.circle, "seq": view.state.seq, "head": view.state.head}

    accounts = scene.clients["Nadia"].session.accounts
    before = ledger.replay(answer.entries[:-1], accounts.__getitem__)
    rival = ledger.write_entry(
        before,
        scene.people["Nadia"].keys,
        account=scene.people["Nadia"].account,
        account_head=head_of(scene, "Nadia"),
        operations=[Close()],
        at=view.state.at,
    )
    error = scene.refused("Nadia", "circle.append", {**message, "entry": rival})
    assert error == {"code": "conflict", "seq": view.state.seq}


def head_of(scene: Scene, who: str) -> str:
    """The newest statement of somebody's account."""
    accounts, account = scene.clients["Nadia"].session.accounts, scene.people[who].account
    scene.run(accounts.load([account]))
    return accounts[account].head


def adding(scene: Scene, who: str, *, at: int, audience: str = "team") -> MemberAdd:
    account, head = scene.people[who].account, head_of(scene, who)
    return MemberAdd(account, head, "professional", (audience,), at, None, 0)


def written(scene: Scene, who: str, *operations: Operation, at: int) -> dict[str, Any]:
    """The next entry of the circle, by somebody, whatever the rules say."""
    person, state = scene.people[who], scene.circle.view.state
    entry = ledger.write_entry(
        state,
        person.keys,
        account=person.account,
        account_head=head_of(scene, who),
        operations=operations,
        at=at,
    )
    return {"circle": state.circle, "entry": entry, "grants": [], "profile": None}


def test_an_entry_the_rules_forbid_is_refused_by_the_rule(scene: Scene) -> None:
    state = scene.circle.view.state
    now = max(scene.clients["Nadia"].session.clock.now(), state.at)
    accounts = {who: person.account for who, person in scene.people.items()}
    cases: list[tuple[str, str, Operation]] = [
        ("not-allowed", "Denis", Close()),
        ("not-allowed", "Denis", MemberRemove(accounts["Nadia"])),
        ("rotation-missing", "Nadia", MemberRemove(accounts["Denis"])),
        ("last-lead", "Nadia", MemberRemove(accounts["Nadia"])),
        ("not-a-member", "Nadia", MemberRemove(accounts["Rémi"])),
        ("not-a-member", "Rémi", Close()),
        ("not-a-member", "Olga", adding(scene, "Olga", at=now)),
        ("already-a-member", "Nadia", adding(scene, "Denis", at=now)),
        ("bad-audience", "Nadia", adding(scene, "Olga", at=now, audience="family")),
        ("not-allowed", "Nadia", adding(scene, "Labo", at=now)),
    ]
    for reason, who, operation in cases:
        message = written(scene, who, operation, at=now)
        error = scene.refused(who, "circle.append", message)
        assert error["reason"] == reason, (reason, error)
    earlier = written(scene, "Nadia", Close(), at=state.at - 1)
    assert scene.refused("Nadia", "circle.append", earlier)["reason"] == "time-went-back"
    ahead = written(scene, "Nadia", Close(), at=now + 3_600_000)
    assert scene.refused("Nadia", "circle.append", ahead)["reason"] == "time-ahead"


def test_a_rotation_without_a_grant_for_every_device_is_refused_whole(scene: Scene) -> None:
    action = scene.circle.remove(scene.clients["Denis"].account)
    request = scene.would_send("Nadia", circle.AppendEntry, action)
    whole = encode(request)

    error = scene.refused("Nadia", "circle.append", {**whole, "grants": whole["grants"][1:]})
    assert error["reason"] == "grants-missing"
    error = scene.refused("Nadia", "circle.append", {**whole, "profile": None})
    assert error["reason"] == "profile-missing"
    elsewhere = {**whole, "circle": scene.elsewhere.circle}
    assert scene.refused("Nadia", "circle.append", elsewhere)["reason"] == "wrong-circle"
    assert scene.refused("Denis", "circle.append", whole)["reason"] == "wrong-account"


def test_receipts_for_another_circle_by_another_or_of_nothing_are_refused(scene: Scene) -> None:
    request = scene.would_send(
        "Denis", note.PostReceipts, scene.theirs.acknowledge(scene.second.note)
    )
    one, some = request.circle, list(request.receipts)

    def send(who: str, receipts: list[bytes], where: str = one) -> str:
        error = scene.refused(who, "receipt.post", {"circle": where, "receipts": receipts})
        return str(error.get("reason"))

    assert send("Denis", some, scene.elsewhere.circle) == "not-a-member"
    assert send("Olga", some, scene.elsewhere.circle) == "wrong-circle"
    assert send("Nadia", some) == "wrong-account"
    assert send("Labo", some) == "not-allowed"
    forged = resigned(some[0], scene.people["Nadia"].keys, cose.RECEIPT)
    assert send("Denis", [some[1], forged]) == "bad-signature"
    masked = resigned(
        some[0], scene.people["Nadia"].keys, cose.RECEIPT, kid=scene.people["Denis"].device
    )
    assert send("Denis", [some[1], masked]) == "bad-signature"


def test_another_accounts_statement_and_a_broken_chain_are_refused(scene: Scene) -> None:
    statement = scene.run(kit_statement(scene.clients["Denis"]))

    def send(who: str, data: bytes) -> str:
        return str(scene.refused(who, "account.append", {"statement": data}).get("reason"))

    assert send("Nadia", statement) == "wrong-account"
    forged = resigned(statement, scene.people["Nadia"].keys, cose.ACCOUNT)
    assert send("Denis", forged) == "bad-signature"
    masked = resigned(
        statement, scene.people["Nadia"].keys, cose.ACCOUNT, kid=scene.people["Denis"].device
    )
    assert send("Denis", masked) == "bad-signature"


def test_a_device_that_lets_itself_into_an_account_is_refused(scene: Scene) -> None:
    accounts, of = scene.clients["Denis"].session.accounts, scene.people["Denis"].account
    ghost, state = new_keys(), accounts[of]
    possession = account.possession(ghost, ghost.device("interactive", "fantôme"), of)
    statement = account.add_device(state, ghost, possession, at=state.at)
    error = scene.refused("Denis", "account.append", {"statement": statement})
    assert error["reason"] == "wrong-device"


def test_a_grant_by_an_outsider_by_another_or_of_another_circle_is_refused(scene: Scene) -> None:
    """Whether its key is true, the server cannot see."""
    view = scene.circle.view
    whom = scene.clients["Nadia"].session.identity

    def granted(by: str, where: str) -> dict[str, Any]:
        sealed = grant.seal(
            scene.people[by].keys,
            whom.keys.device("interactive", "telephone"),
            circle=where,
            account=whom.account,
            granter=scene.people[by].account,
            epochs=[("team", view.state.audiences["team"].epoch, bytes(32))],
            at=scene.clients[by].session.clock.now(),
        )
        return {"circle": view.circle, "grants": [sealed]}

    assert scene.refused("Olga", "circle.grant", granted("Olga", view.circle)) == {
        "code": "forbidden",
        "reason": "not-a-member",
    }
    moved = granted("Denis", scene.elsewhere.circle)
    assert scene.refused("Denis", "circle.grant", moved)["reason"] == "wrong-circle"
    theirs = granted("Denis", view.circle)
    assert scene.refused("Nadia", "circle.grant", theirs)["reason"] == "wrong-account"

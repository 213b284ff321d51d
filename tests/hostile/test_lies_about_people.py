"""A relay that lies about accounts and ledgers: each lie is caught by name, and nothing is written on its word."""

from typing import Any

import pytest
from lied_to import Stage, noted, read, refused
from people import MARCEL

from relais.client import enrolment
from relais.client.errors import BadAnswer
from relais.client.identity import new_keys
from relais.client.sdk import File
from relais.crypto import account, cbor, cose, ledger
from relais.crypto.account import Profile
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import Close, MemberChange, MemberRemove
from relais.models.wire.circle import GetLedger


async def test_an_honest_go_between_is_not_noticed(stage: Stage) -> None:
    nadia = await stage.victim()
    assert await read(nadia, stage.id) == ["un", "deux", "trois"]
    circle = await nadia.circle(stage.id)
    posted = await circle.post("quatre", attachments=[File("p.pdf", b"%PDF-1.7\n" + bytes(70_000))])
    assert len(await circle.fetch(posted.note, "p.pdf")) == 70_009
    assert posted.seq == 4
    assert stage.liar.writes == ["note.post"]


async def ghost(stage: Stage, signed_by: DeviceKeys | None = None, *, kid: str = "") -> list[bytes]:
    """Denis's chain with a device in it that Denis never added."""
    chain = await stage.chain(stage.denis.account)
    state, keys = account.replay(chain), new_keys()
    possession = account.possession(keys, keys.device("interactive", "fantôme"), state.account)
    statement = account.add_device(state, signed_by or keys, possession, at=state.at)
    if kid:
        payload = cbor.decode(cose.peek(statement).payload) | {"device": bytes.fromhex(kid)}
        signed = cbor.decode(cose.sign(cbor.encode(payload), keys=keys, context=cose.ACCOUNT))
        statement = cbor.encode([signed[0][:5] + bytes.fromhex(kid), *signed[1:]])
    return [*chain, statement]


async def test_a_ghost_device_in_a_colleagues_chain_is_refused_and_gets_no_key(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    cases = {
        "not-a-device": await ghost(stage),
        "bad-signature": await ghost(stage, kid=stage.denis.device),
    }
    for reason, chain in cases.items():
        stage.lie_about_chain(stage.denis.account, chain)
        nadia.session.accounts.forget(stage.denis.account)
        await refused(reason, nadia.circle(stage.id))
        entry = await noted(stage, reason)
        assert (entry.circle, entry.subject["account"]) == (None, stage.denis.account)
    assert stage.liar.writes == []


async def test_a_ghost_that_joined_another_account_cannot_be_put_into_this_one(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    state, keys = account.replay(await stage.chain(stage.denis.account)), new_keys()
    device = keys.device("interactive", "fantôme")
    elsewhere = account.possession(keys, device, stage.olga.account)
    with pytest.raises(ProtocolError, match="bad-possession"):
        account.add_device(state, stage.denis.session.identity.keys, elsewhere, at=state.at)
    stage.lie_about_chain(stage.denis.account, await stage.chain(stage.olga.account))
    nadia.session.accounts.forget(stage.denis.account)
    await refused("another account's chain", nadia.circle(stage.id))


async def test_a_chain_with_a_changed_statement_is_refused(stage: Stage) -> None:
    nadia = await stage.victim()
    (statement,) = await stage.chain(stage.denis.account)
    for place in (6, len(statement) // 2, len(statement) - 1):
        bad = statement[:place] + bytes([statement[place] ^ 1]) + statement[place + 1 :]
        stage.lie_about_chain(stage.denis.account, [bad])
        nadia.session.accounts.forget(stage.denis.account)
        with pytest.raises((ProtocolError, BadAnswer)):
            await nadia.circle(stage.id)
    entry = await noted(stage, "bad-signature")
    assert entry.subject["account"] == stage.denis.account
    assert stage.liar.writes == []


async def test_an_account_left_out_or_rolled_back_or_forked_is_noticed(stage: Stage) -> None:
    keys, session = stage.denis.session.identity.keys, stage.denis.session
    await enrolment.make_kit(session, "fr")
    nadia = await stage.victim()
    await nadia.circle(stage.id)
    chain = await stage.chain(stage.denis.account)
    before = account.replay(chain[:1])
    rival = account.change_profile(before, keys, Profile("Denis bis", "", ""), at=before.at)

    stage.liar.answers["account.get"] = lambda _, ok: {"chains": []}
    nadia.session.accounts.forget(stage.denis.account)
    await refused("an account is missing", nadia.circle(stage.id))
    stage.lie_about_chain(stage.denis.account, chain[:1])
    await refused("rollback", nadia.circle(stage.id))
    stage.lie_about_chain(stage.denis.account, [chain[0], rival])
    await refused("rollback", nadia.circle(stage.id))  # an alarm stays what it was first
    assert stage.liar.writes == []


async def test_two_stories_about_one_account_are_a_fork(stage: Stage) -> None:
    keys, session = stage.denis.session.identity.keys, stage.denis.session
    await enrolment.make_kit(session, "fr")
    nadia = await stage.victim()
    await nadia.circle(stage.id)
    chain = await stage.chain(stage.denis.account)
    before = account.replay(chain[:1])
    rival = account.change_profile(before, keys, Profile("Denis bis", "", ""), at=before.at)
    stage.lie_about_chain(stage.denis.account, [chain[0], rival])
    nadia.session.accounts.forget(stage.denis.account)
    await refused("fork", nadia.circle(stage.id))


async def test_a_rolled_back_ledger_is_an_alarm_that_stays_and_nothing_more_is_posted(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    entries = await stage.entries()

    stage.lie_about_ledger(entries[:-1])
    await refused("rollback", nadia.circle(stage.id))

    stage.liar.answers.clear()
    await refused("rollback", circle.post("sur un registre tronqué"))
    entry = await noted(stage, "rollback")
    told = {"kind": "rollback", "of": cose.digest(entries[-2]), "seq": len(entries) - 2}
    assert (entry.circle, dict(entry.subject)) == (stage.id, told)
    assert stage.liar.writes == []
    assert (await stage.circle.post("les autres continuent")).seq == 4


async def test_a_forked_ledger_is_an_alarm_and_nothing_more_is_posted(stage: Stage) -> None:
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    entries = await stage.entries()
    denis = stage.denis.session
    before = ledger.replay(entries[:-1], denis.accounts.__getitem__)
    rival = ledger.write_entry(
        before,
        denis.identity.keys,
        account=stage.denis.account,
        account_head=denis.accounts[stage.denis.account].head,
        operations=[Close()],
        at=before.at + 1,
    )

    stage.lie_about_ledger([*entries[:-1], rival])

    await refused("fork", nadia.circle(stage.id))
    await refused("fork", circle.post("dans une des deux histoires"))
    entry = await noted(stage, "fork")
    told = {"kind": "fork", "of": cose.digest(rival), "seq": before.seq + 1}
    assert (entry.circle, dict(entry.subject)) == (stage.id, told)
    assert stage.liar.writes == []


async def test_a_relay_that_speaks_of_another_circle_than_was_made_is_not_believed(
    stage: Stage,
) -> None:
    lies: dict[str, Any] = {"circle": "ab" * 32, "head": "cd" * 32}
    for field, lie in lies.items():
        nadia = await stage.victim()
        stage.liar.answers["circle.create"] = lambda _, ok, told={field: lie}: {**ok, **told}
        await refused("another circle than was made", nadia.create_circle(MARCEL))
        assert "ab" * 32 not in stage.nadia.home.read("pins")
    stage.liar.answers.clear()
    circle = await (await stage.victim()).create_circle(MARCEL)
    assert circle.view.state.head == stage.nadia.home.read("pins")[circle.circle]["hash"]


async def test_an_entry_by_somebody_who_may_not_is_refused(stage: Stage) -> None:
    nadia = await stage.victim()
    entries = await stage.entries()
    state = ledger.replay(entries, stage.denis.session.accounts.__getitem__)
    olga = stage.olga.session
    forged = ledger.write_entry(
        state,
        olga.identity.keys,
        account=stage.olga.account,
        account_head=olga.accounts[stage.olga.account].head,
        operations=[MemberRemove(stage.denis.account)],
        at=state.at + 1,
    )
    stage.lie_about_ledger([*entries, forged])
    await refused("not-a-member", nadia.circle(stage.id))
    entry = await noted(stage, "not-a-member")
    assert (entry.circle, dict(entry.subject)) == (stage.id, {"kind": "not-a-member"})
    flipped = entries[-1][:-1] + bytes([entries[-1][-1] ^ 1])
    stage.lie_about_ledger([*entries[:-1], flipped])
    await refused("bad-signature", nadia.circle(stage.id))
    other = await stage.denis.create_circle(MARCEL)
    answer = await stage.denis.session.call(GetLedger(other.circle, 0))
    stage.lie_about_ledger(answer.entries)
    await refused("wrong-circle", nadia.circle(stage.id))
    stage.lie_about_ledger([entries[0], *entries[2:]])
    await refused("broken-chain", nadia.circle(stage.id))
    assert stage.liar.writes == []


async def test_an_entry_dated_ahead_is_refused_and_one_a_moment_ahead_is_not(stage: Stage) -> None:
    nadia = await stage.victim()
    entries = await stage.entries()
    denis = stage.denis.session
    state = ledger.replay(entries, denis.accounts.__getitem__)

    def dated(at: int) -> bytes:
        return ledger.write_entry(
            state,
            denis.identity.keys,
            account=stage.denis.account,
            account_head=denis.accounts[stage.denis.account].head,
            operations=[MemberChange(stage.denis.account, "lead", ("team",), None)],
            at=at,
        )

    stage.lie_about_ledger([*entries, dated(denis.clock.now() + 3_600_000)])
    await refused("time-ahead", nadia.circle(stage.id))
    assert (await noted(stage, "time-ahead")).circle == stage.id
    assert stage.liar.writes == []
    stage.lie_about_ledger([*entries, dated(denis.clock.now() + 60_000)])
    assert (await nadia.circle(stage.id)).view.state.seq == state.seq + 1


def lie_about_reset(stage: Stage, of: str, by: str) -> None:
    def told(_: Any, ok: Any) -> Any:
        for chain in ok["chains"]:
            if chain["account"] == of:
                chain["replaced_by"] = by
        return ok

    stage.liar.answers["account.get"] = told


async def test_a_reset_that_the_new_account_does_not_name_lets_nobody_in(stage: Stage) -> None:
    lie_about_reset(stage, stage.denis.account, stage.olga.account)
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    await refused("wrong-account", circle.waiting())
    await refused("wrong-account", circle.readmit(stage.denis.account))
    assert stage.liar.writes == []


async def test_an_invented_reset_is_shown_and_opens_nothing(stage: Stage) -> None:
    """The server can make an account that names a victim: nobody with the victim's keys said so, and everybody sees it."""
    keys = new_keys()
    first = keys.device("interactive", "usurpateur")
    profile = Profile("Denis", "médecin", "Sud")
    statement = account.create(
        keys, first, profile, at=stage.denis.session.clock.now(), replaces=stage.denis.account
    )
    usurper = account.account_id(statement)

    def told(request: Any, ok: Any) -> Any:
        for chain in ok["chains"]:
            if chain["account"] == stage.denis.account:
                chain["replaced_by"] = usurper
        if usurper in request["accounts"]:
            chain = {"account": usurper, "statements": [statement], "replaced_by": None}
            return {"chains": [*ok["chains"], chain]}
        return ok

    stage.liar.answers["account.get"] = told
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    (shown,) = await circle.waiting()
    assert (shown.account, shown.by) == (stage.denis.account, usurper)
    await circle.post("pour ceux qui y sont")
    await nadia.heal()
    assert usurper not in circle.view.state.members
    granted = [row for event, row in stage.liar.forwarded if event == "circle.grant"]
    assert granted == []
    assert stage.liar.writes == ["note.post"]


async def test_a_ledger_that_lets_somebody_in_on_a_false_reset_is_refused(stage: Stage) -> None:
    chain = await stage.chain(stage.olga.account)
    denis = stage.denis.session.accounts[stage.denis.account]
    false = ledger.MemberReadmit(stage.nadia.account, account.replay(chain).head, chain[:1])
    entry = ledger.write_entry(
        stage.circle.view.state,
        stage.denis.session.identity.keys,
        account=denis.account,
        account_head=denis.head,
        operations=[false],
        at=stage.denis.session.clock.now(),
    )
    stage.lie_about_ledger([*(await stage.entries()), entry])
    nadia = await stage.victim()
    await refused("wrong-account", nadia.circle(stage.id))
    assert stage.liar.writes == []

"""A relay that shows one member another ledger than the others, and the audit log that gives it away; or lies about the log."""

import asyncio
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from lied_to import Stage, noted, refused
from patience import PATIENCE

from relais.client.errors import LedgerAlarm
from relais.client.home import Home
from relais.client.log_watch import LogState, Patience, dismiss, trust
from relais.client.sdk import Client
from relais.crypto import ledger
from relais.crypto.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import Close
from relais.crypto.signed_note import KeyKind, SignerKey, parse_signed_note

STRANGER = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)


async def proven(client: Client) -> LogState:
    """Wait until all that is shown is as the log tells."""
    async with asyncio.timeout(PATIENCE):
        while not await client.session.log.check():  # noqa: ASYNC110 (the log is on another machine)
            await asyncio.sleep(0.05)
    return LogState.of(client.session.home)


async def alarmed(client: Client, *reasons: str) -> LogState:
    """Wait for an alarm of one of these reasons, with its evidence."""
    async with asyncio.timeout(PATIENCE):
        while (state := LogState.of(client.session.home)).alarm is None:
            try:
                await client.session.log.check()
            except (ProtocolError, LedgerAlarm):
                continue
            await asyncio.sleep(0.05)
    assert state.alarm.reason in reasons
    return state


def told(change: Any) -> Any:
    """A lie about the answers of `audit.heads`."""
    return lambda request, ok: change(dict(ok))


async def test_what_everybody_is_shown_is_proven_and_the_log_s_key_is_kept(stage: Stage) -> None:
    nadia = await stage.victim()
    circle = await nadia.circle(stage.id)
    state = await proven(nadia)
    checked = state.ledgers[stage.id]
    assert (checked.seq, checked.since) == (circle.view.state.seq, 0)
    assert state.ledgers[stage.denis.account].seq == 0
    assert (state.alarm, state.checked_at is not None) == (None, True)
    before = [event for event, _ in stage.liar.forwarded].count("audit.heads")
    await nadia.circle(stage.id)
    await proven(nadia)
    asked = [event for event, _ in stage.liar.forwarded].count("audit.heads")
    assert asked == before, "what is proven is not asked for again"
    await stage.circle.add(stage.olga.account)
    await nadia.circle(stage.id)
    grown = await proven(nadia)
    assert grown.ledgers[stage.id].seq == checked.seq + 1
    assert (grown.vkey, grown.head.size > state.head.size) == (state.vkey, True)


async def test_another_ledger_than_the_log_tells_of_is_an_alarm_with_evidence_and_stops_posting(
    stage: Stage,
) -> None:
    nadia = await stage.victim()
    entries, denis = await stage.entries(), stage.denis.session
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
    circle = await nadia.circle(stage.id)  # nothing contradicts it: she never saw the other
    state = await alarmed(nadia, "forked-ledger")
    assert state.alarm is not None
    assert state.alarm.ledger == stage.id
    seen = [json.loads(one["entry"])["subject"] for one in state.alarm.evidence["entries"]]
    assert {"ledger": stage.id, "seq": len(entries) - 1, "head": before_head(entries)} in seen
    await refused("fork", circle.post("dans une des deux histoires"))
    entry = await noted(stage, "forked-ledger")
    assert (entry.circle, entry.subject["seq"]) == (stage.id, len(entries) - 1)
    assert stage.liar.writes == []


def before_head(entries: tuple[bytes, ...]) -> str:
    return ledger.peek_entry(entries[-1]).digest


async def test_both_of_two_heads_in_the_log_are_seen_by_whoever_asks(stage: Stage) -> None:
    """A relay that logs what it shows her too: the other head stands before it, and she is told of both."""
    nadia = await stage.victim()
    await nadia.circle(stage.id)
    await proven(nadia)
    state = LogState.of(nadia.session.home)
    heads = list(nadia.session.log._heads[stage.id])
    forked = [*heads[:-1], "ab" * 32]
    await rewound(nadia)
    nadia.session.log._heads[stage.id] = tuple(forked)
    assert (await alarmed(nadia, "forked-ledger")).vkey == state.vkey


async def rewound(client: Client) -> None:
    """Forget what of the ledgers was checked, and nothing else."""

    def forget(kept: Any) -> Any:
        return {**kept, "ledgers": {}}

    client.session.home.update("log", forget)


async def test_a_head_that_is_left_out_of_the_log_is_an_alarm_once_patience_ends(
    stage: Stage,
) -> None:
    stage.liar.answers["audit.heads"] = told(lambda ok: {**ok, "entries": [], "more": False})
    nadia = await stage.victim()
    await nadia.circle(stage.id)
    assert not await nadia.session.log.check()
    assert LogState.of(nadia.session.home).alarm is None, "it may still be on its way"
    nadia.session.log.patience = Patience(missing=0)
    state = await alarmed(nadia, "unlogged-ledger")
    assert state.alarm is not None
    assert state.alarm.ledger == min(state.ledgers)
    assert stage.id in state.ledgers


async def test_a_log_that_is_never_answered_for_is_an_alarm_once_patience_ends(
    stage: Stage,
) -> None:
    stage.liar.answers["audit.heads"] = lambda request, ok: {"nothing": "of the kind"}
    nadia = await stage.victim()
    nadia.session.log.patience = Patience(missing=0, look=0.05)
    await nadia.circle(stage.id)
    async with asyncio.timeout(PATIENCE):
        while LogState.of(nadia.session.home).alarm is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (LogState.of(nadia.session.home).alarm or _none()).reason == "unlogged-ledger"


def _none() -> Any:
    raise AssertionError("no alarm")


async def test_entries_the_log_told_of_and_the_ledger_lacks_are_an_alarm(stage: Stage) -> None:
    entries = await stage.entries()
    nadia = await stage.victim()
    stage.lie_about_ledger(entries[:-1])
    await nadia.circle(stage.id)
    await proven(nadia)
    assert LogState.of(nadia.session.home).ledgers[stage.id].told == len(entries) - 1
    nadia.session.log.patience = Patience(withheld=-1)
    await nadia.circle(stage.id)
    assert (await alarmed(nadia, "withheld-ledger")).alarm is not None


async def test_a_forged_proof_is_an_alarm(stage: Stage) -> None:
    def flipped(ok: dict[str, Any]) -> dict[str, Any]:
        first = ok["entries"][0]
        path = [bytes([first["path"][0][0] ^ 1]) + first["path"][0][1:], *first["path"][1:]]
        return {**ok, "entries": [{**first, "path": path}, *ok["entries"][1:]]}

    def edited(ok: dict[str, Any]) -> dict[str, Any]:
        first = ok["entries"][0]
        entry = first["entry"].replace(b"ledger.head", b"ledger.tail")
        return {**ok, "entries": [{**first, "entry": entry}, *ok["entries"][1:]]}

    nadia = await stage.victim()
    for lie in (flipped, edited):
        await nadia.circle(stage.id)
        assert (await proven(nadia)).alarm is None
        stage.liar.answers["audit.heads"] = told(
            lambda ok, lie=lie: lie(ok) if ok["entries"] else ok
        )
        cleared(nadia.session.home)
        await nadia.circle(stage.id)
        await alarmed(nadia, "root-mismatch")
        stage.liar.answers.clear()
        cleared(nadia.session.home)


def cleared(home: Home) -> None:
    dismiss(home)
    home.update("log", lambda kept: {**kept, "ledgers": {}})


async def test_a_log_that_goes_back_or_another_way_is_an_alarm(stage: Stage) -> None:
    nadia = await stage.victim()
    await nadia.circle(stage.id)
    kept: list[dict[str, Any]] = []
    stage.liar.answers["audit.heads"] = told(lambda ok: kept.append(ok) or ok)
    await rewound(nadia)
    await proven(nadia)
    await stage.circle.add(stage.olga.account)
    await nadia.circle(stage.id)
    await proven(nadia)
    old = next(one for one in kept if one["entries"])
    stage.liar.answers["audit.heads"] = told(
        lambda ok: {**ok, "checkpoint": old["checkpoint"], "consistency": []}
    )
    await rewound(nadia)
    await nadia.circle(stage.id)
    state = await alarmed(nadia, "rolled-back")
    assert state.alarm is not None
    assert state.alarm.evidence["checkpoint"] == old["checkpoint"]
    assert state.head.size > parse_checkpoint(parse_signed_note(old["checkpoint"]).text).size

    cleared(nadia.session.home)
    other = {"root": b"\1" * 32}
    nadia.session.home.update("log", lambda kept: {**kept, **other})
    stage.liar.answers.clear()
    await nadia.circle(stage.id)
    await alarmed(nadia, "old-root-mismatch", "new-root-mismatch")


async def test_a_log_signed_with_another_key_or_by_no_witness_is_an_alarm(stage: Stage) -> None:
    def signed(ok: dict[str, Any]) -> dict[str, Any]:
        read = parse_checkpoint(parse_signed_note(ok["checkpoint"]).text)
        key = SignerKey(read.origin, STRANGER)
        note = sign_checkpoint(Checkpoint(read.origin, read.size, read.root), [key])
        return {**ok, "checkpoint": note.encode()}

    nadia = await stage.victim()
    await nadia.circle(stage.id)
    await proven(nadia)
    stage.liar.answers["audit.heads"] = told(signed)
    await rewound(nadia)
    await nadia.circle(stage.id)
    await alarmed(nadia, "no-known-signature")

    cleared(nadia.session.home)
    stage.liar.answers.clear()
    witness = SignerKey("w.example", STRANGER, KeyKind.COSIGNATURE).verifier
    trust(nadia.session.home, f"witness w {witness.encode()}\nquorum w\n".encode())
    await nadia.circle(stage.id)
    await alarmed(nadia, "too-few-witnesses")
    other = SignerKey("other.example", STRANGER).verifier
    with pytest.raises(ProtocolError, match="policy-log"):
        trust(nadia.session.home, f"log {other.encode()}\nquorum none\n".encode())


async def test_heads_of_a_circle_are_proven_to_its_readers_only(stage: Stage) -> None:
    nadia = await stage.victim()
    await nadia.circle(stage.id)
    await proven(nadia)
    stage.olga.session.log.met(stage.id, ["ab" * 32])
    await proven(stage.olga)
    state = LogState.of(stage.olga.session.home)
    assert (stage.id in state.ledgers, state.alarm) == (False, None)
    assert stage.olga.account in state.ledgers

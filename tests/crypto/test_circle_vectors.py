"""The shared vectors of accounts, ledgers, grants and notes, read as any other client reads them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from protocol_vectors import FILES, Json, authors, cases, chain, device_keys, refused, unhexed

from relais.crypto import account, envelope, grant, ledger, posting
from relais.crypto.envelope import Envelope
from relais.crypto.readers import readers_of


@cases("account", "good")
def test_a_chain_replays_to_the_state_of_the_vector(case: Json) -> None:
    state, expected = (
        account.replay(unhexed([s["statement"] for s in case["steps"]])),
        case["state"],
    )
    assert (state.account, state.seq, state.head) == (
        expected["account"],
        expected["seq"],
        expected["head"],
    )
    assert vars(state.profile) == expected["profile"]
    assert [
        (d, r.device.kind, r.device.label, r.added_at, r.revoked_at)
        for d, r in state.devices.items()
    ] == [tuple(device.values()) for device in expected["devices"]]


@cases("account", "bad")
def test_a_chain_is_refused_at_its_last_statement(case: Json) -> None:
    *before, last = unhexed(case["statements"])
    state = account.replay(before) if before else None
    refused(case["reason"], lambda: account.apply(state, last))


@cases("ledger", "good")
def test_a_ledger_replays_to_the_state_of_the_vector(case: Json) -> None:
    state = ledger.replay(unhexed([s["entry"] for s in case["steps"]]), authors("ledger"))
    expected = case["state"]
    assert (state.circle, state.seq, state.closed) == (
        expected["circle"],
        expected["seq"],
        expected["closed"],
    )
    assert list(state.heads) == expected["heads"]
    assert [
        [(p.since, p.until, p.removed_at, p.role, sorted(p.audiences)) for p in member.periods]
        for member in state.members.values()
    ] == [
        [
            (p["since"], p["until"], p["removed_at"], p["role"], p["audiences"])
            for p in member["periods"]
        ]
        for member in expected["members"]
    ]
    assert {a.name: a.epoch for a in state.audiences.values()} == {
        a["name"]: a["epoch"] for a in expected["audiences"]
    }


@cases("ledger", "good")
def test_what_follows_from_a_ledger_is_what_the_vector_says(case: Json) -> None:
    entries = unhexed([step["entry"] for step in case["steps"]])
    for check in case["checks"]:
        state = ledger.replay(entries[: check["after"] + 1], authors("ledger"))
        accounts = {who: chain("ledger", label) for who, label in check["chains"].items()}
        at = check["at"]
        entitled = ledger.entitled(state, accounts, at)
        assert sorted(list(one) for one in entitled) == check["entitled"]
        assert [m.account for m in ledger.active_members(state, at)] == check["active"]
        asked = [
            (member, name, epoch, when)
            for member in ledger.active_members(state, at)
            for name, audience in state.audiences.items()
            for epoch in audience.epochs
            for when in (member.history - 1, member.history, at)
        ]
        owed = [
            [member.account, name, epoch, when]
            for member, name, epoch, when in asked
            if ledger.is_owed_key(state, member, [(name, epoch)], when)
        ]
        assert owed == check["owed"]
        for audience, due in check["rotation"].items():
            found = ledger.rotation_due(state, audience, at=at, accounts=accounts)
            assert (audience, found) == (audience, due)


@cases("ledger", "good")
def test_who_could_read_a_version_is_what_the_vector_says(case: Json) -> None:
    states: list[ledger.CircleState] = []
    find = authors("ledger")
    for data in unhexed([step["entry"] for step in case["steps"]]):
        author = find(ledger.peek_entry(data).account)
        states.append(ledger.apply(states[-1] if states else None, data, author))
    accounts = {who: find(who) for who in states[-1].members}
    written = envelope.peek(bytes.fromhex(FILES["envelope"]["good"][0]["envelope"])).header
    for asked in case["could_read"]:
        keys = tuple(replace(written.keys[0], **key) for key in asked["keys"])
        found = readers_of(states, accounts, replace(written, at=asked["at"], keys=keys))
        assert [{**vars(one), "devices": list(one.devices)} for one in found] == asked["readers"]


@cases("ledger", "bad")
def test_a_ledger_is_refused_at_its_last_entry(case: Json) -> None:
    *before, last = unhexed(case["entries"])
    find = authors("ledger")
    state = ledger.replay(before, find) if before else None

    def follow() -> None:
        entry = ledger.peek_entry(last)
        ledger.apply(state, entry, find(entry.account))

    refused(case["reason"], follow)


def sealed_circle(name: str) -> ledger.CircleState:
    return ledger.replay(unhexed(FILES[name]["entries"]), authors(name))


def opened(case: Json) -> dict[tuple[str, int], bytes]:
    return grant.open_grant(
        bytes.fromhex(case["grant"]),
        device_keys("grant", case["to"]),
        sealed_circle("grant"),
        chain("grant", case["granter"]),
    )


@cases("grant", "good")
def test_a_grant_opens_to_the_keys_of_the_vector(case: Json) -> None:
    keys = {(k["audience"], k["epoch"]): bytes.fromhex(k["key"]) for k in case["opened"]}
    assert opened(case) == keys


@cases("grant", "bad")
def test_a_grant_with_a_defect_is_refused(case: Json) -> None:
    refused(case["reason"], lambda: opened(case))


KEYS = {(k["audience"], k["epoch"]): bytes.fromhex(k["key"]) for k in FILES["envelope"]["keys"]}


def peeked(values: list[str]) -> list[Envelope]:
    return [envelope.peek(data) for data in unhexed(values)]


def pass_stages(data: bytes, previous: list[str], *, until: str) -> None:
    """Judge a note as a reader does, up to and with one stage."""
    read = envelope.peek(data)
    stages: dict[str, Callable[[], Any]] = {
        "peek": lambda: read,
        "verify": lambda: envelope.verify(read, authors("envelope")(read.header.account)),
        "posting": lambda: posting.check_could_post(sealed_circle("envelope"), read.header),
        "follows": lambda: envelope.check_follows(read, peeked(previous)),
        "open": lambda: envelope.open_envelope(read, KEYS),
    }
    for stage, check in stages.items():
        if stage == until or until == "all":
            check()


@cases("envelope", "good")
def test_a_note_passes_every_stage_and_reads_as_the_vector_says(case: Json) -> None:
    data = bytes.fromhex(case["envelope"])
    pass_stages(data, case["previous"], until="all")
    read = envelope.open_envelope(envelope.peek(data), KEYS)
    assert (read.type, read.text) == (case["content"]["type"], case["content"]["text"])
    assert [a.id for a in read.attachments] == [a["id"] for a in case["content"]["attachments"]]


@cases("envelope", "good")
def test_a_note_sealed_again_comes_out_the_same(case: Json) -> None:
    data, said = bytes.fromhex(case["envelope"]), case["draft"]
    draft = envelope.Draft(**{**said, "mentions": tuple(said["mentions"])})
    to = [
        envelope.To(
            t["audience"],
            t["epoch"],
            key=bytes.fromhex(t["key"]) if t["key"] else None,
            inbox_key=bytes.fromhex(t["inbox_key"]) if t["inbox_key"] else None,
        )
        for t in case["to"]
    ]
    again = envelope.seal(
        device_keys("envelope", case["by"]),
        draft,
        envelope.open_envelope(envelope.peek(data), KEYS),
        to=to,
        entropy=bytes.fromhex(case["entropy"]),
    )
    assert (again == data) == case["is_deterministic"]
    assert envelope.peek(again).header.commitment == envelope.peek(data).header.commitment


@cases("envelope", "bad")
def test_a_note_with_a_defect_is_refused_at_its_stage(case: Json) -> None:
    data = bytes.fromhex(case["envelope"])
    refused(case["reason"], lambda: pass_stages(data, case["previous"], until=case["stage"]))


@cases("envelope", "bad")
def test_a_defect_is_found_no_sooner_than_its_stage(case: Json) -> None:
    order = ["peek", "verify", "posting", "follows", "open"]
    before = order[: order.index(case["stage"])]
    for stage in before[: 2 if case["stage"] == "open" else None]:
        if not (stage == "posting" and case["stage"] == "follows"):
            pass_stages(bytes.fromhex(case["envelope"]), case["previous"], until=stage)


@cases("envelope", "good")
def test_a_version_opens_with_its_own_key_alone(case: Json) -> None:
    peeked = envelope.peek(bytes.fromhex(case["envelope"]))
    keys = {
        (one["audience"], one["epoch"]): bytes.fromhex(one["key"])
        for one in FILES["envelope"]["keys"]
    }
    name, key = (peeked.header.note, peeked.header.version), envelope.content_key(peeked, keys)
    assert envelope.open_envelope(peeked, {name: key}) == envelope.open_envelope(peeked, keys)
    refused("key-missing", lambda: envelope.open_envelope(peeked, {name: bytes(32)}))
    assert envelope.content_key(peeked, {**keys, name: bytes(32)}) == key

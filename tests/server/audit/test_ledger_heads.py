"""Every statement and every ledger entry leaves its head in the log, which names nobody; who may have it proven."""

import json

import pytest
from audit_house import LogReader, settled
from audit_store import START, AuditLog
from members import House, Person

from relais.crypto.checkpoint import Policy
from relais.crypto.ledger_heads import (
    HeadProof,
    ProvenHead,
    check_heads,
    verify_growth,
    verify_head,
)
from relais.crypto.merkle import EMPTY_ROOT, TreeHead
from relais.models.refusal import Code, Refusal
from relais.models.wire.heads import HeadsProven, LedgerFrom, ProveHeads
from relais.server.audit.ledger_heads import MOST_ENTRIES, head_entry, tell_standing

NOTHING = TreeHead(0, EMPTY_ROOT)


async def asked(person: Person, *ledgers: str, index: int = 0, size: int = 0) -> HeadsProven:
    ask = ProveHeads(tuple(LedgerFrom(one, index) for one in ledgers), size)
    answer: HeadsProven = await person.on.call(ask)
    return answer


async def read(
    house: House, answer: HeadsProven, *, seen: TreeHead = NOTHING
) -> tuple[TreeHead, list[ProvenHead]]:
    """What a client finds in an answer, everything checked."""
    trusted = Policy((await LogReader(house).key(),))
    head = verify_growth(answer.checkpoint, trusted, seen=seen, proof=answer.consistency).head
    proofs = [HeadProof(one.index, one.entry, one.path) for one in answer.entries]
    return head, [verify_head(one, head) for one in proofs]


async def test_a_circle_s_and_an_account_s_heads_are_proven_and_name_nobody(house: House) -> None:
    nurse = await house.person("Nadia")
    circle = await nurse.open_circle()
    await settled(house)
    head, told = await read(house, answer := await asked(nurse, circle.id, nurse.id))
    about = {one.ledger: one for one in told}
    assert set(about) == {circle.id, nurse.id}
    assert check_heads([about[circle.id]], circle.id, circle.state.heads) == 1
    assert check_heads([about[nurse.id]], nurse.id, nurse.state.heads) == 1
    for one in answer.entries:
        entry = json.loads(one.entry)
        nobody = ("account", "device", "source", "role", "organisation", "circle", "request")
        assert [entry[name] for name in nobody] == [None] * 7
    await settled(house)
    grown, _ = await read(house, await asked(nurse, circle.id, size=head.size), seen=head)
    assert grown.size > head.size


async def test_an_account_s_heads_are_for_everybody_a_circle_s_for_its_readers(
    house: House,
) -> None:
    nurse, other = await house.person("Nadia"), await house.person("Olga")
    circle = await nurse.open_circle()
    await settled(house)
    _, told = await read(house, await asked(other, nurse.id))
    assert [one.ledger for one in told] == [nurse.id]
    with pytest.raises(Refusal) as refused:
        await asked(other, nurse.id, circle.id)
    assert refused.value.code in (Code.FORBIDDEN, Code.NOT_FOUND)
    assert (await asked(other, "ab" * 32)).entries == ()


async def test_a_client_that_has_seen_more_than_there_is_is_told_so(house: House) -> None:
    nurse = await house.person("Nadia")
    size = await settled(house)
    with pytest.raises(Refusal) as refused:
        await asked(nurse, nurse.id, size=size + 1_000)
    assert refused.value.code is Code.NOT_FOUND
    assert int(str(refused.value.facts["size"])) < size + 1_000


async def test_many_heads_come_in_parts(house: House) -> None:
    nurse = await house.person("Nadia")
    pending = house.node.base.stores.pending
    for seq in range(MOST_ENTRIES + 5):
        await pending.add(head_entry("cd" * 32, seq=seq, head="ef" * 32, at=START + seq))
    await settled(house)
    first = await asked(nurse, "cd" * 32)
    assert (len(first.entries), first.more) == (MOST_ENTRIES, True)
    last = await asked(nurse, "cd" * 32, index=first.entries[-1].index + 1)
    assert (len(last.entries), last.more) == (5, False)
    _, told = await read(house, last)
    assert [one.seq for one in told] == list(range(MOST_ENTRIES, MOST_ENTRIES + 5))


async def test_what_stood_before_heads_were_told_is_told_once(audit: AuditLog) -> None:
    await audit.database.collection("accounts").insert(
        {"_id": "a1" * 32, "seq": 2, "head": "b2" * 32}
    )
    await audit.database.collection("circles").insert(
        {"_id": "c3" * 32, "seq": 7, "head": "d4" * 32}
    )
    for _ in range(2):
        await tell_standing(audit.stores.ledgers, audit.recorder)
    await audit.integrate()
    assert [await audit.stores.ledgers.find(one * 32, 0, 99) for one in ("a1", "c3")] == [[0], [1]]
    told = [json.loads(one.entry)["subject"] for one in await audit.stores.entries.between(0, 9)]
    assert told == [
        {"ledger": "a1" * 32, "seq": 2, "head": "b2" * 32},
        {"ledger": "c3" * 32, "seq": 7, "head": "d4" * 32},
    ]

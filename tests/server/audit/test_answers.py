"""Searches, proofs and a circle's accesses, at a real node's door: who gets them, that they verify, that they are recorded."""

import json

import pytest
from audit_house import LogReader, entries, search, settled
from members import House

from relais.crypto.checkpoint import Policy, verify_checkpoint
from relais.crypto.merkle import leaf_hash, verify_consistency, verify_inclusion
from relais.models.refusal import Code, Refusal
from relais.models.store.errors import Unavailable
from relais.models.wire.audit import CircleAccesses, ProveConsistency, ProveEntry


async def test_an_auditor_finds_who_did_what_newest_first(house: House) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    circle = await nurse.open_circle()
    for text in ("a", "b", "c"):
        await nurse.post(circle, text)
    await settled(house)
    found = await auditor.on.call(search(circle=circle.id))
    acts = [(one["action"], one["account"]) for one in entries(found)]
    assert acts == [("note.post", nurse.id)] * 3 + [("circle.create", nurse.id)]
    assert [one["subject"]["seq"] for one in entries(found)[:3]] == [3, 2, 1]
    assert not found.more


async def test_pages_go_on_below_the_last_row_and_say_whether_there_is_more(house: House) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    circle = await nurse.open_circle()
    for text in ("a", "b", "c", "d"):
        await nurse.post(circle, text)
    await settled(house)
    first = await auditor.on.call(search(circle=circle.id, limit=2))
    below = first.rows[-1].index
    second = await auditor.on.call(search(circle=circle.id, limit=3, before=below))
    assert [len(first.rows), first.more, len(second.rows), second.more] == [2, True, 3, False]
    both = entries(first) + entries(second)
    assert [one["action"] for one in both] == ["note.post"] * 4 + ["circle.create"]


async def test_a_refusal_is_found_by_its_outcome_with_code_and_rule(house: House) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    with pytest.raises(Refusal):
        await nurse.on.call(search())
    await settled(house)
    found = await auditor.on.call(search(account=nurse.id, outcome="refused"))
    assert [(one["action"], one["reason"], one["subject"]) for one in entries(found)] == [
        ("audit.search", "forbidden", {"rule": "not-allowed"})
    ]


async def test_a_search_is_itself_recorded_with_what_was_asked_and_shown(house: House) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    circle = await nurse.open_circle()
    await settled(house)
    found = await auditor.on.call(search(circle=circle.id, account=nurse.id, since=5))
    await settled(house)
    again = await auditor.on.call(search(action="audit.search", account=auditor.id))
    (entry,) = entries(again)
    index = found.rows[0].index
    assert (entry["circle"], entry["outcome"], entry["role"]) == (circle.id, "ok", "auditor")
    assert entry["subject"] == {
        "account": nurse.id,
        "since": 5,
        "entries": 1,
        "index_from": index,
        "index_to": index,
    }


@pytest.mark.parametrize("role", ["professional", "coordinator", "administrator"])
async def test_nobody_but_an_auditor_searches(house: House, role: str) -> None:
    person = await house.person("P", role)
    with pytest.raises(Refusal) as refused:
        await person.on.call(search())
    assert (refused.value.code, refused.value.reason) == (Code.FORBIDDEN, "not-allowed")


@pytest.mark.parametrize("limit", [0, 201])
async def test_a_page_has_one_to_two_hundred_rows(house: House, limit: int) -> None:
    auditor = await house.person("Inès", "auditor")
    with pytest.raises(Refusal) as refused:
        await auditor.on.call(search(limit=limit))
    assert refused.value.facts == {"field": "limit"}
    await auditor.on.call(search(limit=200))


async def test_an_entry_is_proven_to_lie_in_the_signed_tree(house: House) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    circle = await nurse.open_circle()
    size = await settled(house)
    row = (await auditor.on.call(search(circle=circle.id))).rows[0]
    proof = await auditor.on.call(ProveEntry(row.index))
    key = await LogReader(house).key()
    signed = verify_checkpoint(proof.checkpoint, Policy((key,)))
    assert proof.entry == row.entry
    assert signed.head.size >= size
    leaf = leaf_hash(proof.entry)
    verify_inclusion(leaf, index=row.index, head=signed.head, proof=proof.path)


async def test_the_log_is_proven_to_have_grown_from_every_earlier_size(house: House) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    reader = LogReader(house)
    await settled(house)
    old = (await reader.checkpoint()).head
    circle = await nurse.open_circle()
    await nurse.post(circle)
    await settled(house)
    grown = await auditor.on.call(ProveConsistency(old.size))
    new = verify_checkpoint(grown.checkpoint, Policy((await reader.key(),))).head
    assert new.size > old.size
    verify_consistency(old, new, grown.path)
    nothing = await auditor.on.call(ProveConsistency(0))
    assert nothing.path == ()


async def test_what_is_not_in_the_tree_yet_is_not_found(house: House) -> None:
    auditor = await house.person("Inès", "auditor")
    for ask in (ProveEntry(10**6), ProveConsistency(10**6)):
        with pytest.raises(Refusal) as refused:
            await auditor.on.call(ask)
        assert refused.value.code is Code.NOT_FOUND


async def test_proofs_are_recorded(house: House) -> None:
    auditor = await house.person("Inès", "auditor")
    size = await settled(house)
    await auditor.on.call(ProveEntry(0))
    await auditor.on.call(ProveConsistency(size))
    said = {
        one["action"]: one["subject"] for one in await house.audit() if one["account"] == auditor.id
    }
    assert said["audit.prove"]["index"] == 0
    assert said["audit.consistency"]["size_from"] == size


async def test_members_see_the_accesses_of_their_own_circle_and_prove_them(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Gaspard")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    await nurse.post(circle)
    await doctor.sync(circle)
    await settled(house)
    found = await nurse.on.call(CircleAccesses(circle.id, 0, 50))
    acts = [(one["action"], one["account"]) for one in entries(found)]
    assert acts[0] == ("circle.sync", doctor.id)
    assert {one["circle"] for one in entries(found)} == {circle.id}
    proof = await nurse.on.call(ProveEntry(found.rows[0].index))
    assert proof.entry is None
    signed = verify_checkpoint(proof.checkpoint, Policy((await LogReader(house).key(),)))
    verify_inclusion(proof.leaf, index=proof.index, head=signed.head, proof=proof.path)
    own = next(row for row in found.rows if json.loads(row.entry)["account"] == nurse.id)
    proof = await nurse.on.call(ProveEntry(own.index))
    assert (proof.entry, proof.leaf) == (own.entry, leaf_hash(own.entry))
    shown = [one for one in await house.audit() if one["action"] == "audit.circle"]
    assert [(one["circle"], one["role"]) for one in shown if one["account"] == nurse.id] == [
        (circle.id, "lead")
    ]


async def test_who_is_not_in_a_circle_sees_none_of_its_accesses(house: House) -> None:
    nurse, stranger = await house.person("Nadia"), await house.person("S")
    gone, bot = await house.person("G"), await house.person("B", "bot", kind="bot")
    circle = await nurse.open_circle()
    await nurse.add(circle, gone)
    await nurse.remove(circle, gone)
    await nurse.add(circle, bot, role="bot")
    await settled(house)
    index = (await nurse.on.call(CircleAccesses(circle.id, 0, 1))).rows[0].index
    for person in (stranger, gone, bot):
        for ask in (CircleAccesses(circle.id, 0, 50), ProveEntry(index)):
            with pytest.raises(Refusal) as refused:
                await person.on.call(ask)
            assert refused.value.code is Code.FORBIDDEN


async def test_an_entry_of_no_circle_is_proven_to_auditors_alone(house: House) -> None:
    nurse, auditor = await house.person("Nadia"), await house.person("Inès", "auditor")
    await settled(house)
    row = (await auditor.on.call(search(action="auth.enrol"))).rows[0]
    assert json.loads(row.entry)["circle"] is None
    with pytest.raises(Refusal) as refused:
        await nurse.on.call(ProveEntry(row.index))
    assert refused.value.code is Code.FORBIDDEN
    assert (await auditor.on.call(ProveEntry(row.index))).entry == row.entry


async def test_a_search_whose_entry_cannot_be_stored_is_not_answered(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = await house.person("Inès", "auditor")

    async def fails(document: object) -> None:
        raise Unavailable("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(house.node.base.stores.pending, "add", fails)
        with pytest.raises(Refusal) as refused:
            await auditor.on.call(search())
    assert refused.value.code is Code.UNAVAILABLE
    await auditor.on.call(search())

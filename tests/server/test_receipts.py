"""Receipts: stored once each, told to the circle, shown to members and auditors."""

import asyncio

import pytest
from members import Circle, House, Person, now, refused

from relais.crypto import envelope
from relais.models.refusal import Code
from relais.models.wire import note as wire


async def noted(house: House) -> tuple[Person, Person, Circle, bytes]:
    """A nurse, a doctor, their circle, and a note by the nurse."""
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    doctor.meet(nurse)
    sealed = nurse.note(circle)
    await nurse.send(sealed)
    return nurse, doctor, circle, sealed


async def test_a_receipt_is_stored_once_and_told_to_the_author(house: House) -> None:
    nurse, doctor, circle, sealed = await noted(house)
    receipt = doctor.receipt(sealed)
    ask = wire.PostReceipts(circle.id, (receipt,))
    assert (await doctor.on.call(ask)).stored == 1
    assert (await doctor.on.call(ask)).stored == 0
    heard = await nurse.on.hear(wire.ReceiptPosted)
    assert [one.receipt for one in heard.receipts] == [receipt]
    got = await nurse.on.call(wire.SyncReceipts(circle.id, 0, 100))
    assert [(one.number, one.receipt) for one in got.receipts] == [(1, receipt)]
    assert got.last == 1


async def test_the_kinds_and_versions_are_told_apart(house: House) -> None:
    nurse, doctor, circle, first = await noted(house)
    second = nurse.correction(circle, first)
    await nurse.send(second)
    receipts = [
        doctor.receipt(sealed, kind)
        for sealed in (first, second)
        for kind in ("stored", "read", "acknowledged")
    ]
    ask = wire.PostReceipts(circle.id, tuple(receipts))
    assert (await doctor.on.call(ask)).stored == 6
    note = envelope.peek(first).header.note
    got = await nurse.on.call(wire.GetReceipts(circle.id, note))
    assert {one.receipt for one in got.receipts} == set(receipts)
    assert sorted(one.number for one in got.receipts) == list(range(1, 7))


async def test_receipts_are_numbered_without_gaps_when_many_come_at_once(house: House) -> None:
    nurse, doctor, circle, sealed = await noted(house)
    kinds = ("stored", "read", "acknowledged")
    asks = [
        who.on.call(wire.PostReceipts(circle.id, (who.receipt(sealed, kind),)))
        for kind in kinds
        for who in (nurse, doctor)
    ]
    await asyncio.gather(*asks)
    got = await nurse.on.call(wire.SyncReceipts(circle.id, 0, 100))
    assert [one.number for one in got.receipts] == list(range(1, 7))
    rest = await nurse.on.call(wire.SyncReceipts(circle.id, 2, 3))
    assert [one.number for one in rest.receipts] == [3, 4, 5]
    assert rest.last == 6


async def test_a_receipt_for_what_was_not_written_is_refused(house: House) -> None:
    _, doctor, circle, sealed = await noted(house)
    beyond = doctor.receipt(sealed, version=2)
    await refused(doctor.on.call(wire.PostReceipts(circle.id, (beyond,))), Code.NOT_FOUND)
    other = doctor.receipt(sealed, envelope="a" * 64)
    await refused(
        doctor.on.call(wire.PostReceipts(circle.id, (other,))), Code.CONFLICT, "wrong-version"
    )


async def test_a_receipt_in_anothers_name_is_refused_with_all_beside_it(house: House) -> None:
    nurse, doctor, circle, sealed = await noted(house)
    mixed = (doctor.receipt(sealed), nurse.receipt(sealed))
    ask = wire.PostReceipts(circle.id, mixed)
    await refused(doctor.on.call(ask), Code.FORBIDDEN, "wrong-account")
    assert (await nurse.on.call(wire.SyncReceipts(circle.id, 0, 10))).receipts == ()


async def test_a_forged_receipt_is_refused(house: House) -> None:
    _, doctor, circle, sealed = await noted(house)
    forged = bytearray(doctor.receipt(sealed))
    forged[-1] ^= 1
    ask = wire.PostReceipts(circle.id, (bytes(forged),))
    await refused(doctor.on.call(ask), Code.FORBIDDEN, "bad-signature")
    ask = wire.PostReceipts(circle.id, (doctor.receipt(sealed),))
    assert (await doctor.on.call(ask)).stored == 1


async def test_a_receipt_for_another_circle_or_from_the_future_is_refused(house: House) -> None:
    nurse, doctor, circle, sealed = await noted(house)
    elsewhere = await nurse.open_circle()
    ask = wire.PostReceipts(elsewhere.id, (nurse.receipt(sealed),))
    await refused(nurse.on.call(ask), Code.MALFORMED, "wrong-circle")
    early = doctor.receipt(sealed, at=now() + 3_600_000)
    ask = wire.PostReceipts(circle.id, (early,))
    await refused(doctor.on.call(ask), Code.MALFORMED, "time-ahead")


async def test_an_auditor_sees_receipts_and_no_notes_and_a_stranger_neither(house: House) -> None:
    _, doctor, circle, sealed = await noted(house)
    await doctor.on.call(wire.PostReceipts(circle.id, (doctor.receipt(sealed),)))
    auditor, stranger = await house.person("Iris", "auditor"), await house.person("Sacha")
    ask = wire.SyncReceipts(circle.id, 0, 10)
    assert len((await auditor.on.call(ask)).receipts) == 1
    await refused(auditor.sync(circle), Code.FORBIDDEN, "not-a-member")
    await refused(stranger.on.call(ask), Code.FORBIDDEN, "not-a-member")
    entries = [e for e in await house.audit() if e["account"] == auditor.id]
    (looked,) = [e for e in entries if e["action"] == "receipt.sync"]
    assert (looked["role"], looked["outcome"]) == ("auditor", "ok")


@pytest.mark.parametrize("limit", [0, 1_001])
async def test_1_to_1000_receipts_at_once(house: House, limit: int) -> None:
    nurse, _, circle, _ = await noted(house)
    await refused(nurse.on.call(wire.SyncReceipts(circle.id, 0, limit)), Code.MALFORMED)

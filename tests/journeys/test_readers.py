"""Who could read a note and when, as the ledger and the keys on the envelope have it; not who did."""

import asyncio

import pytest
from people import ODETTE, Town

from relais.client.errors import UnknownVersion
from relais.crypto.readers import Reader


def spans(found: list[Reader]) -> dict[str, list[Reader]]:
    by: dict[str, list[Reader]] = {}
    for one in found:
        by.setdefault(one.account, []).append(one)
    return by


async def test_members_of_then_and_later_are_told_with_their_periods_and_histories(
    town: Town,
) -> None:
    lead, gone, late, none, since = [await town.newcomer(n) for n in ("L", "G", "T", "N", "S")]
    circle = await lead.create_circle(ODETTE)
    await circle.add(gone.account)
    await asyncio.sleep(0.002)  # another millisecond than the entry before
    moment = lead.session.clock.now()
    note = await circle.post("qui a pu le lire ?")
    await circle.remove(gone.account)
    await circle.add(late.account)
    await circle.add(none.account, history=False)
    await circle.add(since.account, history=moment)
    after = await circle.post("après")

    before = spans(await circle.readers(note.note))
    later = spans(await circle.readers(after.note))

    members = circle.view.state.members
    assert set(before) == {lead.account, gone.account, late.account, since.account}
    (left,) = before[gone.account]
    assert left.until == members[gone.account].last.removed_at
    assert left.devices == (gone.device,)
    assert [one.until for one in before[lead.account]] == [None]
    assert before[late.account][0].since == members[late.account].last.since
    assert [(one.by_own_key, one.epoch) for one in before[since.account]] == [(True, 1)]
    assert not before[late.account][0].by_own_key
    assert set(later) == {lead.account, late.account, none.account, since.account}
    assert not any(one.by_own_key for some in later.values() for one in some)


async def test_whoever_came_back_has_a_span_for_each_stay(town: Town) -> None:
    lead, guest = await town.newcomer("L"), await town.newcomer("G")
    circle = await lead.create_circle(ODETTE)
    await circle.add(guest.account)
    first = await circle.post("première période")
    await circle.remove(guest.account)
    meanwhile = await circle.post("absence")
    await circle.add(guest.account, history=False)
    seen = spans(await circle.readers(first.note))[guest.account]
    assert [one.until is None for one in seen] == [False], "the second stay has no history"
    assert guest.account not in spans(await circle.readers(meanwhile.note))
    assert await circle.receipts(first.note) is not None


async def test_each_version_has_readers_of_its_own(town: Town) -> None:
    lead, guest = await town.newcomer("L"), await town.newcomer("G")
    circle = await lead.create_circle(ODETTE)
    await circle.add(guest.account)
    first = await circle.post("10 mg")
    await circle.remove(guest.account)
    await circle.correct(first.note, "5 mg")

    assert guest.account in spans(await circle.readers(first.note, 1))
    assert set(spans(await circle.readers(first.note))) == {lead.account}
    with pytest.raises(UnknownVersion):
        await circle.readers(first.note, 3)


async def test_only_devices_in_force_at_the_time_are_named(town: Town) -> None:
    lead, guest = await town.newcomer("L"), await town.newcomer("G")
    circle = await lead.create_circle(ODETTE)
    note = await circle.post("un")
    await circle.add(guest.account)
    (span,) = spans(await circle.readers(note.note))[guest.account]
    assert span.devices == (guest.device,)
    bot = await town.newcomer("Labo", "bot")
    await circle.add(bot.account, role="bot")
    assert bot.account not in spans(await circle.readers(note.note))

"""What a device found that does not hold is an entry of the log, once; and it tells nobody anything but that."""

from dataclasses import replace
from typing import Any

import pytest
from connection import Connection
from members import House, new_keys, refused

from relais.crypto import account
from relais.models.refusal import Code
from relais.models.store.errors import Unavailable
from relais.models.wire.account import AppendStatement
from relais.models.wire.alarm import AlarmNoted, ReportAlarm
from relais.server.alarms import AT_ONCE

FORK = ReportAlarm("fork", None, None, "ab" * 32, 3)


async def reported(house: House, by: Connection) -> list[dict[str, Any]]:
    """The entries of this device's alarms, in order."""
    entries = [one for one in await house.audit() if one["action"] == "alarm.report"]
    own = [one for one in entries if one["device"] == by.keys.id]
    return sorted(own, key=lambda one: one["id"])


async def test_an_alarm_is_an_entry_of_the_members_own_and_only_once(house: House) -> None:
    nurse, doctor = await house.person("Nurse"), await house.person("Doctor")
    circle = await nurse.open_circle()
    about = ReportAlarm("wrong-circle", circle.id, doctor.id, "cd" * 32, 7)
    for _ in range(2):
        for alarm in (FORK, about):
            assert await nurse.on.call(alarm) == AlarmNoted()
    first, second = await reported(house, nurse.on)
    assert (first["account"], first["circle"], first["role"]) == (nurse.id, None, "professional")
    assert first["subject"] == {"kind": "fork", "of": "ab" * 32, "seq": 3}
    assert (second["circle"], second["role"], second["outcome"]) == (circle.id, "lead", "ok")
    assert second["subject"] == {
        "kind": "wrong-circle",
        "account": doctor.id,
        "of": "cd" * 32,
        "seq": 7,
    }


async def test_another_subject_and_another_device_are_other_alarms(house: House) -> None:
    nurse = await house.person("Nurse")
    keys = new_keys()
    possession = account.possession(keys, keys.device("interactive", "tablet"), nurse.id)
    added = account.add_device(nurse.state, nurse.keys, possession, at=nurse.state.at)
    await nurse.on.call(AppendStatement(added))
    tablet = house.door(keys)
    await tablet.connect()
    for alarm in (FORK, replace(FORK, seq=4), replace(FORK, kind="rollback")):
        await nurse.on.call(alarm)
    await tablet.call(FORK)
    assert len(await reported(house, nurse.on)) == 3
    assert len(await reported(house, tablet)) == 1


async def test_an_alarm_about_a_circle_is_for_those_who_are_or_were_in_it(house: House) -> None:
    nurse, doctor = await house.person("Nurse"), await house.person("Doctor")
    stranger = await house.person("Stranger")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    await nurse.remove(circle, doctor)
    about = replace(FORK, circle=circle.id)
    await refused(stranger.on.call(about), Code.FORBIDDEN, "not-a-member")
    await refused(stranger.on.call(replace(FORK, circle="0" * 64)), Code.NOT_FOUND)
    await doctor.on.call(about)
    assert [one["outcome"] for one in await reported(house, doctor.on)] == ["ok"]
    assert [one["outcome"] for one in await reported(house, stranger.on)] == ["refused"] * 2


@pytest.mark.parametrize("kind", ["", "Mme Durand", "fork!", "x" * 41, "-fork", "Fork"])
async def test_a_kind_that_is_no_word_is_refused(house: House, kind: str) -> None:
    nurse = await house.person("Nurse")
    await refused(nurse.on.call(replace(FORK, kind=kind)), Code.MALFORMED)
    assert [one["outcome"] for one in await reported(house, nurse.on)] == ["refused"]


async def test_a_device_that_raises_one_alarm_after_the_other_is_told_to_wait(
    house: House,
) -> None:
    nurse, doctor = await house.person("Nurse"), await house.person("Doctor")
    for seq in range(AT_ONCE):
        await nurse.on.call(replace(FORK, seq=seq))
    refusal = await refused(nurse.on.call(replace(FORK, seq=AT_ONCE)), Code.RATE_LIMITED)
    assert refusal.facts["retry_ms"] > 0
    assert len(await reported(house, nurse.on)) == AT_ONCE
    assert await doctor.on.call(FORK) == AlarmNoted(), "others are not concerned"


async def test_an_alarm_whose_entry_cannot_be_stored_is_not_noted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse = await house.person("Nurse")

    async def fails(*_: object, **__: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(type(house.node.base.stores.database), "transaction", fails)
        await refused(nurse.on.call(FORK), Code.UNAVAILABLE)
    assert await reported(house, nurse.on) == []
    await nurse.on.call(FORK)
    assert len(await reported(house, nurse.on)) == 1

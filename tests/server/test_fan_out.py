"""One encoding for all recipients, on one node and across several."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import socketio
from members import House, now, refused
from patience import PATIENCE
from socketio.async_pubsub_manager import AsyncPubSubManager

from relais.crypto import account
from relais.models.refusal import Code
from relais.models.wire import account as account_wire
from relais.models.wire import note as wire
from relais.server.sockets import engine


class Bus:
    """What Redis does between nodes, in memory."""

    def __init__(self) -> None:
        self.listeners: list[asyncio.Queue[Any]] = []
        self.is_down = False

    def publish(self, data: Any) -> None:
        if self.is_down:
            raise ConnectionError("the bus is down")
        for listener in self.listeners:
            listener.put_nowait(data)


def manager_on(bus: Bus) -> Any:
    class OnBus(AsyncPubSubManager):  # type: ignore[misc]
        async def _publish(self, data: Any) -> None:
            bus.publish(data)

        async def _listen(self) -> AsyncIterator[Any]:
            mine: asyncio.Queue[Any] = asyncio.Queue()
            bus.listeners.append(mine)
            while True:
                yield await mine.get()

    return engine.across_nodes(OnBus)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    bus = Bus()
    monkeypatch.setattr("relais.server.app.make_manager", lambda _: manager_on(bus)())
    return bus


async def test_a_packet_is_encoded_once_for_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    encoded: list[str] = []
    encode = engine.Packet.encode

    def counting(packet: engine.Packet) -> bytes:
        if packet.packet_type == 2:
            encoded.append(packet.data[0])
        return encode(packet)  # type: ignore[no-any-return]

    monkeypatch.setattr(engine.Packet, "encode", counting)
    await nurse.post(circle)
    for person in (nurse, doctor):
        await person.on.hear(wire.NotePosted)
    assert encoded.count("note.posted") == 1


async def test_a_note_reaches_members_on_another_node(bus: Bus, build: Any) -> None:
    async with build() as first, build() as second:
        nurse, doctor = await first.person("Nadia"), await second.person("Denis")
        circle = await nurse.open_circle()
        await nurse.add(circle, doctor)
        sealed = nurse.note(circle)
        await nurse.send(sealed)
        heard = await doctor.on.hear(wire.NotePosted)
        assert heard.envelope == sealed
        assert len([e for e in nurse.on.heard if isinstance(e, wire.NotePosted)]) == 1


async def test_a_revoked_device_is_cut_off_on_another_node(bus: Bus, build: Any) -> None:
    async with build() as first, build() as second:
        nurse = await first.person("Nadia")
        phone = second.door()
        word = account.possession(phone.keys, phone.keys.device("interactive", "p"), nurse.id)
        await nurse.append(account.add_device(nurse.state, nurse.keys, word, at=now()))
        await phone.connect()
        await nurse.append(account.revoke_device(nurse.state, nurse.keys, phone.keys.id, at=now()))
        await phone.cut_off()
        await refused(second.door(phone.keys).login(), Code.UNAUTHENTICATED, "revoked-device")


async def test_a_changed_profile_is_found_on_another_node(bus: Bus, build: Any) -> None:
    async with build() as first, build() as second:
        nurse, doctor = await first.person("Nadia"), await second.person("Denis")
        await doctor.on.call(account_wire.SearchDirectory("Nadia", 10))
        profile = account.Profile("Zenobia", "", "")
        statement = account.change_profile(nurse.state, nurse.keys, profile, at=now())
        await nurse.append(statement)
        ask = account_wire.SearchDirectory("Zenobia", 10)
        async with asyncio.timeout(PATIENCE):
            found = await doctor.on.call(ask)
            while not found.entries:  # the bus is not awaited by who publishes
                found = await doctor.on.call(ask)
        assert [entry.account for entry in found.entries] == [nurse.id]


async def test_a_dead_bus_costs_events_and_no_notes(bus: Bus, build: Any) -> None:
    async with build() as house:
        nurse, doctor = await house.person("Nadia"), await house.person("Denis")
        circle = await nurse.open_circle()
        await nurse.add(circle, doctor)
        bus.is_down = True
        assert (await nurse.post(circle)).seq == 1
        assert len((await doctor.sync(circle)).notes) == 1


def test_a_cluster_is_made_only_where_redis_is_named() -> None:
    assert type(engine.make_manager(None)) is engine.FanOut
    clustered = engine.make_manager("redis://127.0.0.1:1/0")
    assert isinstance(clustered, engine.FanOut)
    assert isinstance(clustered, socketio.AsyncRedisManager)

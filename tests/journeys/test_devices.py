"""A person's devices: joined by a code, restored from the kit, cut off when lost."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import thief
from patience import PATIENCE
from people import ODETTE, Person, Town, new_home
from second_device import PASSPHRASE, joined

from relais.client import enrolment
from relais.client.cli.device_commands import admit
from relais.client.enrolment import NewDevice
from relais.client.errors import BadAnswer, BadLink
from relais.client.home import Home
from relais.client.identity import Identity, new_keys
from relais.client.sdk import Client
from relais.client.session import Session
from relais.client.transport import Transport
from relais.crypto import account, join, kit
from relais.crypto.account import Profile
from relais.models.refusal import Code, Refusal
from relais.models.wire.account import ApproveDevice, DeviceRequested
from relais.models.wire.auth import RequestJoin
from relais.models.wire.circle import ListCircles


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAIS_PASSPHRASE", PASSPHRASE)


async def texts(client: Client, circle: str) -> list[str | None]:
    opened = await client.circle(circle)
    return [note.content.text if note.content else None async for note in opened.notes()]


async def test_a_device_is_let_in_by_its_own_id_whatever_else_joins_meanwhile(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await town.newcomer("Nadia")
    offered = await enrolment.offer(first.session)
    keys, call = new_keys(), first.session.call
    possession = account.possession(keys, keys.device("interactive", "tablette"), first.account)
    mac = join.request_mac(offered.secret, possession)
    async with Transport(town.relay.origin) as transport:
        await transport.exchange(RequestJoin(offered.ticket, possession, mac))

    async def call_and_add_a_kit(request: Any) -> Any:
        answer = await call(request)
        if isinstance(request, ApproveDevice):
            await enrolment.make_kit(first.session, "fr")
        return answer

    monkeypatch.setattr(first.session, "call", call_and_add_a_kit)
    request = DeviceRequested(offered.ticket, possession, mac)
    assert await enrolment.approve(first.session, offered, request) == keys.id
    assert len((await enrolment.own_state(first.session)).devices) == 3


async def test_a_second_device_opens_every_circle_with_its_history_with_nobody_else_online(
    town: Town, tmp_path: Path
) -> None:
    nurse = await town.newcomer("Nadia")
    doctor = await town.person("Denis")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    await circle.post("hier")
    await circle.remove(doctor.account)
    await circle.post("aujourd'hui")

    second = await joined(nurse, tmp_path)

    client = await town.connect(second)
    assert client.account == nurse.account
    assert client.device != nurse.device
    assert await texts(client, circle.circle) == ["hier", "aujourd'hui"]
    await (await client.circle(circle.circle)).post("de la tablette")
    assert (await texts(nurse, circle.circle))[-1] == "de la tablette"


async def test_a_code_serves_once_and_a_wrong_one_finds_nothing(town: Town, tmp_path: Path) -> None:
    nurse = await town.newcomer("Nadia")
    offered = await enrolment.offer(nurse.session)
    wrong = offered.link[:-1] + ("0" if offered.link[-1] != "0" else "1")

    with pytest.raises(Refusal) as refused:
        await enrolment.join_account(NewDevice(tmp_path / "wrong", "inconnu"), wrong)
    assert refused.value.code is Code.NOT_FOUND
    assert not (tmp_path / "wrong" / "lock.json").exists()
    with pytest.raises(BadLink):
        await enrolment.join_account(
            NewDevice(tmp_path / "bad", "inconnu"), town.relay.origin + "/join"
        )
    second = await joined(nurse, tmp_path)
    assert second.account == nurse.account


async def test_a_device_that_does_not_know_the_code_is_not_let_in(town: Town) -> None:
    nurse = await town.newcomer("Nadia")
    offered = await enrolment.offer(nurse.session)
    request = await _request(town, nurse, offered, secret=bytes(10))

    with pytest.raises(BadAnswer):
        await enrolment.approve(nurse.session, offered, request)
    devices = (await enrolment.own_state(nurse.session)).devices
    assert set(devices) == {nurse.device}


async def _request(
    town: Town, nurse: Client, offered: enrolment.Offer, *, secret: bytes
) -> DeviceRequested:
    """What somebody sends who saw the ticket but not the code."""
    keys = new_keys()
    device = keys.device("interactive", "intrus")
    possession = account.possession(keys, device, nurse.account)
    mac = join.request_mac(secret, possession)
    async with Transport(town.relay.origin) as transport:
        await transport.exchange(RequestJoin(offered.ticket, possession, mac))
    async for event in nurse.events():
        if isinstance(event, DeviceRequested):
            return event
    raise AssertionError("the request never arrived")


async def test_the_kit_brings_everything_back_after_every_device_is_lost(
    town: Town, tmp_path: Path
) -> None:
    nurse = await town.person("Nadia")
    async with nurse.connected() as client:
        circle = await client.create_circle(ODETTE)
        await circle.post("avant la perte")
        words, code = await enrolment.make_kit(client.session, "fr")
        await client.heal()
        await circle.post("après le kit")
    assert kit.seed_of(words) == kit.seed_of_qr(code)

    device = NewDevice(tmp_path / "new", "nouveau téléphone")
    await enrolment.restore(device, town.relay.origin, kit.seed_of(words))

    restored = await town.connect(Person("Nadia", Home.open(tmp_path / "new")))
    assert restored.account == nurse.account
    assert await texts(restored, circle.circle) == ["avant la perte", "après le kit"]
    assert {d.kind for d in (await enrolment.own_state(restored.session)).devices_in_force()} == {
        "interactive",
        "recovery",
    }


async def test_a_kit_nobody_made_restores_nothing(town: Town, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as refused:
        await enrolment.restore(NewDevice(tmp_path / "new", "x"), town.relay.origin, bytes(32))
    assert (refused.value.code, refused.value.reason) == (Code.UNAUTHENTICATED, "unknown-device")
    assert not (tmp_path / "new" / "lock.json").exists()


async def test_a_revoked_device_is_cut_off_at_once_and_its_circles_get_a_new_key(
    town: Town, tmp_path: Path
) -> None:
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    await circle.post("avant")
    lost = await joined(nurse, tmp_path)
    client = await town.connect(lost)
    await client.circle(circle.circle)

    await nurse.revoke_device(lost.device)

    async with asyncio.timeout(PATIENCE):
        async for _ in client.session.transport.events():
            continue  # what it still heard before its socket was closed
    with pytest.raises(Refusal) as refused:
        await client.session.call(ListCircles(False))
    assert (refused.value.code, refused.value.reason) == (Code.UNAUTHENTICATED, "revoked-device")
    theirs = await doctor.circle(circle.circle)
    await theirs.post("après")
    assert theirs.view.state.audiences["team"].epoch == 2
    with town.relay.database() as database:
        read = thief.readable(database, [lost.keys], circle.circle)
    assert {content.text for content in read.values()} == {"avant"}
    assert await texts(nurse, circle.circle) == ["avant", "après"]


async def test_the_last_device_cannot_be_revoked(town: Town) -> None:
    nurse = await town.newcomer("Nadia")

    with pytest.raises(Exception, match="last-device"):
        await nurse.revoke_device(nurse.device)
    assert await nurse.circles() == []


@pytest.mark.parametrize("behind", [0, 60_000], ids=["", "whose-clock-is-behind"])
async def test_a_new_device_of_a_colleague_is_granted_the_keys_by_whoever_heals_first(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    nurse, doctor = await town.newcomer("Nadia"), await town.newcomer("Denis")
    circle = await nurse.create_circle(ODETTE)
    await circle.add(doctor.account)
    await circle.post("une note")
    offered = await enrolment.offer(doctor.session)
    async with asyncio.TaskGroup() as group:
        group.create_task(admit(doctor, offered))
        joining = NewDevice(tmp_path / "second", "PC")
        group.create_task(enrolment.join_account(joining, offered.link))
    second = await town.connect(Person("Denis", Home.open(tmp_path / "second")))
    assert await texts(second, circle.circle) == [None], "its own first device has not healed it"

    clock = nurse.session.clock.now
    monkeypatch.setattr(nurse.session.clock, "now", lambda: clock() - behind)
    assert await nurse.heal() == 1

    assert await texts(second, circle.circle) == ["une note"]


async def test_an_invitation_serves_once(town: Town, tmp_path: Path) -> None:
    url = await town.invitation()
    profile = Profile("Nadia", "nurse", "Sud")
    home = new_home(tmp_path, "first")
    await enrolment.enrol_into(home, NewDevice(home.path, "x"), url, profile)
    async with Session(home) as session:
        assert session.roles == ("professional",)

    other = new_home(tmp_path, "second")
    with pytest.raises(Refusal) as refused:
        await enrolment.enrol_into(other, NewDevice(other.path, "x"), url, profile)
    assert refused.value.reason == "invitation-spent"
    assert Identity.load(home).kind == "interactive"

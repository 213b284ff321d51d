"""Every event is answered; a socket lives as long as its token and its device."""

import asyncio
import json
import socket
from typing import Any

import aiohttp
import msgpack
import pytest
from members import Connection, House, new_keys, now
from patience import PATIENCE
from socketio.exceptions import ConnectionError as SocketConnectionError

from relais.crypto import account, login
from relais.models.refusal import Code, Refusal
from relais.models.wire import REQUESTS, auth
from relais.models.wire import account as account_wire
from relais.models.wire import note as wire


async def test_every_request_of_the_wire_is_answered_even_when_malformed(house: House) -> None:
    nurse = await house.person("Nadia")
    for request in list[Any](REQUESTS):
        answer = await nurse.on.raw(request.EVENT, {"surplus": 1})
        assert answer["error"]["code"] == "malformed", request.EVENT
    assert (await nurse.on.call(account_wire.ListDevices())).devices


@pytest.mark.parametrize(
    "data",
    [
        ("circle.nonsense", {}),
        ("connect", {}),
        ("disconnect", "transport close"),
        ("*", {}),
        ("device.list", {}, {}),
        ("device.list", [1]),
        ("device.list", None),
        ("note.post", {"envelope": "text"}),
        ("note.post", {"envelope": b""}),
        ("note.post", {"envelope": bytes(300_000)}),
        ("circle.sync", {"circle": "no id", "after": 0, "limit": 1}),
        ("circle.sync", {"circle": "a" * 64, "after": -1, "limit": 1}),
        ("circle.sync", {"circle": "a" * 64, "after": 2**60, "limit": 1}),
        ("circle.sync", {"circle": "a" * 64, "after": True, "limit": 1}),
    ],
)
async def test_what_is_malformed_is_told_so_and_the_socket_goes_on(
    house: House, data: tuple[Any, ...]
) -> None:
    nurse = await house.person("Nadia")
    answer = await nurse.on.raw(*data)
    assert answer["error"]["code"] == "malformed"
    assert (await nurse.on.call(account_wire.ListDevices())).devices


async def test_a_malformed_request_leaves_an_audit_entry_with_who_and_what(house: House) -> None:
    nurse = await house.person("Nadia")
    await nurse.on.raw("circle.sync", {"circle": "b" * 64, "after": "x", "limit": 1})
    (entry,) = [e for e in await house.audit() if e["circle"] == "b" * 64]
    assert (entry["action"], entry["outcome"], entry["reason"]) == (
        "circle.sync",
        "refused",
        "malformed",
    )
    assert (entry["account"], entry["device"]) == (nurse.id, nurse.keys.id)


async def test_events_of_one_socket_are_answered_in_their_order(house: House) -> None:
    nurse = await house.person("Nadia")
    circle = await nurse.open_circle()
    answered = await asyncio.gather(*(nurse.post(circle, str(n)) for n in range(8)))
    assert [stored.seq for stored in answered] == list(range(1, 9))


async def test_frames_that_are_no_packets_leave_the_socket_usable(house: House) -> None:
    nurse = await house.person("Nadia")
    bad: list[bytes] = [
        b"\xc1",
        b"\x00",
        msgpack.packb([1, 2]),
        msgpack.packb({"type": 2}),
        msgpack.packb({"type": 2, "nsp": 7, "data": ["x"]}),
        msgpack.packb({"type": 2, "nsp": "/", "data": []}),
        msgpack.packb({"type": 2, "nsp": "/", "data": "device.list"}),
        msgpack.packb({"type": 5, "nsp": "/", "data": ["x"]}),
        msgpack.packb({"type": 99, "nsp": "/"}),
        msgpack.packb({"type": 2, "nsp": "/elsewhere", "data": ["device.list", {}], "id": 1}),
        b"\x91" * 2_000,
    ]
    websocket = nurse.on.socket.eio.ws
    for frame in bad:
        await websocket.send_bytes(frame)
    assert (await nurse.on.call(account_wire.ListDevices())).devices


async def test_text_that_is_no_engine_packet_ends_the_socket_and_nothing_else(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    await nurse.on.socket.eio.ws.send_str("hello")
    await nurse.on.cut_off()
    assert (await doctor.on.call(account_wire.ListDevices())).devices


async def test_without_a_good_token_nobody_connects(house: House) -> None:
    nurse = await house.person("Nadia")
    other = house.door()
    good = nurse.on.token
    assert good is not None
    for token in ("", "x.y.z", good.token[:-4] + "AAAA", None, 5):
        connection = house.door()
        with pytest.raises(SocketConnectionError):
            await connection.socket.connect(
                house.node.origin,
                auth={"token": token},
                transports=["websocket"],
                wait_timeout=PATIENCE,
            )
        assert connection.turned_away["message"] == "unauthenticated"
        assert connection.turned_away["data"]["code"] == "unauthenticated"
    await other.connect(good.token)  # a token is a device's, not a socket's


async def test_polling_is_refused(house: House) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{house.node.origin}/socket.io/?EIO=4&transport=polling"
        async with session.get(url) as response:
            assert response.status == 400


async def test_compression_is_not_accepted_though_it_is_offered(house: House) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{house.node.origin}/socket.io/?EIO=4&transport=websocket"
        async with session.ws_connect(url, compress=15) as socket:
            assert socket.compress == 0
            opened = json.loads((await socket.receive_str())[1:])
            assert opened["maxPayload"] == 8 * 1024 * 1024


async def test_a_socket_is_cut_off_when_its_token_ends(house: House) -> None:
    nurse = await house.person("Nadia")
    (session,) = house.node.sockets._sessions.values()
    session.expires_at = now() + 300
    await nurse.on.cut_off()


async def test_a_renewed_token_keeps_the_socket(house: House) -> None:
    nurse = await house.person("Nadia")
    (session,) = house.node.sockets._sessions.values()
    session.expires_at = now() + 60_000
    challenge = await nurse.on.call(auth.AskChallenge(nurse.keys.id))
    answered = login.answer(nurse.keys, challenge.challenge, origin=house.node.origin, at=now())
    token = await nurse.on.call(auth.AskToken(answered))
    assert session.expires_at == token.expires_at > now() + 500_000


async def test_a_socket_cannot_be_renewed_for_another_device(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    challenge = await nurse.on.call(auth.AskChallenge(doctor.keys.id))
    answered = login.answer(doctor.keys, challenge.challenge, origin=house.node.origin, at=now())
    with pytest.raises(Refusal) as caught:
        await nurse.on.call(auth.AskToken(answered))
    assert (caught.value.code, caught.value.reason) == (Code.UNAUTHENTICATED, "wrong-device")


async def test_a_revoked_device_is_cut_off_at_once_and_stays_out(house: House) -> None:
    nurse = await house.person("Nadia")
    phone = await second_device(house, nurse)
    await nurse.append(account.revoke_device(nurse.state, nurse.keys, phone.keys.id, at=now()))
    await phone.cut_off()
    token = phone.token
    assert token is not None
    with pytest.raises(SocketConnectionError):
        await house.door(phone.keys).connect(token.token)
    with pytest.raises(Refusal) as caught:
        await house.door(phone.keys).login()
    assert caught.value.reason == "revoked-device"


async def test_a_device_that_revokes_itself_hears_the_answer_first(house: House) -> None:
    nurse = await house.person("Nadia")
    phone = await second_device(house, nurse)
    statement = account.revoke_device(nurse.state, phone.keys, phone.keys.id, at=now())
    appended = await phone.call(account_wire.AppendStatement(statement))
    assert appended.seq == 2
    await phone.cut_off()


async def test_a_flood_of_one_device_is_limited_and_not_recorded(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with build(request_burst=5, requests_per_second=1) as house:
        nurse = await house.person("Nadia")
        monkeypatch.setattr(house.node.base.devices, "_clock", lambda: 0.0)  # no time passes
        answers = [await nurse.on.raw("nonsense", {}) for _ in range(12)]
        codes = [answer["error"]["code"] for answer in answers]
        assert codes[:5] == ["malformed"] * 5
        assert codes[-1] == "rate_limited"
        entries = [e for e in await house.audit() if e["account"] == nurse.id]
        assert not [e for e in entries if e["reason"] == "rate_limited"]
        assert len([e for e in entries if e["action"] == "event.unknown"]) < 12


async def test_a_member_that_does_not_read_is_cut_off_and_the_others_hear(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relais.server.sockets.line.MOST_WAITING", 50_000)
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    sessions = house.node.sockets._sessions
    (sid,) = [sid for sid, held in sessions.items() if held.caller.account == doctor.id]
    line = house.node.sockets._server.line_of(sid)
    assert line is not None
    assert line._transport is not None
    kernel = line._transport.get_extra_info("socket")
    kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    reading = doctor.on.socket.eio.ws._response.connection.transport
    reading.pause_reading()
    stored = await nurse.post(circle)
    while sid in sessions:
        stored = await nurse.post(circle, "x" * 20_000)
    await nurse.on.hear(wire.NotePosted, lambda told: told.seq == stored.seq)
    reading.resume_reading()
    await doctor.on.cut_off()


async def test_closing_a_node_ends_every_socket(build: Any) -> None:
    async with build() as house:
        nurse = await house.person("Nadia")
        await house.node.sockets.close()
        await nurse.on.cut_off()


async def second_device(house: House, person: Any) -> Connection:
    """Add a device to somebody's account, and connect it."""
    keys = new_keys()
    possession = account.possession(keys, keys.device("interactive", "phone"), person.id)
    await person.append(account.add_device(person.state, person.keys, possession, at=now()))
    connection: Connection = house.door(keys)
    await connection.connect()
    return connection

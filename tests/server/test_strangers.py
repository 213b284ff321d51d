"""Sockets of those who have not shown a token, or whose token ends while it is renewed."""

from typing import Any

import aiohttp
import pytest
from members import House, new_keys, now, refused
from patience import PATIENCE

from relais.crypto import account, login
from relais.models.refusal import Code
from relais.models.wire import account as account_wire
from relais.models.wire import auth
from relais.server.sockets.line import STRANGER_BYTES

SOCKET = "/socket.io/?EIO=4&transport=websocket"


async def ended(line: aiohttp.ClientWebSocketResponse) -> None:
    """Wait until the server has ended it."""
    while not line.closed:
        await line.receive(timeout=PATIENCE)


async def test_who_shows_no_token_is_sent_away_and_who_did_stays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse = await house.person("Nadia")
    monkeypatch.setattr("relais.server.sockets.line.STRANGER_SECONDS", 0.5)
    async with aiohttp.ClientSession(house.node.origin) as http, http.ws_connect(SOCKET) as line:
        await ended(line)
    await nurse.on.call(account_wire.ListDevices())
    assert nurse.on.socket.connected


async def test_a_long_frame_of_somebody_unknown_is_not_read(house: House) -> None:
    async with aiohttp.ClientSession(house.node.origin) as http, http.ws_connect(SOCKET) as line:
        await line.send_bytes(bytes(STRANGER_BYTES + 1))
        await ended(line)


async def test_a_device_revoked_while_it_renews_its_token_is_cut_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, keys = await house.person("Nadia"), new_keys()
    word = account.possession(keys, keys.device("interactive", "phone"), nurse.id)
    await nurse.append(account.add_device(nurse.state, nurse.keys, word, at=now()))
    phone = house.door(keys)
    await phone.connect()
    identity = house.node.base.identity
    real = identity.token

    async def revoked_meanwhile(*asked: Any) -> auth.Token:
        token = await real(*asked)
        await nurse.append(account.revoke_device(nurse.state, nurse.keys, keys.id, at=now()))
        return token

    monkeypatch.setattr(identity, "token", revoked_meanwhile)
    challenge = await phone.call(auth.AskChallenge(keys.id))
    answered = login.answer(keys, challenge.challenge, origin=phone.origin, at=now())
    await refused(phone.call(auth.AskToken(answered)), Code.UNAUTHENTICATED, "revoked-device")
    await phone.cut_off()

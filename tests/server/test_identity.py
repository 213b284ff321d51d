"""Logging in: one challenge, one device, one origin, once."""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from members import House, now, refused, statement_0
from socketio.exceptions import ConnectionError as SocketConnectionError

from relais.crypto import login
from relais.models.refusal import Code
from relais.models.wire import auth


async def test_a_login_gives_a_token_of_minutes_and_the_servers_clock(house: House) -> None:
    nurse = await house.person("Nadia", "professional", "coordinator")
    before = now()
    token = await nurse.on.login()
    assert token.account == nurse.id
    assert token.roles == ("professional", "coordinator")
    assert before <= token.now <= now()
    assert token.now < token.expires_at <= token.now + 600_000
    said = jwt.decode(token.token, options={"verify_signature": False})
    assert set(said) == {"sub", "device", "roles", "iat", "exp"}
    assert (said["sub"], said["device"]) == (nurse.id, nurse.keys.id)


async def test_a_challenge_serves_once(house: House) -> None:
    nurse = await house.person("Nadia")
    challenge = await nurse.on.exchange(auth.AskChallenge(nurse.keys.id))
    assert len(challenge.challenge) == 32
    ask = auth.AskToken(
        login.answer(nurse.keys, challenge.challenge, origin=house.node.origin, at=now())
    )
    assert (await nurse.on.exchange(ask)).account == nurse.id
    await refused(nurse.on.exchange(ask), Code.UNAUTHENTICATED, "spent-challenge")


async def test_two_challenges_differ(house: House) -> None:
    nurse = await house.person("Nadia")
    ask = auth.AskChallenge(nurse.keys.id)
    first, second = [await nurse.on.exchange(ask) for _ in range(2)]
    assert first.challenge != second.challenge


async def test_a_challenge_is_for_the_device_that_asked_and_made_here(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    theirs = (await nurse.on.exchange(auth.AskChallenge(doctor.keys.id))).challenge
    for challenge in (theirs, bytes(32)):
        answered = login.answer(nurse.keys, challenge, origin=house.node.origin, at=now())
        await refused(
            nurse.on.exchange(auth.AskToken(answered)), Code.UNAUTHENTICATED, "bad-challenge"
        )


async def test_a_challenge_is_valid_for_a_minute(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse = await house.person("Nadia")
    monkeypatch.setattr("relais.server.identity.CHALLENGE_MS", -1)
    await refused(nurse.on.login(), Code.UNAUTHENTICATED, "bad-challenge")
    monkeypatch.undo()
    before = now()
    challenge = await nurse.on.exchange(auth.AskChallenge(nurse.keys.id))
    assert before + 60_000 <= challenge.expires_at <= now() + 60_000


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://", "", "http://127.0.0.1", "nonsense", "http://[x"]
)
async def test_a_login_for_another_server_is_refused(house: House, origin: str) -> None:
    nurse = await house.person("Nadia")
    challenge = await nurse.on.exchange(auth.AskChallenge(nurse.keys.id))
    answered = login.answer(nurse.keys, challenge.challenge, origin=origin, at=now())
    await refused(nurse.on.exchange(auth.AskToken(answered)), Code.UNAUTHENTICATED, "wrong-origin")


async def test_behind_a_name_only_that_name_logs_in(build: Any) -> None:
    async with build(origin="https://relais.example") as house:
        connection = house.door()
        connection.origin = f"http://127.0.0.1:{house.node.port}"
        statement = statement_0(connection.keys, "Nadia")
        await connection.exchange(auth.Enrol(await house.invitation(), statement))
        await refused(connection.login(), Code.UNAUTHENTICATED, "wrong-origin")
        assert await connection.login(origin="https://relais.example")


async def test_a_forged_login_and_a_stranger_are_refused(house: House) -> None:
    nurse = await house.person("Nadia")
    challenge = (await nurse.on.exchange(auth.AskChallenge(nurse.keys.id))).challenge
    forged = bytearray(login.answer(nurse.keys, challenge, origin=house.node.origin, at=now()))
    forged[-1] ^= 1
    ask = auth.AskToken(bytes(forged))
    await refused(nurse.on.exchange(ask), Code.UNAUTHENTICATED, "bad-signature")
    await refused(house.door().login(), Code.UNAUTHENTICATED, "unknown-device")


@pytest.mark.parametrize("trick", ["none", "hs256", "longer", "other-device"])
async def test_a_token_somebody_else_made_opens_nothing(house: House, trick: str) -> None:
    nurse = await house.person("Nadia")
    token = nurse.on.token
    assert token is not None
    said = jwt.decode(token.token, options={"verify_signature": False})
    if trick == "longer":
        said["exp"] += 3_600
    elif trick == "other-device":
        said["device"] = "0" * 32
    public = house.node.base.identity._public.public_bytes_raw()
    made = forged_token(trick, said, token.token.split(".")[2], public)
    connection = house.door(nurse.keys)
    with pytest.raises(SocketConnectionError):
        await connection.connect(made)
    assert connection.turned_away["data"] == {"code": "unauthenticated", "reason": "bad-token"}
    await house.door(nurse.keys).connect(token.token)


async def test_logins_and_refused_ones_are_in_the_log(house: House) -> None:
    nurse = await house.person("Nadia")
    stranger = house.door()
    await refused(stranger.login(), Code.UNAUTHENTICATED, "unknown-device")
    logins = [e for e in await house.audit() if e["action"] == "auth.token"]
    assert [e["outcome"] for e in logins if e["account"] == nurse.id] == ["ok"]
    refusals = [e for e in logins if e["outcome"] == "refused" and e["account"] is None]
    assert "unknown-device" in {e["subject"]["rule"] for e in refusals}
    assert {e["source"] for e in refusals} == {"127.0.0.1"}


async def test_a_flood_of_strangers_is_limited_before_it_fills_the_log(build: Any) -> None:
    async with build(login_burst=40, logins_per_minute=1) as house:
        codes = []
        for _ in range(12):
            connection = house.door()
            ask = auth.AskToken(login.answer(connection.keys, bytes(32), origin="x", at=now()))
            try:
                await connection.exchange(ask)
            except Exception as error:  # noqa: BLE001 (every one is a refusal)
                codes.append(error.code)  # type: ignore[attr-defined]
        assert codes[0] == Code.UNAUTHENTICATED
        assert codes[-1] == Code.RATE_LIMITED
        assert codes.count(Code.UNAUTHENTICATED) <= 4


def forged_token(trick: str, said: dict[str, Any], signature: str, public: bytes) -> str:
    """Another algorithm, the public key as a secret, or changed claims under the old signature."""
    algorithm = {"none": "none", "hs256": "HS256"}.get(trick, "EdDSA")
    head = _part({"alg": algorithm, "typ": "JWT"})
    signed = f"{head}.{_part(said)}"
    if trick == "none":
        return f"{signed}."
    if trick == "hs256":
        signature = _text(hmac.digest(public, signed.encode(), "sha256"))
    return f"{signed}.{signature}"


def _part(value: dict[str, Any]) -> str:
    return _text(json.dumps(value).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

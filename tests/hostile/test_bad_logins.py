"""Logins that are not one's own, rights one does not have, and too much of everything."""

import asyncio
import json
from typing import Any

import pytest
from forged import resigned
from patience import PATIENCE
from scene import RawSocket, Scene

from relais.crypto import cose, login
from relais.crypto.device import DeviceKeys
from relais.models.wire import account, audit, auth, note
from relais.models.wire.codec import decode, encode

pytestmark = pytest.mark.usefixtures("unharmed")


def test_what_only_administrators_and_auditors_may_is_refused_to_the_others(scene: Scene) -> None:
    for who in ("Nadia", "Labo", "Audrey"):
        for request in (account.Invite(("administrator",), "x", 7), account.ListAccounts(0, 10)):
            assert scene.refused(who, request.EVENT, encode(request))["code"] == "forbidden"
    everything = audit.SearchAudit(None, None, None, None, None, None, None, 0, 10)
    for who in ("Nadia", "Labo", "Ada"):
        assert scene.refused(who, everything.EVENT, encode(everything))["code"] == "forbidden"


def test_limits_are_refused_beyond_their_ends(scene: Scene) -> None:
    one = scene.circle.circle
    for request in (
        note.SyncCircle(one, 0, 0),
        note.SyncCircle(one, 0, 201),
        note.PageCircle(one, 0, 100_000),
        note.SyncReceipts(one, 0, 1_001),
        audit.CircleAccesses(one, 0, 0),
    ):
        error = scene.refused("Denis", request.EVENT, encode(request))
        assert error == {"code": "malformed", "field": "limit"}, request
    for days in (0, 91):
        request = account.Invite(("professional",), "", days)
        assert scene.refused("Ada", request.EVENT, encode(request))["field"] == "days"


@pytest.mark.parametrize(
    ("event", "message", "field"),
    [
        ("note.post", {"envelope": bytes(262_145)}, "envelope"),
        ("account.append", {"statement": bytes(16_385)}, "statement"),
        ("account.get", {"accounts": ["0" * 64] * 201}, "accounts"),
        ("directory.search", {"text": "x" * 101, "limit": 5}, "text"),
        ("circle.grant", {"circle": "0" * 64, "grants": [b"x"] * 1_001}, "grants"),
        ("receipt.post", {"circle": "0" * 64, "receipts": [b"x"] * 201}, "receipts"),
        ("receipt.post", {"circle": "0" * 64, "receipts": []}, "receipts"),
    ],
)
def test_what_is_too_large_is_refused_by_its_field(
    scene: Scene, event: str, message: dict[str, Any], field: str
) -> None:
    assert scene.refused("Denis", event, message) == {"code": "malformed", "field": field}


def test_a_frame_of_nine_megabytes_ends_its_own_socket_only(scene: Scene) -> None:
    async def send() -> bool:
        raw = await RawSocket().connect(scene.relay.origin, scene.clients["Olga"].session.token)
        ended = asyncio.Event()
        raw.socket.on("disconnect", lambda *_: ended.set())
        try:
            await raw.frame(b"\xc6" + bytes(9 * 1024 * 1024))
            async with asyncio.timeout(PATIENCE):
                await ended.wait()
        except (ConnectionError, OSError):
            return True
        finally:
            await raw.close()
        return ended.is_set()

    assert scene.run(send())


def test_a_login_that_is_replayed_borrowed_or_for_another_server_is_refused(scene: Scene) -> None:
    nadia = scene.people["Nadia"]

    def challenge(device: str) -> bytes:
        status, answer = scene.post("/auth/challenge", _json(auth.AskChallenge(device)))
        assert status == 200
        return decode(auth.Challenge, answer, json=True).challenge

    def attempt(signed: bytes) -> tuple[int, str | None]:
        status, answer = scene.post("/auth/token", _json(auth.AskToken(signed)))
        return status, answer.get("error", {}).get("reason")

    def signed(keys: DeviceKeys, data: bytes, origin: str = scene.relay.origin) -> bytes:
        at = scene.clients["Nadia"].session.clock.now()
        return login.answer(keys, data, origin=origin, at=at)

    good = signed(nadia.keys, challenge(nadia.device))
    assert attempt(good) == (200, None)
    assert attempt(good) == (401, "spent-challenge")
    borrowed = signed(scene.people["Olga"].keys, challenge(nadia.device))
    assert attempt(borrowed) == (401, "bad-challenge")
    elsewhere = signed(nadia.keys, challenge(nadia.device), "https://relais.example")
    assert attempt(elsewhere) == (401, "wrong-origin")
    made_up = signed(nadia.keys, bytes(32))
    assert attempt(made_up) == (401, "bad-challenge")
    unknown = DeviceKeys.from_random(bytes(64))
    assert attempt(signed(unknown, challenge(unknown.id))) == (401, "unknown-device")
    forged = resigned(good, scene.people["Olga"].keys, cose.LOGIN, kid=nadia.device)
    assert attempt(forged) == (401, "bad-signature")


def _json(message: Any) -> bytes:
    return json.dumps(encode(message, json=True)).encode()

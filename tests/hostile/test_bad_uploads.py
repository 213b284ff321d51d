"""Attachments that are not what they say: refused by name, and no trace of them is kept."""

import hashlib
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene import Scene

pytestmark = pytest.mark.usefixtures("unharmed")
NOISE = b"no ciphertext, and nobody minds" * 40
BLOB = hashlib.sha256(NOISE).hexdigest()
MEBIBYTE = 1024 * 1024


def ask(
    scene: Scene,
    method: str,
    path: str,
    *,
    who: str | None = "Denis",
    headers: dict[str, str] | None = None,
    data: bytes | None = None,
) -> tuple[int, dict[str, Any]]:
    """Status and refusal of one request."""
    bearer = {"Authorization": f"Bearer {scene.clients[who].session.token}"} if who else {}

    async def send() -> tuple[int, dict[str, Any]]:
        url, body = scene.relay.origin + path, None if data is None else io.BytesIO(data)
        sent = scene.http.request(method, url, headers=bearer | (headers or {}), data=body)
        async with sent as answer:
            told = await answer.json() if answer.content_type == "application/json" else {}
            return answer.status, told.get("error", {})

    status, error = scene.run(send())
    if error:
        action = {"PATCH": "blob.upload", "GET": "blob.read", "HEAD": "blob.offset"}[method]
        device = scene.people[who].device if who else None
        scene.told.refusals[action, error["code"], device] += 1
    return status, error


def patch(scene: Scene, data: bytes, **more: Any) -> tuple[int, dict[str, Any]]:
    blob, size = more.pop("blob", BLOB), more.pop("size", len(NOISE))
    headers = {"Upload-Offset": str(more.pop("offset", 0))}
    return ask(scene, "PATCH", f"/blobs/{blob}?size={size}", headers=headers, data=data, **more)


def test_bytes_that_do_not_match_their_hash_are_discarded(scene: Scene) -> None:
    status, error = patch(scene, NOISE[:-1] + b"!")
    assert (status, error) == (422, {"code": "malformed", "reason": "wrong-hash"})
    assert ask(scene, "HEAD", f"/blobs/{BLOB}")[0] == 404


@pytest.mark.parametrize(
    ("more", "status", "refusal"),
    [
        ({"blob": "x" * 64}, 400, {"code": "malformed", "field": "blob"}),
        ({"blob": "ABCDEF" + "0" * 58}, 400, {"code": "malformed", "field": "blob"}),
        ({"size": "many"}, 400, {"code": "malformed", "field": "size"}),
        ({"size": "-1"}, 400, {"code": "malformed", "field": "size"}),
        ({"size": "9" * 16}, 400, {"code": "malformed", "field": "size"}),
        ({"size": 0}, 413, {"code": "too_large", "most": 33554432}),
        ({"size": 33554433}, 413, {"code": "too_large", "most": 33554432}),
        ({"offset": "here"}, 400, {"code": "malformed", "field": "Upload-Offset"}),
        ({"offset": 17}, 409, {"code": "conflict", "offset": 0}),
        ({"who": None}, 401, {"code": "unauthenticated"}),
    ],
)
def test_an_upload_that_is_out_of_order_is_refused(
    scene: Scene, more: dict[str, Any], status: int, refusal: dict[str, Any]
) -> None:
    assert patch(scene, NOISE, **more) == (status, refusal)


def test_a_piece_of_more_than_a_mebibyte_is_refused(scene: Scene) -> None:
    size = 4 * MEBIBYTE
    assert patch(scene, bytes(MEBIBYTE + 1), size=size)[1]["code"] == "too_large"
    assert patch(scene, b"")[1] == {"code": "malformed", "field": "body"}
    assert patch(scene, NOISE, size=len(NOISE) - 1)[1]["code"] in (
        "too_large",
        "malformed",
        "conflict",
    )


@pytest.mark.parametrize(
    "token",
    [
        "",
        "Bearer",
        "Bearer x.y.z",
        "Basic bmFkaWE6eA==",
        "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiIwIn0.",
    ],
)
def test_a_token_that_is_none_of_ours_opens_nothing(scene: Scene, token: str) -> None:
    path = f"/blobs/{BLOB}?circle={scene.circle.circle}"
    status, error = ask(scene, "GET", path, who=None, headers={"Authorization": token})
    assert status == 401
    assert error["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("who", "circle", "status", "refusal"),
    [
        ("Denis", "circle", 404, "not_found"),
        ("Olga", "circle", 403, "forbidden"),
        ("Rémi", "circle", 403, "forbidden"),
        ("Labo", "circle", 403, "forbidden"),
        ("Denis", "elsewhere", 403, "forbidden"),
        ("Denis", "", 400, "malformed"),
    ],
)
def test_a_blob_is_for_the_members_of_a_circle_it_is_in(
    scene: Scene, who: str, circle: str, status: int, refusal: str
) -> None:
    where = getattr(scene, circle).circle if circle else "nowhere"
    told = ask(scene, "GET", f"/blobs/{BLOB}?circle={where}", who=who)
    assert (told[0], told[1]["code"]) == (status, refusal)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    size=st.text("0123456789-+. e", max_size=12),
    offset=st.text("0123456789-+. e", min_size=1, max_size=12),
)
def test_numbers_that_are_none_are_refused(scene: Scene, size: str, offset: str) -> None:
    """A piece that begins where nothing ends is never stored, however its numbers are spelled."""
    numbers = [text.strip() for text in (size, offset)]
    plain = all(text.isdecimal() for text in numbers)
    if plain and int(numbers[1]) == 0:
        offset = "1"
    status, error = patch(scene, NOISE, size=size.replace("+", "%2B"), offset=offset)
    assert status in (400, 409, 413)
    assert error["code"] in ("malformed", "conflict", "too_large")

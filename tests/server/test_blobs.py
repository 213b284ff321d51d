"""Attachments over HTTP: in pieces, checked, and for members of a circle they are in."""

import hashlib
import io
import secrets
from typing import Any

import aiohttp
import pytest
from members import Circle, House, Person, new_keys, now

from relais.crypto import account
from relais.crypto.content import Attachment, Content
from relais.models.ids import uuid7

MIB = 1_048_576


def blob_of(size: int) -> tuple[bytes, str]:
    data = secrets.token_bytes(size)
    return data, hashlib.sha256(data).hexdigest()


async def whole(request: Any) -> aiohttp.ClientResponse:
    """The response, read to its end: its connection is free again."""
    response: aiohttp.ClientResponse = await request
    await response.read()
    return response


class Uploads:
    """Blob requests of one person; `bearer` None sends none."""

    def __init__(self, person: Person, bearer: str | None = "") -> None:
        self._http = person.on.http
        self._origin = person.on.origin
        token = person.on.token
        assert token is not None
        given = token.token if bearer == "" else bearer
        self._headers = {"Authorization": f"Bearer {given}"} if given else {}

    async def patch(
        self, blob: str, data: bytes, *, offset: Any, size: Any
    ) -> aiohttp.ClientResponse:
        headers = {**self._headers, "Upload-Offset": str(offset)}
        url = f"{self._origin}/blobs/{blob}?size={size}"
        return await whole(self._http.patch(url, data=io.BytesIO(data), headers=headers))

    async def head(self, blob: str) -> aiohttp.ClientResponse:
        return await whole(self._http.head(f"{self._origin}/blobs/{blob}", headers=self._headers))

    async def get(self, blob: str, circle: str, **headers: str) -> aiohttp.ClientResponse:
        url = f"{self._origin}/blobs/{blob}?circle={circle}"
        return await whole(self._http.get(url, headers={**self._headers, **headers}))


async def attached(person: Person, circle: Circle, blob: str) -> None:
    """Post a note that names the blob."""
    pointer = Attachment(
        id=uuid7(now()),
        blob=blob,
        key=bytes(32),
        name="wound.jpg",
        media_type="image/jpeg",
        size=10,
        sha256="a" * 64,
        width=None,
        height=None,
        thumbnail=None,
    )
    content = Content("GEN", "", attachments=(pointer,))
    await person.send(person.seal(circle, person.draft(circle), content))


async def test_a_blob_goes_up_in_pieces_and_comes_down_to_members(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    data, blob = blob_of(2 * MIB + 77)
    mine, theirs = Uploads(nurse), Uploads(doctor)
    assert (await mine.head(blob)).status == 404
    for start in range(0, len(data), MIB):
        piece = data[start : start + MIB]
        answer = await mine.patch(blob, piece, offset=start, size=len(data))
        assert (answer.status, answer.headers["Upload-Offset"]) == (204, str(start + len(piece)))
    assert (await mine.head(blob)).headers["Upload-Offset"] == str(len(data))
    assert (await theirs.get(blob, circle.id)).status == 404  # no note points to it yet
    await attached(nurse, circle, blob)
    answer = await theirs.get(blob, circle.id)
    assert (answer.status, await answer.read()) == (200, data)
    (entry,) = [
        e for e in await house.audit() if e["action"] == "blob.read" and e["outcome"] == "ok"
    ]
    assert (entry["account"], entry["subject"]["blob"]) == (doctor.id, blob)


async def test_a_broken_upload_goes_on_where_it_stopped(house: House) -> None:
    nurse = await house.person("Nadia")
    data, blob = blob_of(3_000)
    mine = Uploads(nurse)
    await mine.patch(blob, data[:1_000], offset=0, size=3_000)
    again = await mine.patch(blob, data[:1_000], offset=0, size=3_000)
    assert (again.status, again.headers["Upload-Offset"]) == (409, "1000")
    assert (await again.json())["error"] == {"code": "conflict", "offset": 1_000}
    assert (await mine.head(blob)).headers["Upload-Offset"] == "1000"
    done = await mine.patch(blob, data[1_000:], offset=1_000, size=3_000)
    assert (done.status, done.headers["Upload-Offset"]) == (204, "3000")


async def test_bytes_that_are_not_those_of_the_blob_are_discarded(house: House) -> None:
    nurse = await house.person("Nadia")
    data, blob = blob_of(500)
    mine = Uploads(nurse)
    wrong = await mine.patch(blob, data[::-1], offset=0, size=500)
    assert wrong.status == 422
    assert (await wrong.json())["error"]["reason"] == "wrong-hash"
    assert (await mine.head(blob)).status == 404
    assert (await mine.patch(blob, data, offset=0, size=500)).status == 204


@pytest.mark.parametrize(
    ("range_", "status", "span"),
    [
        ("bytes=0-9", 206, (0, 10)),
        ("bytes=990-", 206, (990, 1_000)),
        ("bytes=-10", 206, (990, 1_000)),
        ("bytes=1000-", 400, None),
        ("bytes=9-3", 400, None),
        ("pages=1", 400, None),
    ],
)
async def test_ranges(house: House, range_: str, status: int, span: tuple[int, int] | None) -> None:
    nurse = await house.person("Nadia")
    circle = await nurse.open_circle()
    data, blob = blob_of(1_000)
    mine = Uploads(nurse)
    await mine.patch(blob, data, offset=0, size=1_000)
    await attached(nurse, circle, blob)
    answer = await mine.get(blob, circle.id, Range=range_)
    assert answer.status == status
    if span:
        assert await answer.read() == data[slice(*span)]
        assert answer.headers["Content-Range"] == f"bytes {span[0]}-{span[1] - 1}/1000"


async def test_a_blob_is_for_members_of_a_circle_it_is_in(house: House) -> None:
    nurse, stranger = await house.person("Nadia"), await house.person("Sacha")
    circle, elsewhere = await nurse.open_circle(), await stranger.open_circle()
    data, blob = blob_of(100)
    await Uploads(nurse).patch(blob, data, offset=0, size=100)
    await attached(nurse, circle, blob)
    theirs = Uploads(stranger)
    assert (await theirs.get(blob, circle.id)).status == 403
    assert (await theirs.get(blob, elsewhere.id)).status == 404
    assert (await Uploads(nurse).get(blob, circle.id)).status == 200
    refusals = [e for e in await house.audit() if e["account"] == stranger.id and e["reason"]]
    assert {(e["action"], e["reason"]) for e in refusals} == {
        ("blob.read", "forbidden"),
        ("blob.read", "not_found"),
    }


@pytest.mark.parametrize("bearer", [None, "nonsense", "a.b.c"])
async def test_without_a_token_there_are_no_blobs(house: House, bearer: str | None) -> None:
    nurse = await house.person("Nadia")
    data, blob = blob_of(10)
    outside = Uploads(nurse, bearer)
    assert (await outside.patch(blob, data, offset=0, size=10)).status == 401
    assert (await outside.head(blob)).status == 401
    assert (await outside.get(blob, "a" * 64)).status == 401
    assert (await Uploads(nurse).head(blob)).status == 404


@pytest.mark.parametrize(
    ("blob", "offset", "size", "body", "status"),
    [
        ("A" * 64, 0, 10, b"0123456789", 400),
        ("a" * 63, 0, 10, b"0123456789", 400),
        ("b" * 64, "x", 10, b"0123456789", 400),
        ("b" * 64, -1, 10, b"0123456789", 400),
        ("b" * 64, 0, "x", b"0123456789", 400),
        ("b" * 64, 0, 0, b"0123456789", 413),
        ("b" * 64, 0, 10, b"", 400),
        ("b" * 64, 0, 10, b"01234567890", 409),
        ("b" * 64, 5, 10, b"01234", 409),
        ("b" * 64, 0, 40 * MIB, b"01234", 413),
        ("b" * 64, 0, 4 * MIB, bytes(MIB + 2_000), 413),
    ],
)
async def test_a_bad_upload_is_refused_and_stores_nothing(
    house: House, blob: str, offset: Any, size: Any, body: bytes, status: int
) -> None:
    nurse = await house.person("Nadia")
    mine = Uploads(nurse)
    answer = await mine.patch(blob, body, offset=offset, size=size)
    assert answer.status == status
    assert "error" in await answer.json()
    good, name = blob_of(10)
    assert (await mine.patch(name, good, offset=0, size=10)).status == 204


async def test_a_blob_is_not_spoiled_by_anothers_wrong_bytes(house: House) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    data, blob = blob_of(1_000)
    await Uploads(doctor).patch(blob, bytes(500), offset=0, size=1_000)
    mine = Uploads(nurse)
    await mine.patch(blob, data[:400], offset=0, size=1_000)
    assert (await mine.patch(blob, data[400:], offset=400, size=1_000)).status == 204


async def test_a_revoked_devices_token_opens_no_blob(house: House) -> None:
    nurse = await house.person("Nadia")
    keys = new_keys()
    word = account.possession(keys, keys.device("interactive", "phone"), nurse.id)
    await nurse.append(account.add_device(nurse.state, nurse.keys, word, at=now()))
    phone = house.door(keys)
    token = (await phone.login()).token
    url = f"{house.node.origin}/blobs/{'c' * 64}"
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        assert (await whole(session.head(url))).status == 404
        await nurse.append(account.revoke_device(nurse.state, nurse.keys, keys.id, at=now()))
        assert (await whole(session.head(url))).status == 401

"""Nothing takes effect without its entry in the log, and nobody is refused without one."""

import hashlib
import logging
from typing import Any

import pytest
from members import House, Person, now, refused

from relais.models.refusal import Code
from relais.models.store.database import Collection
from relais.models.store.errors import Unavailable
from relais.models.wire import account as wire
from relais.models.wire import auth
from relais.models.wire import circle as circle_wire


async def test_a_request_after_the_tokens_end_is_refused_and_recorded(house: House) -> None:
    nurse = await house.person("Nadia")
    await nurse.on.call(circle_wire.ListCircles(False))
    (held,) = house.node.sockets._sessions.values()
    held.busy, held.expires_at = held.busy + 1, now() - 1
    await refused_by(house, held)
    (entry,) = [e for e in await house.audit() if e["outcome"] == "refused"]
    assert (entry["action"], entry["account"]) == ("circle.list", nurse.id)
    assert entry["reason"] == "unauthenticated"


async def refused_by(house: House, held: Any) -> None:
    (sid,) = house.node.sockets._sessions
    answer = await house.node.sockets.answer(sid, ["circle.list", {"closed": False}])
    assert answer["error"]["code"] == "unauthenticated"


async def test_an_offer_whose_entry_is_not_stored_is_not_made(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, ticket = await house.person("Nadia"), "a" * 32
    real = Collection.insert

    async def insert(self: Any, document: Any, **more: Any) -> None:
        if "entry" in document:
            raise Unavailable("no disk")
        await real(self, document, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Collection, "insert", insert)
        broken.setattr(house.node.base.stores.pending, "add", _fail)
        await refused(nurse.on.call(wire.OfferDevice(ticket)), Code.UNAVAILABLE)
    await refused(house.door().exchange(auth.LookJoin(ticket)), Code.NOT_FOUND)
    await nurse.on.call(wire.OfferDevice(ticket))
    assert (await house.door().exchange(auth.LookJoin(ticket))).account == nurse.id


async def test_a_blob_whose_entry_is_not_stored_is_not_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, data = await house.person("Nadia"), b"picture"
    blob, url = hashlib.sha256(data).hexdigest(), f"{nurse.on.origin}/blobs/"
    with monkeypatch.context() as broken:
        broken.setattr(house.node.base.stores.pending, "add", _fail)
        assert await upload(nurse, blob, data) == 503
    assert await house.node.base.stores.blobs.size(blob) is None
    headers = {"Authorization": f"Bearer {nurse.on.token.token}"}
    async with nurse.on.http.head(
        url + blob, headers=headers
    ) as response:  # clients go on from here
        assert response.headers["Upload-Offset"] == str(len(data))
    assert await house.node.base.stores.blobs.size(blob) == len(data)
    other = b"another"
    named = hashlib.sha256(other).hexdigest()
    assert await upload(nurse, named, other) == 204
    assert await house.node.base.stores.blobs.size(named) == len(other)


async def test_whoever_is_told_that_all_of_a_blob_is_there_may_post_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two programs of one person do that send the same file at once."""
    nurse, data = await house.person("Nadia"), b"the same picture"
    blob, blobs = hashlib.sha256(data).hexdigest(), house.node.base.stores.blobs
    with monkeypatch.context() as broken:
        broken.setattr(house.node.base.stores.pending, "add", _fail)
        assert await upload(nurse, blob, data) == 503
    assert await blobs.offset(blob, owner=nurse.id) == len(data)
    assert await blobs.size(blob) is None

    assert await upload(nurse, blob, data) == 409

    assert await blobs.size(blob) == len(data)


@pytest.mark.parametrize(
    ("host", "origin", "warns"),
    [
        ("0.0.0.0", None, True),
        ("0.0.0.0", "https://relais.example", False),
        ("127.0.0.1", None, False),
    ],
)
async def test_a_node_that_others_reach_warns_without_an_origin(
    build: Any, caplog: pytest.LogCaptureFixture, host: str, origin: str | None, warns: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        async with build(host=host, origin=origin):
            pass
    assert ("no origin is set" in caplog.text) is warns


async def upload(person: Person, blob: str, data: bytes) -> int:
    assert person.on.token
    headers = {"Authorization": f"Bearer {person.on.token.token}", "Upload-Offset": "0"}
    url = f"{person.on.origin}/blobs/{blob}?size={len(data)}"
    async with person.on.http.patch(url, data=data, headers=headers) as response:
        return response.status


async def _fail(*_: Any) -> None:
    raise Unavailable("no disk")

"""Blobs: resumable uploads, hashes, ranges, references and what is swept."""

import asyncio
import hashlib
import os
from datetime import UTC, datetime, timedelta

import gridfs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relais.models.store.blobs import AT_ONCE, CHUNK, PUBLISHING, BlobStore
from relais.models.store.database import Database
from relais.models.store.errors import BlobHash, BlobOffset, BlobSize, BlobUnknown

SOON, LONG_AGO = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def blobs(database: Database) -> BlobStore:
    return BlobStore(database)


def make(size: int) -> tuple[str, bytes]:
    data = os.urandom(size)
    return hashlib.sha256(data).hexdigest(), data


async def upload(
    blobs: BlobStore, data: bytes, *, owner: str = "me", piece: int = CHUNK * 4
) -> str:
    blob = hashlib.sha256(data).hexdigest()
    offset = await blobs.begin(blob, len(data), owner=owner)
    while offset < len(data):
        offset = await blobs.write(blob, offset, data[offset : offset + piece], owner=owner)
    await blobs.finish(blob, owner=owner)
    return blob


async def read(blobs: BlobStore, blob: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([part async for part in blobs.read(blob, start, end)])


async def chunk_count(database: Database) -> int:
    return len(await database.collection("blobs.chunks").find({}, fields=["n"]))


@pytest.mark.parametrize(
    "size", [1, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK * AT_ONCE, CHUNK * AT_ONCE + 1, 3_000_000]
)
async def test_what_is_uploaded_is_read_back_whole(blobs: BlobStore, size: int) -> None:
    blob, data = make(size)
    assert await upload(blobs, data) == blob
    assert await blobs.size(blob) == size
    assert await read(blobs, blob) == data


async def test_a_blob_is_a_gridfs_file_that_other_tools_can_read(
    blobs: BlobStore, database: Database
) -> None:
    blob, data = make(CHUNK * 2 + 5)
    await upload(blobs, data, piece=100_000)
    bucket = gridfs.AsyncGridFSBucket(database.raw, "blobs")
    stream = await bucket.open_download_stream_by_name(blob)
    assert await stream.read() == data


async def test_ranges_are_cut_anywhere(blobs: BlobStore) -> None:
    blob, data = make(CHUNK * (AT_ONCE + 2) + 77)
    await upload(blobs, data)
    ends = [
        0,
        1,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        CHUNK * AT_ONCE,
        len(data) - 1,
        len(data),
        len(data) + 9,
    ]
    for start in ends:
        for end in ends:
            assert await read(blobs, blob, start, end) == data[start:end]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pieces=st.lists(st.integers(1, CHUNK * 2), min_size=1, max_size=8))
async def test_pieces_of_any_length_make_the_same_blob(blobs: BlobStore, pieces: list[int]) -> None:
    blob, data = make(sum(pieces))
    offset = await blobs.begin(blob, len(data), owner="me")
    for length in pieces:
        assert await blobs.offset(blob, owner="me") == offset
        offset = await blobs.write(blob, offset, data[offset : offset + length], owner="me")
    await blobs.finish(blob, owner="me")
    assert await read(blobs, blob) == data


async def test_an_upload_goes_on_where_it_was_cut(blobs: BlobStore, database: Database) -> None:
    blob, data = make(CHUNK * 3)
    assert await blobs.begin(blob, len(data), owner="me") == 0
    await blobs.write(blob, 0, data[:400_000], owner="me")
    after_restart = BlobStore(database)
    assert await after_restart.begin(blob, len(data), owner="me") == 400_000
    await after_restart.write(blob, 400_000, data[400_000:], owner="me")
    await after_restart.finish(blob, owner="me")
    assert await after_restart.begin(blob, len(data), owner="someone") == len(data)
    assert await after_restart.offset(blob, owner="anyone") == len(data)


async def test_bytes_at_the_wrong_place_are_refused_with_the_right_one(blobs: BlobStore) -> None:
    blob, data = make(1000)
    with pytest.raises(BlobUnknown):
        await blobs.write(blob, 0, data, owner="me")
    await blobs.begin(blob, len(data), owner="me")
    await blobs.write(blob, 0, data[:300], owner="me")
    for wrong in (0, 299, 301):
        with pytest.raises(BlobOffset) as caught:
            await blobs.write(blob, wrong, data[300:400], owner="me")
        assert caught.value.offset == 300
    with pytest.raises(BlobOffset):
        await blobs.finish(blob, owner="me")
    assert await blobs.write(blob, 300, data[300:], owner="me") == 1000


async def test_more_bytes_than_announced_and_another_size_are_refused(blobs: BlobStore) -> None:
    blob, data = make(1000)
    await blobs.begin(blob, 1000, owner="me")
    with pytest.raises(BlobSize):
        await blobs.write(blob, 0, data + b"x", owner="me")
    with pytest.raises(BlobSize) as caught:
        await blobs.begin(blob, 1001, owner="me")
    assert caught.value.size == 1000
    await upload(blobs, data)
    with pytest.raises(BlobSize):
        await blobs.begin(blob, 1001, owner="me")


async def test_bytes_of_another_hash_are_discarded_and_the_right_ones_taken_after(
    blobs: BlobStore, database: Database
) -> None:
    blob, data = make(CHUNK + 10)
    before = await chunk_count(database)
    await blobs.begin(blob, len(data), owner="me")
    await blobs.write(blob, 0, b"\0" * len(data), owner="me")
    with pytest.raises(BlobHash):
        await blobs.finish(blob, owner="me")
    assert await blobs.offset(blob, owner="me") is None
    assert await chunk_count(database) == before
    with pytest.raises(BlobUnknown):
        await read(blobs, blob)
    assert await upload(blobs, data) == blob
    assert await read(blobs, blob) == data


async def test_nobody_spoils_anothers_upload(blobs: BlobStore) -> None:
    blob, data = make(CHUNK + 10)
    await blobs.begin(blob, len(data), owner="attacker")
    await blobs.write(blob, 0, b"\0" * CHUNK, owner="attacker")
    await blobs.begin(blob, len(data), owner="other attacker")
    await blobs.write(blob, 0, b"\0" * len(data), owner="other attacker")
    with pytest.raises(BlobHash):
        await blobs.finish(blob, owner="other attacker")
    await upload(blobs, data, owner="me")
    await blobs.finish(blob, owner="attacker")
    assert await read(blobs, blob) == data


async def test_uploads_of_one_blob_at_once_by_one_and_by_several_end_in_one_blob(
    blobs: BlobStore, database: Database
) -> None:
    blob, data = make(CHUNK * 6 + 123)
    before = await chunk_count(database)

    async def stubborn(owner: str, piece: int) -> None:
        offset = await blobs.begin(blob, len(data), owner=owner)
        while offset < len(data):
            try:
                offset = await blobs.write(blob, offset, data[offset : offset + piece], owner=owner)
            except BlobOffset as moved:
                offset = moved.offset
        await blobs.finish(blob, owner=owner)

    async with asyncio.TaskGroup() as group:
        for owner, piece in (
            ("a", 50_000),
            ("a", CHUNK),
            ("a", 333_333),
            ("b", CHUNK),
            ("c", 700_000),
        ):
            group.create_task(stubborn(owner, piece))
    assert await read(blobs, blob) == data
    assert await chunk_count(database) == before + 7
    assert await database.collection("blob_uploads").find({"blob": blob}) == []


async def test_a_chunk_left_by_a_crashed_attempt_is_no_obstacle(
    blobs: BlobStore, database: Database
) -> None:
    blob, data = make(CHUNK * 2)
    await blobs.begin(blob, len(data), owner="me")
    found = await database.collection("blob_uploads").find_one({"blob": blob, "owner": "me"})
    assert found is not None
    left = {"files_id": found["_id"], "n": 0, "data": data[:CHUNK]}
    await database.collection("blobs.chunks").insert(left)
    await upload(blobs, data)
    assert await read(blobs, blob) == data


async def test_only_circles_that_point_to_a_blob_may_read_it(blobs: BlobStore) -> None:
    blob, data = make(10)
    with pytest.raises(BlobUnknown):
        await blobs.add_references("circle", [blob])
    await upload(blobs, data)
    assert not await blobs.is_referenced(blob, "circle")
    for _ in range(2):
        await blobs.add_references("circle", [blob, blob])
    assert await blobs.is_referenced(blob, "circle")
    assert not await blobs.is_referenced(blob, "other")


async def test_a_sweep_takes_what_is_old_and_unreferenced_and_nothing_else(
    blobs: BlobStore, database: Database
) -> None:
    kept, unreferenced, unfinished = make(CHUNK + 1), make(CHUNK + 1), make(CHUNK * 2)
    await blobs.sweep(datetime.now(UTC) + SOON)
    before = await chunk_count(database)
    await upload(blobs, kept[1])
    await blobs.add_references("circle", [kept[0]])
    await upload(blobs, unreferenced[1])
    await blobs.begin(unfinished[0], CHUNK * 2, owner="me")
    await blobs.write(unfinished[0], 0, unfinished[1][: CHUNK + 5], owner="me")
    assert await blobs.sweep(datetime.now(UTC) - LONG_AGO) == 0
    assert await blobs.sweep(datetime.now(UTC) + SOON) == 2
    assert await read(blobs, kept[0]) == kept[1]
    assert await blobs.size(unreferenced[0]) is None
    assert await blobs.offset(unfinished[0], owner="me") is None
    assert await chunk_count(database) == before + 2
    assert await upload(blobs, unreferenced[1]) == unreferenced[0]


async def test_a_sweep_finishes_what_was_verified_when_the_server_died(
    blobs: BlobStore, database: Database
) -> None:
    blob, data = make(100)
    await blobs.begin(blob, 100, owner="me")
    await blobs.write(blob, 0, data, owner="me")
    uploads = database.collection("blob_uploads")
    state = {"offset": PUBLISHING, "touched": datetime.now(UTC) - LONG_AGO}
    await uploads.update({"blob": blob, "owner": "me", "offset": 100}, {"$set": state})
    assert await blobs.offset(blob, owner="me") == 100
    await blobs.sweep(datetime.now(UTC) - SOON)
    assert await read(blobs, blob) == data


async def test_what_is_asked_often_uses_an_index(database: Database) -> None:
    hot = (
        ("blobs.files", {"filename": "b"}),
        ("blobs.files", {"metadata.referenced": False, "uploadDate": {"$lt": datetime.now(UTC)}}),
        ("blobs.chunks", {"files_id": "x", "n": {"$gte": 0, "$lte": 3}}),
        ("blob_uploads", {"blob": "b", "owner": "o", "offset": 3}),
        ("blob_uploads", {"touched": {"$lt": datetime.now(UTC)}}),
        ("blob_references", {"blob": "b", "circle": "c"}),
    )
    for name, filter in hot:
        plan = await database.collection(name).plan(filter)
        assert "IXSCAN" in plan, name
        assert "COLLSCAN" not in plan, name

import hashlib
import io
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relais.crypto.errors import ProtocolError
from relais.crypto.padme import padme
from relais.crypto.stream import (
    CHUNK_SIZE,
    SEALED_CHUNK_SIZE,
    blob_id,
    open_bytes,
    open_file,
    open_stream,
    seal_bytes,
    seal_file,
    seal_stream,
    sealed_size,
)

KEY = bytes(range(32))
EDGES = (0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 3 * CHUNK_SIZE + 7)
sizes = st.one_of(st.sampled_from(EDGES), st.integers(0, 4 * CHUNK_SIZE))


def made(size: int) -> bytes:
    return hashlib.shake_128(b"content").digest(size)


def cut(data: bytes, lengths: list[int]) -> Iterator[bytes]:
    """`data` in pieces of the given lengths, the rest as one more."""
    offset = 0
    for length in lengths:
        yield data[offset : offset + length]
        offset += length
    yield data[offset:]


def reason(sealed: bytes, *, size: int, key: bytes = KEY) -> str:
    with pytest.raises(ProtocolError) as caught:
        open_bytes(key, sealed, size=size)
    return caught.value.reason


@settings(deadline=None, max_examples=60)
@given(sizes, st.lists(st.integers(0, 100_000), max_size=6))
def test_however_a_file_is_cut_on_its_way_it_seals_alike_and_opens(
    size: int, lengths: list[int]
) -> None:
    content = made(size)
    sealed = b"".join(seal_stream(KEY, cut(content, lengths), size=size))
    assert sealed == seal_bytes(KEY, content)
    assert len(sealed) == sealed_size(size)
    assert b"".join(open_stream(KEY, cut(sealed, lengths), size=size)) == content


@settings(deadline=None, max_examples=60)
@given(sizes, st.data())
def test_a_flipped_bit_anywhere_is_tampering(size: int, data: st.DataObject) -> None:
    sealed = bytearray(seal_bytes(KEY, made(size)))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    assert reason(bytes(sealed), size=size) == "stream-tampered"


@settings(deadline=None, max_examples=60)
@given(sizes, st.data())
def test_a_file_cut_anywhere_is_truncated(size: int, data: st.DataObject) -> None:
    sealed = seal_bytes(KEY, made(size))
    kept = data.draw(st.integers(0, len(sealed) - 1))
    assert reason(sealed[:kept], size=size) == "stream-truncated"


@settings(deadline=None, max_examples=60)
@given(sizes, st.binary(min_size=1, max_size=100))
def test_a_file_with_anything_after_its_end_is_extended(size: int, more: bytes) -> None:
    assert reason(seal_bytes(KEY, made(size)) + more, size=size) == "stream-extended"


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(4)))
def test_chunks_in_another_order_are_tampering_and_in_their_own_are_not(order: list[int]) -> None:
    size = 4 * CHUNK_SIZE
    sealed = seal_bytes(KEY, made(size))
    pieces = [sealed[i * SEALED_CHUNK_SIZE :][:SEALED_CHUNK_SIZE] for i in order]
    if order == [0, 1, 2, 3]:
        assert open_bytes(KEY, b"".join(pieces), size=size) == made(size)
    else:
        assert reason(b"".join(pieces), size=size) == "stream-tampered"


@settings(deadline=None, max_examples=60)
@given(sizes, st.one_of(sizes, st.integers(-3, 3)), st.booleans())
def test_a_size_that_cuts_content_or_changes_the_padding_is_refused(
    size: int, other: int, is_near: bool
) -> None:
    claimed = max(0, size + other) if is_near else abs(other)
    content = b"\1" * size
    sealed = seal_bytes(KEY, content)
    if claimed >= size and padme(claimed) == padme(size):  # a zero of padding, or of content?
        assert open_bytes(KEY, sealed, size=claimed) == content.ljust(claimed, b"\0")
    else:
        assert reason(sealed, size=claimed) == "stream-size"


def test_another_key_opens_nothing() -> None:
    assert reason(seal_bytes(KEY, b"content"), size=7, key=bytes(32)) == "stream-tampered"


@pytest.mark.parametrize("size", [6, 8])
def test_content_of_another_length_than_announced_is_not_sealed(size: int) -> None:
    with pytest.raises(ProtocolError, match="stream-size"):
        list(seal_stream(KEY, [b"content"], size=size))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_a_mistake_of_the_caller(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal_bytes(bytes(length), b"content")
    with pytest.raises(ValueError, match="32 bytes"):
        open_bytes(bytes(length), bytes(32), size=16)


def test_a_file_object_seals_to_its_blob_and_opens_into_another() -> None:
    content = made(200_001)
    sealed, opened = io.BytesIO(), io.BytesIO()
    result = seal_file(KEY, io.BytesIO(content), sealed, size=len(content))
    assert sealed.getvalue() == seal_bytes(KEY, content)
    assert result.blob_id == blob_id([sealed.getvalue()])
    assert result.size == len(sealed.getvalue())
    open_file(KEY, io.BytesIO(sealed.getvalue()), opened, size=len(content))
    assert opened.getvalue() == content


def test_sealing_again_gives_the_same_blob_so_that_an_upload_resumes() -> None:
    assert seal_bytes(KEY, made(100_000)) == seal_bytes(KEY, made(100_000))


def test_equal_chunks_do_not_look_equal() -> None:
    sealed = seal_bytes(KEY, bytes(4 * CHUNK_SIZE))
    chunks = [sealed[i : i + SEALED_CHUNK_SIZE] for i in range(0, len(sealed), SEALED_CHUNK_SIZE)]
    assert len(set(chunks)) == 4


def test_memory_stays_at_a_few_chunks_however_long_the_file() -> None:
    size = 16 * 2**20
    zeros = (bytes(CHUNK_SIZE) for _ in range(size // CHUNK_SIZE))
    tracemalloc.start()
    opened = open_stream(KEY, seal_stream(KEY, zeros, size=size), size=size)
    assert sum(map(len, opened)) == size
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 2**20

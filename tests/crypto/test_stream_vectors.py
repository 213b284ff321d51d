"""The shared vectors of attachments; web_client/test/core/stream-vectors.test.js reads the same file."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from relais.crypto.errors import ProtocolError
from relais.crypto.padme import padme
from relais.crypto.stream import blob_id, open_bytes, seal_bytes, sealed_size

Json = dict[str, Any]
VECTORS: Json = json.loads((Path(__file__).parents[1] / "vectors" / "stream.json").read_text())
GOOD: dict[str, Json] = {case["name"]: case for case in VECTORS["good"]}
SEALED_CHUNK = 65536 + 16


def content(case: Json) -> bytes:
    seed, size = case["seed"].encode(), case["size"]
    blocks = (hashlib.sha256(seed + i.to_bytes(4, "big")).digest() for i in range(-(-size // 32)))
    return b"".join(blocks)[:size]


def altered(case: Json) -> tuple[bytes, bytes, int]:
    """Key, ciphertext and claimed size of a bad case."""
    if "of" not in case:
        return bytes.fromhex(case["key"]), bytes.fromhex(case["sealed"]), case["size"]
    of = GOOD[case["of"]]
    sealed = change(seal_bytes(bytes.fromhex(of["key"]), content(of)), case)
    told = of | case
    return bytes.fromhex(told["key"]), sealed, told["size"]


def change(sealed: bytes, case: Json) -> bytes:
    sealed = sealed[: case.get("cut", len(sealed))] + bytes.fromhex(case.get("append", ""))
    chunks = [sealed[i : i + SEALED_CHUNK] for i in range(0, len(sealed), SEALED_CHUNK)]
    if "swap" in case:
        first, second = case["swap"]
        chunks[first], chunks[second] = chunks[second], chunks[first]
    if "drop" in case:
        del chunks[case["drop"]]
    if "repeat" in case:
        chunks.insert(case["repeat"], chunks[case["repeat"]])
    changed = bytearray(b"".join(chunks))
    if "flip" in case:
        changed[case["flip"]] ^= 1
    return bytes(changed)


@pytest.mark.parametrize(("length", "padded"), VECTORS["padme"])
def test_a_length_is_padded_as_the_vector_says(length: int, padded: int) -> None:
    assert padme(length) == padded


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["name"])
def test_a_good_file_seals_to_the_blob_of_the_vector_and_opens_again(case: Json) -> None:
    key = bytes.fromhex(case["key"])
    sealed = seal_bytes(key, content(case))
    assert blob_id([sealed]) == case["blob_id"]
    assert len(sealed) == sealed_size(case["size"]) == case["sealed_size"]
    assert sealed.hex() == case.get("sealed", sealed.hex())
    assert open_bytes(key, sealed, size=case["size"]) == content(case)


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["name"])
def test_a_bad_file_is_refused_for_the_reason_of_the_vector(case: Json) -> None:
    key, sealed, size = altered(case)
    with pytest.raises(ProtocolError) as caught:
        open_bytes(key, sealed, size=size)
    assert caught.value.reason == case["reason"]


def test_every_reason_has_a_vector() -> None:
    reasons = {"stream-truncated", "stream-extended", "stream-tampered", "stream-size"}
    assert {case["reason"] for case in VECTORS["bad"]} == reasons

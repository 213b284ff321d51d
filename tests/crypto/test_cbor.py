from typing import Any

import cbor2
import pytest
from care import refused
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import cbor
from relais.crypto.errors import ProtocolError

INTEGERS = st.integers(-cbor.LARGEST_INTEGER, cbor.LARGEST_INTEGER)
KEYS = st.text(max_size=30) | st.integers(-24, 23)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.text(max_size=30) | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


def outcome(data: bytes) -> tuple[str | None, Any]:
    """Why the bytes were refused, or what they said."""
    try:
        return None, cbor.decode(data)
    except ProtocolError as error:
        return error.reason, None


@given(VALUES)
def test_every_value_comes_back_from_its_one_encoding(value: Any) -> None:
    data = cbor.encode(value)
    assert cbor.decode(data) == value
    assert cbor.encode(cbor.decode(data)) == data


@given(st.dictionaries(KEYS, st.none(), min_size=2))
def test_map_keys_are_in_the_bytewise_order_of_their_encodings(value: dict[Any, None]) -> None:
    keys = [cbor2.dumps(key) for key in cbor2.loads(cbor.encode(value))]
    assert keys == sorted(keys)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, st.none(), max_size=2), min_size=2), st.data())
def test_a_map_in_another_order_is_refused(value: dict[Any, Any], data: Any) -> None:
    shuffled = dict(data.draw(st.permutations(list(value.items()))))
    written = cbor2.dumps(shuffled)
    reason = None if written == cbor.encode(value) else "non-canonical"
    assert outcome(written)[0] == reason


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    reason, value = outcome(data)
    assert reason == "non-canonical" or cbor.encode(value) == data


@given(VALUES, st.data())
def test_a_changed_encoding_is_refused_or_means_something_else(value: Any, data: Any) -> None:
    encoded = bytearray(cbor.encode(value))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    reason, read = outcome(bytes(encoded))
    assert reason == "non-canonical" or cbor.encode(read) != cbor.encode(value)


@given(VALUES.filter(lambda value: isinstance(value, dict | list)))
def test_what_cbor2_writes_otherwise_is_refused(value: Any) -> None:
    data = cbor2.dumps(value, indefinite_containers=True)
    if data != cbor.encode(value):
        refused("non-canonical", lambda: cbor.decode(data))


@given(st.recursive(st.floats() | st.integers(2**53), lambda v: st.lists(v, min_size=1)))
def test_floats_and_big_integers_are_refused_both_ways(value: Any) -> None:
    refused("non-canonical", lambda: cbor.decode(cbor2.dumps(value, canonical=True)))
    with pytest.raises(ValueError, match="not a value"):
        cbor.encode(value)


@pytest.mark.parametrize("inside", [0, "2020-01-01", b"\1", [1, 2], [], {}, None])
def test_no_tag_is_acted_upon(inside: Any) -> None:
    for tag in [*range(300), 1004, 43000, 55799, 2**32, 2**64 - 1]:
        data = cbor2.dumps(cbor2.CBORTag(tag, inside))
        assert (tag, *outcome(data)) == (tag, "non-canonical", None)


def test_a_cycle_and_a_thousand_shared_lists_end_at_the_tag() -> None:
    doubled = "00"
    for number in range(40):
        doubled = f"82d81d18{number:02x}{doubled}"
    for data in ("d81c81d81d00", "d81ca16161d81d00", doubled):
        refused("non-canonical", lambda data=data: cbor.decode(bytes.fromhex(data)))  # type: ignore[misc]


@pytest.mark.parametrize(
    "value", [1.0, (1,), {1}, {24: 0}, {-25: 0}, {b"": 0}, {None: 0}, {True: 0}, 2**53, object()]
)
def test_values_the_protocol_does_not_know_are_a_bug_to_encode(value: Any) -> None:
    with pytest.raises(ValueError, match="not a value"):
        cbor.encode(value)


def test_a_lone_surrogate_is_a_bug_to_encode() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        cbor.encode("\ud800")


def test_a_cycle_is_a_bug_to_encode() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(ValueError, match="not a value"):
        cbor.encode(cycle)


def test_a_long_hostile_length_costs_nothing() -> None:
    for head in ("5b", "7b", "9b", "bb"):
        data = bytes.fromhex(head + "7fffffffffffffff") + bytes(1000)
        refused("non-canonical", lambda data=data: cbor.decode(data))  # type: ignore[misc]

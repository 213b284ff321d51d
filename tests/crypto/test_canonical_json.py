from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto.canonical_json import (
    MAX_DEPTH,
    MAX_INTEGER,
    CanonicalJsonError,
    decode_canonical,
    encode_canonical,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_every_value_reads_as_it_was_written(value: Any) -> None:
    assert decode_canonical(encode_canonical(value)) == value


@given(values)
def test_an_independent_library_spells_it_the_same(value: Any) -> None:
    assert encode_canonical(value) == rfc8785.dumps(value)


@given(
    st.binary(max_size=40) | values.map(rfc8785.dumps), st.integers(0, 60), st.binary(max_size=3)
)
def test_only_one_spelling_is_read(data: bytes, at: int, inserted: bytes) -> None:
    changed = data[:at] + inserted + data[at:]
    try:
        value = decode_canonical(changed)
    except CanonicalJsonError as error:
        reason = error.reason
    else:
        reason = "" if rfc8785.dumps(value) == changed else "another spelling was read"
    assert reason in {"", "not-json", "not-canonical", "not-representable", "too-deep"}


def test_keys_are_sorted_by_utf_16_code_units() -> None:
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "ö": 7}
    order = ["\r", "1", "\x80", "ö", "\u20ac", "\U0001f600", "\ufb33"]  # RFC 8785 §3.2.3
    assert list(dict(decode_canonical(encode_canonical(value)))) == order  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "value",
    [0.5, float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {"\ud800": 1}, {1: 2}, b"x", {1}],
)
def test_what_has_no_exact_spelling_is_refused(value: Any) -> None:
    assert encode_canonical([2**53 - 1]) == b"[9007199254740991]"
    with pytest.raises(CanonicalJsonError, match="not-representable"):
        encode_canonical([value])


def test_nesting_ends_at_16() -> None:
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert encode_canonical(decode_canonical(deepest)) == deepest
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(CanonicalJsonError, match="too-deep"):
            decode_canonical(b"[" * depth + b"]" * depth)


def test_tuples_are_arrays() -> None:
    assert encode_canonical((1, (True, None))) == b"[1,[true,null]]"

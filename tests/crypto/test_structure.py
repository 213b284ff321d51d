from typing import Any

import pytest
from care import refused
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import cbor, structure
from relais.crypto.structure import (
    BOOL,
    BYTES,
    ID16,
    ID32,
    TIME,
    UINT,
    UUID,
    Kind,
    Structure,
    array,
    bytes_of,
    bytes_up_to,
    choice,
    one_of,
    optional,
    plain_map,
    text,
)

PAIR = Structure("Pair", {"id": ID16, "at": optional(TIME)})
GOOD = {"id": "00" * 16, "at": None}
UUID_TEXT = "0199612c-1c00-7000-8000-000000000001"


def test_a_structure_comes_back_from_its_bytes() -> None:
    assert PAIR.decode(PAIR.encode(GOOD)) == GOOD
    assert PAIR.decode(PAIR.encode({**GOOD, "at": 5, "ignored": 1})) == {**GOOD, "at": 5}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "wrong-type"),
        ({"id": bytes(16)}, "missing-field"),
        ({"id": bytes(16), "at": None, "x": 1}, "unknown-field"),
        ({"id": bytes(16), "x": 1}, "unknown-field"),
        ({"id": bytes(15), "at": None}, "wrong-type"),
        ({"id": bytes(16), "at": -1}, "wrong-type"),
    ],
)
def test_a_map_that_is_not_the_table_is_refused(value: Any, reason: str) -> None:
    refused(reason, lambda: PAIR.decode(cbor.encode(value)))


@pytest.mark.parametrize(
    ("kind", "outside", "inside"),
    [
        (ID32, "ab" * 32, b"\xab" * 32),
        (ID16, "ab" * 16, b"\xab" * 16),
        (UUID, UUID_TEXT, bytes.fromhex(UUID_TEXT.replace("-", ""))),
        (UINT, 2**53 - 1, 2**53 - 1),
        (BYTES, b"", b""),
        (BOOL, False, False),
        (bytes_of(2), b"ab", b"ab"),
        (bytes_up_to(2), b"ab", b"ab"),
        (text(3), "é\t\n", "é\t\n"),
        (text(2), "😀", "😀"),
        (choice("a", "b"), "b", "b"),
        (array(UINT, most=2), (1, 2), [1, 2]),
        (array(ID16, most=1), ("00" * 16,), [bytes(16)]),
        (plain_map(2), {"a": [1]}, {"a": [1]}),
    ],
)
def test_a_kind_reads_what_it_writes(kind: Kind, outside: Any, inside: Any) -> None:
    assert kind.write(outside) == inside
    assert kind.read(inside) == outside


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ID32, bytes(31)),
        (ID32, "ab" * 32),
        (UUID, bytes(17)),
        (UUID, UUID_TEXT),
        (UINT, True),
        (UINT, -1),
        (UINT, 2**53),
        (UINT, "1"),
        (BYTES, "text"),
        (BOOL, 1),
        (BOOL, None),
        (bytes_of(2), b"abc"),
        (bytes_up_to(2), b"abc"),
        (bytes_up_to(2), "ab"),
        (text(3), "abcd"),
        (text(3), "😀😀"),
        (text(3), b"abc"),
        (text(3), "a\x00"),
        (text(3), "a\r"),
        (text(3), "\x1f"),
        (text(3), "\ud800"),
        (text(3, least=1), ""),
        (choice("a", "b"), "c"),
        (choice("a", "b"), None),
        (array(UINT, most=2), [1, 2, 3]),
        (array(UINT, most=2, least=1), []),
        (array(UINT, most=2), (1,)),
        (array(UINT, most=2), [True]),
        (plain_map(2), []),
        (plain_map(2), {"a": [[]]}),
        (plain_map(2), {1: 2}),
        (plain_map(3), {"a": [{1: 2}]}),
        (plain_map(3), {"a": 1.0}),
    ],
)
def test_a_kind_refuses_another_type_length_or_range(kind: Kind, value: Any) -> None:
    refused("wrong-type", lambda: kind.read(value))


@pytest.mark.parametrize(
    "identifier",
    ["", "0", "zz", "AB" * 16, "ab" * 15 + " ab", UUID_TEXT.upper(), UUID_TEXT[:-1], None, 3],
)
def test_text_that_is_no_identifier_is_not_written(identifier: Any) -> None:
    refused("wrong-type", lambda: PAIR.encode({"id": identifier, "at": None}))
    refused("wrong-type", lambda: ID32.read(ID32.write(identifier)))


def test_what_a_reader_would_refuse_is_not_written() -> None:
    refused("wrong-type", lambda: PAIR.encode({"id": "ab" * 32, "at": None}))
    refused("wrong-type", lambda: PAIR.encode({**GOOD, "at": -1}))


@given(st.text(max_size=12))
def test_text_is_measured_in_utf16_code_units_as_a_browser_does(value: str) -> None:
    units = len(value.encode("utf-16-le", "surrogatepass")) // 2
    kind = text(6)
    is_text = not any(ord(c) < 32 and c not in "\t\n" for c in value)
    if units <= 6 and is_text:
        assert kind.read(value) == value
    else:
        refused("wrong-type", lambda: kind.read(value))


OPERATION = one_of("op", {"move": Structure("move", {"to": UINT}), "stop": Structure("stop", {})})


def test_a_map_told_apart_by_a_word_is_read_as_word_and_fields() -> None:
    assert OPERATION.read({"op": "move", "to": 3}) == ("move", {"to": 3})
    assert OPERATION.write(("stop", {})) == {"op": "stop"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"op": "jump"}, "unknown-operation"),
        ({"to": 3}, "missing-field"),
        ({"op": 3}, "wrong-type"),
        ("stop", "wrong-type"),
        ({"op": "stop", "to": 3}, "unknown-field"),
        ({"op": "move"}, "missing-field"),
    ],
)
def test_a_map_with_another_word_or_fields_is_refused(value: Any, reason: str) -> None:
    refused(reason, lambda: OPERATION.read(value))


def test_an_identifier_gives_its_bytes() -> None:
    assert structure.to_bytes(UUID_TEXT).hex() == UUID_TEXT.replace("-", "")

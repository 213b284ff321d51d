"""The codec lets declared fields through and names what it refuses."""

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relais.models import wire
from relais.models.ids import Id16, Length, uuid7
from relais.models.refusal import Code, Refusal
from relais.models.wire.codec import decode, encode


@dataclass(frozen=True)
class Inner:
    number: int


@dataclass(frozen=True)
class Sample:
    device: Id16
    data: Annotated[bytes, Length(4, 1)]
    kind: Literal["a", "b"]
    inner: Inner | None
    many: Annotated[tuple[Inner, ...], Length(2)]
    flag: bool


GOOD: dict[str, Any] = {
    "device": "0123456789abcdef" * 2,
    "data": b"\x00\xff",
    "kind": "a",
    "inner": {"number": 3},
    "many": [{"number": 0}],
    "flag": True,
}


def test_a_message_survives_the_way_there_and_back() -> None:
    message = decode(Sample, GOOD)
    assert message == Sample(GOOD["device"], b"\x00\xff", "a", Inner(3), (Inner(0),), True)
    assert encode(message) == GOOD


def test_bytes_travel_in_json_as_base64url_without_padding() -> None:
    message = decode(Sample, GOOD)
    assert encode(message, json=True)["data"] == "AP8"
    assert decode(Sample, encode(message, json=True), json=True) == message


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("device", "0123", "device"),
        ("device", ("0123456789ABCDEF" * 2), "device"),
        ("device", "٠" * 32, "device"),
        ("device", 5, "device"),
        ("data", b"", "data"),
        ("data", b"12345", "data"),
        ("data", "AP8", "data"),
        ("kind", "c", "kind"),
        ("kind", 1, "kind"),
        ("inner", {"number": True}, "inner.number"),
        ("inner", {"number": -1}, "inner.number"),
        ("inner", {"number": 2**53}, "inner.number"),
        ("inner", {"number": 1.0}, "inner.number"),
        ("inner", {}, "inner.number"),
        ("inner", {"number": 1, "more": 2}, "inner.unknown"),
        ("inner", [], "inner"),
        ("many", [{"number": 1}] * 3, "many"),
        ("many", "text", "many"),
        ("flag", 1, "flag"),
    ],
)
def test_a_bad_field_is_refused_by_name(field: str, value: object, named: str) -> None:
    with pytest.raises(Refusal) as caught:
        decode(Sample, {**GOOD, field: value})
    assert (caught.value.code, caught.value.facts) == (Code.MALFORMED, {"field": named})


@pytest.mark.parametrize("value", [None, [], "x", {**GOOD, "extra": 1}, {}])
def test_what_is_not_the_declared_map_is_refused(value: object) -> None:
    with pytest.raises(Refusal, match="malformed"):
        decode(Sample, value)


@pytest.mark.parametrize("text", ["AP9=", "AP9", "A", "AP 8", "AP+8", 7])
def test_base64url_that_we_would_not_write_is_refused(text: object) -> None:
    with pytest.raises(Refusal, match="malformed"):
        decode(Sample, {**GOOD, "data": text}, json=True)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(Refusal, match="malformed"):
        decode(wire.account.SearchDirectory, {"text": "\ud800", "limit": 5})
    assert decode(wire.account.SearchDirectory, {"text": "é", "limit": 5}).text == "é"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def read_or_refusal(message: type[Any], value: object) -> Any:
    try:
        return decode(message, value)
    except Refusal as refusal:
        return refusal


@given(message=st.sampled_from([*wire.REQUESTS, *wire.EXCHANGES]), data=st.data())
def test_any_map_is_a_message_or_a_refusal(message: type[Any], data: st.DataObject) -> None:
    value = {field.name: data.draw(ANYTHING) for field in fields(message)}
    outcome = read_or_refusal(message, value)
    if isinstance(outcome, Refusal):
        assert outcome.code is Code.MALFORMED
    else:
        assert decode(message, encode(outcome)) == outcome


def test_every_event_name_is_used_once() -> None:
    names = [message.EVENT for message in wire.REQUESTS] + [event.EVENT for event in wire.EVENTS]
    assert len(names) == len(set(names))


def test_a_refusal_crosses_the_wire() -> None:
    refusal = Refusal(Code.STALE_EPOCH, audience="team", epoch=3, rotate=False, reason="stale")
    again = Refusal.from_wire(refusal.as_wire())
    assert (again.code, again.facts, again.reason) == (refusal.code, refusal.facts, "stale")
    assert Refusal.from_wire({"code": "from-tomorrow"}).code is Code.INTERNAL


def test_what_was_not_judged_passes_and_what_was_does_not() -> None:
    passing = {code.value for code in Code if Refusal(code).passes}
    assert passing == {"unavailable", "rate_limited", "unauthenticated", "internal"}


def test_uuid7_carries_its_time_and_sorts_by_it() -> None:
    early, late = uuid7(1_700_000_000_000), uuid7(1_700_000_000_001)
    assert early < late
    assert (early[14], early[19] in "89ab", len(early)) == ("7", True, 36)
    assert int(early.replace("-", "")[:12], 16) == 1_700_000_000_000

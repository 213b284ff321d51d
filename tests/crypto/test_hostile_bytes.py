"""Signed by a real device, and wrong inside: whatever arrives is read or refused, and nothing else happens."""

from collections.abc import Callable
from typing import Any

import pytest
from care import NOTE, NOW, Circle, Person, adds, key_of, opens, posted, random, written
from hypothesis import given, settings
from hypothesis import strategies as st

from relais.crypto import (
    account,
    cbor,
    cose,
    emergency,
    envelope,
    escrow,
    grant,
    ledger,
    login,
    receipt,
)
from relais.crypto.errors import ProtocolError

ANNE, BRUNO = Person("anne"), Person("bruno")
CIRCLE = Circle(ANNE).then(ANNE, adds(BRUNO, "professional"))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.just(2**53 - 1)
    | st.sampled_from(["", "op", "create", "team", "post", "\0"])
    | st.sampled_from([b"", bytes(16), bytes(32), bytes(64), bytes(1216)]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["op", "device", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _added() -> bytes:
    anne = Person("anne")
    anne.join("laptop")
    return anne.chain[1]


def _entry() -> bytes:
    operations = [adds(Person("claire"), "carer", history=NOW), opens("team", 2)]
    return written(CIRCLE.state, ANNE, operations, at=NOW)


def _grant() -> bytes:
    return grant.seal(
        ANNE.keys,
        BRUNO.keys.device("interactive", ""),
        circle=CIRCLE.state.circle,
        account=BRUNO.id,
        granter=ANNE.id,
        epochs=[("team", 1, key_of("team", 1))],
        at=NOW,
    )


def _receipt() -> bytes:
    return receipt.write(
        ANNE.keys,
        circle=CIRCLE.state.circle,
        note=NOTE,
        version=1,
        envelope=random("envelope").hex(),
        kind="read",
        account=ANNE.id,
        at=NOW,
    )


def _statement() -> bytes:
    said = {"account": ANNE.id, "quorum": 2, "guardians": sorted((ANNE.id, BRUNO.id)), "at": NOW}
    parts = escrow.split(random("seed"), [random("part")])
    return escrow.write(ANNE.keys, parts=parts, **said)  # type: ignore[arg-type]


def _request() -> bytes:
    return emergency.write(
        ANNE.keys,
        escrow=BRUNO.id,
        circle=CIRCLE.state.circle,
        account=ANNE.id,
        account_head=ANNE.state.head,
        at=NOW,
        until=NOW + 1,
        reason="vital",
        explained=random("words").hex(),
    )


STATEMENT = escrow.peek(_statement())


def _answer() -> bytes:
    parts = escrow.split(random("seed"), [random("part")])
    own = [parts[number] for number in STATEMENT.held(ANNE.id)]
    phone = BRUNO.keys.device("interactive", "")
    sealed = emergency.seal_parts(ANNE.keys, phone, own, request=random("request").hex())
    return emergency.write_answer(
        ANNE.keys,
        request=random("request").hex(),
        account=ANNE.id,
        escrow_device=STATEMENT.device,
        parts={phone.id: sealed},
        at=NOW,
    )


def _read_answer(data: bytes) -> None:
    read = emergency.peek_answer(data)
    emergency.verify_answer(read, ANNE.state, request=random("request").hex())
    if read.approved:
        emergency.open_parts(read, BRUNO.keys, STATEMENT)


def _read_note(data: bytes) -> None:
    read = envelope.peek(data)
    envelope.verify(read, ANNE.state)
    envelope.open_envelope(read, {("team", 1): key_of("team", 1)})


OBJECTS: dict[str, tuple[bytes, str, Callable[[bytes], Any]]] = {
    "statement": (_added(), cose.ACCOUNT, lambda data: account.apply(ANNE.state, data)),
    "entry": (_entry(), cose.CIRCLE, lambda data: ledger.apply(CIRCLE.state, data, ANNE.state)),
    "grant": (
        _grant(),
        cose.GRANT,
        lambda data: grant.open_grant(data, BRUNO.keys, CIRCLE.state, ANNE.state),
    ),
    "receipt": (
        _receipt(),
        cose.RECEIPT,
        lambda data: receipt.verify(receipt.peek(data), ANNE.state),
    ),
    "login": (
        login.answer(ANNE.keys, bytes(32), origin="https://x", at=NOW),
        cose.LOGIN,
        lambda data: login.verify(login.peek(data), ANNE.keys.sign_public),
    ),
    "escrow statement": (
        _statement(),
        cose.ESCROW,
        lambda data: escrow.verify(escrow.peek(data), ANNE.state),
    ),
    "emergency request": (
        _request(),
        cose.EMERGENCY,
        lambda data: emergency.verify(emergency.peek(data), ANNE.state),
    ),
    "emergency answer": (_answer(), cose.ANSWER, _read_answer),
    "note": (posted(CIRCLE, ANNE), cose.NOTE, _read_note),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a value, the whole first."""
    found = [path]
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            found += places(value[key], (*path, key))
    return found


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with something else at a place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def outcome(check: Callable[[bytes], Any], data: bytes) -> str:
    """The reason of a refusal, or nothing; any other error ends the test."""
    try:
        check(data)
    except ProtocolError as error:
        return error.reason
    return ""


@pytest.mark.parametrize("name", OBJECTS)
def test_the_object_itself_is_taken(name: str) -> None:
    data, _, check = OBJECTS[name]
    assert outcome(check, data) == ""


@pytest.mark.parametrize("name", OBJECTS)
@settings(max_examples=150)
@given(data=st.data())
def test_any_value_in_any_place_is_refused_by_name(name: str, data: st.DataObject) -> None:
    signed, context, check = OBJECTS[name]
    payload = cbor.decode(cose.peek(signed).payload)
    path = data.draw(st.sampled_from(places(payload)))
    new = changed(payload, path, data.draw(VALUES))
    again = cose.sign(cbor.encode(new), keys=ANNE.keys, context=context)
    reason = outcome(check, again)
    assert reason == "" or reason.replace("-", "").isalpha()
    assert reason == "" or cbor.encode(new) != cbor.encode(payload)


@settings(max_examples=150)
@given(data=st.data())
def test_any_value_in_any_place_of_a_header_is_refused_by_name(data: st.DataObject) -> None:
    header, sealed = cbor.decode(cose.peek(OBJECTS["note"][0]).payload)
    fields = cbor.decode(header)
    path = data.draw(st.sampled_from(places(fields)))
    new = cbor.encode(changed(fields, path, data.draw(VALUES)))
    again = cose.sign(cbor.encode([new, sealed]), keys=ANNE.keys, context=cose.NOTE)
    reason = outcome(_read_note, again)
    assert (reason == "") == (new == header)


@pytest.mark.parametrize("name", OBJECTS)
@given(noise=st.binary(max_size=100))
def test_any_bytes_are_refused_by_name(name: str, noise: bytes) -> None:
    assert outcome(OBJECTS[name][2], noise) in ("non-canonical", "wrong-type")

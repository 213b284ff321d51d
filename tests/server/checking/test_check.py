"""What is found of an envelope beside is what is found here, word for word."""

from io import BytesIO

import pytest
from care import Circle, Person, adds, posted, refused
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import cose, envelope
from relais.crypto.errors import ProtocolError
from relais.server.checking import child
from relais.server.checking.check import Checked, check

ANNE, BRUNO = Person("anne"), Person("bruno")
CIRCLE = Circle(ANNE, ("team", "family")).then(ANNE, adds(BRUNO, "carer"))
DATA = posted(CIRCLE, ANNE)
KEY, OTHER = (one.state.device(one.keys.id).sign for one in (ANNE, BRUNO))


def beside(data: bytes, key: bytes | None) -> Checked:
    """As the process answers, and as the server reads it."""
    asked, answered = BytesIO(child.pack([data, key])), BytesIO()
    child.serve(asked, answered)
    (found,) = child.unpack(answered.getvalue()[child.LENGTH_BYTES :])
    return child.read_answer(found, data, key)


def found(how: object, data: bytes, key: bytes | None) -> Checked | str:
    try:
        return how(data, key)  # type: ignore[operator, no-any-return]
    except ProtocolError as error:
        return error.reason


def test_a_good_note_is_found_good_and_whole() -> None:
    for checked in (check(DATA, KEY), beside(DATA, KEY)):
        assert checked == Checked(envelope.peek(DATA), KEY)
        checked.verify(ANNE.state)


def test_a_signature_found_good_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    checked, unknown, author = beside(DATA, KEY), beside(DATA, None), ANNE.state
    computed: list[bytes] = []
    monkeypatch.setattr(cose, "verify", lambda _, key, *, context: computed.append(key))
    checked.verify(author)
    assert computed == []
    unknown.verify(author)
    assert computed == [KEY]


def test_good_under_another_key_than_the_authors_is_not_good() -> None:
    """What the caller's key was thought to be does not count: what the ledger says does."""
    forged = Checked(envelope.peek(DATA[:-1] + bytes([DATA[-1] ^ 1])), OTHER)
    refused("bad-signature", lambda: forged.verify(ANNE.state))
    refused("wrong-account", lambda: check(DATA, KEY).verify(BRUNO.state))


def test_a_forged_signature_is_refused_in_its_turn() -> None:
    data = DATA[:-1] + bytes([DATA[-1] ^ 1])
    for checked in (check(data, KEY), beside(data, KEY), check(DATA, OTHER), beside(DATA, OTHER)):
        assert checked.signed_under is None
    refused("bad-signature", lambda: beside(data, KEY).verify(ANNE.state))
    beside(DATA, OTHER).verify(ANNE.state)  # it was the key that was wrong, not the note


@pytest.mark.parametrize("key", [KEY, OTHER, None, bytes(32), b"short"])
def test_whatever_the_key_both_find_the_same(key: bytes | None) -> None:
    assert found(beside, DATA, key) == found(check, DATA, key)


@given(st.integers(0, len(DATA) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_whatever_is_wrong_both_find_the_same(place: int, put: bytes, cut: int) -> None:
    data = DATA[:place] + put + DATA[place + cut :]
    assert found(beside, data, KEY) == found(check, data, KEY)


@given(st.binary(max_size=300))
def test_whatever_comes_both_find_the_same(data: bytes) -> None:
    assert found(beside, data, KEY) == found(check, data, KEY)


def test_too_much_is_refused_by_both() -> None:
    data = bytes(envelope.LARGEST_ENVELOPE + 1)
    assert found(beside, data, KEY) == found(check, data, KEY) == "too-large"


def test_every_kind_of_header_comes_back_whole() -> None:
    for data in (
        posted(CIRCLE, ANNE, kind=envelope.CORRECTION, version=2, replaces="ab" * 32),
        posted(CIRCLE, ANNE, urgent=True, acknowledge=True, mentions=(BRUNO.state.account,)),
    ):
        assert beside(data, KEY) == check(data, KEY)


def test_a_bug_beside_is_met_again_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Checked:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(child, "check", broken)
        assert child.answer(DATA, KEY) is None
        with pytest.raises(RuntimeError, match="a bug"):
            child.read_answer(None, DATA, KEY)
    assert child.read_answer(None, DATA, KEY) == check(DATA, KEY)


def test_many_are_answered_in_their_order() -> None:
    other = posted(CIRCLE, BRUNO)
    asked, answered = BytesIO(child.pack([DATA, KEY, b"", None, other, OTHER])), BytesIO()
    child.serve(asked, answered)
    first, second, third = child.unpack(answered.getvalue()[child.LENGTH_BYTES :])
    assert child.read_answer(first, DATA, KEY) == check(DATA, KEY)
    assert second == "non-canonical"
    assert child.read_answer(third, other, OTHER) == check(other, OTHER)

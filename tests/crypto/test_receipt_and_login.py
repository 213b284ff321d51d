import pytest
from care import NOTE, NOW, Person, random, refused
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import login, receipt
from relais.crypto.errors import ProtocolError

ANNE, BRUNO = Person("anne"), Person("bruno")


def received(kind: str = receipt.READ) -> bytes:
    return receipt.write(
        ANNE.keys,
        circle=random("circle").hex(),
        note=NOTE,
        version=1,
        envelope=random("envelope").hex(),
        kind=kind,
        account=ANNE.id,
        at=NOW,
    )


@pytest.mark.parametrize("kind", [receipt.STORED, receipt.READ, receipt.ACKNOWLEDGED])
def test_a_receipt_says_who_has_seen_which_version(kind: str) -> None:
    read = receipt.peek(received(kind))
    receipt.verify(read, ANNE.state)
    assert (read.kind, read.note, read.version, read.account) == (kind, NOTE, 1, ANNE.id)
    assert read.digest == read.signed.digest


def test_a_receipt_of_another_kind_is_not_written() -> None:
    refused("wrong-type", lambda: received("seen"))


def test_nobody_receipts_for_another() -> None:
    refused("wrong-account", lambda: receipt.verify(receipt.peek(received()), BRUNO.state))


@given(st.integers(0, len(received()) - 1), st.integers(1, 255))
def test_a_receipt_with_any_byte_changed_is_refused(place: int, flip: int) -> None:
    changed = bytearray(received())
    changed[place] ^= flip
    with pytest.raises(ProtocolError):
        receipt.verify(receipt.peek(bytes(changed)), ANNE.state)


def test_a_login_is_for_one_challenge_one_origin_and_one_device() -> None:
    data = login.answer(ANNE.keys, random("c"), origin="https://relais.example", at=NOW)
    read = login.peek(data)
    login.verify(read, ANNE.keys.sign_public)
    assert (read.challenge, read.device) == (random("c"), ANNE.keys.id)
    assert (read.origin, read.at) == ("https://relais.example", NOW)
    refused("bad-signature", lambda: login.verify(read, BRUNO.keys.sign_public))


def test_a_challenge_has_32_bytes() -> None:
    refused("wrong-type", lambda: login.answer(ANNE.keys, bytes(31), origin="x", at=NOW))

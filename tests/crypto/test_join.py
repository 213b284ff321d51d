import pytest
from care import refused
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import join

SECRETS = st.binary(min_size=10, max_size=10)


@given(SECRETS)
def test_a_code_is_read_as_it_was_shown(secret: bytes) -> None:
    code = join.make_code(secret)
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
    assert join.read_code(code) == secret
    assert join.read_code(code.lower().replace("-", " ")) == secret
    assert join.read_code(code.replace("0", "O").replace("1", "l")) == secret


@given(st.text(max_size=14))
def test_text_too_short_to_be_a_code_is_refused(text: str) -> None:
    refused("bad-code", lambda: join.read_code(text))


@given(SECRETS, st.integers(0, 18), st.sampled_from("Uu!é*"))
def test_a_code_with_a_letter_of_no_code_is_refused(secret: bytes, at: int, letter: str) -> None:
    code = join.make_code(secret)
    refused("bad-code", lambda: join.read_code(code[:at] + letter + code[at + 1 :]))


@pytest.mark.parametrize("size", [0, 9, 11])
def test_a_secret_of_another_length_is_a_bug(size: int) -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        join.make_code(bytes(size))


def test_a_word_between_the_devices_cannot_be_forged_without_the_code() -> None:
    secret, other = bytes(10), b"\1" * 10
    mac = join.request_mac(secret, b"possession")
    join.check_mac(mac, join.request_mac(secret, b"possession"))
    refused("wrong-mac", lambda: join.check_mac(mac, join.request_mac(other, b"possession")))
    refused("wrong-mac", lambda: join.check_mac(mac, join.request_mac(secret, b"other")))
    refused("wrong-mac", lambda: join.check_mac(mac, join.answer_mac(secret, b"possession")))
    refused("wrong-mac", lambda: join.check_mac(b"", mac))


def test_the_server_learns_a_ticket_and_neither_key() -> None:
    secret = bytes(10)
    ticket = bytes.fromhex(join.ticket(secret))
    assert len(ticket) == join.TICKET_SIZE
    assert join.request_mac(ticket[:10], b"x") != join.request_mac(secret, b"x")

from typing import Any

from care import NOTE, random, refused
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import cbor, content
from relais.crypto.content import Attachment, Content, Form
from relais.crypto.padme import padme

DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(max_size=9)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=50)
PICTURE = Attachment(
    id=NOTE,
    blob=random("blob").hex(),
    key=random("key"),
    name="plaie.jpg",
    media_type="image/jpeg",
    size=1,
    sha256=random("plain").hex(),
    width=10,
    height=10,
    thumbnail=b"x",
)


@given(st.sampled_from([*content.NOTE_TYPES, content.PROFILE]), TEXT, st.dictionaries(TEXT, DATA))
def test_a_content_comes_back_from_its_bytes(kind: str, text: str, data: dict[str, Any]) -> None:
    said = Content(kind, text, Form("x/1", data), (PICTURE,), reply_to=NOTE, broadcast=NOTE)
    assert content.decode(content.encode(said)) == said


def test_a_form_with_a_decimal_number_is_not_written() -> None:
    good = Content("OBS", "", Form("x", {"weight": "71.5"}))
    assert content.decode(content.encode(good)) == good
    refused("wrong-type", lambda: content.encode(Content("OBS", "", Form("x", {"weight": 71.5}))))


def test_a_thumbnail_is_small() -> None:
    fields = vars(PICTURE)
    good = Attachment(**{**fields, "thumbnail": bytes(24 * 1024)})
    large = Attachment(**{**fields, "thumbnail": bytes(24 * 1024 + 1)})
    assert content.encode(Content("OBS", "", attachments=(good,)))
    refused("wrong-type", lambda: content.encode(Content("OBS", "", attachments=(large,))))


@given(st.binary(max_size=3000))
def test_padding_hides_the_length_and_comes_off_again(data: bytes) -> None:
    padded = content.pad(data)
    assert content.unpad(padded) == data
    assert len(padded) == max(256, padme(4 + len(data)))


@given(st.binary(max_size=600), st.integers(0, 255))
def test_padding_of_another_length_or_value_is_refused(data: bytes, more: int) -> None:
    refused("bad-padding", lambda: content.unpad(content.pad(data) + bytes([more])))
    refused("bad-padding", lambda: content.unpad(content.pad(data)[:-1]))


def test_zeros_alone_are_an_empty_content() -> None:
    assert content.unpad(bytes(256)) == b""
    refused("bad-padding", lambda: content.unpad(bytes(257)))
    refused("non-canonical", lambda: content.decode(b""))
    refused("wrong-type", lambda: content.decode(cbor.encode([])))

import os

import pytest
from care import (
    NOTE,
    NOW,
    Circle,
    Person,
    adds,
    draft,
    key_of,
    opens,
    posted,
    random,
    refused,
    to_epoch,
    to_inbox,
)
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import content, cose, envelope
from relais.crypto.content import Attachment, Content
from relais.crypto.device import BOT
from relais.crypto.envelope import To
from relais.crypto.errors import ProtocolError

ANNE, BRUNO, LAB = Person("anne"), Person("bruno"), Person("lab", kind=BOT)
CIRCLE = Circle(ANNE, ("team", "family")).then(ANNE, adds(BRUNO, "carer"), adds(LAB, "bot"))
KEYS = {("team", 1): key_of("team", 1), ("family", 1): key_of("family", 1)}
SAID = Content("OBS", "Plaie propre.")
DATA = posted(CIRCLE, ANNE, said=SAID)


def test_a_note_is_read_by_whoever_holds_the_key() -> None:
    read = envelope.peek(DATA)
    envelope.verify(read, ANNE.state)
    assert envelope.open_envelope(read, KEYS) == SAID
    refused("key-missing", lambda: envelope.open_envelope(read, {("team", 2): key_of("team", 2)}))


def test_an_envelope_tells_the_server_where_it_belongs_and_nothing_of_what_it_says() -> None:
    read = envelope.peek(DATA)
    assert (read.header.circle, read.header.note) == (CIRCLE.state.circle, NOTE)
    assert (read.kid, read.raw) == (ANNE.keys.id, DATA)
    assert read.digest == read.signed.digest
    assert read.header.origin == envelope.Origin(read.header.account, read.header.audiences)
    assert SAID.text.encode() not in DATA
    assert SAID.type.encode() not in DATA


def test_a_note_in_two_audiences_says_one_thing_to_both() -> None:
    data = posted(CIRCLE, ANNE, to_epoch(CIRCLE), to_epoch(CIRCLE, "family"), said=SAID)
    read = envelope.peek(data)
    assert [key.audience for key in read.header.keys] == ["family", "team"]
    for name, key in KEYS.items():
        assert envelope.open_envelope(read, {name: key}) == SAID


def test_a_bot_writes_what_it_cannot_read() -> None:
    data = posted(CIRCLE, LAB, to_inbox(CIRCLE), said=SAID)
    read = envelope.peek(data)
    envelope.verify(read, LAB.state)
    assert read.header.keys[0].method == envelope.INBOX_METHOD
    assert envelope.open_envelope(read, KEYS) == SAID


def test_a_wrong_key_does_not_open_a_note() -> None:
    read = envelope.peek(DATA)
    refused("cannot-open", lambda: envelope.open_envelope(read, {("team", 1): random("other")}))


def test_an_author_is_judged_by_its_own_chain() -> None:
    read = envelope.peek(DATA)
    refused("wrong-account", lambda: envelope.verify(read, BRUNO.state))


def test_a_lost_phone_wrote_until_it_was_revoked() -> None:
    anne = Person("anne with a second phone")
    phone = anne.join("phone")
    circle = Circle(anne)
    owner = Person("anne with a second phone")
    owner.keys = phone
    early, late = posted(circle, owner), posted(circle, owner, at=NOW + 2)
    anne.lose(phone, at=NOW + 1)
    envelope.verify(envelope.peek(early), anne.state)
    refused("revoked-device", lambda: envelope.verify(envelope.peek(late), anne.state))


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_an_envelope_with_any_byte_changed_is_refused(place: int, flip: int) -> None:
    changed = bytearray(DATA)
    changed[place] ^= flip

    def check() -> None:
        envelope.verify(envelope.peek(bytes(changed)), ANNE.state)

    with pytest.raises(ProtocolError):
        check()


@given(st.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        envelope.peek(data)


@given(st.binary(max_size=60))
def test_any_signed_payload_is_refused_unless_it_is_an_envelope(payload: bytes) -> None:
    data = cose.sign(payload, keys=ANNE.keys, context=cose.NOTE)
    with pytest.raises(ProtocolError):
        envelope.peek(data)


def test_the_same_entropy_gives_the_same_envelope_and_other_entropy_another() -> None:
    again = posted(CIRCLE, ANNE, said=SAID)
    other = envelope.seal(
        ANNE.keys,
        draft(CIRCLE, ANNE),
        SAID,
        to=[to_epoch(CIRCLE)],
        entropy=os.urandom(envelope.ENTROPY_SIZE),
    )
    assert again == DATA
    assert other != DATA
    assert len(other) == len(DATA)


def test_sealing_without_key_or_entropy_is_a_bug() -> None:
    with pytest.raises(ValueError, match="epoch key or its inbox key"):
        posted(CIRCLE, ANNE, To("team", 1))
    with pytest.raises(ValueError, match="random bytes"):
        envelope.seal(ANNE.keys, draft(CIRCLE, ANNE), SAID, to=[to_epoch(CIRCLE)], entropy=b"")


def test_what_no_reader_would_take_is_not_sealed() -> None:
    refused("wrong-version", lambda: posted(CIRCLE, ANNE, kind="correction"))
    refused("wrong-type", lambda: posted(CIRCLE, ANNE, said=Content("PROFILE", "x")))
    refused("wrong-type", lambda: posted(CIRCLE, ANNE, said=Content("OBS", "x" * 20_001)))
    refused("wrong-type", lambda: posted(CIRCLE, ANNE, at=-1))
    refused("bad-audience", lambda: posted(CIRCLE, ANNE, To("Team", 1, key=random("k"))))
    twice = (to_epoch(CIRCLE), to_epoch(CIRCLE))
    refused("wrong-type", lambda: posted(CIRCLE, ANNE, *twice))
    nine = [To(f"a{n}", 1, key=random("k")) for n in range(9)]
    refused("wrong-type", lambda: posted(CIRCLE, ANNE, *nine))


def picture(number: int, size: int) -> Attachment:
    return Attachment(
        id=NOTE,
        blob=random(f"blob {number}").hex(),
        key=random("key"),
        name="photo",
        media_type="image/jpeg",
        size=1,
        sha256=random("plain").hex(),
        thumbnail=bytes(size),
    )


def test_an_envelope_of_256_kib_is_the_largest() -> None:
    def said(size: int) -> Content:
        return Content("OBS", "", attachments=tuple(picture(n, size) for n in range(20)))

    assert len(posted(CIRCLE, ANNE, said=said(12_000))) <= envelope.LARGEST_ENVELOPE
    refused("too-large", lambda: posted(CIRCLE, ANNE, said=said(14_000)))
    refused("too-large", lambda: envelope.peek(bytes(envelope.LARGEST_ENVELOPE + 1)))
    refused("non-canonical", lambda: envelope.peek(bytes(envelope.LARGEST_ENVELOPE)))


def test_the_key_of_a_version_is_told_from_any_other_by_its_envelope() -> None:
    sealed = envelope.peek(DATA)
    assert envelope.is_content_key(sealed, envelope.content_key(sealed, KEYS))
    assert not envelope.is_content_key(sealed, bytes(32))


def test_a_content_key_handed_over_proves_one_version_and_opens_nothing_else() -> None:
    correction = posted(
        CIRCLE, ANNE, said=SAID, version=2, replaces=envelope.peek(DATA).digest, kind="correction"
    )
    first, second = envelope.peek(DATA).header, envelope.peek(correction).header
    assert first.commitment == second.commitment  # the same entropy, so that only the place differs
    swapped = envelope.peek(correction)
    keys = first.keys
    moved = envelope.Envelope(
        envelope.Header(**{**vars(second), "keys": keys}),
        swapped.header_bytes,
        swapped.sealed,
        swapped.signed,
    )
    assert envelope.open_envelope(swapped, KEYS) == SAID
    refused("cannot-open", lambda: envelope.open_envelope(moved, KEYS))


def test_versions_follow_one_another_by_the_same_author() -> None:
    first = envelope.peek(DATA)
    envelope.check_follows(first, [])
    more = {"version": 2, "kind": "correction", "replaces": first.digest}
    second = envelope.peek(posted(CIRCLE, ANNE, **more))
    envelope.check_follows(second, [first])
    other = envelope.peek(posted(CIRCLE, BRUNO, **more))
    refused("not-the-author", lambda: envelope.check_follows(other, [first]))
    third = {"version": 3, "kind": "withdrawal", "replaces": second.digest}
    gone = envelope.peek(posted(CIRCLE, ANNE, **third))
    envelope.check_follows(gone, [first, second])
    fourth = {"version": 4, "kind": "correction", "replaces": gone.digest}
    late = envelope.peek(posted(CIRCLE, ANNE, **fourth))
    refused("wrong-version", lambda: envelope.check_follows(late, [first, second, gone]))


def test_a_later_version_is_for_the_same_audiences() -> None:
    both = (to_epoch(CIRCLE, "family"), to_epoch(CIRCLE))
    first = envelope.peek(posted(CIRCLE, ANNE, *both))
    more = {"version": 2, "kind": "correction", "replaces": first.digest}
    envelope.check_follows(envelope.peek(posted(CIRCLE, ANNE, *both, **more)), [first])
    fewer = envelope.peek(posted(CIRCLE, ANNE, to_epoch(CIRCLE), **more))
    refused("audiences-differ", lambda: envelope.check_follows(fewer, [first]))


def test_a_profile_may_be_followed_by_anybodys() -> None:
    said = Content("PROFILE", "Mme D.")
    first = envelope.peek(posted(CIRCLE, ANNE, said=said, kind="profile"))
    again = {"kind": "profile", "version": 2, "replaces": first.digest}
    second = envelope.peek(posted(CIRCLE, BRUNO, said=said, **again))
    envelope.check_follows(second, [first])


def test_a_note_sealed_under_a_later_epoch_opens_with_that_epochs_key() -> None:
    circle = Circle(ANNE).then(ANNE, opens("team", 2))
    read = envelope.peek(posted(circle, ANNE, said=SAID))
    assert envelope.open_envelope(read, {**KEYS, ("team", 2): key_of("team", 2)}) == SAID
    refused("key-missing", lambda: envelope.open_envelope(read, KEYS))


def test_a_padded_content_hides_how_long_it_is() -> None:
    short = posted(CIRCLE, ANNE, said=Content("OBS", ""))
    longer = posted(CIRCLE, ANNE, said=Content("OBS", "x" * 100))
    assert len(short) == len(longer)
    assert len(content.pad(b"")) == 256

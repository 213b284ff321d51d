"""The bad half of envelope.json: notes with one defect each, and the stage that finds it."""

from collections.abc import Callable, Iterable
from typing import Any

import vector_people as people
from vector_envelope import (
    NOTE,
    PATIENT,
    PICTURE,
    PLAIN,
    POST,
    circle,
    sealed,
    to_inbox,
    to_team,
)
from vector_ledger import OPENED, epoch_key, identity, standing
from vector_people import DAY, START, Json, random

from relais.crypto import cbor, content, cose, envelope, epoch, suite
from relais.crypto.content import Content
from relais.crypto.envelope import To
from relais.crypto.structure import to_bytes

Bad = tuple[str, str, str, bytes, list[bytes]]


def bad() -> Iterable[Bad]:
    for name, reason, data in people.signing_defects(POST, "anne phone", context=cose.NOTE):
        is_signature = reason == "bad-signature" and name != "key id of another device"
        yield "verify" if is_signature else "peek", name, reason, data, []
    yield from _bad_headers()
    yield from _bad_authors()
    yield from _bad_keys()
    yield from _bad_contents()
    yield from _bad_encryptions()
    yield from _bad_posts()
    yield from _bad_versions()


def _reheaded(data: bytes, label: str, change: Callable[[Json], Any]) -> bytes:
    """The header changed and signed again; the ciphertext is left as it was."""
    header, ciphertext = cbor.decode(cose.peek(data).payload)
    fields = cbor.decode(header)
    change(fields)
    return people.sign_raw(cbor.encode([cbor.encode(fields), ciphertext]), label, context=cose.NOTE)


def _bad_headers() -> Iterable[Bad]:
    def case(name: str, reason: str, change: Callable[[Json], Any]) -> Bad:
        return "peek", name, reason, _reheaded(POST, "anne phone", change), []

    header, ciphertext = cbor.decode(cose.peek(POST).payload)
    twisted = header[:1] + header[1:][::-1]
    bad_header = people.sign_raw(
        cbor.encode([twisted, ciphertext]), "anne phone", context=cose.NOTE
    )
    yield "peek", "header is no CBOR", "non-canonical", bad_header, []
    three = people.sign_raw(cbor.encode([header, ciphertext, b""]), "anne phone", context=cose.NOTE)
    yield "peek", "three parts", "wrong-type", three, []
    yield case("unknown field", "unknown-field", lambda h: h.update(subject="x"))
    yield case("missing field", "missing-field", lambda h: h.pop("urgent"))
    yield case("urgent is a number", "wrong-type", lambda h: h.update(urgent=1))
    yield case("unknown kind", "wrong-type", lambda h: h.update(kind="draft"))
    yield case("version 0", "wrong-version", lambda h: h.update(version=0))
    yield case("version 1 replaces", "wrong-version", lambda h: h.update(replaces=random("r")))
    yield case(
        "version 2 replaces nothing",
        "wrong-version",
        lambda h: h.update(version=2, kind="correction"),
    )
    yield case("version 1 is a correction", "wrong-version", lambda h: h.update(kind="correction"))
    yield case(
        "version 2 is a post", "wrong-version", lambda h: h.update(version=2, replaces=random("r"))
    )
    yield case("no keys", "wrong-type", lambda h: h.update(keys=[]))
    yield case(
        "nine keys",
        "wrong-type",
        lambda h: h.update(keys=[{**h["keys"][0], "audience": f"a{n}"} for n in range(9)]),
    )
    yield case("the same audience twice", "wrong-type", lambda h: h.update(keys=h["keys"] * 2))
    yield case(
        "audiences out of order",
        "wrong-type",
        lambda h: h.update(keys=[*h["keys"], {**h["keys"][0], "audience": "family"}]),
    )
    yield case(
        "audience in capitals", "bad-audience", lambda h: h["keys"][0].update(audience="Team")
    )
    yield case("unknown method", "wrong-type", lambda h: h["keys"][0].update(method="post"))
    yield case(
        "sealed key of 59 bytes", "wrong-type", lambda h: h["keys"][0].update(sealed=bytes(59))
    )
    yield case("epoch's size by inbox", "wrong-type", lambda h: h["keys"][0].update(method="inbox"))
    yield case("21 blobs", "wrong-type", lambda h: h.update(blobs=[bytes(32)] * 21))
    yield case("61 mentions", "wrong-type", lambda h: h.update(mentions=[bytes(32)] * 61))
    yield case(
        "device is not the signer", "bad-signature", lambda h: h.update(device=random("d", 16))
    )
    large = people.sign_raw(
        cbor.encode([header, bytes(256 * 1024)]), "anne phone", context=cose.NOTE
    )
    yield "peek", "more than 256 KiB", "too-large", large, []


def _bad_authors() -> Iterable[Bad]:
    yield (
        "verify",
        "in another's name",
        "not-a-device",
        _reheaded(POST, "anne phone", lambda h: h.update(account=to_bytes(identity("bruno")))),
        [],
    )
    eve = sealed("eve", "eve phone", PLAIN, account=identity("anne"))[0]
    yield "verify", "a device of another account", "not-a-device", eve, []
    stolen = sealed("stolen", "anne laptop", PLAIN, at=START + 20 * DAY + 1)[0]
    yield "verify", "a stolen device", "revoked-device", stolen, []
    header, ciphertext = cbor.decode(cose.peek(POST).payload)
    swapped = cbor.encode([header, people.flipped(ciphertext, place=-1)])
    parts = cbor.decode(POST)
    yield (
        "verify",
        "another ciphertext",
        "bad-signature",
        cbor.encode([*parts[:2], swapped, parts[3]]),
        [],
    )


def _bad_keys() -> Iterable[Bad]:
    yield from _bad_wrappings()
    yield (
        "open",
        "no key for this reader",
        "key-missing",
        sealed(
            "unread",
            "anne phone",
            PLAIN,
            To("team", 2, key=epoch_key("team", 2)),
            **_second_epoch(),
        )[0],
        [],
    )
    bot = sealed("bot", "lab machine", PLAIN, to_inbox("team"))[0]
    yield (
        "open",
        "inbox key with a flipped bit",
        "cannot-open",
        _reheaded(
            bot,
            "lab machine",
            lambda h: h["keys"][0].update(sealed=people.flipped(h["keys"][0]["sealed"], place=-1)),
        ),
        [],
    )


def _bad_wrappings() -> Iterable[Bad]:
    header, ciphertext = cbor.decode(cose.peek(POST).payload)
    flipped = cbor.encode([header, people.flipped(ciphertext, place=-1)])
    yield (
        "open",
        "flipped bit in the ciphertext",
        "cannot-open",
        people.sign_raw(flipped, "anne phone", context=cose.NOTE),
        [],
    )
    yield (
        "open",
        "header not the one sealed",
        "cannot-open",
        _reheaded(POST, "anne phone", lambda h: h.update(urgent=True)),
        [],
    )
    yield (
        "open",
        "wrapped key of another note",
        "cannot-open",
        _reheaded(POST, "anne phone", lambda h: h.update(note=bytes(16))),
        [],
    )
    yield (
        "open",
        "wrapped key with a flipped bit",
        "cannot-open",
        _reheaded(
            POST,
            "anne phone",
            lambda h: h["keys"][0].update(sealed=people.flipped(h["keys"][0]["sealed"], place=-1)),
        ),
        [],
    )


def _resealed(
    name: str, reason: str, change: Callable[[Json, Json], Any], said: bytes | None = None
) -> Bad:
    return "open", name, reason, _crafted(change, said), []


def _bad_contents() -> Iterable[Bad]:
    yield _resealed(
        "a commitment to another key",
        "commitment-differs",
        lambda h, c: h.update(commitment=random("commitment")),
    )
    yield _resealed(
        "blobs not those of the content", "blobs-differ", lambda h, c: h.update(blobs=[bytes(32)])
    )
    yield _resealed(
        "padding not zero", "bad-padding", lambda h, c: None, content.pad(b"x")[:-1] + b"\1"
    )
    yield _resealed("not padded", "bad-padding", lambda h, c: None, content.encode(PLAIN))
    yield _resealed("content is no CBOR", "non-canonical", lambda h, c: None, content.pad(b"\xff"))
    yield _resealed(
        "a profile's content in a post",
        "wrong-type",
        lambda h, c: None,
        content.pad(content.encode(PATIENT)),
    )
    gone = content.encode(Content("OBS", "", attachments=(PICTURE,)))
    yield _resealed(
        "a withdrawal with an attachment",
        "wrong-type",
        lambda h, c: h.update(
            version=2, replaces=random("r"), kind="withdrawal", blobs=[to_bytes(PICTURE.blob)]
        ),
        content.pad(gone),
    )


def _bad_encryptions() -> Iterable[Bad]:
    yield _resealed(
        "COSE_Encrypt0 with another header",
        "wrong-type",
        lambda h, c: c.update(protected=b"\xa1\x01\x01"),
    )
    yield _resealed(
        "COSE_Encrypt0 with a short nonce",
        "wrong-type",
        lambda h, c: c.update(unprotected={5: bytes(11)}),
    )
    yield _resealed(
        "COSE_Encrypt0 with a key id",
        "wrong-type",
        lambda h, c: c.update(unprotected={4: b"k", 5: bytes(12)}),
    )


def _crafted(change: Callable[[Json, Json], Any], said: bytes | None) -> bytes:
    """A note by hand: whatever `change` does to header and COSE_Encrypt0 is sealed and signed as it is."""
    key, nonce = random("crafted key"), random("crafted nonce", 12)
    fields = cbor.decode(cbor.decode(cose.peek(POST).payload)[0])
    fields["commitment"] = suite.hkdf(key, ["relais/1 note", "commit"])
    outer: Json = {"protected": b"\xa1\x01\x03", "unprotected": {5: nonce}}
    change(fields, outer)
    place = epoch.NotePlace(fields["circle"].hex(), NOTE, fields["version"])
    wrap = epoch.wrap_key(epoch_key("team", 1), "team", 1, place=place)
    wrapped = suite.encrypt(wrap, key, nonce=nonce, aad=fields["commitment"])
    fields["keys"][0]["sealed"] = nonce + wrapped
    header = cbor.encode(fields)
    aad = cbor.encode(["Encrypt0", b"\xa1\x01\x03", header])
    plaintext = content.pad(content.encode(PLAIN)) if said is None else said
    encryption = suite.hkdf(key, ["relais/1 note", "encrypt"])
    ciphertext = suite.encrypt(encryption, plaintext, nonce=nonce, aad=aad)
    body = cbor.encode([outer["protected"], outer["unprotected"], ciphertext])
    return people.sign_raw(cbor.encode([header, body]), "anne phone", context=cose.NOTE)


def _second_epoch() -> Json:
    state = circle().known()
    return {"ledger_seq": state.seq, "ledger_head": state.head}


def _bad_posts() -> Iterable[Bad]:
    def case(name: str, reason: str, by: str, *to: To, **more: Any) -> Bad:
        said = PATIENT if more.get("kind") == "profile" else PLAIN
        return "posting", name, reason, sealed(name, by, said, *to, **more)[0], []

    family = To("family", 1, key=epoch_key("family", 1))
    first = standing().known().heads[0]
    yield case("another circle", "wrong-circle", "anne phone", circle=random("circle").hex())
    yield case("a head of another ledger", "fork", "anne phone", ledger_head=random("head").hex())
    yield case("a head this ledger has not", "rollback", "anne phone", ledger_seq=9)
    yield case("an outsider", "not-a-member", "eve phone")
    yield case(
        "before the author came", "not-a-member", "bruno phone", ledger_seq=0, ledger_head=first
    )
    yield case("after the author's end", "not-a-member", "denis phone", family, at=OPENED + 2 * DAY)
    yield case(
        "to an audience the author is not in", "not-a-member", "bruno phone", to_inbox("family")
    )
    yield case("a bot with the epoch's key", "wrong-method", "lab machine")
    yield case("a reader through the inbox", "wrong-method", "anne phone", to_inbox("team"))
    yield case("an epoch that had been replaced", "wrong-epoch", "anne phone", **_second_epoch())
    yield case(
        "an epoch to come", "wrong-epoch", "anne phone", To("team", 2, key=epoch_key("team", 2))
    )
    yield case(
        "an audience that is not there",
        "wrong-epoch",
        "anne phone",
        To("night", 1, key=random("n")),
    )
    yield case("a profile not to everybody", "key-missing", "anne phone", kind="profile")
    both = (to_inbox("family"), to_inbox("team"))
    yield case("a profile by a bot", "not-allowed", "lab machine", *both, kind="profile")


def _for_others(name: str, before: tuple[To, ...], after: tuple[To, ...]) -> Bad:
    """A correction that some readers of the note would not get, or that some get who never had the note."""
    first = sealed(f"{name}: before", "anne phone", PLAIN, *before)[0]
    said = {"version": 2, "kind": "correction", "replaces": envelope.peek(first).digest}
    return (
        "follows",
        name,
        "audiences-differ",
        sealed(name, "anne phone", PLAIN, *after, **said)[0],
        [first],
    )


def _bad_versions() -> Iterable[Bad]:
    first = envelope.peek(POST).digest
    family = To("family", 1, key=epoch_key("family", 1))

    def case(name: str, reason: str, by: str, previous: list[bytes], **more: Any) -> Bad:
        said = {"version": 2, "replaces": first, "kind": "correction", **more}
        return "follows", name, reason, sealed(name, by, PLAIN, **said)[0], previous

    yield case("version 2 of nothing", "wrong-version", "anne phone", [])
    yield case("a version left out", "wrong-version", "anne phone", [POST], version=3)
    yield case(
        "replaces another hash", "wrong-version", "anne phone", [POST], replaces=random("r").hex()
    )
    yield case(
        "another note's version", "wrong-version", "anne phone", [POST], note=NOTE[:-1] + "2"
    )
    yield case(
        "another circle's version",
        "wrong-circle",
        "anne phone",
        [POST],
        circle=random("circle").hex(),
    )
    yield case("a correction by another", "not-the-author", "bruno phone", [POST])
    yield _for_others("a correction for fewer", (family, to_team()), (to_team(),))
    yield _for_others("a correction for more", (to_team(),), (family, to_team()))
    gone = sealed(
        "gone", "anne phone", Content("OBS", ""), version=2, replaces=first, kind="withdrawal"
    )[0]
    after = envelope.peek(gone).digest
    yield case(
        "after the withdrawal",
        "wrong-version",
        "anne phone",
        [POST, gone],
        version=3,
        replaces=after,
    )
    yield "follows", "version 1 again", "wrong-version", POST, [POST]
    profile = sealed("p2", "anne phone", PATIENT, kind="profile", version=2, replaces=first)[0]
    yield "follows", "a profile follows a post", "wrong-version", profile, [POST]

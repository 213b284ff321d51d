"""cbor.json, epoch.json, receipt.json, login.json, kit.json, join.json."""

from typing import Any

import vector_people as people
from vector_people import ANNE, DAY, START, Json, keys, random

from relais.crypto import cbor, cose, epoch, join, kit, login, receipt

CBOR_GOOD: dict[str, Any] = {
    "zero": 0,
    "twenty-three": 23,
    "twenty-four": 24,
    "two bytes": 256,
    "four bytes": 65536,
    "eight bytes": 2**32,
    "largest": 2**53 - 1,
    "minus one": -1,
    "smallest": -(2**53 - 1),
    "empty text": "",
    "text": "Où ça ? 🩹",
    "bytes": bytes(range(25)),
    "true": True,
    "false": False,
    "null": None,
    "array": [1, [2, []], b""],
    "map in bytewise order": {"": 0, "a": 1, "b": 2, "aa": 3, "é": 4, "z" * 24: 5},
    "integer keys": {1: -8, 4: b"kid"},
    "integer and text keys": {0: 1, 23: 2, -1: 3, "": 4},
}
CBOR_BAD = {
    "empty": "",
    "trailing byte": "0000",
    "integer longer than needed": "1817",
    "text length longer than needed": "780161",
    "bytes length longer than needed": "590001aa",
    "array length longer than needed": "980101",
    "map length longer than needed": "b8016161 01".replace(" ", ""),
    "indefinite array": "9f01ff",
    "indefinite map": "bf616101ff",
    "indefinite bytes": "5f4101ff",
    "indefinite text": "7f6161ff",
    "map out of order": "a2616201616101",
    "map length-last order": "a262616101616201",
    "duplicate key": "a2616101616102",
    "tag": "c074323032362d30312d30315430303a30303a30305a",
    "big integer": "c249010000000000000000",
    "shared reference to itself": "d81c81d81d00",
    "half float": "f93c00",
    "double float": "fb3ff8000000000000",
    "not a number": "f97e00",
    "undefined": "f7",
    "simple value": "f0",
    "simple value in two bytes": "f8ff",
    "two to the 53": "1b0020000000000000",
    "minus two to the 53": "3b001fffffffffffff",
    "reserved length": "1c",
    "break alone": "ff",
    "bytes cut short": "4201",
    "array cut short": "8201",
    "map without a value": "a16161",
    "huge array": "9bffffffffffffffff",
    "huge bytes": "5bffffffffffffffff",
    "huge map": "bbffffffffffffffff",
    "invalid UTF-8": "61ff",
    "surrogate in UTF-8": "63eda080",
    "overlong UTF-8": "62c080",
    "bytes as a key": "a1416101",
    "null as a key": "a1f601",
    "array as a key": "a1818001",
    "integer key beyond 23": "a1181801",
    "nested 17 deep": "81" * 17 + "01",
    "nested 5,000 deep": "81" * 5000,
}


def cbor_vectors() -> Json:
    deepest: Any = 1
    for _ in range(16):
        deepest = [deepest]
    values = {**CBOR_GOOD, "nested 16 deep": deepest}
    return {
        "description": 'Deterministic CBOR (docs/protocol.md §1). In `value`, bytes are {"bytes": hex} and maps '
        '{"map": [[key, value], …]}. Every bad `hex` is refused as `reason`.',
        "good": [
            {"name": name, "value": people.tagged(value), "hex": cbor.encode(value).hex()}
            for name, value in values.items()
        ],
        "bad": [
            {"name": name, "hex": data, "reason": "non-canonical"}
            for name, data in CBOR_BAD.items()
        ],
    }


def epoch_vectors() -> Json:
    def case(name: str, audience: str, number: int) -> Json:
        key = random(f"epoch {name}")
        circle, note, version = (
            random("a circle").hex(),
            "0199612c-1c00-7000-8000-00000000002a",
            number + 1,
        )
        place = epoch.NotePlace(circle, note, version)
        return {
            "name": name,
            "key": key.hex(),
            "audience": audience,
            "epoch": number,
            "circle": circle,
            "note": note,
            "version": version,
            "commitment": epoch.commitment(key, audience, number).hex(),
            "inbox_seed": epoch.inbox_seed(key, audience, number).hex(),
            "inbox_public": epoch.inbox_public(key, audience, number).hex(),
            "wrap_key": epoch.wrap_key(key, audience, number, place=place).hex(),
            "inbox_info": cbor.encode(epoch.inbox_info(audience, number, place=place)).hex(),
        }

    return {
        "description": "What an epoch key gives by derivation (docs/protocol.md §5).",
        "good": [case("first of the team", "team", 1), case("a later one", "family-2", 300)],
        "bad": [],
    }


def receipt_vectors() -> Json:
    note = "0199612c-1c00-7000-8000-000000000001"

    def made(kind: str, label: str = "anne phone") -> bytes:
        return receipt.write(
            keys(label),
            circle=random("a circle").hex(),
            note=note,
            version=2,
            envelope=random("an envelope").hex(),
            kind=kind,
            account=ANNE.known().account,
            at=START + 2 * DAY,
        )

    good = [_receipt_json(kind, made(kind)) for kind in ("stored", "read", "acknowledged")]
    context, first = cose.RECEIPT, made("read")
    bad = list(people.form_defects(first, "anne phone", context=context, field="version"))

    def again(label: str = "anne phone", **changes: Any) -> bytes:
        return people.resigned(first, label, lambda p: p.update(changes), context=context)

    bad += [
        ("unknown kind", "wrong-type", again(kind="seen")),
        ("another account", "wrong-account", again(account=random("account"))),
        ("by a device of nobody", "not-a-device", made("read", "eve phone")),
        ("by a device revoked before", "revoked-device", _late_receipt()),
        ("note of 15 bytes", "wrong-type", again(note=bytes(15))),
    ]
    return {
        "description": "Receipts (docs/protocol.md §8), by devices of the chain in `chain`. `again` holds what is "
        "needed to write one again, byte for byte.",
        "devices": people.devices_json("anne phone", "anne laptop"),
        "chain": people.chains_json("anne later")["anne later"],
        "good": good,
        "bad": [{"name": n, "reason": r, "receipt": data.hex()} for n, r, data in bad],
    }


def _late_receipt() -> bytes:
    return receipt.write(
        keys("anne laptop"),
        circle=random("a circle").hex(),
        note="0199612c-1c00-7000-8000-000000000001",
        version=2,
        envelope=random("an envelope").hex(),
        kind="read",
        account=ANNE.known().account,
        at=START + 20 * DAY + 1,
    )


def _receipt_json(kind: str, data: bytes) -> Json:
    read = people.as_json(receipt.peek(data))
    read.pop("signed")
    return {"name": kind, "by": "anne phone", "again": read, "receipt": data.hex()}


def login_vectors() -> Json:
    challenge, origin = random("challenge"), "https://relais.example:8443"
    data = login.answer(keys("anne phone"), challenge, origin=origin, at=START)
    bad = list(people.form_defects(data, "anne phone", context=cose.LOGIN, field="challenge"))
    stolen = login.answer(keys("eve phone"), challenge, origin=origin, at=START)
    stolen = people.resigned(
        stolen,
        "eve phone",
        lambda p: p.update(device=bytes.fromhex(keys("anne phone").id)),
        context=cose.LOGIN,
        kid=bytes.fromhex(keys("anne phone").id),
    )
    bad.append(("signed by another device in its name", "bad-signature", stolen))
    return {
        "description": "Answers to a login challenge (docs/protocol.md §3), checked under the key of `anne phone`.",
        "devices": people.devices_json("anne phone"),
        "good": [
            {
                "name": "a login",
                "by": "anne phone",
                "challenge": challenge.hex(),
                "origin": origin,
                "at": START,
                "login": data.hex(),
            }
        ],
        "bad": [{"name": n, "reason": r, "login": b.hex()} for n, r, b in bad],
    }


def kit_vectors() -> Json:
    def case(name: str, seed: bytes) -> Json:
        made = kit.keys_of(seed)
        return {
            "name": name,
            "seed": seed.hex(),
            "words": {language: " ".join(kit.words(seed, language)) for language in kit.LANGUAGES},
            "qr": kit.qr_text(seed),
            "sign_seed": made.sign_seed.hex(),
            "kem_seed": made.kem_seed.hex(),
            "id": made.id,
        }

    seed = random("a kit")
    english, french = kit.words(seed, "en"), kit.words(seed, "fr")
    wrong_last = "zoo" if english[-1] != "zoo" else "zone"
    bad = [
        {"name": "a word of no list", "words": " ".join(["relais", *english[1:]])},
        {"name": "a checksum that does not fit", "words": " ".join([*english[:-1], wrong_last])},
        {"name": "23 words", "words": " ".join(english[:-1])},
        {"name": "two lists mixed", "words": " ".join([*french[:12], *english[12:]])},
        {"name": "no words", "words": ""},
        {"name": "QR of something else", "qr": "https://relais.example/join#ABCD"},
        {"name": "QR of another version", "qr": kit.qr_text(seed).replace(":1:", ":2:")},
        {"name": "QR cut short", "qr": kit.qr_text(seed)[:-1]},
        {"name": "QR with padding", "qr": kit.qr_text(seed) + "="},
    ]
    return {
        "description": "Recovery kits (docs/protocol.md §3). Words are read without case and accents, from either "
        "list. Whatever is bad is refused as `bad-kit`.",
        "good": [case("zeros", bytes(32)), case("ones", b"\xff" * 32), case("a kit", seed)],
        "bad": [{**one, "reason": "bad-kit"} for one in bad],
    }


def _join_case(name: str, secret: bytes, typed: list[str]) -> Json:
    possession, statement = random(f"possession {name}", 200), random(f"statement {name}", 300)
    return {
        "name": name,
        "secret": secret.hex(),
        "code": join.make_code(secret),
        "typed": typed,
        "ticket": join.ticket(secret),
        "possession": possession.hex(),
        "request_mac": join.request_mac(secret, possession).hex(),
        "statement": statement.hex(),
        "answer_mac": join.answer_mac(secret, statement).hex(),
    }


def join_vectors() -> Json:
    secret = random("a code", 10)
    code = join.make_code(secret)
    typed = [code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} "]
    digits = join.read_code("0011-0000-1111-0101")
    return {
        "description": "Joining codes (docs/protocol.md §3). `typed` are other ways to type the same code. The macs "
        "are over the given bytes.",
        "good": [
            _join_case("a code", secret, typed),
            _join_case("letters that look like digits", digits, ["OOIL-oooo-iiLl-0I0l"]),
        ],
        "bad": [
            {"name": "too short", "code": "ABCD-EFGH-JKMN-PQR", "reason": "bad-code"},
            {"name": "too long", "code": "ABCD-EFGH-JKMN-PQRST", "reason": "bad-code"},
            {"name": "the letter U", "code": "ABCD-EFGH-JKMN-PQRU", "reason": "bad-code"},
            {"name": "not ASCII", "code": "ABCD-EFGH-JKMN-PQRÉ", "reason": "bad-code"},
            {"name": "empty", "code": "", "reason": "bad-code"},
        ],
    }

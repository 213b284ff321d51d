"""safety.json."""

import vector_people as people
from vector_people import CHAINS, Json

from relais.crypto import safety

PAIRS = (
    ("one device each", "bruno", "claire"),
    ("three devices, a kit among them", "anne", "bruno"),
    ("the same after a device was revoked", "anne later", "bruno"),
    ("with a bot", "lab", "denis"),
)


def safety_vectors() -> Json:
    good = [_case(*pair) for pair in PAIRS]
    number = good[0]["number"]
    bad = {
        "59 digits": number[:-1],
        "61 digits": number + "0",
        "a letter": f"{number[:-1]}O",
        "digits of another script": f"{number[:-1]}٣",
        "QR of another version": safety.qr_text(number).replace(":1:", ":2:"),
        "QR of something else": "https://relais.example/join#ABCD",
        "nothing": "",
    }
    return {
        "description": "Safety numbers (docs/protocol.md §10) of the accounts in `chains`. `typed` are other ways to "
        "write the same number. An account and itself have none: `wrong-account`.",
        "chains": people.chains_json(*sorted({name for _, *names in PAIRS for name in names})),
        "good": good,
        "bad": [
            *({"name": name, "text": text, "reason": "bad-code"} for name, text in bad.items()),
            {"name": "oneself", "one": "anne", "other": "anne later", "reason": "wrong-account"},
        ],
    }


def _case(name: str, one: str, other: str) -> Json:
    first, second = CHAINS[one].known(), CHAINS[other].known()
    number = safety.number(first, second)
    grouped = safety.grouped(number)
    return {
        "name": name,
        "one": one,
        "other": other,
        "half": safety.half(first),
        "number": number,
        "qr": safety.qr_text(number),
        "grouped": grouped,
        "typed": [grouped, f"\n{grouped.replace(' ', '-')} ", f" {safety.qr_text(number)}"],
    }

"""Write audit-entry.json and audit-log.json.

    python tests/vectors/generate_audit.py

A case with a `reason` must be refused for that reason; one whose reason is null is good.
"""

import json
from typing import Any

from naive_log import ORIGIN, Json, head, leaf, root, save, signed, vkey, write


def entry(number: int, **changes: Any) -> Json:
    made: Json = {
        "v": 1,
        "id": f"0195f3a0-7c00-7abc-8def-{number:012x}",
        "at": f"2026-03-01T07:30:{number % 60:02d}.000Z",
        "action": "note.post",
        "outcome": "ok",
        "reason": None,
        "account": "a1" * 32,
        "device": "d1" * 16,
        "role": "nurse",
        "organisation": "Maison de santé",
        "purpose": "treatment",
        "on_behalf_of": None,
        "circle": "c1" * 32,
        "source": "192.0.2.7",
        "request": f"r-{number}",
        "subject": {"note": f"0195f3a0-7c00-7def-8abc-{number:012x}", "version": 1, "seq": number},
    }
    return {**made, **changes}


def spell(value: Any) -> str:
    """RFC 8785 for values whose keys are ASCII."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


CANONICAL = [
    '{"a":1,"b":[true,false,null]}',
    '""',
    "[]",
    "{}",
    "-9007199254740991",
    "[" * 16 + "]" * 16,
]
CANONICAL += [
    '"\\b\\t\\n\\f\\r\\"\\\\\\u0000\\u001f\u007f/é€😀\u2028"',
    '{"\u20ac":1,"\U0001f600":2,"\ufb33":3}',
]
NOT_CANONICAL = {
    "not-canonical": [
        '{"b":1,"a":2}',
        '{"a": 1}',
        "[1 ]",
        "1.0",
        "-0",
        "1e2",
        '"\\u0041"',
    ]
    + [
        '"\\/"',
        '{"a":1,"a":2}',
        '{"a":1,"a":1}',
        ' "x"',
        '"x"\n',
        '{"\ufb33":3,"\U0001f600":2}',
        "0.0",
    ],
    "not-representable": [
        "0.5",
        "9007199254740992",
        "-9007199254740992",
        "1e400",
        '"\\ud800"',
        "1" * 400,
    ],
    "not-json": [
        "",
        "{",
        "nul",
        "NaN",
        "Infinity",
        "01",
        "'a'",
        '"\t"',
        "[1,]",
        "{}{}",
        "\ufeff{}",
    ],
    "too-deep": ["[" * 17 + "]" * 17, '{"a":' * 17 + "1" + "}" * 17],
}


def canonical_cases() -> list[Json]:
    cases = [{"data": text.encode().hex(), "reason": None} for text in CANONICAL]
    for reason, texts in NOT_CANONICAL.items():
        cases += [{"data": text.encode().hex(), "reason": reason} for text in texts]
    return [
        *cases,
        {"data": "22ff22", "reason": "not-json"},
        {"data": "22eda08022", "reason": "not-json"},
    ]


def bad_entries() -> list[tuple[str, Any, str]]:
    fields: dict[str, list[Any]] = {
        "id": [
            None,
            7,
            "",
            "0195F3A0-7c00-7abc-8def-000000000001",
            "0195f3a0-7c00-4abc-8def-000000000001",
        ],
        "at": [
            None,
            0,
            "2026-03-01T07:30:00Z",
            "2026-03-01T07:30:00.000+00:00",
            "2026-02-30T07:30:00.000Z",
        ]
        + ["2026-03-01T24:00:00.000Z", "2026-03-01T07:30:60.000Z", "0000-01-01T00:00:00.000Z"],
        "action": [None, "", "Note.post", "note..post", ".post", "note post", "a" * 41],
        "outcome": [None, "OK", "failed", True],
        "reason": ["forbidden", "", 0],
        "account": [7, True, [], {}],
        "source": [7],
        "subject": [None, [], {"Note": 1}, {"": 1}, {"a": []}, {"a": {}}, {"a-b": 1}],
        "v": [None, "1", True],
    }
    cases: list[tuple[str, Any, str]] = [
        (f"{name} {json.dumps(value)}", entry(1, **{name: value}), "bad-field")
        for name, values in fields.items()
        for value in values
    ]
    for value in (None, "", "For bidden", 7):
        refused = entry(1, outcome="refused", reason=value)
        cases.append((f"refused for {json.dumps(value)}", refused, "bad-field"))
    without = {name: value for name, value in entry(1).items() if name != "purpose"}
    return [
        *cases,
        ("version 2", entry(1, v=2), "unknown-version"),
        ("version 2 with a new field", entry(1, v=2, more=1), "unknown-version"),
        ("a field too many", entry(1, patient="x"), "unknown-field"),
        ("a field too few", without, "missing-field"),
        ("an array", [], "bad-field"),
        ("a text", "entry", "bad-field"),
    ]


def audit_entry() -> Json:
    refused = entry(3, outcome="refused", reason="stale_epoch", subject={})
    login = entry(4, action="auth.login", circle=None, subject={"kit": True, "blob": None, "n": -5})
    odd = entry(5, organisation='Cabinet "L\'Étoile"\n😀', source="2001:db8::7")
    largest = entry(6, request="")
    largest["request"] = "x" * (65_535 - len(spell(largest).encode()))
    good = [entry(1), refused, login, odd, largest]
    text = spell(entry(1))
    bad = [(name, spell(value), reason) for name, value, reason in bad_entries()]
    bad += [
        (
            "keys in another order",
            json.dumps(entry(1), ensure_ascii=False, separators=(",", ":")),
            "not-canonical",
        ),
        ("spaces", json.dumps(entry(1), sort_keys=True, ensure_ascii=False), "not-canonical"),
        (
            "escapes that need not be",
            json.dumps(entry(1), sort_keys=True, separators=(",", ":")),
            "not-canonical",
        ),
        ("a newline after", text + "\n", "not-canonical"),
        ("a fraction", text.replace('"seq":1', '"seq":1.5'), "not-representable"),
        ("a field twice", text.replace('"v":1', '"v":1,"v":1'), "not-canonical"),
        ("cut short", text[:-1], "not-json"),
        ("too large", spell({**largest, "request": largest["request"] + "x"}), "entry-too-large"),
    ]
    return {
        "canonical": canonical_cases(),
        "good": [{"text": spell(one), "leaf": leaf(spell(one).encode()).hex()} for one in good],
        "bad": [{"name": name, "text": one, "reason": reason} for name, one, reason in bad],
    }


def served(entries: list[str], *, label: str = "log", lines: list[str] | None = None) -> Json:
    """A log of fewer than 256 entries; `lines` are what is shown in place of its entries."""
    leaves = [leaf(one.encode()) for one in entries]
    return {
        "vkey": vkey(ORIGIN, label),
        "checkpoint": signed(head(len(leaves), root(leaves)), label),
        "tiles": {f"tile/0/000.p/{len(leaves)}": b"".join(leaves).hex()},
        "entries": entries if lines is None else lines,
        "older": None,
    }


def seen(entries: list[str], size: int) -> Json:
    return {"size": size, "root": root([leaf(one.encode()) for one in entries[:size]]).hex()}


Attack = tuple[str, Json, str | None, list[Any] | None]
LOG = [spell(entry(number)) for number in range(11)]
EDITED = [*LOG[:4], spell(entry(4, account="b2" * 32)), *LOG[5:]]


def attacks_on_entries() -> list[Attack]:
    log, good, wrong = LOG, served(LOG), "leaf-mismatch"
    backdated = [*log[:4], spell(entry(4, at="2026-02-01T07:30:04.000Z")), *log[5:]]
    inserted = [*log[:5], spell(entry(99)), *log[5:]]
    reordered = [*log[:2], log[6], *log[3:6], log[2], *log[7:]]
    return [
        ("nothing", good, None, None),
        ("nothing, and an older tree is kept", {**good, "older": seen(log, 7)}, None, None),
        ("nothing, and the same tree is kept", {**good, "older": seen(log, 11)}, None, None),
        ("edit", served(log, lines=EDITED), wrong, ["entry-changed", 4]),
        ("backdate", served(log, lines=backdated), wrong, ["entry-changed", 4]),
        ("delete", served(log, lines=[*log[:3], *log[4:]]), wrong, ["entry-deleted", 3]),
        ("insert", served(log, lines=inserted), wrong, ["entry-inserted", 5]),
        ("append", served(log, lines=[*log, log[0]]), "index-out-of-range", ["entry-inserted", 11]),
        ("reorder", served(log, lines=reordered), wrong, ["entry-reordered", 2]),
        ("truncate the entries", served(log, lines=log[:8]), None, ["entries-truncated", 8]),
    ]


def attacks_on_history() -> list[Attack]:
    log, rewritten = LOG, served(EDITED)
    return [
        (
            "truncate all, an older tree kept",
            {**served(log[:6]), "older": seen(log, 9)},
            "rolled-back",
            ["rolled-back", None],
        ),
        ("truncate all, no tree kept", served(log[:6]), None, None),
        ("fork", {**rewritten, "older": seen(log, 7)}, "forked-tree", ["forked-tree", None]),
        (
            "fork at the same size",
            {**rewritten, "older": seen(log, 11)},
            "forked-tree",
            ["forked-tree", None],
        ),
        ("fork after the older tree", {**rewritten, "older": seen(log, 4)}, None, None),
    ]


def attacks_on_the_tree() -> list[Attack]:
    log, good, rewritten = LOG, served(LOG), served(EDITED)
    malformed = [*log[:4], log[4].replace(":", ": ", 1), *log[5:]]
    tile = dict.fromkeys(good["tiles"], "00" + next(iter(good["tiles"].values()))[2:])
    forged = good["checkpoint"].replace("\n11\n", "\n12\n")
    strange = served(log, label="stranger")
    stolen = "no-known-signature"
    return [
        (
            "edit entry and tile",
            {**rewritten, "checkpoint": good["checkpoint"]},
            "tree-mismatch",
            ["tree-mismatch", None],
        ),
        ("edit the tile", {**good, "tiles": tile}, "tree-mismatch", ["tile-changed", None]),
        ("remove the tile", {**good, "tiles": {}}, "tile-missing", ["tile-missing", None]),
        (
            "edit the checkpoint",
            {**good, "checkpoint": forged},
            "bad-signature",
            ["checkpoint-forged", None],
        ),
        ("replace the key", strange, stolen, ["foreign-key", None]),
        ("replace the signature", {**strange, "vkey": good["vkey"]}, stolen, ["foreign-key", None]),
        ("log what is no entry", served(malformed), "not-canonical", ["entry-malformed", 4]),
    ]


def attacks() -> list[Json]:
    """`view` is what a reader of entries, tiles and checkpoint finds; `export`, a reader of it all."""
    cases = [*attacks_on_entries(), *attacks_on_history(), *attacks_on_the_tree()]
    return [
        {"name": name, **served_log, "view": view, "export": export}
        for name, served_log, view, export in cases
    ]


def audit_log() -> Json:
    return {"trusted": vkey(ORIGIN, "log"), "cases": attacks()}


def build() -> dict[str, str]:
    """File name -> its text."""
    return {"audit-entry.json": write(audit_entry()), "audit-log.json": write(audit_log())}


if __name__ == "__main__":
    save(build)

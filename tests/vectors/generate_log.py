"""Write merkle.json, checkpoint.json, ledger-heads.json and pruning.json.

    python tests/vectors/generate_log.py

A case with a `reason` must be refused for that reason; one whose reason is null is good.
"""

import json
from base64 import b64encode
from typing import Any

from naive_log import (
    ORIGIN,
    Hashes,
    Json,
    growth,
    head,
    hexes,
    leaf,
    line,
    path,
    root,
    save,
    sha256,
    signed,
    vkey,
    write,
)

CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
CT_LEAVES += ["606162636465666768696a6b6c6d6e6f"]  # the test tree of certificate-transparency
COUNTED = [0, 1, 255, 256, 257, 300, 511, 512, 513, 600]


def inclusion_cases(leaves: Hashes) -> list[Json]:
    good = [
        inclusion(f"leaf {index} of {size}", leaves[:size], index)
        for size in range(1, len(leaves) + 1)
        for index in range(size)
    ]
    base = inclusion("", leaves, 5)
    proof, flipped = base["proof"], hexes([bytes([leaves[5][0] ^ 1]) + leaves[5][1:]])[0]
    bad: list[tuple[str, Json, str]] = [
        ("another leaf (edited)", {"leaf": leaves[6].hex()}, "root-mismatch"),
        ("a leaf with one bit flipped", {"leaf": flipped}, "root-mismatch"),
        ("another index (reordered)", {"index": 4}, "root-mismatch"),
        ("the root of a fork", {"root": root(leaves[::-1]).hex()}, "root-mismatch"),
        ("siblings swapped", {"proof": proof[::-1]}, "root-mismatch"),
        ("a sibling missing", {"proof": proof[:-1]}, "proof-length"),
        ("a sibling too many", {"proof": [*proof, proof[0]]}, "proof-length"),
        ("no proof", {"proof": []}, "proof-length"),
        ("the index after the last", {"index": 8}, "index-out-of-range"),
        ("a negative index", {"index": -1}, "index-out-of-range"),
        ("a truncated tree", {"size": 5, "root": root(leaves[:5]).hex()}, "index-out-of-range"),
        ("a size JavaScript cannot count", {"size": 2**53}, "size-out-of-range"),
        ("a short leaf", {"leaf": leaves[5][:31].hex()}, "hash-length"),
        ("a long sibling", {"proof": [proof[0] + "00", *proof[1:]]}, "hash-length"),
        ("a short root", {"root": base["root"][2:]}, "hash-length"),
    ]
    return good + [
        {**base, "name": name, **change, "reason": reason} for name, change, reason in bad
    ]


def inclusion(name: str, leaves: Hashes, index: int) -> Json:
    return {
        "name": name,
        "leaf": leaves[index].hex(),
        "index": index,
        "size": len(leaves),
        "root": root(leaves).hex(),
        "proof": hexes(path(index, leaves)),
        "reason": None,
    }


def consistency_cases(leaves: Hashes) -> list[Json]:
    good = [
        consistency(f"{old} to {new}", old, leaves[:new])
        for new in range(len(leaves) + 1)
        for old in range(new + 1)
    ]
    base, whole = consistency("", 6, leaves), consistency("", 8, leaves)
    empty, doubled = consistency("", 0, leaves), consistency("", 4, leaves)
    proof, fork = base["proof"], root(leaves[::-1]).hex()
    old_fork = root([leaves[1], leaves[0], *leaves[2:6]]).hex()
    bad: list[tuple[str, Json, Json, str]] = [
        ("a forked old tree", base, {"old_root": old_fork}, "old-root-mismatch"),
        ("a forked new tree", base, {"new_root": fork}, "new-root-mismatch"),
        ("a forked old tree of 4", doubled, {"old_root": old_fork}, "new-root-mismatch"),
        ("siblings swapped", base, {"proof": proof[::-1]}, "old-root-mismatch"),
        ("a sibling missing", base, {"proof": proof[:-1]}, "proof-length"),
        ("a sibling too many", base, {"proof": [*proof, proof[0]]}, "proof-length"),
        ("no proof", base, {"proof": []}, "proof-length"),
        ("a truncated log", base, {"old_size": 9}, "rolled-back"),
        ("two trees of one size", whole, {"new_root": fork}, "old-root-mismatch"),
        ("a proof between equal sizes", whole, {"proof": proof}, "proof-length"),
        ("an empty tree with a root", empty, {"old_root": fork}, "old-root-mismatch"),
        ("a proof from the empty tree", empty, {"proof": proof}, "proof-length"),
        ("a size JavaScript cannot count", base, {"new_size": 2**53}, "size-out-of-range"),
        ("a short root", base, {"old_root": base["old_root"][2:]}, "hash-length"),
    ]
    return good + [
        {**of, "name": name, **change, "reason": reason} for name, of, change, reason in bad
    ]


def consistency(name: str, old: int, leaves: Hashes) -> Json:
    return {
        "name": name,
        "old_size": old,
        "old_root": root(leaves[:old]).hex(),
        "new_size": len(leaves),
        "new_root": root(leaves).hex(),
        "proof": hexes(growth(old, leaves)) if old else [],
        "reason": None,
    }


def path_cases() -> list[Json]:
    good: list[list[Any]] = [
        ["tile/0/000", 0, 0, 256],
        ["tile/0/067", 0, 67, 256],
        ["tile/0/x001/x234/067", 0, 1234067, 256],
        ["tile/0/x001/x234/067.p/8", 0, 1234067, 8],
        ["tile/4/x001/000.p/255", 4, 1000, 255],
        ["tile/6/000.p/1", 6, 0, 1],
        ["tile/entries/999", "entries", 999, 256],
        ["tile/entries/x001/000.p/1", "entries", 1000, 1],
    ]
    bad = [
        "tile/0/0",
        "tile/00/000",
        "tile/64/001",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/0/001/000",
    ]
    bad += ["tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000/", "tile/0/1000"]
    bad += ["/tile/0/000", "tile/0/000\n", "tile/entries/00a", "tile/5/x001/000", "checkpoint"]
    bad += ["tile/0/" + "x001/" * 6 + "000", "tile/0/٠٠٠", ""]
    cases = [
        {"path": p, "level": level, "index": index, "width": width, "reason": None}
        for p, level, index, width in good
    ]
    return cases + [{"path": p, "reason": "path-malformed"} for p in bad]


def bundle_cases() -> list[Json]:
    two = "0003" + b"one".hex() + "0003" + b"two".hex()
    return [
        {"data": two, "width": 2, "entries": [b"one".hex(), b"two".hex()], "reason": None},
        {"data": "0000", "width": 1, "entries": [""], "reason": None},
        {"data": two, "width": 1, "reason": "bundle-malformed"},
        {"data": two, "width": 3, "reason": "bundle-malformed"},
        {"data": two[:-2], "width": 2, "reason": "bundle-malformed"},
        {"data": two + "00", "width": 2, "reason": "bundle-malformed"},
        {"data": two + "00", "width": 3, "reason": "bundle-malformed"},
        {"data": "", "width": 1, "reason": "bundle-malformed"},
    ]


def merkle() -> Json:
    leaves = [leaf(bytes.fromhex(text)) for text in CT_LEAVES]
    counted = [leaf(f"entry {i}".encode()) for i in range(max(COUNTED))]
    return {
        "leaves": CT_LEAVES,
        "leaf_hashes": hexes(leaves),
        "roots": [root(leaves[:size]).hex() for size in range(len(leaves) + 1)],
        "counted": [{"size": size, "root": root(counted[:size]).hex()} for size in COUNTED],
        "inclusion": inclusion_cases(leaves),
        "consistency": consistency_cases(leaves),
        "paths": path_cases(),
        "bundles": bundle_cases(),
    }


def vkey_cases() -> list[Json]:
    good = vkey(ORIGIN, "log")
    name, identity, material = good.split("+", 2)
    short = b64encode(b"\1" + bytes(31)).decode()
    unknown = vkey(ORIGIN, "log", 2)
    spec = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    return [
        {"vkey": good, "name": ORIGIN, "kind": 1, "reason": None},
        {"vkey": vkey("w.example", "w1", 4), "name": "w.example", "kind": 4, "reason": None},
        {"vkey": spec, "name": "example.com/foo", "kind": 1, "reason": None},
        {"vkey": unknown, "reason": "vkey-kind"},
        {"vkey": f"{name}+00000000+{material}", "reason": "vkey-id"},
        {"vkey": f"other+{identity}+{material}", "reason": "vkey-id"},
        {"vkey": f"{name}+{identity.upper()}+{material}", "reason": "vkey-malformed"},
        {"vkey": f"{name}+{identity}+{short}", "reason": "vkey-malformed"},
        {"vkey": f"{name}+{identity}+{material[:-1]}", "reason": "vkey-malformed"},
        {"vkey": f"{name}+{identity}+{material[:-1]}=", "reason": "vkey-malformed"},
        {"vkey": f"{name}+{identity}+", "reason": "vkey-malformed"},
        {"vkey": f"+{identity}+{material}", "reason": "vkey-malformed"},
        {"vkey": f"a b+{identity}+{material}", "reason": "vkey-malformed"},
        {"vkey": f"a\u00a0b+{identity}+{material}", "reason": "vkey-malformed"},
        {"vkey": good + "\n", "reason": "vkey-malformed"},
        {"vkey": "", "reason": "vkey-malformed"},
    ]


def note_cases() -> list[Json]:
    """Signed notes under the key of C2SP's own example."""
    key_line = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    text = "This is an example message.\n"
    signature = "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERY"
    signature += "NZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    good = f"{text}\n{signature}"
    cases: list[tuple[str, bytes, str | None]] = [
        ("the example of C2SP", good.encode(), None),
        ("the same signature twice", (good + signature).encode(), None),
        ("a changed text", good.replace("example m", "Example m", 1).encode(), "bad-signature"),
        ("one more empty line", f"{text}\n\n{signature}".encode(), "bad-signature"),
        ("no signature", text.encode(), "note-malformed"),
        ("an empty signature block", f"{text}\n".encode(), "note-malformed"),
        ("no last newline", good[:-1].encode(), "note-malformed"),
        ("a hyphen for the dash", good.replace("—", "-").encode(), "note-malformed"),
        ("a carriage return", good.replace("\n", "\r\n").encode(), "note-malformed"),
        ("a tab", good.replace("an example", "an\texample").encode(), "note-malformed"),
        ("broken UTF-8", good.encode().replace(b"This", b"Th\xff\xfe"), "note-malformed"),
        ("base64 without padding", good.replace("=\n", "\n").encode(), "note-malformed"),
        ("base64 with stray bits", good.replace("M=\n", "N=\n").encode(), "note-malformed"),
        ("a signature of four bytes", f"{text}\n— a Uw2QOg==\n".encode(), "note-malformed"),
        ("two spaces", good.replace("— e", "—  e").encode(), "note-malformed"),
        ("a byte order mark", b"\xef\xbb\xbf" + good.encode(), "bad-signature"),
        ("too large", b"x" * 262_145, "note-too-large"),
    ]
    return [
        {"name": name, "vkey": key_line, **packed(data), "reason": reason}
        for name, data, reason in cases
    ]


def packed(data: bytes) -> Json:
    if len(data) > 1000:
        return {"repeat": [data[:1].hex(), len(data)]}
    return {"note": data.hex()}


def checkpoint_cases() -> list[Json]:
    tree = sha256(b"a tree")
    text, log = head(42, tree), line(ORIGIN, "log", head(42, tree))
    w1, w2 = (line(f"{w}.example", w, text, at=1_770_000_000) for w in ("w1", "w2"))
    good, other = f"{text}\n{log}", head(42, tree, origin="other.example")
    stranger = line(ORIGIN, "stranger", text)
    forged_w1 = line("w1.example", "w1", head(43, tree), at=1_770_000_000)
    cases: list[tuple[str, str, int, str | None]] = [
        ("signed by the log", good, 0, None),
        ("an empty tree", signed(head(0, sha256())), 0, None),
        ("with extension lines", signed(head(42, tree, "one", "two three")), 0, None),
        ("with a stranger's signature beside", good + stranger, 0, None),
        ("with one witness of one", good + w1, 1, None),
        ("with two witnesses of two", good + w1 + w2, 2, None),
        ("with one witness of two", good + w1, 2, "too-few-witnesses"),
        ("with one witness twice for two", good + w1 + w1, 2, "too-few-witnesses"),
        ("with a witness's false signature", good + forged_w1, 0, "bad-signature"),
        ("by witnesses only", f"{text}\n{w1}{w2}", 2, "not-signed-by-log"),
        ("key replaced, same name", f"{text}\n{stranger}", 0, "no-known-signature"),
        (
            "key replaced, other name",
            f"{text}\n{line('x.example', 'log', text)}",
            0,
            "no-known-signature",
        ),
        ("size edited", good.replace("\n42\n", "\n41\n"), 0, "bad-signature"),
        (
            "root edited",
            good.replace(b64encode(tree).decode(), b64encode(sha256(b"x")).decode()),
            0,
            "bad-signature",
        ),
        ("of another log", f"{other}\n{line(ORIGIN, 'log', other)}", 0, "wrong-origin"),
    ]
    malformed = {
        "a leading zero": head(42, tree).replace("42", "042"),
        "a negative size": head(-1, tree),
        "a size JavaScript cannot count": head(2**53, tree),
        "a root of 31 bytes": head(42, tree[:31]),
        "a root in another spelling": head(42, tree).replace("=\n", "\n"),
        "two lines": f"{ORIGIN}\n42\n",
        "an empty extension line": head(42, tree, "one", "", "two"),
        "an empty origin": head(42, tree, origin=""),
    }
    cases += [(name, signed(t), 0, "checkpoint-malformed") for name, t in malformed.items()]
    return [checkpoint_case(*case) for case in cases]


def checkpoint_case(name: str, note: str, quorum: int, reason: str | None) -> Json:
    case: Json = {"name": name, "note": note, "quorum": quorum, "reason": reason}
    if reason is None:
        text, lines = note.rsplit("\n\n", 1)
        origin, size, tree, *extensions = text.split("\n")
        names = [one.split(" ")[1] for one in lines.split("\n")[:-1] if one.split(" ")[1] != ORIGIN]
        case |= {"origin": origin, "size": int(size), "root": tree, "extensions": extensions}
        case |= {"cosigned": {one: 1_770_000_000 for one in names}}
    return case


def policy_cases() -> list[Json]:
    """Policy files, each with a checkpoint that some witnesses have cosigned."""
    keys = {w: vkey(f"{w}.example", w, 4) for w in ("w1", "w2", "w3")}
    log = f"log {vkey(ORIGIN, 'log')}"
    three = [f"witness {w} {key}" for w, key in keys.items()]
    two = [log, *three, "group all-of all w1 w2", "group X any all-of w3", "quorum X"]
    none = [log, "quorum none"]
    good: list[tuple[str, list[str], list[str], str | None]] = [
        ("no witness is asked for", none, [], None),
        (
            "comments, tabs and empty lines",
            ["# é", "", f"\t{log} https://a.example ", " quorum\tnone"],
            [],
            None,
        ),
        ("one witness", [log, *three, "quorum w2"], ["w2"], None),
        (
            "one witness, and another cosigned",
            [log, *three, "quorum w2"],
            ["w1"],
            "too-few-witnesses",
        ),
        ("with a url", [log, f"{three[0]} https://w1.example/", "quorum w1"], ["w1"], None),
        ("two of three", [log, *three, "group g 2 w1 w2 w3", "quorum g"], ["w1", "w3"], None),
        (
            "one of two of three",
            [log, *three, "group g 2 w1 w2 w3", "quorum g"],
            ["w3"],
            "too-few-witnesses",
        ),
        ("a group in a group", two, ["w3"], None),
        ("a whole group in a group", two, ["w1", "w2"], None),
        ("half a group in a group", two, ["w2"], "too-few-witnesses"),
        (
            "a log that did not sign",
            [f"log {vkey(ORIGIN, 'other')}", "quorum none"],
            [],
            "no-known-signature",
        ),
    ]
    bad: list[tuple[str, list[str], str]] = [
        ("nothing", [""], "policy-quorum"),
        ("two quorums", [*none, "quorum none"], "policy-quorum"),
        ("more than there are", [log, *three, "group g 4 w1 w2 w3", "quorum g"], "policy-quorum"),
        ("none of them", [log, *three, "group g 0 w1 w2 w3", "quorum g"], "policy-malformed"),
        ("a group of nobody", [log, "group g any", "quorum g"], "policy-malformed"),
        ("an unknown line", [*none, "threshold 1"], "policy-malformed"),
        ("a log without a key", [*none, "log"], "policy-malformed"),
        ("a word too many", [*none, f"{log} u v"], "policy-malformed"),
        ("a quorum without a name", [log, "quorum"], "policy-malformed"),
        ("a carriage return", [log, "quorum none\r"], "policy-malformed"),
        ("a name that comes later", [log, "quorum w1", *three], "policy-name"),
        ("a member that comes later", [log, "group g any w1", *three, "quorum g"], "policy-name"),
        (
            "a name twice",
            [log, three[0], three[1].replace("w2 ", "w1 ", 1), "quorum w1"],
            "policy-name",
        ),
        (
            "none as a name",
            [log, three[0].replace("w1 ", "none ", 1), "quorum none"],
            "policy-name",
        ),
        ("none as a member", [log, *three, "group g any none w1", "quorum g"], "policy-name"),
        ("a member twice", [log, *three, "group g any w1 w1", "quorum g"], "policy-name"),
        (
            "a member of two groups",
            [log, *three, "group g any w1", "group h any w1 w2", "quorum h"],
            "policy-name",
        ),
        (
            "a log's key as a witness",
            [log, f"witness w {vkey('w', 'log')}", "quorum w"],
            "policy-key",
        ),
        ("a witness's key as a log", [f"log {keys['w1']}", "quorum none"], "policy-key"),
        (
            "a key under two names",
            [*none, f"witness a {keys['w1']}", f"witness b {vkey('b', 'w1', 4)}"],
            "policy-key",
        ),
        ("a broken key", [*none, "log nothing"], "policy-key"),
        ("a key we cannot check", [*none, f"witness w {vkey('w', 'w1', 6)}"], "policy-key"),
    ]
    cases = [policy_case(name, lines, by, reason) for name, lines, by, reason in good]
    cases += [policy_case(name, lines, [], reason) for name, lines, reason in bad]
    broken = {**cases[0], "name": "broken UTF-8", "policy": "ff0a", "reason": "policy-malformed"}
    long = {**cases[0], "name": "too large", "policy": (b"# " + b"x" * 65_536).hex()}
    return [*cases, broken, {**long, "reason": "policy-malformed"}]


def policy_case(name: str, lines: list[str], by: list[str], reason: str | None) -> Json:
    text = head(42, sha256(b"a tree"))
    cosigned = "".join(line(f"{w}.example", w, text, at=1_770_000_000) for w in by)
    data = "".join(f"{one}\n" for one in lines).encode()
    return {"name": name, "policy": data.hex(), "note": signed(text) + cosigned, "reason": reason}


def checkpoint() -> Json:
    return {
        "vkeys": vkey_cases(),
        "notes": note_cases(),
        "log": vkey(ORIGIN, "log"),
        "witnesses": [vkey(f"{w}.example", w, 4) for w in ("w1", "w2")],
        "checkpoints": checkpoint_cases(),
        "policies": policy_cases(),
    }


def told(number: int, ledger: str, seq: int, head_of: str) -> str:
    """An entry of the log that tells a ledger's head."""
    names = ("account", "circle", "device", "on_behalf_of", "organisation", "purpose", "reason")
    entry: Json = dict.fromkeys((*names, "request", "role", "source"))
    entry |= {"action": "ledger.head", "outcome": "ok", "v": 1, "at": "2026-03-01T07:30:00.000Z"}
    entry |= {"id": f"0195f3a0-7c00-7abc-8def-{number:012x}"}
    entry["subject"] = {"ledger": ledger, "seq": seq, "head": head_of}
    return json.dumps(entry, sort_keys=True, separators=(",", ":"))


def ledger_heads() -> Json:
    """A log that tells the heads of two ledgers, and what a client finds in its answers."""
    ours, other = "c1" * 32, "a2" * 32
    heads = [sha256(f"head {seq}".encode()).hex() for seq in range(4)]
    entries = [told(n, *one) for n, one in enumerate(
        [(ours, 0, heads[0]), (other, 0, "e" * 64), (ours, 1, heads[1]), (ours, 2, heads[2]), (ours, 3, heads[3])]
    )]  # fmt: skip
    entries += [entries[0].replace("ledger.head", "note.post"), told(6, ours, 1, "f" * 64)]
    entries += [told(7, ours, 0, heads[0]).replace('"seq":0', '"seq":"0"')]
    entries += [told(8, ours, 4, "d" * 64), entries[0].replace('"seq":0', '"more":1,"seq":0')]
    entries += [told(10, ours, -1, heads[0])]
    leaves = [leaf(one.encode()) for one in entries]
    forked = [leaf(b"another"), *leaves[1:]]

    def case(name: str, indexes: list[int], reason: str | None = None, **change: Any) -> Json:
        text = head(len(leaves), root(leaves))
        proven = [
            {"index": i, "entry": entries[i], "path": hexes(path(i, leaves))} for i in indexes
        ]
        made: Json = {
            "name": name,
            "checkpoint": signed(text),
            "seen": {"size": 3, "root": root(leaves[:3]).hex()},
        }
        made |= {"consistency": hexes(growth(3, leaves)), "entries": proven, "ledger": ours}
        return made | {"heads": heads, "judged": len(indexes), "reason": reason} | change

    good = case("", [0, 2])
    first = {"size": 0, "root": root([]).hex()}
    wrong_path = [{**good["entries"][0], "path": hexes(path(1, leaves))}]
    edited = [{**good["entries"][0], "entry": entries[0].replace("07:30", "07:31")}]
    shorter = signed(head(2, root(leaves[:2])))
    cases = [
        case("every head of the ledger", [0, 2, 3, 4]),
        case("nothing new", []),
        case("the first look", [0, 2], seen=first, consistency=[]),
        case("a head the ledger has not come to yet", [4, 8], judged=1),
        case("what follows such a head", [8, 0], judged=0),
        case("another hash at a seq", [0, 2, 6], "forked-ledger"),
        case("another ledger's head", [0, 1], "another-ledger"),
        case("another entry", [5], "not-a-ledger-head"),
        case("a seq that is no number", [7], "not-a-ledger-head"),
        case("a seq below nought", [10], "not-a-ledger-head"),
        case("a fact too many", [9], "not-a-ledger-head"),
        case("a proof of another entry", [0], "root-mismatch", entries=wrong_path),
        case("an edited entry", [0], "root-mismatch", entries=edited),
        case("a log that went back", [], "rolled-back", checkpoint=shorter, consistency=[]),
        case(
            "another past",
            [],
            "old-root-mismatch",
            seen={"size": 3, "root": root(forked[:3]).hex()},
        ),
        case(
            "another log's key",
            [],
            "no-known-signature",
            checkpoint=signed(head(11, root(leaves)), "stranger"),
        ),
    ]
    return {"log": vkey(ORIGIN, "log"), "cases": cases}


def pruning() -> Json:
    """Logs of which entries were pruned; what is left must be allowed by entries that come later."""
    entries = [told(number, "c1" * 32, number, "ab" * 32) for number in range(300)]
    leaves = [leaf(one.encode()) for one in entries]
    gone = [json.dumps({"pruned": one.hex()}, separators=(",", ":")) for one in leaves]

    def prunes(number: int, *places: int, tile: int = 0, **change: Any) -> str:
        bits = sum(1 << place % 256 for place in places)
        subject = {"index_from": places[0], "index_to": places[-1], "count": len(places)}
        entry = json.loads(told(number, "", 0, ""))
        entry |= {"action": change.pop("action", "audit.prune")}
        entry["subject"] = subject | {"places": f"{bits:064x}"} | change
        return json.dumps(entry, sort_keys=True, separators=(",", ":"))

    def case(name: str, lines: list[str], withheld: int | None = None) -> Json:
        hashes = [
            bytes.fromhex(json.loads(one)["pruned"]) if "pruned" in one[:9] else leaf(one.encode())
            for one in lines
        ]
        return {"name": name, "lines": lines, "root": root(hashes).hex(), "withheld": withheld}

    two = [entries[0], gone[1], gone[2], entries[3]]
    edge = [*entries[:255], gone[255], gone[256], *entries[257:260]]
    cases = [
        case("nothing is pruned", entries[:4]),
        case("two are, and an entry allows it", [*two, prunes(4, 1, 2)]),
        case("two entries allow one each", [*two, prunes(4, 2), prunes(5, 1)]),
        case("more is allowed than is gone", [*two, prunes(4, 0, 1, 2, 3)]),
        case("on both sides of a tile", [*edge, prunes(260, 255), prunes(261, 256)]),
        case("nothing allows it", two, 1),
        case("one is not allowed", [*two, prunes(4, 1)], 2),
        case("another is allowed", [*two, prunes(4, 0, 3)], 1),
        case("it is allowed in another tile", [*edge, prunes(260, 255, 256)], 255),
        case("an entry of another kind", [*two, prunes(4, 1, 2, action="note.post")], 1),
        case("an entry that came before", [prunes(0, 1, 2), gone[1], gone[2]], 1),
        case("a wrong count", [*two, prunes(4, 1, 2, count=3)], 1),
        case("a wrong first place", [*two, prunes(4, 1, 2, index_from=0)], 1),
        case("a wrong last place", [*two, prunes(4, 1, 2, index_to=3)], 1),
        case("a first place that is no number", [*two, prunes(4, 1, 2, index_from="1")], 1),
        case("a place below nought", [*two, prunes(4, 1, 2, index_from=-1)], 1),
        case("places that are none", [*two, prunes(4, 1, 2, places="0" * 64)], 1),
        case("places of another length", [*two, prunes(4, 1, 2, places="06")], 1),
        case("no places", [*two, prunes(4, 1, 2, places=None)], 1),
        case("a fact too many", [*two, prunes(4, 1, 2, more=1)], 1),
        case("the pruning entry pruned itself", [*two, gone[4]], 1),
    ]
    return {"cases": cases}


def build() -> dict[str, str]:
    """File name -> its text."""
    return {
        "merkle.json": write(merkle()),
        "checkpoint.json": write(checkpoint()),
        "ledger-heads.json": write(ledger_heads()),
        "pruning.json": write(pruning()),
    }


if __name__ == "__main__":
    save(build)

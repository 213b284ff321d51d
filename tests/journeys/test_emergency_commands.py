"""Emergency access by the real command line: its keys and exit codes as documented."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import CommandLine, next_line
from running_relay import RunningRelay

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
PATIENT = ("--name", "Odette Verdier", "--sex", "F", "--born", "1938-04-17", "--place", "Saulieu")
ESCROW = {"account", "name", "organisation", "quorum", "guardians", "guard", "share_here", "since"}
KEYS: dict[str, set[str]] = {
    "escrow new": ESCROW,
    "escrow list": ESCROW,
    "emergency card": {"circle", "escrow", "link"},
    "emergency request": {"id", "circle", "state", "waits_for", "until"},
    "emergency list": {
        *("id", "circle", "circle_name", "account", "name", "profession", "organisation"),
        *("reason", "words", "at", "state", "waits_for", "until", "escrow", "quorum"),
        *("approved_by", "declined_by", "guard", "review_due"),
    },
    "emergency approve": {"id", "state", "released", "waits_for", "until"},
    "emergency decline": {"id", "state"},
    "emergency withdraw": {"id", "state"},
}
WORDS = "Malaise, traitement inconnu."


@dataclass(frozen=True)
class Cast:
    """A nurse who leads, two guardians, somebody on call."""

    nurse: CommandLine
    guards: tuple[CommandLine, CommandLine]
    olga: CommandLine
    escrow: str
    accounts: dict[str, str]


@pytest.fixture(scope="module")
def cast(relay: RunningRelay, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    folder = tmp_path_factory.mktemp("cast")
    names = ("nurse", "first", "second", "olga")
    lines = {name: CommandLine(folder / name) for name in names}

    def enrol(name: str) -> str:
        url = relay.invite("professional", organisation="CPTS du Morvan")
        words = ("--name", name.title(), "--profession", "nurse")
        account: str = lines[name].json("enrol", url, *words)["account"]
        return account

    with ThreadPoolExecutor(2) as some:
        accounts = dict(zip(names, some.map(enrol, names), strict=True))
    made = lines["nurse"].json(
        *("escrow", "new", relay.invite("escrow", organisation="CPTS du Morvan")),
        *("--name", "Accès d’urgence · Morvan", "--organisation", "CPTS du Morvan"),
        *("--guardian", accounts["first"], "--guardian", accounts["second"], "--quorum", "2"),
    )
    assert set(made) == KEYS["escrow new"]
    assert {one["name"] for one in made["guardians"]} == {"First", "Second"}
    guards = (lines["first"], lines["second"])
    return Cast(lines["nurse"], guards, lines["olga"], made["account"], accounts)


@pytest.fixture(scope="module")
def circle(cast: Cast) -> str:
    made: str = cast.nurse.json("circle", "new", *PATIENT)["circle"]
    added = cast.nurse.json("circle", "add", made, cast.escrow)
    assert (added["role"], added["history"]) == ("professional", "all")
    cast.nurse.run("post", made, "--text", "Anticoagulant arrêté hier.")
    return made


def test_every_key_these_commands_print_is_documented() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    for command, keys in KEYS.items():
        (row,) = [row for row in rows if f"`{command}" in row.partition(" | ")[0]]
        told = set(re.findall(r"[a-z_]+", row.replace("as one of `escrow list`", " ".join(ESCROW))))
        assert keys <= told, f"{command}: {keys - told}"


def test_from_the_card_to_the_first_note(cast: Cast, circle: str, tmp_path: Path) -> None:
    page = tmp_path / "card.html"
    card = cast.nurse.json("emergency", "card", circle, "--page", str(page))
    assert set(card) == KEYS["emergency card"]
    assert card["link"] in page.read_text()
    first, second = cast.guards

    with cast.olga.started(
        *("emergency", "request", card["link"], "--reason", "vital", "--text", WORDS, "--wait")
    ) as waiting:
        asked = next_line(waiting)
        assert set(asked) == KEYS["emergency request"]
        assert (asked["circle"], asked["state"], asked["waits_for"]) == (circle, "open", 2)

        (row,) = first.json("emergency", "list")
        assert set(row) == KEYS["emergency list"]
        assert (row["name"], row["reason"], row["words"]) == ("Olga", "vital", WORDS)
        assert (row["guard"], row["approved_by"]) == (True, [])
        told = first.json("emergency", "approve", asked["id"])
        assert set(told) == KEYS["emergency approve"]
        assert (told["state"], told["released"], told["waits_for"]) == ("open", False, 1)
        told = second.json("emergency", "approve", asked["id"])
        assert (told["state"], told["released"]) == ("released", True)

        assert next_line(waiting)["state"] == "released"
        assert waiting.wait(60) == 0
    lines = cast.olga.run("notes", circle).lines
    assert [one["text"] for one in lines] == [
        "Anticoagulant arrêté hier.",
        f"Accès d’urgence : {WORDS}",
    ]
    (seen,) = cast.nurse.json("emergency", "list")
    assert (seen["state"], seen["words"], seen["circle_name"]) == (
        "released",
        None,
        "Odette Verdier",
    )
    assert {one["name"] for one in seen["approved_by"]} == {"First", "Second"}
    assert seen["review_due"] is not None
    rows = {one["account"]: one for one in cast.nurse.json("members", circle)}
    assert rows[cast.accounts["olga"]]["until"] == seen["until"]


def test_decline_withdraw_and_what_goes_wrong_have_their_codes(cast: Cast) -> None:
    made = cast.nurse.json("circle", "new", *PATIENT)["circle"]
    words = ("--reason", "night", "--text", WORDS)
    assert cast.nurse.run("emergency", "card", made, code=4).error["code"] == "unknown-escrow"
    cast.olga.run("emergency", "request", made, *words, code=4)
    cast.nurse.run("circle", "add", made, cast.escrow)

    asked = cast.olga.json("emergency", "request", made, *words)
    taken = cast.olga.json("emergency", "withdraw", asked["id"])
    assert taken == {"id": asked["id"], "state": "withdrawn"}
    again = cast.olga.json("emergency", "request", made, *words, "--hours", "2")
    declined = cast.guards[0].json("emergency", "decline", again["id"])
    assert declined == {"id": again["id"], "state": "declined"}

    assert cast.guards[1].run("emergency", "approve", again["id"], code=3).error["code"]
    gone = cast.guards[0].run("emergency", "approve", "0" * 64, code=4)
    assert gone.error["code"] == "unknown-emergency"
    long = cast.olga.run("emergency", "request", made, *words, "--hours", "73", code=7)
    assert long.error == {"code": "protocol", "reason": "bad-period"}
    assert cast.olga.run("emergency", "request", "x", *words, code=1).error["code"] == "bad-link"
    cast.olga.run("emergency", "request", made, "--reason", "because", "--text", "x", code=2)


def test_an_escrow_is_listed_for_its_guardians_and_made_of_no_other_invitation(
    cast: Cast, relay: RunningRelay
) -> None:
    (row,) = [one for one in cast.guards[0].json("escrow", "list") if one["account"] == cast.escrow]
    assert set(row) == KEYS["escrow list"]
    assert (row["quorum"], row["guard"], row["share_here"]) == (2, True, True)
    words = ("--name", "x", "--guardian", cast.accounts["first"])
    two = (*words, "--guardian", cast.accounts["second"], "--quorum", "2")
    wrong = cast.nurse.run("escrow", "new", relay.invite("professional"), *two, code=1)
    assert wrong.error["code"] == "not-for-an-escrow"
    few = cast.nurse.run("escrow", "new", relay.invite("escrow"), *words, "--quorum", "1", code=7)
    assert few.error == {"code": "protocol", "reason": "bad-quorum"}

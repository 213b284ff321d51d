"""The auditor's page in a terminal: search, findings, rules, a person's month, a proof; keys and exit codes as documented."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from command_line import CommandLine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from patience import PATIENCE
from people import ODETTE, Town

from relais.client.cli.hour_map import drawn
from relais.crypto.signed_note import SignerKey
from relais.models.refusal import Refusal
from relais.models.wire.note import GetNote
from relais.models.wire.watch import Hour, Hours

NOTE = "01936b6e-0000-7000-8000-000000000000"


async def _auditor(town: Town, folder: Path) -> CommandLine:
    command = CommandLine(folder / "auditor")
    url = await town.invitation("auditor")
    command.run("enrol", url, "--name", "Audrey", "--profession", "auditor")
    return command


def _until(auditor: CommandLine, *asked: str, count: int = 1) -> list[dict[str, Any]]:
    """What a command lists, once there is as much: the rules and the tree come a little later than what happened."""
    deadline = time.monotonic() + PATIENCE
    while len(rows := auditor.json(*asked)) < count:
        assert time.monotonic() < deadline, "it is not there"
        time.sleep(0.1)
    return list(rows)


def _until_found(auditor: CommandLine, account: str) -> list[dict[str, Any]]:
    """What the rules found at somebody."""
    return _until(auditor, "audit", "findings", "--account", account)


async def test_an_auditor_searches_looks_at_findings_and_reviews_one(
    town: Town, tmp_path: Path
) -> None:
    auditor = await _auditor(town, tmp_path)
    nurse, stranger = await town.newcomer("Nadia"), await town.newcomer("Stéphane")
    circle = await nurse.create_circle(ODETTE)
    for _ in range(5):
        with pytest.raises(Refusal):
            await stranger.session.call(GetNote(circle.circle, NOTE))

    (finding,) = _until_found(auditor, stranger.account)
    assert (finding["rule"], finding["name"], finding["count"]) == ("refusals", "Stéphane", 5)
    assert finding["sentence"] == "Stéphane: 5 refusals in less than 10 minutes"
    rows = auditor.json("audit", "search", "--circle", circle.circle, "--outcome", "refused")
    assert [row["action"] for row in rows] == ["note.get"] * 5
    assert rows[0]["name"] == "Stéphane"
    assert rows[0]["organisation"] == "Sud"
    page = auditor.json("audit", "search", "--circle", circle.circle, "--limit", "2")
    below = str(page[-1]["index"])
    rest = auditor.json("audit", "search", "--circle", circle.circle, "--before", below)
    assert page[-1]["index"] > rest[0]["index"]

    proof = auditor.json("audit", "prove", str(finding["index"]))
    assert (proof["verified"], proof["entry"]["action"]) == (True, "note.get")
    assert proof["findings"][0]["rule"] == "refusals"
    key = proof["key"].replace("+", "+0", 1)
    auditor.run("audit", "prove", str(finding["index"]), "--key", key, code=7)
    auditor.run("audit", "prove", "99999999", code=4)

    reviewed = auditor.json("audit", "review", "refusals", str(finding["index"]), "explained")
    assert reviewed["verdict"] == "explained"
    assert auditor.json("audit", "findings", "--account", stranger.account) == []
    (again,) = auditor.json("audit", "findings", "--account", stranger.account, "--all")
    assert again["reviewed_by"] is not None

    zone = ZoneInfo(auditor.json("audit", "rules")["zone"])
    month = datetime.now(zone).strftime("%Y-%m")
    hours = auditor.json("audit", "hours", stranger.account, "--month", month)
    assert sum(one["refused"] for one in hours["hours"]) >= 5


async def test_rules_are_read_and_set_and_what_makes_no_sense_is_refused(
    town: Town, tmp_path: Path
) -> None:
    auditor = await _auditor(town, tmp_path)
    before = auditor.json("audit", "rules")
    words = ("--set", "circles=33", "--off", "auditor-colleague", "--hours", "Sud:1-5:8-19")
    after = auditor.json("audit", "rules", *words)
    assert (after["circles"], after["version"]) == (33, before["version"] + 1)
    assert "auditor-colleague" not in after["on"]
    assert after["opening"] == [
        {"organisation": "Sud", "first_day": 1, "last_day": 5, "from_hour": 8, "until_hour": 19}
    ]
    back = auditor.json(
        *("audit", "rules", "--set", f"circles={before['circles']}"),
        *("--on", "auditor-colleague", "--no-hours", "Sud"),
    )
    assert sorted(back["on"]) == sorted(before["on"])
    assert back["opening"] == before["opening"]
    error = auditor.run("audit", "rules", "--set", "circles=1", code=3).error
    assert error == {"code": "malformed", "field": "rules.circles"}
    auditor.run("audit", "rules", "--set", "colour=1", code=1)


async def test_who_is_no_auditor_is_refused(town: Town, tmp_path: Path) -> None:
    nurse = CommandLine(tmp_path / "nurse")
    url = await town.invitation()
    nurse.run("enrol", url, "--name", "Nadia", "--profession", "nurse")
    for words in (("search",), ("findings",), ("rules",), ("prove", "0")):
        assert nurse.run("audit", *words, code=3).error["code"] == "forbidden"


def test_a_month_is_drawn_a_day_a_line() -> None:
    hours = (Hour(1, 8, 40, 0, 0), Hour(2, 23, 1, 0, 1))
    lines = drawn(Hours("Europe/Paris", 30, hours, (), 9), title="Nadia").splitlines()
    assert len(lines) == 32
    assert lines[2] == " 1  " + " " * 16 + "█"
    assert lines[3].endswith("░!")


async def _member(town: Town, home: Path, name: str) -> CommandLine:
    command = CommandLine(home)
    command.run("enrol", await town.invitation(), "--name", name, "--profession", "nurse")
    return command


PATIENT = ("--name", "Odette <Verdier>", "--sex", "F", "--born", "1938-04-17", "--place", "Saulieu")


async def test_a_member_prints_who_saw_what_in_plain_words(town: Town, tmp_path: Path) -> None:
    nurse = await _member(town, tmp_path / "nurse", "Nadia Ferrand")
    doctor = await _member(town, tmp_path / "doctor", "Denis Quéré")
    circle = nurse.json("circle", "new", *PATIENT)["circle"]
    nurse.run("circle", "add", circle, doctor.json("whoami")["account"])
    nurse.run("post", circle, "--text", "Bonjour")
    assert len(doctor.run("notes", circle).lines) == 1

    rows = _until_seen(nurse, circle, "Denis Quéré")
    assert "Notes reçues" in {row["what"] for row in rows}
    assert all(set(row) == ACCESS for row in rows)
    words = ("--account", str(rows[0]["account"]), "--language", "en")
    narrowed = nurse.json("circle", "accesses", circle, *words)
    assert {row["name"] for row in narrowed} == {"Denis Quéré"}
    assert "Notes received" in {row["what"] for row in narrowed}

    page, facts = tmp_path / "report.html", tmp_path / "report.json"
    made = nurse.json("circle", "accesses", circle, "--report", str(page))
    assert (made["file"], made["complete"]) == (str(page), True)
    text = page.read_text()
    assert "Qui a vu le dossier de Odette &lt;Verdier&gt;" in text
    assert "Denis Quéré" in text
    assert "127.0.0.1" not in text
    nurse.run("circle", "accesses", circle, "--report", str(facts), "--language", "en")
    told = json.loads(facts.read_text())
    assert {one["name"] for one in told["people"]} == {"Nadia Ferrand", "Denis Quéré"}
    assert "127.0.0.1" not in facts.read_text()
    nurse.run("circle", "accesses", circle, "--report", str(tmp_path / "report.txt"), code=1)
    stranger = await _member(town, tmp_path / "stranger", "Stéphane")
    stranger.run("circle", "accesses", circle, code=4)


def _until_seen(member: CommandLine, circle: str, name: str) -> list[dict[str, object]]:
    """Wait until somebody's reading has its place in the log."""
    deadline = time.monotonic() + PATIENCE
    while True:
        rows = [row for row in member.json("circle", "accesses", circle) if row["name"] == name]
        if any(row["action"] == "circle.sync" for row in rows):
            return rows
        assert time.monotonic() < deadline, "the reading has no place in the log"
        time.sleep(0.1)


ACCESS = {
    *("index", "at", "account", "name", "profession", "organisation"),
    *("action", "what", "outcome", "subject"),
}


async def test_a_verification_is_told_to_the_server_whose_log_it_is_and_only_to_it(
    town: Town, tmp_path: Path
) -> None:
    auditor = await _auditor(town, tmp_path)
    folder = tmp_path / "export"
    town.relay.command("audit", "export", str(folder))
    good = auditor.json("audit", "verify", str(folder))
    assert (good["verified"], good["untold"]) == (True, None)
    lines = (folder / "entries.ndjson").read_bytes().splitlines(keepends=True)
    (folder / "entries.ndjson").write_bytes(b"".join(lines[:-1]))
    assert (
        auditor.run("audit", "verify", str(folder), code=7).error["reason"] == "entries-truncated"
    )

    account = auditor.json("whoami")["account"]
    told = _until_searched(auditor, account, "audit.verify", count=2)
    facts = [(one["subject"]["verified"], one["subject"].get("rule")) for one in told]
    assert facts == [(False, "entries-truncated"), (True, None)]
    assert told[1]["subject"]["size"] == good["size"]

    other = SignerKey("other.example/log", Ed25519PrivateKey.generate()).verifier.encode()
    auditor.run("audit", "verify", str(folder), "--key", other, code=7)
    nobody = CommandLine(tmp_path / "nobody")
    nobody.run("audit", "verify", str(folder), code=7)
    assert len(_until_searched(auditor, account, "audit.verify", count=2)) == 2


def _until_searched(
    auditor: CommandLine, account: str, action: str, *, count: int
) -> list[dict[str, Any]]:
    """What somebody did, newest first, once as many entries are in the tree."""
    asked = ("audit", "search", "--account", account, "--action", action)
    return _until(auditor, *asked, count=count)


async def test_purpose_and_principal_are_stated_with_a_command_and_recorded(
    town: Town, tmp_path: Path
) -> None:
    auditor = await _auditor(town, tmp_path)
    nurse = CommandLine(tmp_path / "nurse")
    nurse.run(
        "enrol", await town.invitation("professional"), "--name", "N", "--profession", "nurse"
    )
    replaced = (await town.newcomer("Rémi")).account
    nurse.run("circle", "list", "--purpose", "ETREAT", "--for", replaced)
    nurse.run("circle", "list")
    rows = _until_searched(auditor, nurse.json("whoami")["account"], "circle.list", count=2)
    stated = [(one["purpose"], one["on_behalf_of"]) for one in rows]
    assert stated == [("TREAT", None), ("ETREAT", replaced)]
    refused = nurse.run("circle", "list", "--purpose", "HMARKT", code=3).error
    assert (refused["code"], refused["field"]) == ("malformed", "purpose")

"""The main job by the real command line: each command a process, its keys and exit codes as documented."""

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, next_line
from PIL import Image
from two_people import ATTACHMENT, KEYS, PATIENT, POSTED, Cast

from relais.client.home import Home
from relais.client.identity import Identity

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"


def picture(folder: Path) -> Path:
    image = Image.effect_noise((300, 200), 60).convert("RGB")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Fictive Cameras"
    path = folder / "plaie.jpg"
    image.save(path, "JPEG", exif=exif)
    return path


def test_every_key_a_command_prints_is_documented() -> None:
    rows = {
        words: cells[-2]
        for cells in (line.split(" | ") for line in PAGE.read_text().splitlines())
        if (words := " ".join(re.findall(r"[a-z-]+(?= |`|$)", cells[0].lstrip("| `"))[:2]))
        for cells in [[*cells, ""]]
    }
    for command, keys in KEYS.items():
        found = [row for words, row in rows.items() if words.startswith(command)]
        assert found, f"{command} is not documented"
        told = set(re.findall(r"[a-z_0-9]+", " ".join(found)))
        assert keys <= told, f"{command}: {keys - told}"


def test_whoami_and_the_directory_say_who_is_there(cast: Cast) -> None:
    me = cast.nurse.json("whoami")
    assert set(me) == KEYS["whoami"]
    assert (me["account"], me["name"]) == (cast.accounts["nurse"], "Nadia Ferrand")
    assert (me["roles"], me["server"]) == (["professional"], cast.relay.origin)

    found = cast.nurse.json("directory", "quere morvan")
    assert all(set(one) == KEYS["directory"] for one in found)
    assert cast.accounts["doctor"] in {one["account"] for one in found}
    assert cast.nurse.json("directory", "personne-de-ce-nom") == []


def test_a_note_with_a_photograph_from_one_folder_to_the_other(
    cast: Cast, circle: str, tmp_path: Path
) -> None:
    photo = str(picture(tmp_path))
    posted = cast.nurse.json(
        *("post", circle, "--text", "Plaie propre.", "--attach", photo, "--urgent", "--ack")
    )
    assert set(posted) == KEYS["post"]
    (row,) = [one for one in cast.doctor.json("circle", "list") if one["circle"] == circle]
    assert set(row) == KEYS["circle list"]
    assert (row["name"], row["urgent"]) == ("Odette Verdier", True)
    assert row["unread"] >= 1

    lines = cast.doctor.run("notes", circle).lines
    (note,) = [one for one in lines if one["note"] == posted["note"]]
    assert set(note) == KEYS["notes"]
    (attachment,) = note["attachments"]
    assert set(attachment) == ATTACHMENT
    assert (note["text"], note["author_name"]) == ("Plaie propre.", "Nadia Ferrand")
    assert (note["urgent"], note["acknowledge"], note["withdrawn"]) == (True, True, False)

    target = tmp_path / "reçue.jpg"
    saved = cast.doctor.json(
        *("fetch", circle, posted["note"], attachment["id"], "-o", str(target))
    )
    data = target.read_bytes()
    assert saved == {"file": str(target), "size": attachment["size"]}
    assert hashlib.sha256(data).hexdigest() == attachment["sha256"]
    assert b"Fictive" not in data
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.size == (200, 300)

    assert cast.doctor.json("ack", circle, posted["note"]) == {
        "note": posted["note"],
        "version": 1,
    }
    (receipt,) = cast.nurse.json("receipts", circle, posted["note"])
    assert set(receipt) == KEYS["receipts"]
    assert receipt["account"] == cast.accounts["doctor"]
    assert all(receipt[kind] for kind in ("stored", "read", "acknowledged"))


def test_replace_reply_and_withdraw_show_in_the_timeline(cast: Cast, circle: str) -> None:
    first = cast.nurse.json("post", circle, "--text", "500 mg", "--type", "INST")
    second = cast.nurse.json("post", circle, "--text", "1000 mg", "--replace", first["note"])
    answer = cast.doctor.json("post", circle, "--text", "vu", "--reply-to", first["note"])
    gone = cast.nurse.json("withdraw", circle, first["note"], "--reason", "erreur")
    after = str(first["seq"] - 1)

    lines = cast.doctor.run("notes", circle, "--after", after, "--no-receipts").lines

    versions = [one["version"] for one in lines if one["note"] == first["note"]]
    assert versions == [1, 2, 3] == [first["version"], second["version"], gone["version"]]
    assert [one["seq"] for one in lines] == [first["seq"] + step for step in range(4)]
    assert lines[2]["note"] == answer["note"]
    assert lines[2]["reply_to"] == first["note"]
    assert (lines[3]["withdrawn"], lines[3]["text"]) == (True, "erreur")


def test_a_correction_keeps_what_it_does_not_change(
    cast: Cast, circle: str, tmp_path: Path
) -> None:
    photo = str(picture(tmp_path))
    first = cast.nurse.json(
        *("post", circle, "--text", "500 mg", "--type", "INST", "--attach", photo),
        *("--urgent", "--ack"),
    )
    said = ("post", circle, "--replace", first["note"], "--text")
    cast.nurse.json(*said, "1000 mg")
    cast.nurse.json(*said, "1000 mg le soir", "--no-urgent", "--type", "OBS")

    lines = cast.doctor.run("notes", circle, "--after", str(first["seq"] - 1)).lines

    assert [one["version"] for one in lines] == [1, 2, 3]
    assert [one["type"] for one in lines] == ["INST", "INST", "OBS"]
    assert [one["urgent"] for one in lines] == [True, True, False]
    assert all(one["acknowledge"] for one in lines)
    assert lines[0]["attachments"]
    assert lines[0]["attachments"] == lines[1]["attachments"] == lines[2]["attachments"]


def test_a_file_that_is_not_there_is_named(cast: Cast, circle: str, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere.jpg")
    outcome = cast.nurse.run("post", circle, "--text", "x", "--attach", nowhere, code=1)
    assert outcome.error["sentence"] == f"{nowhere}: No such file or directory"


def test_follow_prints_what_comes_as_it_comes(cast: Cast, circle: str) -> None:
    before = cast.nurse.json("post", circle, "--text", "déjà là")
    with cast.doctor.started(
        "notes", circle, "--follow", "--after", str(before["seq"] - 1)
    ) as following:
        assert next_line(following)["text"] == "déjà là"
        cast.nurse.json("post", circle, "--text", "tout frais")
        assert next_line(following)["text"] == "tout frais"


def test_audiences_are_opened_given_written_for_and_ended(cast: Cast) -> None:
    made = cast.nurse.json("circle", "new", *PATIENT)["circle"]
    doctor = cast.accounts["doctor"]
    opened = cast.nurse.json("circle", "audience", made, "care")
    assert opened == {
        "circle": made,
        "audience": "care",
        "members": [cast.accounts["nurse"]],
    }
    cast.nurse.json("circle", "add", made, doctor)
    asked = cast.nurse.json("post", made, "--text", "aux soignants", "--audience", "care")
    cast.nurse.json("post", made, "--text", "suite", "--reply-to", asked["note"])
    assert cast.doctor.run("notes", made).lines == []

    changed = cast.nurse.json(
        *("circle", "change", made, doctor, "--audience", "care", "--audience", "team"),
        *("--until", "2099-12-31T18:00+00:00"),
    )
    assert set(changed) == KEYS["circle change"]
    assert (changed["audiences"], changed["until"]) == (
        ["care", "team"],
        "2099-12-31T18:00:00.000Z",
    )
    read = cast.doctor.run("notes", made).lines
    assert [(one["text"], one["audiences"], one["waiting"]) for one in read] == [
        ("aux soignants", ["care"], None),
        ("suite", ["care"], None),
    ]
    for_ever = cast.nurse.json("circle", "change", made, doctor, "--until", "none")
    assert (for_ever["audiences"], for_ever["until"]) == (["care", "team"], None)


def test_a_broadcast_goes_to_several_circles(cast: Cast, circle: str, tmp_path: Path) -> None:
    other = cast.nurse.json("circle", "new", *PATIENT)["circle"]
    plan = tmp_path / "plan.pdf"
    plan.write_bytes(b"%PDF-1.7\n%fictif\n" + bytes(5000))

    sent = cast.nurse.json("broadcast", circle, other, "--text", "Sortie", "--attach", str(plan))

    assert set(sent) == KEYS["broadcast"]
    assert [one["circle"] for one in sent["notes"]] == [circle, other]
    assert all(set(one) == {"circle", "note", "version", "seq"} for one in sent["notes"])
    target = tmp_path / "again.pdf"
    cast.nurse.run("fetch", other, sent["notes"][1]["note"], "plan.pdf", "-o", str(target))
    assert target.read_bytes() == plan.read_bytes()


def test_members_remove_leave_and_close(cast: Cast) -> None:
    made = cast.nurse.json("circle", "new", *PATIENT)["circle"]
    cast.nurse.run("circle", "add", made, cast.accounts["doctor"], "--history", "none")
    rows = cast.nurse.json("members", made)
    assert all(set(one) == KEYS["members"] for one in rows)
    assert {one["name"]: one["role"] for one in rows} == {
        "Nadia Ferrand": "lead",
        "Denis Quéré": "professional",
    }
    removed = cast.nurse.json("circle", "remove", made, cast.accounts["doctor"])
    assert removed == {"circle": made, "account": cast.accounts["doctor"], "epoch": 3}
    refused = cast.doctor.run("notes", made, code=3)
    assert refused.error["code"] == "forbidden"
    assert refused.out == ""

    cast.nurse.run("circle", "add", made, cast.accounts["doctor"])
    assert cast.doctor.json("circle", "leave", made) == {"circle": made}
    assert cast.nurse.json("circle", "close", made) == {"circle": made}
    assert made not in {one["circle"] for one in cast.nurse.json("circle", "list")}
    assert made in {one["circle"] for one in cast.nurse.json("circle", "list", "--closed")}


def test_an_act_against_the_circles_rules_is_refused_here_and_is_no_lie_of_the_server(
    cast: Cast,
) -> None:
    made = cast.nurse.json("circle", "new", *PATIENT)["circle"]
    cast.nurse.run("circle", "add", made, cast.accounts["doctor"])
    twice = cast.nurse.run("circle", "add", made, cast.accounts["doctor"], code=3)
    assert (twice.error["code"], twice.error["reason"]) == ("refused-here", "already-a-member")
    cast.nurse.run("circle", "remove", made, cast.accounts["doctor"])
    again = cast.nurse.run("circle", "remove", made, cast.accounts["doctor"], code=3)
    assert (again.error["code"], again.error["reason"]) == ("refused-here", "not-a-member")
    assert cast.nurse.json("audit", "status")["alarm"] is None


def test_a_second_folder_joins_by_the_code_and_is_cut_off_when_revoked(
    cast: Cast, circle: str, tmp_path: Path
) -> None:
    posted = cast.nurse.json("post", circle, "--text", "pour les deux appareils")
    second = CommandLine(tmp_path / "second")
    with cast.nurse.started("device", "add") as adding:
        offered = next_line(adding)
        assert set(offered) == KEYS["device add"]
        joined = second.json("device", "join", offered["link"], "--label", "tablette")
        assert next_line(adding) == {"device": joined["device"]}
        assert adding.wait(30) == 0
    assert set(joined) == KEYS["device join"]
    assert joined["account"] == cast.accounts["nurse"]

    lines = second.run("notes", circle, "--after", str(posted["seq"] - 1)).lines
    assert [one["text"] for one in lines] == ["pour les deux appareils"]
    rows = cast.nurse.json("device", "list")
    assert all(set(one) == KEYS["device list"] for one in rows)
    assert [(one["label"], one["this"]) for one in rows][-1] == ("tablette", False)

    assert cast.nurse.json("device", "revoke", joined["device"]) == {"device": joined["device"]}
    refused = second.run("whoami", code=3)
    assert refused.error == {"code": "unauthenticated", "reason": "revoked-device"}


def test_the_kit_restores_into_an_empty_folder(cast: Cast, circle: str, tmp_path: Path) -> None:
    page = tmp_path / "kit.html"
    made = cast.doctor.json("kit", "--page", str(page))
    assert set(made) == KEYS["kit"]
    assert len(made["words"]) == 24
    assert all(word in page.read_text() for word in made["words"])
    restored = CommandLine(tmp_path / "restored")

    told = restored.run("restore", cast.relay.origin, text=" ".join(made["words"])).json

    assert set(told) == KEYS["restore"]
    assert told["account"] == cast.accounts["doctor"]
    (row,) = [one for one in restored.json("circle", "list") if one["circle"] == circle]
    assert (row["name"], row["locked"]) == ("Odette Verdier", False)


def test_the_laboratory_posts_a_result_and_reads_nothing(
    cast: Cast, circle: str, tmp_path: Path
) -> None:
    bot = CommandLine(tmp_path / "bot")
    url = cast.relay.invite("bot")
    account = bot.json("enrol", url, "--name", "Labo", "--profession", "laboratory")["account"]
    added = cast.nurse.json("circle", "add", circle, account)
    assert added["role"] == "bot", "an account of a bot is added as one"
    result = tmp_path / "result.json"
    observation = {"name": "INR", "value": "3.9", "unit": "1", "flag": "H"}
    result.write_text(json.dumps({"circle": circle, "observations": [observation]}))

    posted = bot.json("lab-bot", str(result))

    assert set(posted) == POSTED
    lines = cast.nurse.run("notes", circle, "--after", str(posted["seq"] - 1)).lines
    assert lines[0]["text"] == "INR 3.9 1 H"
    assert lines[0]["form"]["data"]["observations"][0]["value"] == "3.9"
    assert bot.run("notes", circle, code=3).error["reason"] == "not-allowed"
    result.write_text(json.dumps({"circle": circle, "observations": [{"name": "INR"}]}))
    assert bot.run("lab-bot", str(result), code=1).error["code"] == "bad-result-file"


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        ("notes " + "0" * 64, 4, "unknown-circle"),
        ("ack CIRCLE 0195f3a0-7c00-7abc-8def-000000000000", 4, "unknown-note"),
        ("post CIRCLE --text x --attach /dev/null", 1, "unsupported-file"),
        ("post CIRCLE --text x --attach /nonexistent.jpg", 1, "failed"),
        ("enrol http://127.0.0.1:9/enrol#x --name x --profession x", 1, "already-enrolled"),
    ],
)
def test_what_goes_wrong_has_its_code(
    cast: Cast, circle: str, words: str, code: int, reason: str
) -> None:
    done = cast.nurse.run(*words.replace("CIRCLE", circle).split(), code=code)
    assert done.out == ""
    assert done.error["code"] == reason


def test_wrong_words_a_wrong_passphrase_and_an_empty_folder_have_their_codes(
    cast: Cast, tmp_path: Path
) -> None:
    assert "usage" in cast.nurse.run("post", code=2).err
    wrong = CommandLine(cast.nurse.home, "pas la bonne phrase")
    assert wrong.run("whoami", code=6).error["code"] == "wrong-passphrase"
    assert CommandLine(tmp_path).run("whoami", code=6).error["code"] == "not-enrolled"


def test_the_folder_keeps_its_secrets_to_its_owner(cast: Cast) -> None:
    files = [path for path in cast.nurse.home.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert cast.nurse.home.stat().st_mode & 0o077 == 0
    kept = b"".join(path.read_bytes() for path in files)
    assert b"Nadia" not in kept
    assert cast.accounts["nurse"].encode() not in kept
    key = _key_of(cast.nurse)
    assert Identity.load(Home(cast.nurse.home, key)).account == cast.accounts["nurse"]


def _key_of(who: CommandLine) -> bytes:
    from relais.client import unlocking

    lock: dict[str, Any] = json.loads((who.home / "lock.json").read_text())
    return unlocking.key_of(lock, lambda _: "cheval pile agrafe")

"""By the command line: is this person who the server says, and is the recovery kit still there?"""

from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from running_relay import RunningRelay

from relais.client.home import Home


@pytest.fixture(scope="module")
def pair(
    relay: RunningRelay, tmp_path_factory: pytest.TempPathFactory
) -> tuple[CommandLine, CommandLine, dict[str, str]]:
    """Two people, and their accounts by name."""
    folder = tmp_path_factory.mktemp("pair")
    nurse, doctor = CommandLine(folder / "nurse"), CommandLine(folder / "doctor")
    accounts = {}
    for who, name in ((nurse, "Nora Vérif"), (doctor, "Didier Vérif")):
        words = ("--name", name, "--profession", "nurse")
        accounts[name] = who.json("enrol", relay.invite("professional"), *words)["account"]
    return nurse, doctor, accounts


def verify(who: CommandLine, account: str, *more: str, code: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = who.run("verify", account, *more, code=code).json
    return told


def test_two_people_see_one_number_and_a_new_device_shows_after_they_compared(
    pair: tuple[CommandLine, CommandLine, dict[str, str]],
) -> None:
    nurse, doctor, accounts = pair
    hers = verify(nurse, accounts["Didier Vérif"])
    his = verify(doctor, accounts["Nora Vérif"])
    assert hers["number"] == his["number"]
    assert (hers["name"], hers["mark"], hers["same"]) == ("Didier Vérif", "unverified", None)

    told = verify(nurse, accounts["Didier Vérif"], "--code", his["qr"])
    assert (told["mark"], told["same"]) == ("verified", True)
    assert told["compared_at"] is not None
    assert verify(doctor, accounts["Nora Vérif"])["mark"] == "unverified", "each for themselves"

    doctor.run("kit")
    told = verify(nurse, accounts["Didier Vérif"])
    assert told["mark"] == "changed"
    assert told["number"] != hers["number"]
    assert verify(nurse, accounts["Didier Vérif"], "--same")["mark"] == "verified"
    assert verify(nurse, accounts["Didier Vérif"], "--forget")["mark"] == "unverified"


def test_another_number_fails_and_verifies_nobody(
    pair: tuple[CommandLine, CommandLine, dict[str, str]],
) -> None:
    nurse, _, accounts = pair
    other = accounts["Didier Vérif"]
    number = verify(nurse, other)["number"]
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    told = verify(nurse, other, "--code", wrong, code=7)
    assert (told["same"], told["mark"]) == (False, "unverified")
    assert verify(nurse, other, "--code", number)["same"] is True
    verify(nurse, other, "--forget")

    refused = nurse.run("verify", other, "--code", number[:-1], code=7)
    assert refused.error == {"code": "protocol", "reason": "bad-code"}
    oneself = nurse.run("verify", accounts["Nora Vérif"], code=7)
    assert oneself.error == {"code": "protocol", "reason": "wrong-account"}


def test_the_kit_is_checked_by_its_third_word_and_replaced_when_it_is_lost(
    relay: RunningRelay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = CommandLine(tmp_path / "who")
    words = ("--name", "Kévin Kit", "--profession", "nurse")
    who.run("enrol", relay.invite("professional"), *words)
    assert who.run("kit", "--check", "--word", "x", code=1).error["code"] == "no-kit-here"
    sheet = who.json("kit")["words"]
    assert who.json("whoami")["kit_check_due"] is False

    wrong = next(word for word in sheet if word != sheet[2])
    assert who.run("kit", "--check", "--word", wrong, code=1).json["right"] is False
    told = who.run("kit", "--check", text=f"{sheet[2]}\n").json
    assert told["right"] is True
    assert told["ask_again"] is not None

    monkeypatch.setenv("RELAIS_PASSPHRASE", "cheval pile agrafe")
    home = Home.open(tmp_path / "who")
    home.update("kit", lambda kept: {**kept, "ask_at": 0})
    assert who.json("whoami")["kit_check_due"] is True

    who.run("kit", "--replace")
    kits = [one for one in who.json("device", "list") if one["kind"] == "recovery"]
    assert [one["revoked_at"] is None for one in kits] == [False, True]
    lost = CommandLine(tmp_path / "lost")
    lost.run("restore", relay.origin, "--words", " ".join(sheet), code=3)

"""The whole relay on to another place by `relais-server backup` and `restore`: members go on where it was taken."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import CommandLine
from PIL import Image
from running_relay import RunningRelay

PATIENT = ("--name", "Odette Verdier", "--sex", "F", "--born", "1938-04-17", "--place", "Saulieu")
WOUND = "Plaie propre, 3 x 2 cm."


@dataclass
class Place:
    """A relay, two people, a circle of theirs with a note and a photograph in it."""

    relay: RunningRelay
    nurse: CommandLine
    doctor: CommandLine
    circle: str
    note: str

    def moved_to(self, folder: Path) -> RunningRelay:
        """Another place, reached by the same address, with the log's key brought there."""
        other = RunningRelay(folder)
        other.port = self.relay.port
        (folder / "keys").mkdir(mode=0o700, parents=True)
        shutil.copy(self.relay.data / "keys" / "log.pem", folder / "keys")
        return other

    def texts(self, who: CommandLine, code: int = 0) -> list[str]:
        return [one["text"] for one in who.run("notes", self.circle, code=code).lines]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    relay = RunningRelay(tmp_path / "relay").start()
    try:
        nurse, doctor = CommandLine(tmp_path / "nurse"), CommandLine(tmp_path / "doctor")
        nurse.json(
            "enrol",
            relay.invite("professional"),
            "--name",
            "Nadia Ferrand",
            "--profession",
            "nurse",
        )
        denis = doctor.json(
            "enrol",
            relay.invite("professional"),
            "--name",
            "Denis Quéré",
            "--profession",
            "physician",
        )
        circle = nurse.json("circle", "new", *PATIENT)["circle"]
        nurse.json("circle", "add", circle, denis["account"])
        photo = tmp_path / "plaie.jpg"
        Image.effect_noise((300, 200), 60).convert("RGB").save(photo, "JPEG")
        posted = nurse.json("post", circle, "--text", WOUND, "--attach", str(photo))
        yield Place(relay, nurse, doctor, circle, posted["note"])
    finally:
        relay.close()


def test_a_relay_that_was_stopped_goes_on_elsewhere(place: Place, tmp_path: Path) -> None:
    file, export = tmp_path / "relay.zip", tmp_path / "log"
    place.relay.stop()
    told = json.loads(place.relay.command("backup", str(file), "--json"))
    moved = place.moved_to(tmp_path / "moved")
    try:
        back = json.loads(moved.command("restore", str(file), "--json"))
        assert back == told
        assert set(told) == {"file", "documents", "at"}
        moved.start()

        assert place.texts(place.doctor) == [WOUND]
        saved = tmp_path / "saved.jpg"
        place.doctor.json("fetch", place.circle, place.note, "plaie.jpg", "-o", str(saved))
        with Image.open(saved) as photo:
            assert photo.size == (300, 200)
        place.doctor.json("post", place.circle, "--text", "Vu.", "--reply-to", place.note)
        assert place.texts(place.nurse) == [WOUND, "Vu."]

        moved.command("audit", "export", str(export))
        assert place.nurse.json("audit", "verify", str(export))["verified"]
        lines = (export / "entries.ndjson").read_text("utf-8").splitlines()
        actions = [json.loads(line)["action"] for line in lines]
        assert {"backup.write", "backup.restore", "note.post"} <= set(actions)
        assert moved.errors() == []
    finally:
        moved.close()


def test_what_was_written_after_a_backup_is_missed_by_its_author_and_sent_again(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "relay.zip"
    place.relay.command("backup", str(file))
    check_that_nothing_in_it_can_be_read(file, place.circle)
    for word, says in (("restore", "something in this database"), ("backup", "another file")):
        with pytest.raises(AssertionError, match=says):
            place.relay.command(word, str(file))
    later = place.nurse.json("post", place.circle, "--text", "Pansement refait.")
    place.relay.kill()
    moved = place.moved_to(tmp_path / "moved")
    try:
        moved.command("restore", str(file))
        moved.start()

        assert place.texts(place.doctor) == [WOUND]
        assert place.texts(place.nurse) == [WOUND]
        (lost,) = place.nurse.json("unsent")
        assert (lost["state"], lost["note"]) == ("lost", later["note"])
        place.nurse.run("resend", later["note"])
        assert place.texts(place.doctor) == [WOUND, "Pansement refait."]
    finally:
        moved.close()


def check_that_nothing_in_it_can_be_read(file: Path, circle: str) -> None:
    with zipfile.ZipFile(file) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert circle.encode() in everything
    for secret in (WOUND, "Odette", "Verdier", "Saulieu", "plaie.jpg"):
        assert secret.encode() not in everything

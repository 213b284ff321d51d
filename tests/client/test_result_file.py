"""A laboratory's file becomes a note, or is refused by the name of the field."""

import json
from pathlib import Path
from typing import Any

import pytest

from relais.client.lab import result_file
from relais.client.lab.result_file import BadResultFile

INR = {"loinc": "6301-6", "name": "INR", "value": 3.9, "unit": "1", "range": "2.0-3.0", "flag": "H"}


def write(folder: Path, data: Any) -> Path:
    path = folder / "result.json"
    path.write_text(json.dumps(data))
    return path


def test_observations_become_a_form_and_words(tmp_path: Path) -> None:
    result = result_file.read(
        write(tmp_path, {"circle": "c", "observations": [INR], "urgent": True})
    )
    assert result.circle == "c"
    assert result.writing.text == "INR 3.9 1 H (2.0-3.0)"
    assert result.writing.urgent
    assert result.writing.form is not None
    assert result.writing.form.data["observations"][0]["value"] == "3.9"


def test_a_status_that_is_not_final_is_said_in_words(tmp_path: Path) -> None:
    data = {"circle": "c", "observations": [INR], "status": "corrected"}
    assert result_file.read(write(tmp_path, data)).writing.text.startswith("[corrected]\n")


def test_files_are_looked_for_beside_the_result(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4")
    data = {"circle": "c", "text": "Voir le compte rendu", "attachments": ["report.pdf"]}
    (file,) = result_file.read(write(tmp_path, data)).writing.files
    assert (file.name, file.data) == ("report.pdf", b"%PDF-1.4")


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ([], "fields"),
        ({"text": "no circle"}, "fields"),
        ({"circle": "c", "text": "x", "extra": 1}, "fields"),
        ({"circle": 5, "text": "x"}, "circle"),
        ({"circle": "c"}, "text"),
        ({"circle": "c", "text": 3}, "text"),
        ({"circle": "c", "text": "x", "status": "maybe"}, "status"),
        ({"circle": "c", "text": "x", "urgent": "yes"}, "urgent"),
        ({"circle": "c", "observations": [{"value": 1}]}, "observations"),
        ({"circle": "c", "observations": [{**INR, "value": []}]}, "observations"),
        ({"circle": "c", "observations": {}}, "observations"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, data: Any, named: str) -> None:
    with pytest.raises(BadResultFile, match=named):
        result_file.read(write(tmp_path, data))


def test_what_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("INR 3,9")
    with pytest.raises(BadResultFile, match="JSON"):
        result_file.read(tmp_path / "result.json")

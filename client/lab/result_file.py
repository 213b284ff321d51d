"""A laboratory's result as a JSON file: which circle, what was found."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relais.client.attachments import File
from relais.client.errors import ClientError
from relais.client.posting import Writing
from relais.crypto.content import Form
from relais.models.ids import CircleId

SCHEMA = "relais/lab-result/1"
_KNOWN = {"circle", "text", "status", "observations", "urgent", "acknowledge", "attachments"}
_OBSERVATION = ("loinc", "name", "value", "unit", "range", "flag")
_STATUSES = ("final", "corrected", "cancelled", "preliminary")


class BadResultFile(ClientError):
    """The result file is not as docs/command-line.md describes it; nothing was posted."""


@dataclass(frozen=True)
class Result:
    circle: CircleId
    writing: Writing


def read(path: Path) -> Result:
    """Raises `BadResultFile` with the name of the field."""
    try:
        data = json.loads(path.read_bytes())
    except ValueError:
        raise BadResultFile("not JSON") from None
    if not isinstance(data, dict) or not _KNOWN >= set(data) or "circle" not in data:
        raise BadResultFile("unknown or missing fields")
    return Result(_text(data, "circle"), _writing(data, path.parent))


def _writing(data: dict[str, Any], folder: Path) -> Writing:
    observations = [_observation(row) for row in _list(data, "observations")]
    status = data.get("status", "final")
    if status not in _STATUSES:
        raise BadResultFile("status")
    text = data.get("text") or _as_text(observations, status)
    if not isinstance(text, str) or not text:
        raise BadResultFile("text")
    return Writing(
        text=text,
        type="OBS",
        form=Form(SCHEMA, {"status": status, "observations": observations}),
        files=tuple(File.read(folder / str(name)) for name in _list(data, "attachments")),
        urgent=_flag(data, "urgent"),
        acknowledge=_flag(data, "acknowledge"),
    )


def _observation(row: object) -> dict[str, str]:
    """Values are text: a decimal number stays what the laboratory wrote."""
    if (
        not isinstance(row, dict)
        or not set(_OBSERVATION) >= set(row)
        or not {"name", "value"} <= set(row)
    ):
        raise BadResultFile("observations")
    if not all(isinstance(value, str | int | float) for value in row.values()):
        raise BadResultFile("observations")
    return {key: str(row.get(key, "")) for key in _OBSERVATION}


def _as_text(observations: list[dict[str, str]], status: str) -> str:
    """The result in words, for readers that do not know the form."""
    lines = [
        " ".join(
            filter(
                None,
                (row["name"], row["value"], row["unit"], row["flag"], _in_brackets(row["range"])),
            )
        )
        for row in observations
    ]
    return "\n".join([] if not lines else lines if status == "final" else [f"[{status}]", *lines])


def _in_brackets(text: str) -> str:
    return f"({text})" if text else ""


def _list(data: dict[str, Any], field: str) -> list[Any]:
    value = data.get(field, [])
    if not isinstance(value, list):
        raise BadResultFile(field)
    return value


def _text(data: dict[str, Any], field: str) -> str:
    value = data[field]
    if not isinstance(value, str):
        raise BadResultFile(field)
    return value


def _flag(data: dict[str, Any], field: str) -> bool:
    value = data.get(field, False)
    if not isinstance(value, bool):
        raise BadResultFile(field)
    return value

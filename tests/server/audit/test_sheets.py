"""Lines of an export, as bytes."""

import pytest
from audit_store import pending

from relais.models.store.audit_log import LogEntry
from relais.server.audit.sheets import csv_head, csv_lines, ndjson_lines


def entry(**fields: object) -> LogEntry:
    document = pending(3, **fields)
    return LogEntry(7, document["_id"], document["at"], document["entry"])


def test_a_line_of_ndjson_holds_the_entry_byte_for_byte_and_its_place() -> None:
    one = entry()
    assert ndjson_lines([one]) == b'{"entry":' + one.entry + b',"index":7}\n'
    assert ndjson_lines([]) == b""


def test_a_sheet_has_a_column_for_each_field() -> None:
    head = csv_head().decode().rstrip().split(",")
    cells = csv_lines([entry(subject={})]).decode().rstrip().split(",")
    assert len(head) == len(cells) == 16
    assert dict(zip(head, cells, strict=True))["action"] == "note.post"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_what_a_spreadsheet_would_calculate_is_shown_as_text(text: str) -> None:
    assert f",'{text},".encode() in csv_lines([entry(organisation=text)])
    assert b",Beaune," in csv_lines([entry(organisation="Beaune")])


@pytest.mark.parametrize("bad", [b"\xff", b"[1]", b""])
def test_bytes_that_are_no_entry_are_an_empty_row(bad: bytes) -> None:
    assert csv_lines([LogEntry(7, "x", 0, bad)]) == b"7" + b"," * 15 + b"\r\n"

"""Entries as lines of a file: NDJSON for programs, CSV for people.

{"entry":{…},"index":7}              the entry byte for byte as it is hashed
7,2026-03-01T07:30:00.000Z,…         one column a field; the subject as JSON
"""

import csv
import io
import json
from collections.abc import Callable, Sequence

from relais.models.store.audit_log import LogEntry

COLUMNS = (
    *("at", "action", "outcome", "reason", "account", "device", "role", "organisation"),
    *("purpose", "on_behalf_of", "circle", "source", "request", "subject", "id"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Lines = Callable[[Sequence[LogEntry]], bytes]


def ndjson_lines(entries: Sequence[LogEntry]) -> bytes:
    return b"".join(b'{"entry":%b,"index":%d}\n' % (one.entry, one.index) for one in entries)


def csv_head() -> bytes:
    return _csv([("index", *COLUMNS)])


def csv_lines(entries: Sequence[LogEntry]) -> bytes:
    """Bytes that are no entry leave all columns but the index empty."""
    return _csv([(one.index, *_cells(one.entry)) for one in entries])


def _cells(entry: bytes) -> list[str]:
    try:
        fields = json.loads(entry)
    except ValueError:
        fields = None
    known = fields if isinstance(fields, dict) else {}
    return [_cell(known.get(name)) for name in COLUMNS]


def _cell(value: object) -> str:
    """As text; what a spreadsheet would take for a formula gets an apostrophe."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"'{value}" if value.startswith(FORMULA) else value


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    """RFC 4180."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()

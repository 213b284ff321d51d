"""What commands print: for people on a terminal, or ``--json`` for programs. Exit codes that mean something."""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from tqdm import tqdm

from relais.client.blobs import Progress
from relais.client.errors import (
    BadAnswer,
    ClientError,
    DamagedHome,
    LedgerAlarm,
    Locked,
    NobodyWaits,
    NoShareHere,
    NotEnrolled,
    PassphraseNeeded,
    RefusedHere,
    ServerUnreachable,
    UnknownAttachment,
    UnknownCircle,
    UnknownEmergency,
    UnknownEscrow,
    UnknownNote,
    UnknownVersion,
    WrongPassphrase,
)
from relais.crypto.errors import ProtocolError
from relais.models.ids import Millis
from relais.models.refusal import Code, Refusal


class Exit(IntEnum):
    """Documented in docs/command-line.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    UNREACHABLE = 5
    LOCKED = 6
    PROOF = 7


_EXITS: tuple[tuple[tuple[type[Exception], ...], Exit], ...] = (
    (
        (
            UnknownCircle,
            UnknownNote,
            UnknownVersion,
            UnknownAttachment,
            UnknownEscrow,
            UnknownEmergency,
            NobodyWaits,
        ),
        Exit.NOT_FOUND,
    ),
    ((ServerUnreachable,), Exit.UNREACHABLE),
    (
        (NotEnrolled, WrongPassphrase, PassphraseNeeded, DamagedHome, Locked, NoShareHere),
        Exit.LOCKED,
    ),
    ((ProtocolError, BadAnswer, LedgerAlarm), Exit.PROOF),
    ((Refusal, RefusedHere), Exit.REFUSED),
)


class Output:
    """Prints facts as lines or as JSON; errors go to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def one(self, facts: dict[str, Any], sentence: str) -> None:
        """One result: its stable keys, and what a person reads."""
        print(_json(facts) if self.as_json else sentence, flush=True)

    def many(self, rows: Iterable[dict[str, Any]], columns: tuple[str, ...], *, none: str) -> None:
        """A list: one JSON array, or a table with these keys as columns; ``none`` is said of an empty one."""
        found = list(rows)
        if self.as_json:
            print(_json(found), flush=True)
        elif not found:
            print(none)
        else:
            print(_table(found, columns))

    def line(self, facts: dict[str, Any], text: str) -> None:
        """One of a stream: a JSON object a line."""
        print(_json(facts) if self.as_json else text, flush=True)

    def aside(self, sentence: str) -> None:
        """What only a person wants to know; beside the results."""
        if not self.as_json:
            print(sentence, file=sys.stderr, flush=True)

    def error(self, error: Exception) -> Exit:
        facts = facts_of(error)
        print(
            _json({"error": facts}) if self.as_json else f"relais: {_sentence(error)}",
            file=sys.stderr,
        )
        return exit_of(error)


def facts_of(error: Exception) -> dict[str, Any]:
    if isinstance(error, Refusal):
        return dict(error.as_wire())
    if isinstance(error, ProtocolError):
        return {"code": "protocol", "reason": error.reason}
    if isinstance(error, RefusedHere):
        return {"code": error.reason, "reason": error.rule, "sentence": str(error)}
    if isinstance(error, ClientError):
        return {"code": error.reason, "sentence": str(error)}
    return {"code": "failed", "sentence": _sentence(error)}


def exit_of(error: Exception) -> Exit:
    if isinstance(error, Refusal) and error.code is Code.NOT_FOUND:
        return Exit.NOT_FOUND
    if isinstance(error, Refusal) and error.code is Code.UNAVAILABLE:
        return Exit.UNREACHABLE
    return next((code for kinds, code in _EXITS if isinstance(error, kinds)), Exit.FAILED)


def rfc3339(at: Millis) -> str:
    """Milliseconds since 1970 as RFC 3339, UTC, with milliseconds."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def bar(name: str) -> Progress:
    """A progress bar on standard error, where that is a terminal."""
    meter = tqdm(desc=name, unit="B", unit_scale=True, disable=None, file=sys.stderr, leave=False)

    def show(done: int, total: int) -> None:
        meter.total = total
        meter.update(done - meter.n)
        if done == total:
            meter.close()

    return show


def _sentence(error: Exception) -> str:
    if isinstance(error, Refusal):
        details = ", ".join(f"{key} {value}" for key, value in error.facts.items())
        return f"the server refused: {error.code.value}" + (f" ({details})" if details else "")
    if isinstance(error, ProtocolError):
        return f"what arrived does not hold up to its proof: {error.reason}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    lines = ([name.upper() for name in columns], *cells)
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)

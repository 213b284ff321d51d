"""Structured logs: one JSON object a line, without content, names or tokens.

`request` is the id that the audit log's entries of the same request have.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from relais.server.requests import current

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Time, level, where, the event, the request it was about, and the facts passed as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if request := current():
            line["request"] = request
        line |= {key: value for key, value in vars(record).items() if key not in _PLAIN}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__  # its text may hold what must not be logged
            line["trace"] = [f"{f.filename}:{f.lineno} {f.name}" for f in _frames(record)]
        return json.dumps(line, default=str, ensure_ascii=False)


def _frames(record: logging.LogRecord) -> traceback.StackSummary:
    return traceback.extract_tb(record.exc_info[2] if record.exc_info else None)


def set_up(level: str) -> None:
    """Send everything to standard error. Libraries that would log payloads or addresses are quieter."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("aiohttp.access", "engineio", "socketio", "pymongo", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)

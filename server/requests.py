"""The id of what is being asked: the same in the audit log's entries and in the server's own log lines.

An id is a random word of this process and a number that counts up: `5f1c09a2-1a4`. It says nothing about who asks.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count

_current: ContextVar[str | None] = ContextVar("request", default=None)
_process = secrets.token_hex(4)
_numbers = count(1)


def current() -> str | None:
    """The id of the request this task works on; None outside of any."""
    return _current.get()


@contextmanager
def asking() -> Iterator[str]:
    """Give a request its id for as long as the body runs."""
    name = f"{_process}-{next(_numbers):x}"
    token = _current.set(name)
    try:
        yield name
    finally:
        _current.reset(token)

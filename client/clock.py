"""Time as the server has it: a phone's clock may be wrong, signed times must not."""

import time

from relais.models.ids import Millis


class ServerClock:
    """Milliseconds since 1970, UTC, corrected by what the server said at login."""

    def __init__(self) -> None:
        self._offset = 0

    def set(self, server_now: Millis) -> None:
        self._offset = server_now - _local()

    def now(self) -> Millis:
        return _local() + self._offset


def _local() -> Millis:
    return time.time_ns() // 1_000_000

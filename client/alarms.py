"""What must not happen and did, for somebody to see: said when it is met, and kept in the folder (docs/protocol.md §12)."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from relais.client.home import Home
from relais.models.ids import AccountId, CircleId, Digest, Millis

_FILE = "alarms"
_MOST = 200
_log = logging.getLogger(__name__)

FORGED_NOTE: Final = "forged-note"
WRONG_ORDER: Final = "wrong-order"
LOST_NOTE: Final = "lost-note"
CLOCK: Final = "clock"
SERVER_CLOCK: Final = "server-clock"


@dataclass(frozen=True)
class Alarm:
    """``of``: the hash of what does not hold, ``seq``: its place."""

    kind: str
    circle: CircleId | None = None
    account: AccountId | None = None
    of: Digest | None = None
    seq: int | None = None


class Alarms:
    """Those of one folder; the newest 200 are kept."""

    def __init__(self, home: Home, now: Callable[[], Millis]) -> None:
        self._home = home
        self._now = now
        self._said: set[Alarm] = set()

    def sound(self, alarm: Alarm, detail: str = "") -> None:
        """Say it, once in a run, and keep it, once for good."""
        if alarm not in self._said:
            self._said.add(alarm)
            _log.error("%s", sentence(alarm, detail))
        if alarm not in self.raised():
            self._home.update(_FILE, lambda kept: [*(kept or []), self._row(alarm)][-_MOST:])

    def raised(self) -> tuple[Alarm, ...]:
        """Oldest first."""
        rows = self._home.read(_FILE) or []
        return tuple(Alarm(**{name: row[name] for name in row if name != "at"}) for row in rows)

    def _row(self, alarm: Alarm) -> dict[str, Any]:
        return {**asdict(alarm), "at": self._now()}


def sentence(alarm: Alarm, detail: str = "") -> str:
    """What a person reads."""
    about = f" (circle {alarm.circle[:8]}…)" if alarm.circle else ""
    return f"{_SENTENCES[alarm.kind]}{about}{detail and f' {detail}'}"


_SENTENCES = {
    FORGED_NOTE: "The server showed a note that is not authentic; it is not shown. Tell your administrator.",
    WRONG_ORDER: "The server shows the notes otherwise than before: some are missing, or others stand in their place. "
    "Tell your administrator. Once that was looked into: `relais notes --anew`.",
    LOST_NOTE: "The server had confirmed a note of yours and does not show it. It is kept here: see `relais unsent`, "
    "send it again with `relais resend`, and tell your administrator.",
    CLOCK: "This device's clock and the server's differ. Look at a watch: if this device is wrong, set its clock; "
    "if it is right, tell your administrator.",
    SERVER_CLOCK: "The server's clock is wrong: it went back, or leapt ahead. This device goes by what it knew before. "
    "Tell your administrator.",
}

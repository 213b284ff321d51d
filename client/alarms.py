"""What must not happen and did, for somebody to see: said when it is met, kept in the folder, and reported to the server,
whose auditors hear of it (docs/protocol.md §12)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from itertools import chain, repeat
from typing import Any, Final

from relais.client.errors import BadAnswer, ClientError, LedgerAlarm, ServerUnreachable
from relais.client.home import Home
from relais.crypto.errors import ProtocolError
from relais.models.ids import AccountId, CircleId, Digest, Millis
from relais.models.refusal import Refusal
from relais.models.wire.alarm import ReportAlarm

_FILE = "alarms"
_MOST = 200
_PAUSES = (5, 30, 120, 600)
"""Seconds between two tries to report."""
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


Call = Callable[[ReportAlarm], Awaitable[Any]]


class Alarms:
    """Those of one folder; the newest 200 are kept. `run` it beside the session: it reports each until the server has noted it."""

    def __init__(self, home: Home, now: Callable[[], Millis]) -> None:
        self._home = home
        self._now = now
        self._said: set[Alarm] = set()
        self._met: BaseException | None = None
        self._news = asyncio.Event()

    def sound(self, alarm: Alarm, detail: str = "", *, told: bool = False) -> None:
        """Say it, once in a run, and keep it, once for good."""
        if alarm not in self._said:
            self._said.add(alarm)
            _log.error("%s", sentence(alarm, detail))
        self.keep(alarm, told=told)

    def keep(self, alarm: Alarm, *, told: bool = False) -> None:
        """Keep what the reader hears of otherwise, once for good. ``told``: the server was told in another way."""
        if alarm not in self.raised():
            row = {**asdict(alarm), "at": self._now(), "told": told}
            self._home.update(_FILE, lambda kept: [*(kept or []), row][-_MOST:])
            self._news.set()

    @contextmanager
    def watching(
        self, *, circle: CircleId | None = None, account: AccountId | None = None
    ) -> Iterator[None]:
        """What does not hold inside, in this circle or of this account, is an alarm by its reason, and stays the error it is.

        Of two around each other the inner one knows best what it is about.
        """
        try:
            yield
        except (ProtocolError, BadAnswer, LedgerAlarm) as error:
            if error is not self._met:
                self._met = error
                self._hear(error, Alarm("", circle, account))
            raise

    def raised(self) -> tuple[Alarm, ...]:
        """Oldest first."""
        return tuple(_alarm(row) for row in self._home.read(_FILE) or [])

    def untold(self) -> tuple[Alarm, ...]:
        """Those the server has not noted yet, oldest first."""
        rows = self._home.read(_FILE) or []
        return tuple(_alarm(row) for row in rows if not row.get("told"))

    async def report(self, call: Call) -> None:
        """Tell the server of each it has not noted. Raises `ServerUnreachable`, `BadAnswer`, and `Refusal` for what passes."""
        for alarm in self.untold():
            try:
                await call(ReportAlarm(**asdict(alarm)))
            except Refusal as refusal:
                if refusal.passes:
                    raise
                _log.info("an alarm is not noted: %s", refusal)  # which is an entry itself
            self._mark_told(alarm)

    async def run(self, call: Call) -> None:
        """Report what there is, and whatever comes, until cancelled."""
        while True:
            for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
                self._news.clear()
                try:
                    await self.report(call)
                    break
                except (ServerUnreachable, BadAnswer, Refusal) as error:
                    _log.info("an alarm is not reported yet: %s", error)
                    await asyncio.sleep(pause)
            await self._news.wait()

    def _mark_told(self, alarm: Alarm) -> None:
        self._home.update(_FILE, lambda rows: [_told(row, alarm) for row in rows])

    def _hear(self, error: ProtocolError | ClientError, where: Alarm) -> None:
        if isinstance(error, LedgerAlarm):
            if error.is_new:
                self.sound(replace(where, kind=error.word, of=error.of, seq=error.seq))
            return
        self.sound(replace(where, kind=error.reason))


def _alarm(row: dict[str, Any]) -> Alarm:
    return Alarm(**{field.name: row[field.name] for field in fields(Alarm)})


def _told(row: dict[str, Any], alarm: Alarm) -> dict[str, Any]:
    return {**row, "told": True} if _alarm(row) == alarm else row


def sentence(alarm: Alarm, detail: str = "") -> str:
    """What a person reads."""
    said = _SENTENCES.get(alarm.kind) or _OTHER.format(word=alarm.kind)
    about = f" (circle {alarm.circle[:8]}…)" if alarm.circle else ""
    about = about or (f" (account {alarm.account[:8]}…)" if alarm.account else "")
    return f"{said}{about}{detail and f' {detail}'}"


_OTHER = "The server showed something that does not hold ({word}); it is not believed. Tell your administrator."


_SENTENCES = {
    "fork": "The server has shown two different histories of one ledger. Tell your administrator.",
    "rollback": "The server has shown an older state than this device knew. Tell your administrator.",
    "not-a-device": "The server showed a device that nobody added to its account; it gets no key. Tell your administrator.",
    "bad-signature": "The server showed something that is not signed by whom it says; it is not believed. Tell your administrator.",
    "wrong-key": "A key that somebody handed to this device opens nothing. Others are asked for it; tell your administrator.",
    "time-ahead": "The server showed a ledger dated ahead of its own clock; it is not believed. Tell your administrator.",
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

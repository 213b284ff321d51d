"""What this device saw before: the highest (seq, hash) of every ledger, so that a fork or rollback is noticed."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from relais.client.errors import LedgerAlarm
from relais.client.home import Home

Met = Callable[[str, Sequence[str]], None]
"""Told of each whole ledger that agrees with what was seen: its hashes by seq."""

_FILE = "pins"


class Pins:
    """Heads of account and circle ledgers, kept in the folder (docs/protocol.md §4, fork and rollback)."""

    def __init__(self, home: Home, *, met: Met | None = None) -> None:
        self._home = home
        self._met = met

    def check(self, ledger: str, digests: Sequence[str]) -> None:
        """Compare a whole ledger (hashes by seq) with what was seen, and remember its head.

        Raises `LedgerAlarm` ``fork`` or ``rollback``; an alarm is remembered too, see `alarm`.
        """
        pinned = self._pinned().get(ledger)
        if pinned is not None:
            self._compare(ledger, pinned, digests)
        if self._met is not None:
            self._met(ledger, digests)
        head = {"seq": len(digests) - 1, "hash": digests[-1], "alarm": None}
        if pinned is None or head["seq"] > pinned["seq"]:
            self._remember(ledger, head)

    def check_head(self, ledger: str, seq: int, digest: str) -> None:
        """Compare what another member saw (the head in a note) with what this device saw at that seq."""
        pinned = self._pinned().get(ledger)
        if pinned is not None and pinned["seq"] == seq and pinned["hash"] != digest:
            self.raise_alarm(ledger, "fork", of=digest, seq=seq)

    def check_profile(self, circle: str, version: int, digest: str) -> None:
        """Compare a circle's profile with the newest seen, and remember it if it is newer.

        Raises `LedgerAlarm` ``rollback`` for an older one, ``fork`` for another of the same version.
        """
        name = f"profile {circle}"
        pinned = self._pinned().get(name)
        if pinned is None or version > pinned["seq"]:
            self._remember(name, {"seq": version, "hash": digest, "alarm": None})
        elif version < pinned["seq"]:
            raise LedgerAlarm("rollback", of=digest, seq=version)
        elif digest != pinned["hash"]:
            raise LedgerAlarm("fork", of=digest, seq=version)

    def raise_alarm(
        self, ledger: str, reason: str, *, of: str | None = None, seq: int | None = None
    ) -> NoReturn:
        """Remember that this ledger contradicted itself: by ``of``, at ``seq``. Raises `LedgerAlarm`."""
        pinned = self._pinned().get(ledger) or {"seq": 0, "hash": ledger}
        self._remember(ledger, {**pinned, "alarm": reason})
        raise LedgerAlarm(reason, of=of, seq=seq)

    def _compare(self, ledger: str, pinned: dict[str, Any], digests: Sequence[str]) -> None:
        if pinned["alarm"]:
            raise LedgerAlarm(pinned["alarm"], is_new=False)
        seq, newest = pinned["seq"], len(digests) - 1
        if seq > newest:
            self.raise_alarm(ledger, "rollback", of=digests[-1], seq=newest)
        if digests[seq] != pinned["hash"]:
            self.raise_alarm(ledger, "fork", of=digests[seq], seq=seq)

    def alarm(self, ledger: str) -> str | None:
        pinned = self._pinned().get(ledger)
        return pinned["alarm"] if pinned else None

    def _pinned(self) -> dict[str, Any]:
        return self._home.read(_FILE) or {}

    def _remember(self, ledger: str, head: dict[str, Any]) -> None:
        self._home.update(_FILE, lambda pins: {**(pins or {}), ledger: head})

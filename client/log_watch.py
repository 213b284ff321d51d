"""Is everybody shown the same? The heads of the ledgers this device is shown, checked against the audit log.

Beside everything else, and never in its way: once connected, and whenever a ledger has grown, the log is asked for proof of the
newest heads of the circles and accounts at hand. Its key is the one it had when this folder first met it, its checkpoints must
extend each other, and satisfy the folder's policy where it has one (`relais audit trust`).

What does not hold is kept with its evidence in the folder (`log`) and told at each start (`relais audit status`).
"""

import asyncio
import logging
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from relais.client.alarms import Alarm, Alarms
from relais.client.errors import BadAnswer, LedgerAlarm, ServerUnreachable
from relais.client.home import Home
from relais.client.pins import Pins
from relais.crypto.checkpoint import Policy
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger_heads import (
    HeadProof,
    ProvenHead,
    check_heads,
    verify_growth,
    verify_head,
)
from relais.crypto.merkle import EMPTY_ROOT, TreeHead
from relais.crypto.signed_note import parse_vkey
from relais.crypto.trust_policy import parse_trust_policy
from relais.models.ids import AccountId, Digest, Millis
from relais.models.refusal import Code, Refusal
from relais.models.wire.heads import HeadsProven, LedgerFrom, ProveHeads

_FILE = "log"
_AT_ONCE = 50
_UNLOGGED = "unlogged-ledger"
_FORKED = "forked-ledger"
_WITHHELD = "withheld-ledger"
_KEY_BYTES = 1_024
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """Milliseconds a head may be missing from the log, and an entry the log told of from the ledger that is fetched later;
    seconds between two looks while one is."""

    missing: int = 3_600_000
    withheld: int = 60_000
    look: float = 5.0


class Asks(Protocol):
    """The session."""

    home: Home
    pins: Pins
    alarms: Alarms
    accounts: Container[AccountId]

    async def call(self, request: Any) -> Any: ...

    async def file(self, path: str) -> bytes: ...


@dataclass(frozen=True)
class Checked:
    """One ledger against the log: the place to go on from, the highest seq proven (-1: none) and when, since when more is missing."""

    next: int = 0
    seq: int = -1
    at: Millis = 0
    since: Millis = 0
    told: int = -1
    """The highest seq the log told of, which may be beyond the ledger shown, and when it did."""
    told_at: Millis = 0


@dataclass(frozen=True)
class LogAlarm:
    """What does not hold: the word, when, about which ledger (or the log itself), and what the server said."""

    reason: str
    at: Millis
    ledger: str | None
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class LogState:
    """What this folder knows of the log."""

    vkey: str | None
    policy: bytes | None
    head: TreeHead
    ledgers: Mapping[str, Checked]
    alarm: LogAlarm | None

    @classmethod
    def of(cls, home: Home) -> "LogState":
        kept: dict[str, Any] = home.read(_FILE) or {}
        alarm = kept.get("alarm")
        return cls(
            vkey=kept.get("vkey"),
            policy=kept.get("policy"),
            head=TreeHead(kept.get("size", 0), kept.get("root", EMPTY_ROOT)),
            ledgers={name: Checked(**one) for name, one in kept.get("ledgers", {}).items()},
            alarm=LogAlarm(**alarm) if alarm else None,
        )

    @property
    def checked_at(self) -> Millis | None:
        """When a ledger was last found as the log tells it."""
        return max((one.at for one in self.ledgers.values() if one.at), default=None)


def trust(home: Home, policy: bytes) -> None:
    """From now on ask for these signatures. Raises `PolicyError` for what is no policy, or one of another log."""
    state = LogState.of(home)
    parse_trust_policy(policy).policy(parse_vkey(state.vkey) if state.vkey else None)
    _change(home, {"policy": policy})


def dismiss(home: Home) -> None:
    """Somebody has seen the alarm and looked into it."""
    _change(home, {"alarm": None})


class LogWatch:
    """`met` it with each ledger that was verified; `run` it beside the session."""

    def __init__(self, road: Asks, patience: Patience | None = None) -> None:
        self._road = road
        self.patience = patience or Patience()
        self._heads: dict[Digest, tuple[str, ...]] = {}
        self._fetched: dict[Digest, Millis] = {}
        self._news = asyncio.Event()

    def met(self, ledger: Digest, heads: Sequence[str]) -> None:
        """A ledger this device is shown, the hash at each seq."""
        if len(heads) >= len(self._heads.get(ledger, ())):
            self._heads[ledger] = tuple(heads)
            self._fetched[ledger] = _now()
            self._news.set()

    async def run(self) -> None:
        """Check whatever is new, again while something is missing, until cancelled."""
        if (alarm := LogState.of(self._road.home).alarm) is not None:
            _tell(alarm)
        while True:
            await self._news.wait()
            self._news.clear()
            while not await self._checked():  # noqa: ASYNC110 (the log is on another machine)
                await asyncio.sleep(self.patience.look)

    async def _checked(self) -> bool:
        """One look that nothing can stop but the end of the session; True when nothing is left to look at."""
        try:
            return await self.check()
        except ServerUnreachable as error:
            _log.info("the log could not be asked: %s", error)
            return False
        except (Refusal, BadAnswer) as error:
            _log.info("the log did not answer: %s", error)
            self._count_missing()
            return False
        except (ProtocolError, LedgerAlarm):
            return True  # kept and told: asking again would bring the same

    async def check(self) -> bool:
        """Ask for proof of what is not proven yet; True when all of it is.

        Raises `Refusal`, `BadAnswer`, `ServerUnreachable`; ProtocolError and `LedgerAlarm` for what does not hold, kept as an
        alarm.
        """
        self._look_for_withheld(LogState.of(self._road.home))
        due = self._due(LogState.of(self._road.home))
        for at in range(0, len(due), _AT_ONCE):
            await self._ask(due[at : at + _AT_ONCE])
        self._count_missing()
        return not self._due(LogState.of(self._road.home))

    def _look_for_withheld(self, state: LogState) -> None:
        """Whatever the log has told of was stored with it: a ledger fetched well after that has it."""
        for ledger, heads in self._heads.items():
            kept = state.ledgers.get(ledger, Checked())
            late = self._fetched[ledger] - kept.told_at
            if kept.told >= len(heads) and late > self.patience.withheld:
                self._raise(_WITHHELD, ledger, None, state)

    def _count_missing(self) -> None:
        """Note since when a head is missing; beyond patience it is an alarm, once. By this device's own clock."""
        state, now = LogState.of(self._road.home), _now()
        before = {one: state.ledgers.get(one, Checked()) for one in self._due(state)}
        since = {one: replace(kept, since=kept.since or now) for one, kept in before.items()}
        if since != before:
            _change(self._road.home, {}, ledgers=since)
        late = sorted(
            ledger for ledger, one in since.items() if now - one.since >= self.patience.missing
        )
        if late:
            self._raise(_UNLOGGED, late[0], None, state)

    def _due(self, state: LogState) -> list[Digest]:
        def is_proven(ledger: Digest, heads: Sequence[str]) -> bool:
            return state.ledgers.get(ledger, Checked()).seq >= len(heads) - 1

        return [name for name, heads in self._heads.items() if not is_proven(name, heads)]

    async def _ask(self, ledgers: Sequence[Digest]) -> None:
        """Those whose circle this account may not read any more are forgotten."""
        try:
            while await self._ask_once(ledgers):
                continue
        except Refusal as refusal:
            if refusal.code not in (Code.FORBIDDEN, Code.NOT_FOUND) or "size" in refusal.facts:
                raise
            if len(ledgers) == 1:
                del self._heads[ledgers[0]]
                return
            for ledger in ledgers:
                await self._ask([ledger])

    async def _ask_once(self, ledgers: Sequence[Digest]) -> bool:
        """True where the log has more to say about them."""
        state = LogState.of(self._road.home)
        trusted = await self._trusted(state)
        asked = [LedgerFrom(one, state.ledgers.get(one, Checked()).next) for one in ledgers]
        answer = await self._asked(ProveHeads(tuple(asked), state.head.size), state)
        try:
            signed = verify_growth(
                answer.checkpoint, trusted, seen=state.head, proof=answer.consistency
            )
            proofs = [HeadProof(one.index, one.entry, one.path) for one in answer.entries]
            told = [verify_head(one, signed.head) for one in proofs]
        except ProtocolError as error:
            self._raise(error.reason, None, answer, state)
            raise
        changes = {"size": signed.head.size, "root": signed.head.root}
        _change(self._road.home, changes, newer_than=state.head.size)
        return self._judge(ledgers, told, answer) and answer.more

    async def _asked(self, ask: ProveHeads, state: LogState) -> HeadsProven:
        try:
            answer: HeadsProven = await self._road.call(ask)
        except Refusal as refusal:
            if refusal.code is Code.NOT_FOUND and "size" in refusal.facts:
                self._raise("rolled-back", None, None, state)
            raise
        return answer

    async def _trusted(self, state: LogState) -> Policy:
        """The policy asked for; else the key the log had when this folder first met it."""
        vkey = state.vkey
        if vkey is None:
            vkey = (await self._road.file("/log/vkey"))[:_KEY_BYTES].decode().strip()
            parse_vkey(vkey)
            _change(self._road.home, {"vkey": vkey})
        key = parse_vkey(vkey)
        return parse_trust_policy(state.policy).policy(key) if state.policy else Policy((key,))

    def _judge(
        self, ledgers: Sequence[Digest], told: Sequence[ProvenHead], answer: HeadsProven
    ) -> bool:
        """Compare ledger by ledger; an entry about one that was not asked for is not looked at. False where none was judged."""
        state = LogState.of(self._road.home)
        found: dict[str, Checked] = {}
        for ledger in ledgers:
            heads, before = self._heads[ledger], state.ledgers.get(ledger, Checked())
            about = [one for one in told if one.ledger == ledger]
            try:
                judged = about[: check_heads(about, ledger, heads)]
            except ProtocolError as error:
                self._raise(error.reason, ledger, answer, state)
                raise
            if judged:
                found[ledger] = _moved(before, judged, len(heads) - 1)
            if (told_of := max((one.seq for one in about), default=-1)) > before.told:
                kept = found.get(ledger, before)
                found[ledger] = replace(kept, told=told_of, told_at=_now())
        _change(self._road.home, {}, ledgers=found)
        return bool(found)

    def _raise(
        self, reason: str, ledger: str | None, answer: HeadsProven | None, state: LogState
    ) -> None:
        """Keep an alarm with what the server said; the first one stays. A fork also stops posting to that ledger."""
        evidence = {"size": state.head.size, "root": state.head.root, "vkey": state.vkey}
        if answer:
            evidence["checkpoint"] = answer.checkpoint
            evidence["consistency"] = list(answer.consistency)
            evidence["entries"] = [
                {"index": one.index, "entry": one.entry, "path": list(one.path)}
                for one in answer.entries
            ]
        alarm = LogAlarm(reason, _now(), ledger, evidence)
        self._road.alarms.keep(self._report(reason, ledger, state))
        if state.alarm is None:
            _change(self._road.home, {"alarm": vars(alarm)})
            _tell(alarm)
        if reason == _FORKED and ledger is not None:
            self._road.pins.raise_alarm(ledger, "fork")

    def _report(self, reason: str, ledger: str | None, state: LogState) -> Alarm:
        """About a ledger, its newest head shown here; about the log itself, the tree seen last."""
        if ledger is None:
            return Alarm(reason, of=state.head.root.hex(), seq=state.head.size)
        heads = self._heads.get(ledger, ())
        shown = Alarm(
            reason, of=heads[-1] if heads else None, seq=len(heads) - 1 if heads else None
        )
        is_account = ledger in self._road.accounts
        return replace(shown, account=ledger) if is_account else replace(shown, circle=ledger)


def _moved(before: Checked, judged: Sequence[ProvenHead], newest: int) -> Checked:
    seq = max(before.seq, *(one.seq for one in judged))
    after = judged[-1].index + 1
    if seq < newest:
        return replace(before, next=after, seq=seq)
    return replace(before, next=after, seq=seq, at=_now(), since=0)


def _now() -> Millis:
    return time.time_ns() // 1_000_000


def sentence(alarm: LogAlarm) -> str:
    """What a person reads."""
    about = f" (ledger {alarm.ledger[:8]}…)" if alarm.ledger else ""
    return _SENTENCES.get(alarm.reason, _OTHER) + about


_OTHER = "The audit log's proof does not hold. Tell your administrator, and keep this folder."
_KEY = (
    "The audit log is signed with another key, or not by enough witnesses. Tell your administrator."
)
_PAST = "The audit log was rewritten since this device last saw it. Tell your administrator, and keep this folder."
_SENTENCES = {
    _FORKED: "The audit log tells of another ledger than the one shown here: somebody is shown something else. Nothing is posted there.",
    _UNLOGGED: "A change shown here has been missing from the audit log for too long. Tell your administrator.",
    _WITHHELD: "The audit log tells of changes that are not shown here. Tell your administrator.",
    "rolled-back": "The audit log is shorter than before. Tell your administrator, and keep this folder.",
    "old-root-mismatch": _PAST,
    "new-root-mismatch": _PAST,
    "no-known-signature": _KEY,
    "not-signed-by-log": _KEY,
    "too-few-witnesses": _KEY,
}


def _tell(alarm: LogAlarm) -> None:
    _log.error("%s", sentence(alarm))


def _change(
    home: Home,
    changes: Mapping[str, Any],
    *,
    ledgers: Mapping[str, Checked] | None = None,
    newer_than: int | None = None,
) -> None:
    """Write what was found; another process on this folder may have seen a newer head meanwhile, which stays."""

    def change(kept: dict[str, Any] | None) -> dict[str, Any]:
        before = kept or {}
        if newer_than is not None and before.get("size", 0) > newer_than:
            return before
        rows = {name: vars(one) for name, one in (ledgers or {}).items()}
        return {**before, **changes, "ledgers": {**before.get("ledgers", {}), **rows}}

    home.update(_FILE, change)

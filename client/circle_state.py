"""One circle as this device knows it: its ledger, checked; the epoch keys it was granted; the patient's profile."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from relais.client import profiles
from relais.client.alarms import Alarm
from relais.client.errors import BadAnswer, LedgerAlarm, Locked
from relais.client.session import Session
from relais.crypto import cose, envelope, grant, ledger, posting
from relais.crypto.content import Content
from relais.crypto.envelope import Envelope
from relais.crypto.errors import ProtocolError
from relais.crypto.grant import KeyName, NoteName
from relais.crypto.ledger import CircleState
from relais.models.ids import AccountId, CircleId, Digest, Millis
from relais.models.wire.circle import GetGrants, GetLedger, GrantsGot, Ledger, ReportGrants

EpochKeys = Mapping[tuple[str, int], bytes]
_log = logging.getLogger(__name__)
_CLOCK_AHEAD: Millis = 600_000
_SEALED_IN_VAIN = ("cannot-open", "wrong-key")
"""What the server cannot see of a grant: anything else it should have refused itself."""
_MOST_REPORTED = 1_000


@dataclass(frozen=True)
class Offer:
    """A key that a grant says is a single version's own: nobody but its envelope can tell."""

    grant: Digest
    granter: AccountId
    key: bytes


@dataclass
class CircleView:
    """What a refresh finds out. ``state`` is verified; ``keys`` are true to their commitments."""

    circle: CircleId
    state: CircleState
    keys: dict[tuple[str, int], bytes] = field(default_factory=dict)
    profile: Content | None = None
    profile_envelope: bytes | None = None
    profile_fault: str | None = None
    """Why the newest profile is not the one shown: a member sealed what is none."""
    faults: list[str] = field(default_factory=list)
    """Why grants were passed over: what they say is not so."""
    doubted: dict[Digest, Alarm] = field(default_factory=dict)
    """Those of them that the server should have refused, unless this ledger is older than they are."""
    unfit: dict[Digest, AccountId] = field(default_factory=dict)
    """Those that hold no true key, which only this device can see, and who made each; the server was told."""
    offers: dict[NoteName, list[Offer]] = field(default_factory=dict)
    """Keys of single versions that were not met yet: see `settle`."""

    def adopt(self, fresh: "CircleView") -> None:
        """Become what a later refresh found out."""
        self.state, self.keys = fresh.state, fresh.keys
        self.faults, self.doubted, self.unfit = fresh.faults, fresh.doubted, fresh.unfit
        self.offers = fresh.offers
        self.profile, self.profile_envelope = fresh.profile, fresh.profile_envelope
        self.profile_fault = fresh.profile_fault

    def current_key(self, audience: str) -> bytes:
        """Raises `Locked` while the grant is on its way."""
        try:
            return self.keys[audience, self.state.audiences[audience].epoch]
        except KeyError:
            raise Locked from None


def moment(session: Session, view: CircleView) -> Millis:
    """The time to judge the circle by."""
    return view.state.moment(session.clock.now())


async def fetch(session: Session, circle: CircleId) -> CircleView:
    """Get and verify everything of a circle but its notes.

    Raises `Refusal`, `LedgerAlarm`, `ProtocolError` (what the server sent does not hold), `ServerUnreachable`.
    """
    with session.alarms.watching(circle=circle):
        view = await _fetched(session, circle)
        if set(view.doubted.values()) - set(session.alarms.raised()):
            before, view = view, await _fetched(session, circle)
            for grant_digest in before.doubted.keys() & view.doubted.keys():
                session.alarms.sound(view.doubted[grant_digest])
        return view


async def _fetched(session: Session, circle: CircleId) -> CircleView:
    entries, profile = await _entries(session, circle)
    peeked = [ledger.peek_entry(entry) for entry in entries]
    await session.accounts.load({entry.account for entry in peeked})
    state = await _replayed(session, entries)
    if state.circle != circle:
        raise ProtocolError("wrong-circle")
    # Nobody could write after it, and guests would be gone.
    if state.at > session.clock.now() + _CLOCK_AHEAD:
        raise ProtocolError("time-ahead")
    session.pins.check(circle, [cose.digest(entry) for entry in entries])
    await session.accounts.load(state.members)
    view = CircleView(circle, state, profile_envelope=profile)
    await _open_grants(session, view)
    await _open_profile(session, view)
    return view


async def entries(session: Session, circle: CircleId) -> list[bytes]:
    """The circle's ledger as the server tells it: not checked here."""
    found, _ = await _entries(session, circle)
    return found


async def states(session: Session, circle: CircleId) -> list[CircleState]:
    """The ledger after each of its entries, checked as `fetch` does."""
    found: list[CircleState] = []
    await fetch(session, circle)
    for data in await entries(session, circle):
        author = session.accounts[ledger.peek_entry(data).account]
        found.append(ledger.apply(found[-1] if found else None, data, author))
    return found


async def _entries(session: Session, circle: CircleId) -> tuple[list[bytes], bytes | None]:
    entries: list[bytes] = []
    while True:
        page: Ledger = await session.call(GetLedger(circle, len(entries)))
        entries += page.entries
        if not page.more:
            return entries, page.profile
        if not page.entries:
            raise BadAnswer("more entries, and none told")


async def _replayed(session: Session, entries: list[bytes]) -> CircleState:
    """Replay; a device unknown to a chain that is old here is looked for once more in the newest chain."""
    try:
        return ledger.replay(entries, session.accounts.__getitem__)
    except ProtocolError as error:
        if error.reason not in ("not-a-device", "broken-chain", "wrong-account"):
            raise
        await session.accounts.load(
            {ledger.peek_entry(entry).account for entry in entries}, fresh=True
        )
        return ledger.replay(entries, session.accounts.__getitem__)


async def _open_grants(session: Session, view: CircleView) -> None:
    if "bot" in session.roles:
        return
    for data in await _grants(session, view.circle):
        await _open_grant(session, view, data)
    reported = list(view.unfit)
    for start in range(0, len(reported), _MOST_REPORTED):
        some = tuple(reported[start : start + _MOST_REPORTED])
        await session.call(ReportGrants(view.circle, some))


async def _grants(session: Session, circle: CircleId) -> list[bytes]:
    grants: list[bytes] = []
    after = 0
    while True:
        page: GrantsGot = await session.call(GetGrants(circle, after))
        grants += page.grants
        if not page.grants or page.last <= after:
            return grants
        after = page.last


async def _open_grant(session: Session, view: CircleView, data: bytes) -> None:
    """A grant that does not hold is nobody's: it is logged, and must not keep the others from being opened.

    One that holds no true key is the granter's doing, and is reported, so that its keys are handed over again.
    """
    try:
        granter = grant.peek(data).granter
        await session.accounts.load([granter])
        author = session.accounts[granter]
        opened = grant.open_grant(data, session.identity.keys, view.state, author)
        _take(view, opened, by=(cose.digest(data), granter))
    except ProtocolError as error:
        view.faults.append(error.reason)
        digest = cose.digest(data)
        if error.reason in _SEALED_IN_VAIN:
            _call_unfit(session, view, by=(digest, granter))
        else:
            view.doubted[digest] = Alarm(error.reason, view.circle, of=digest)
        _log.warning("a grant in circle %s does not hold: %s", view.circle[:8], error.reason)


def _take(
    view: CircleView, opened: Mapping[KeyName, bytes], *, by: tuple[Digest, AccountId]
) -> None:
    for name, key in opened.items():
        if isinstance(name, NoteName):
            view.offers.setdefault(name, []).append(Offer(*by, key))
            view.keys.setdefault(name, key)
        else:
            view.keys[name] = key


def _call_unfit(session: Session, view: CircleView, *, by: tuple[Digest, AccountId]) -> None:
    """The reader hears whose it is; the server hears of it by the grant itself."""
    digest, granter = by
    view.unfit[digest] = granter
    alarm = Alarm("wrong-key", view.circle, account=granter, of=digest)
    session.alarms.sound(alarm, told=True)


async def settle(session: Session, view: CircleView, sealed: Envelope) -> None:
    """Of the keys that were handed over for this version alone, keep the true one. The others are reported as a wrong epoch key
    is: their grants are handed out no more, and the key is missing again unless another grant holds it.

    Raises `Refusal`, `ServerUnreachable`.
    """
    name = NoteName(sealed.header.note, sealed.header.version)
    wrong: dict[Digest, AccountId] = {}
    for offer in view.offers.pop(name, []):
        if envelope.is_content_key(sealed, offer.key):
            view.keys[name] = offer.key
        elif offer.grant not in view.unfit:
            wrong[offer.grant] = offer.granter
    for by in wrong.items():
        _call_unfit(session, view, by=by)
    if wrong:
        await session.call(ReportGrants(view.circle, tuple(wrong)))


async def _open_profile(session: Session, view: CircleView) -> None:
    """The patient's profile, by somebody who could write it, and no older than the one seen last.

    The server cannot look inside: where any member has sealed what is no profile, the last one read stays.
    """
    if view.profile_envelope is None or not view.keys:
        return
    sealed = envelope.peek(view.profile_envelope)
    header = sealed.header
    if header.kind != envelope.PROFILE_KIND:
        raise ProtocolError("wrong-circle")
    await session.accounts.load([header.account])
    envelope.verify(sealed, session.accounts[header.account])
    posting.check_could_post(view.state, header)
    session.pins.check_profile(view.circle, header.version, sealed.digest)
    try:
        view.profile = envelope.open_envelope(sealed, view.keys)
    except ProtocolError as error:
        if error.reason != "key-missing":
            view.profile, view.profile_fault = (
                profiles.last_read(session.home, view.circle),
                error.reason,
            )
            _log.warning("the profile of circle %s is none: %s", view.circle[:8], error.reason)
    else:
        profiles.keep(session.home, view.circle, view.profile)


def refuse_alarmed(session: Session, circle: CircleId) -> None:
    """Nothing is posted to a circle whose ledger contradicted itself."""
    if alarm := session.pins.alarm(circle):
        raise LedgerAlarm(alarm, is_new=False)

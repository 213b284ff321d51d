"""Becoming a device of an account: by invitation, by a code of another device, by the recovery kit (docs/protocol.md §3)."""

import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from relais.client import guarding, healing, rehearsal, unlocking
from relais.client.clock import ServerClock
from relais.client.errors import BadAnswer, BadLink, ServerUnreachable
from relais.client.home import Home
from relais.client.identity import Identity, new_keys
from relais.client.session import Session
from relais.client.transport import Transport, origin_of
from relais.crypto import account, join, kit, login
from relais.crypto.account import AccountState, Profile
from relais.crypto.device import DeviceKeys
from relais.models.ids import AccountId, DeviceId
from relais.models.wire.account import AppendStatement, ApproveDevice, DeviceRequested, OfferDevice
from relais.models.wire.auth import (
    AskChallenge,
    AskToken,
    Enrol,
    Invitation,
    JoinAnswered,
    LookInvitation,
    LookJoin,
    RequestJoin,
    WaitJoin,
)

_TRIES = 3


@dataclass(frozen=True)
class NewDevice:
    """Where the new device's keys go, and what the person calls it."""

    home: Path
    label: str
    ask: unlocking.Ask = unlocking.ask_in_terminal


async def enrol(device: NewDevice, url: str, profile: Profile) -> Identity:
    """Use a one-time invitation (`…/enrol#TOKEN`).

    Raises `BadLink`, `AlreadyEnrolled`, `PassphraseNeeded`, `Refusal`, `ServerUnreachable`.
    """
    _invitation_of(url)
    home = Home.create(device.home, ask=device.ask)
    try:
        return await enrol_into(home, device, url, profile)
    except BaseException:
        home.remove_all()
        raise


async def enrol_into(
    home: Home,
    device: NewDevice,
    url: str,
    profile: Profile,
    *,
    keys: DeviceKeys | None = None,
) -> Identity:
    """The same, into a folder that is made already. The keys are kept before the server knows of them.

    An invitation for somebody who was reset makes an account that names the old one. ``keys``: random ones if none are given.
    """
    origin, invitation = origin_of(url), _invitation_of(url)
    async with Transport(origin) as transport:
        looked: Invitation = await transport.exchange(LookInvitation(invitation))
        kind = "bot" if "bot" in looked.roles else "interactive"
        keys = keys or new_keys()
        replaces = looked.resets.account if looked.resets else None
        first = keys.device(kind, device.label)
        statement = account.create(keys, first, profile, at=looked.now, replaces=replaces)
        identity = Identity(origin, account.account_id(statement), keys, kind, device.label)
        identity.save(home)
        await _enrol_patiently(transport, Enrol(invitation, statement))
    return identity


async def look(url: str) -> Invitation:
    """What an invitation is for; it is not used up. Raises `BadLink`, `Refusal`, `ServerUnreachable`."""
    async with Transport(origin_of(url)) as transport:
        looked: Invitation = await transport.exchange(LookInvitation(_invitation_of(url)))
        return looked


async def _enrol_patiently(transport: Transport, request: Enrol) -> None:
    """An answer that got lost is asked for again: the same statement gets the same answer."""
    for _ in range(_TRIES - 1):
        try:
            await transport.exchange(request)
        except ServerUnreachable:
            continue
        return
    await transport.exchange(request)


def _invitation_of(url: str) -> str:
    parts = urlsplit(url)
    if parts.path.rstrip("/") != "/enrol" or not parts.fragment:
        raise BadLink
    return parts.fragment


async def join_account(device: NewDevice, link: str) -> Identity:
    """Join the account of the device that shows the code: `…/join#CODE`, or `ORIGIN CODE`.

    Waits until that device agrees. Raises `BadLink`, `BadAnswer` (somebody in between), `Refusal`.
    """
    origin, secret = _read_link(link)
    home = Home.create(device.home, ask=device.ask)
    try:
        async with Transport(origin) as transport:
            identity = await _join(transport, secret, device.label)
    except BaseException:
        home.remove_all()
        raise
    identity.save(home)
    return identity


def _read_link(link: str) -> tuple[str, bytes]:
    parts = urlsplit(link)
    if parts.path.rstrip("/") != "/join" or not parts.fragment:
        raise BadLink
    try:
        return origin_of(link), join.read_code(parts.fragment)
    except ValueError as error:
        raise BadLink from error


async def _join(transport: Transport, secret: bytes, label: str) -> Identity:
    ticket = join.ticket(secret)
    looked = await transport.exchange(LookJoin(ticket))
    keys = new_keys()
    possession = account.possession(keys, keys.device("interactive", label), looked.account)
    mac = join.request_mac(secret, possession)
    await transport.exchange(RequestJoin(ticket, possession, mac))
    answer = await _wait(transport, ticket)
    check_answer(answer, secret, looked.account, keys.id)
    return Identity(transport.origin, looked.account, keys, "interactive", label)


async def _wait(transport: Transport, ticket: str) -> JoinAnswered:
    while True:
        answer: JoinAnswered = await transport.exchange(WaitJoin(ticket))
        if not answer.pending:
            return answer


def check_answer(
    answer: JoinAnswered, secret: bytes, account_id: AccountId, device: DeviceId
) -> None:
    """The chain is that of the code's account, and the statement that adds this device is vouched for by the code.

    Raises `BadAnswer`, `ProtocolError`.
    """
    state = account.replay(answer.statements)
    if state.account != account_id or not state.in_force(device):
        raise BadAnswer("another account's chain")
    macs = (join.answer_mac(secret, statement) for statement in answer.statements)
    if not any(hmac.compare_digest(mac, answer.mac or b"") for mac in macs):
        raise BadAnswer("the code does not vouch for it")


@dataclass(frozen=True)
class Offer:
    """A code on the screen, good for ten minutes and one device."""

    code: str
    link: str
    secret: bytes
    ticket: str


async def offer(session: Session) -> Offer:
    secret = secrets.token_bytes(10)
    ticket = join.ticket(secret)
    await session.call(OfferDevice(ticket))
    code = join.make_code(secret)
    link = f"{session.identity.origin}/join#{code.replace('-', '')}"
    return Offer(code, link, secret, ticket)


async def approve(session: Session, offered: Offer, request: DeviceRequested) -> DeviceId:
    """Let the device in that proved to know the code; returns its id. Raises `BadAnswer`, `ProtocolError`, `Refusal`."""
    expected = join.request_mac(offered.secret, request.possession)
    if request.ticket != offered.ticket or not hmac.compare_digest(expected, request.mac):
        raise BadAnswer("not from the holder of the code")
    mine = await own_state(session)
    added = account.read_possession(request.possession, mine.account)
    statement = account.add_device(
        mine, session.identity.keys, request.possession, at=max(session.clock.now(), mine.at)
    )
    mac = join.answer_mac(offered.secret, statement)
    await session.call(ApproveDevice(offered.ticket, statement, mac))
    if added.id not in (await own_state(session)).devices:
        raise BadAnswer("the device was not added")
    return added.id


async def own_state(session: Session) -> AccountState:
    await session.accounts.load([session.identity.account], fresh=True)
    return session.accounts[session.identity.account]


async def make_kit(session: Session, language: str) -> tuple[list[str], str]:
    """Add a recovery kit to the account; returns its 24 words and the text of its QR code, which are kept nowhere.

    What is kept is a slow hash of the third word, see `rehearsal`.
    """
    seed = secrets.token_bytes(32)
    keys = kit.keys_of(seed)
    mine = await own_state(session)
    vouched = account.possession(keys, keys.device("recovery", "kit"), mine.account)
    statement = account.add_device(
        mine, session.identity.keys, vouched, at=max(session.clock.now(), mine.at)
    )
    await session.call(AppendStatement(statement))
    await own_state(session)
    words = kit.words(seed, language)
    rehearsal.remember(session.home, keys.id, words, now=session.clock.now())
    return words, kit.qr_text(seed)


async def restore(device: NewDevice, origin: str, seed: bytes) -> Identity:
    """Enter the account of a recovery kit as a new device; the kit grants it everything it was granted itself.

    Raises `Refusal` ``unauthenticated`` for a kit the server does not know, `BadAnswer`.
    """
    kit_keys = kit.keys_of(seed)
    home = Home.create(device.home, ask=device.ask)
    try:
        identity = await _restore(origin, kit_keys, device, home)
    except BaseException:
        home.remove_all()
        raise
    return identity


async def _restore(origin: str, kit_keys: DeviceKeys, device: NewDevice, home: Home) -> Identity:
    account_id = await _account_of(origin, kit_keys)
    Identity(origin, account_id, kit_keys, "recovery", "kit").save(home)
    async with Session(home) as session:
        mine = await own_state(session)
        if not mine.in_force(kit_keys.id):
            raise BadAnswer("the kit is not in this account")
        keys = new_keys()
        vouched = account.possession(keys, keys.device("interactive", device.label), account_id)
        statement = account.add_device(
            mine, kit_keys, vouched, at=max(session.clock.now(), mine.at)
        )
        await session.call(AppendStatement(statement))
        await own_state(session)
        await healing.heal_all(session)
        await guarding.reshare(session)
    identity = Identity(origin, account_id, keys, "interactive", device.label)
    identity.save(home)
    return identity


async def _account_of(origin: str, keys: DeviceKeys) -> AccountId:
    """Log in once to hear which account a device belongs to; its chain is checked afterwards."""
    async with Transport(origin) as transport:
        challenge = await transport.exchange(AskChallenge(keys.id))
        signed = login.answer(keys, challenge.challenge, origin=origin, at=ServerClock().now())
        token = await transport.exchange(AskToken(signed))
        account_id: AccountId = token.account
        return account_id

"""What must hold in the evening, once every phone that is online was looked at: everybody reads what is theirs, and nobody else anything."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from truth import CircleTruth, Version
from world import Phone, Surprise, World

from relais.client import healing, posting
from relais.client.errors import Locked
from relais.client.outbox import Waiting
from relais.client.session import Session
from relais.crypto import cbor, envelope, grant, suite
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.structure import to_bytes
from relais.models.refusal import Code, Refusal
from relais.models.wire.circle import GetMissing
from relais.models.wire.note import SyncCircle


async def come_home(world: World) -> None:
    """Every phone that is online sends what waits and makes what others miss; who waited for that, once more."""
    for phone in world.phones():
        await _look_at(world, phone)
    for circle in world.truth.circles.values():
        await _renew(world, circle)
    for phone in (*world.phones(), *world.phones(bots=True)):
        session = (await world.client(phone)).session
        if posting.waiting(session):
            await _send(session)


async def _look_at(world: World, phone: Phone) -> None:
    client = await world.client(phone)
    await client.heal()
    await _send(client.session)


async def _send(session: Session) -> None:
    """As the command line does before anything else; what is locked waits on."""
    with suppress(Locked):
        await posting.flush(session)


async def _renew(world: World, circle: CircleTruth) -> None:
    """One of those who may opens the next epoch where that is due."""
    now = world.time.ms
    for phone in world.phones():
        stay = circle.stays.get(phone.identity.account)
        if stay is not None and stay.reads(now) and not circle.closed:
            client = await world.client(phone)
            return await healing.rotate_if_due(client.session, circle.circle)


@dataclass
class Thief:
    """Somebody with the relay's whole database and every device there ever was: what can each device open?"""

    keys: dict[tuple[str, str, str, int], bytes] = field(default_factory=dict)
    """(device, circle, audience, epoch) → the key, or (device, circle, note, version) → its own, by the grants stored."""
    _tried: set[Any] = field(default_factory=set)
    _opened: dict[tuple[str, str, int], bool] = field(default_factory=dict)

    def try_grant(self, row: dict[str, Any], devices: dict[str, DeviceKeys]) -> None:
        """Open a stored grant with the device it names, no rule kept."""
        if row["_id"] in self._tried:
            return
        self._tried.add(row["_id"])
        one = grant.peek(bytes(row["grant"]))
        if one.device in devices:
            for (name, number), key in zip(
                one.keys, _opened(one, devices[one.device]), strict=False
            ):
                self.keys[one.device, one.circle, name, number] = key

    def reads(self, device: str, circle: str, version: Version, sealed: bytes) -> bool:
        """Whether the device's keys open a version's envelope."""
        for place in (*version.keys, (version.note, version.version)):
            key = self.keys.get((device, circle, *place))
            if key is not None and self._opens(sealed, version, place, key):
                return True
        return False

    def _opens(self, sealed: bytes, version: Version, place: tuple[str, int], key: bytes) -> bool:
        name = (version.digest, *place)
        if name not in self._opened:
            try:
                envelope.open_envelope(envelope.peek(sealed), {place: key})
            except ProtocolError:
                self._opened[name] = False
            else:
                self._opened[name] = True
        return self._opened[name]


def _opened(one: grant.Grant, keys: DeviceKeys) -> list[bytes]:
    info: suite.Info = [
        "relais/1 grant",
        to_bytes(one.circle),
        to_bytes(one.device),
        to_bytes(one.granter_device),
    ]
    try:
        opened: list[bytes] = cbor.decode(suite.open_sealed(keys.kem_seed, one.sealed, info=info))
    except ProtocolError:
        return []
    return opened


class Evening:
    """The checks of one world, evening after evening."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._thief = Thief()
        self.read = 0
        """Versions opened by somebody entitled."""
        self.by_own_key = 0
        """Of those, the ones that a history which begins on a date opened by their own keys."""
        self.excused = 0
        """Versions that nobody who is online could have unlocked."""

    async def check(self) -> None:
        """Raises `Surprise`."""
        phones = self._world.phones()
        stored = {name: await self._steal(name) for name in self._world.truth.circles}
        found = await asyncio.gather(
            *[self._check_phone(phone) for phone in phones], return_exceptions=True
        )
        for wrong in found:
            if wrong is not None:
                raise wrong
        for name, envelopes in stored.items():
            self._check_thief(self._world.truth.circles[name], envelopes)

    async def _steal(self, circle: str) -> dict[int, bytes]:
        """Every grant tried, every envelope taken."""
        devices = {
            phone.identity.device: phone.identity.keys
            for human in self._world.humans
            for phone in human.phones
        }
        database = self._world.road.node.base.stores.database
        for row in await database.collection("grants").find({"circle": circle}):
            self._thief.try_grant(row, devices)
        rows = await database.collection("notes").find({"circle": circle})
        return {row["seq"]: bytes(row["envelope"]) for row in rows}

    async def _check_phone(self, phone: Phone) -> None:
        client = await self._world.client(phone)
        for waiting in posting.waiting(client.session):
            self._excuse_waiting(phone, waiting)
        now = self._world.time.ms
        for circle in self._world.truth.circles.values():
            stay = circle.stays.get(phone.identity.account)
            if stay is not None and stay.reads(now):
                await self._reads_what_is_theirs(phone, circle)
            else:
                await _is_turned_away(client.session, circle.circle)
        missing = await client.session.call(GetMissing(None))
        if missing.missing or missing.notes:
            left = (*missing.missing, *missing.notes)
            raise Surprise(f"{phone.owner} could make grants and did not: {left}")

    async def _reads_what_is_theirs(self, phone: Phone, circle: CircleTruth) -> None:
        client = await self._world.client(phone)
        wanted = {
            version.seq: version
            for version in self._world.truth.readable(
                circle, phone.identity.account, self._world.time.ms
            )
        }
        opened = await client.circle(circle.circle)
        got = {note.seq: note async for note in opened.notes()}
        for seq, version in wanted.items():
            note = got.get(seq)
            text = self._world.texts[version.note, version.version]
            if note is None or note.digest != version.digest:
                raise Surprise(f"{_who(phone)} is not told seq {seq} of {circle.circle[:6]}")
            if note.content is None:
                self._excuse(phone, circle, version)
            elif note.content.text != text:
                raise Surprise(f"{_who(phone)} reads {note.content.text!r} and not {text!r}")
            else:
                self.read += 1
                self.by_own_key += circle.by_own_key(phone.identity.account, version)
        allowed = {version.seq: version.allowed for version in circle.versions}
        for seq, note in got.items():
            if note.content is not None and phone.identity.device not in allowed[seq]:
                raise Surprise(f"{_who(phone)} reads seq {seq} of {circle.circle[:6]}, not theirs")

    def _excuse(self, phone: Phone, circle: CircleTruth, version: Version) -> None:
        """A locked note is no surprise while whoever could unlock it is away."""
        read = circle.stays[phone.identity.account].audiences
        places = [(audience, number) for audience, number in version.keys if audience in read]
        if circle.by_own_key(phone.identity.account, version):  # else it is owed the epoch's key
            places.append((version.note, version.version))
        helpers = [
            helper
            for place in places
            for helper in self._holders(circle, *place)
            if circle.may(helper.identity.account, version, self._world.time.ms)
        ]
        if helpers:
            raise Surprise(
                f"{_who(phone)} cannot open seq {version.seq} of {circle.circle[:6]},"
                f" and {_who(helpers[0])} could have helped"
            )
        self.excused += 1

    def _holders(self, circle: CircleTruth, name: str, number: int) -> list[Phone]:
        """The phones that are online and were granted a key: of an audience's epoch, or of a note's version."""
        key = (circle.circle, name, number)
        return [
            one for one in self._world.phones() if (one.identity.device, *key) in self._thief.keys
        ]

    def _excuse_waiting(self, phone: Phone, waiting: Waiting) -> None:
        """A note may wait for a key, if whoever has it is away too."""
        circle = self._world.truth.circles[waiting.circle]
        mine = circle.stays[phone.identity.account].audiences
        for audience in set(waiting.audiences) & mine:
            holders = self._holders(circle, audience, circle.current(audience))
            if phone not in holders and not holders:
                self.excused += 1
                return
        raise Surprise(f"{_who(phone)} still has a note waiting for {circle.circle[:6]}")

    def _check_thief(self, circle: CircleTruth, envelopes: dict[int, bytes]) -> None:
        for human in self._world.humans:
            for phone in human.phones:
                device = phone.identity.device
                for version in circle.versions:
                    if device not in version.allowed and self._thief.reads(
                        device, circle.circle, version, envelopes[version.seq]
                    ):
                        raise Surprise(
                            f"{_who(phone)} with the database opens seq {version.seq}"
                            f" of {circle.circle[:6]}, which was never theirs"
                        )


async def _is_turned_away(session: Any, circle: str) -> None:
    try:
        await session.call(SyncCircle(circle, 0, 50))
    except Refusal as refusal:
        if refusal.code in (Code.FORBIDDEN, Code.NOT_FOUND):
            return
        raise
    raise Surprise(f"{session.identity.device[:4]} is told notes of {circle[:6]}, where it is not")


def _who(phone: Phone) -> str:
    return f"{phone.owner}'s {phone.identity.device[:4]}"

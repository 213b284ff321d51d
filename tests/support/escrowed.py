"""Escrows with real keys at a real server's door, their guardians, and whoever asks to be let in."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from members import Circle, House, Person, now, statement_0
from patience import PATIENCE

from relais.crypto import account, emergency, escrow
from relais.crypto.account import AccountState
from relais.crypto.device import INTERACTIVE, DeviceKeys
from relais.crypto.escrow import EscrowStatement
from relais.models.wire import auth
from relais.models.wire.account import AppendStatement
from relais.models.wire.circle import AppendEntry
from relais.models.wire.emergency import (
    AnswerEmergency,
    EmergencyChanged,
    RequestEmergency,
    SealedFor,
    ShareEscrow,
)

HOUR = 3_600_000


@dataclass
class Escrow:
    """An escrow as its guardians know it together. `self.person` is its session."""

    person: Person
    guardians: list[Person]
    quorum: int
    parts: tuple[bytes, ...]
    statement: EscrowStatement

    @property
    def id(self) -> str:
        return self.person.id

    def own_parts(self, guardian: Person) -> list[bytes]:
        return [self.parts[number] for number in self.statement.held(guardian.id)]

    def sharing(self, keys: DeviceKeys | None = None) -> ShareEscrow:
        """What states how the key of the device is shared; of one that joins, with its `possession`."""
        made = escrow.peek(
            escrow.write(
                keys or self.person.keys,
                account=self.id,
                quorum=self.quorum,
                guardians=[one.id for one in self.guardians],
                parts=self.parts,
                at=now(),
            )
        )
        self.statement = made
        shares = tuple(
            SealedFor(device.id, escrow.seal_share(device, self.own_parts(guardian), made))
            for guardian in self.guardians
            for device in guardian.state.devices_in_force()
        )
        vouched = joining(keys, self.id) if keys else None
        return ShareEscrow(made.signed.raw, vouched, shares)

    def request(self, by: Person, circle: Circle, **more: Any) -> RequestEmergency:
        """What somebody asks, with words for every guardian."""
        plaintext = emergency.explain("Patient trouvé à terre.", secrets.token_bytes(16))
        at = now()
        fields: dict[str, Any] = {
            "escrow": self.id,
            "circle": circle.id,
            "account": by.id,
            "account_head": by.state.head,
            "at": at,
            "until": at + 12 * HOUR,
            "reason": "night",
            "explained": emergency.explained(plaintext),
        }
        data = emergency.write(by.keys, **{**fields, **more})
        words = tuple(
            SealedFor(
                device.id,
                emergency.seal_words(plaintext, device, circle=circle.id, requester=by.keys.id),
            )
            for guardian in self.guardians
            for device in guardian.state.devices_in_force()
        )
        return RequestEmergency(data, words)

    def answer(self, by: Person, request: str, *, approves: bool = True, **more: Any) -> bytes:
        others = [one for one in self.guardians if one.id != by.id]
        own = self.own_parts(by)
        parts = {
            device.id: emergency.seal_parts(by.keys, device, own, request=request)
            for other in others
            for device in other.state.devices_in_force()
        }
        fields: dict[str, Any] = {
            "request": request,
            "account": by.id,
            "escrow_device": self.statement.device,
            "parts": parts if approves else None,
            "at": now(),
        }
        return emergency.write_answer(by.keys, **{**fields, **more})

    async def answers(self, by: Person, request: str, *, approves: bool = True) -> EmergencyChanged:
        ask = AnswerEmergency(self.answer(by, request, approves=approves))
        return await by.on.call(ask)  # type: ignore[no-any-return]

    def letting_in(self, circle: Circle, other: Person, **more: Any) -> AppendEntry:
        """The entry that adds somebody, with every key of the circle for their devices."""
        at = max(now(), circle.state.at)
        operation = self.person.adding(other, since=at, **{"until": at + HOUR, **more})
        history = [key for key in circle.keys if key[0] in operation.audiences]
        ask, _ = self.person.planned(circle, [operation], at=at, also=history, to=[other])
        return ask

    async def renewal(self, house: House) -> Iterator[Any]:
        """What renews the escrow: its session has the new device once the second step is done."""
        seed, before = secrets.token_bytes(32), self.person.on
        self.parts = escrow.split(seed, random_parts(len(self.guardians), self.quorum))
        keys = escrow.keys_of(seed)
        share, vouched = self.sharing(keys), joining(keys, self.id)

        def steps() -> Iterator[Any]:
            yield share
            state = self.person.state
            adds = account.add_device(state, before.keys, vouched, at=max(now(), state.at))
            yield AppendStatement(adds)
            self.person.state = state = account.apply(state, adds)
            gone = account.revoke_device(
                state, before.keys, before.keys.id, at=max(now(), state.at)
            )
            yield AppendStatement(gone)
            self.person.state = account.apply(state, gone)

        self.person.on = house.door(keys)
        return steps()


def joining(keys: DeviceKeys, to: str) -> bytes:
    return account.possession(keys, keys.device(INTERACTIVE, "escrow"), to)


def random_parts(guardians: int, quorum: int) -> list[bytes]:
    count = escrow.part_count(guardians, quorum)
    return [secrets.token_bytes(32) for _ in range(count - 1)]


async def enrolled(house: House, keys: DeviceKeys, name: str = "Accès d’urgence") -> Person:
    """An escrow's account, connected."""
    connection = house.door(keys)
    statement = statement_0(keys, name)
    await connection.exchange(auth.Enrol(await house.invitation("escrow"), statement))
    await connection.connect()
    state: AccountState = account.apply(None, statement)
    return Person(name, state, connection)


async def unshared(house: House, *guardians: Person, quorum: int = 2) -> Escrow:
    """An escrow whose key nobody else has yet."""
    seed = secrets.token_bytes(32)
    parts = escrow.split(seed, random_parts(len(guardians), quorum))
    person = await enrolled(house, escrow.keys_of(seed))
    named = sorted(guardians, key=lambda one: one.id)
    made = Escrow(person, named, quorum, parts, None)  # type: ignore[arg-type]
    person.meet(*guardians)
    return made


async def escrowed(house: House, *guardians: Person, quorum: int = 2) -> Escrow:
    """An escrow, shared among some guardians."""
    made = await unshared(house, *guardians, quorum=quorum)
    await made.person.on.call(made.sharing())
    return made


@dataclass
class Night:
    """Nadia leads a circle that has an escrow of three guardians, two of whom are a quorum; Omar is on call."""

    house: House
    nadia: Person
    omar: Person
    guardians: list[Person]
    escrow: Escrow
    circle: Circle

    async def asked(self) -> str:
        """Omar asks; the id of the request."""
        made = await self.omar.on.call(self.escrow.request(self.omar, self.circle))
        return str(made.id)

    async def approved(self) -> str:
        """Omar asks, and the first two guardians approve."""
        request = await self.asked()
        for guardian in self.guardians[:2]:
            await self.escrow.answers(guardian, request)
        return request

    async def omar_has_a_circle(self) -> Circle:
        return await self.omar.open_circle()

    async def learnt(self) -> None:
        """Until the node knows of every open socket what the accounts now are."""
        sessions = self.house.node.sockets._sessions

        def is_learnt() -> bool:
            mine = [one for one in sessions.values() if one.caller.account == self.omar.id]
            return all(self.circle.id in one.caller.doors for one in mine)

        async with asyncio.timeout(PATIENCE):
            while not is_learnt():
                await self.nadia.sync(self.circle)

    async def let_in(self) -> str:
        """Omar asked, two approved, the escrow let him in."""
        request = await self.approved()
        ask = self.escrow.letting_in(self.circle, self.omar)
        await self.escrow.person.on.call(ask)
        return request


async def night(house: House) -> Night:
    nadia = await house.person("Nadia")
    omar = await house.person("Omar", "professional")
    guardians = [await house.person(name, "coordinator") for name in ("Gaëlle", "Hugo", "Inès")]
    made = await escrowed(house, *guardians)
    circle = await nadia.open_circle()
    await nadia.add(circle, made.person)
    made.person.meet(nadia, omar)
    return Night(house, nadia, omar, made.guardians, made, circle)

"""The demo's doors: for each person shown, a link that makes a browser another device of theirs.

It is the ordinary way to add a device (docs/protocol.md §3, joining), with the difference that the person's first device,
held by this process, shows the code in the terminal and agrees at once. Made for made-up people.
"""

import asyncio
import logging
import secrets
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from relais.client import enrolment
from relais.client.errors import ClientError
from relais.client.home import Home
from relais.client.identity import Identity
from relais.client.sdk import Client
from relais.client.session import Reconnected
from relais.client.territory.build import open_homes
from relais.client.territory.people import Person
from relais.crypto.errors import ProtocolError
from relais.models.ids import DeviceId
from relais.models.refusal import Refusal
from relais.models.wire.account import DeviceRequested, DevicesSeen, ListDevices, OfferDevice

_RENEW_SECONDS = 300
_MOST_DEVICES = 20
_LOOK_SECONDS = 0.5
_LOOKS = 60
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Door:
    """One person's first device and the code it shows."""

    person: Person
    client: Client
    offered: enrolment.Offer


async def open_doors(
    stack: AsyncExitStack, folder: Path, origin: str, people: Iterable[Person]
) -> list[Door]:
    """The server may have another port than when the homes were made: they follow it."""
    homes = open_homes(folder)
    return await asyncio.gather(
        *(_open_door(stack, homes(person.key), origin, person) for person in people)
    )


async def _open_door(stack: AsyncExitStack, home: Home, origin: str, person: Person) -> Door:
    replace(Identity.load(home), origin=origin).save(home)
    client = await stack.enter_async_context(Client.open(home))
    return Door(person, client, await enrolment.offer(client.session))


async def keep_open(doors: Iterable[Door]) -> None:
    """Renew the offers and let in whoever knows a code, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for door in doors:
            group.create_task(_renew(door))
            group.create_task(_listen(door))


async def _renew(door: Door) -> None:
    while True:
        await asyncio.sleep(_RENEW_SECONDS * secrets.SystemRandom().uniform(0.8, 1))
        await _offer_again(door)


async def _offer_again(door: Door) -> None:
    try:
        await door.client.session.call(OfferDevice(door.offered.ticket))
    except (Refusal, ClientError) as error:
        _log.warning("the link of %s was not renewed: %s", door.person.key, error)


async def _listen(door: Door) -> None:
    async for event in door.client.events():
        if isinstance(event, Reconnected):
            await _offer_again(door)
        elif isinstance(event, DeviceRequested) and event.ticket == door.offered.ticket:
            await _let_in(door, event)


async def _let_in(door: Door, request: DeviceRequested) -> None:
    """A request that does not hold is told and forgotten; the door stays open for the next."""
    try:
        await _make_room(door)
        added = await enrolment.approve(door.client.session, door.offered, request)
        await door.client.heal()
        await _until_seen(door, added)
    except (Refusal, ClientError, ProtocolError) as error:
        _log.warning("a device of %s was not let in: %s", door.person.key, error)
    await _offer_again(door)


async def _until_seen(door: Door, device: DeviceId) -> None:
    """Wait until the new device logged in, half a minute at most: offering again takes its answer away."""
    for _ in range(_LOOKS):
        answer: DevicesSeen = await door.client.session.call(ListDevices())
        if any(one.device == device and one.last_seen is not None for one in answer.devices):
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _make_room(door: Door) -> None:
    """Browsers that tried the demo long ago give their place to new ones."""
    mine = await enrolment.own_state(door.client.session)
    added = sorted(
        (record.added_at, record.device.id)
        for record in mine.devices.values()
        if record.revoked_at is None and record.device.id != door.client.device
    )
    if len(added) >= _MOST_DEVICES:
        await door.client.revoke_device(added[0][1])

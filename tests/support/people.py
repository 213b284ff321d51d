"""People of a made-up territory, each with a folder of keys, enrolled at a running relay."""

import itertools
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from running_relay import RunningRelay

from relais.client.enrolment import NewDevice, enrol_into
from relais.client.home import Home
from relais.client.identity import Identity
from relais.client.patient import Patient
from relais.client.sdk import Client
from relais.crypto.account import Profile
from relais.crypto.device import DeviceKeys
from relais.models.ids import AccountId, DeviceId
from relais.models.wire.account import Invite

ODETTE = Patient("Odette Verdier", "F", "1938-04-17", "Saulieu")
MARCEL = Patient("Marcel Boulanger", "M", "1941-11-02", "Avallon")


def new_home(folder: Path, name: str) -> Home:
    """A folder with a key of its own: nobody types a passphrase, no time is spent on deriving one."""
    path = folder / f"{name}-{secrets.token_hex(4)}"
    path.mkdir(mode=0o700, parents=True)
    return Home(path, secrets.token_bytes(32))


@dataclass(frozen=True)
class Person:
    """Somebody with one device."""

    name: str
    home: Home

    @property
    def identity(self) -> Identity:
        return Identity.load(self.home)

    @property
    def account(self) -> AccountId:
        return self.identity.account

    @property
    def device(self) -> DeviceId:
        return self.identity.device

    @property
    def keys(self) -> DeviceKeys:
        return self.identity.keys

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        async with Client.open(self.home) as client:
            yield client


async def enrol(folder: Path, url: str, name: str, profession: str = "nurse") -> Person:
    """Use an invitation."""
    home = new_home(folder, "home")
    await enrol_into(home, NewDevice(home.path, "telephone"), url, Profile(name, profession, "Sud"))
    return Person(name, home)


class Town:
    """A relay and whoever lives there. In ``async with``: keeps connections of one test and closes them."""

    def __init__(self, relay: RunningRelay, folder: Path, administrator: Person) -> None:
        self.relay = relay
        self.folder = folder
        self.administrator = administrator
        self._stack = AsyncExitStack()
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.disconnect()

    async def disconnect(self) -> None:
        """End every connection, before what it leads to ends."""
        await self._stack.aclose()

    async def invitation(self, *roles: str) -> str:
        async with self.administrator.connected() as client:
            path = (await client.session.call(Invite(roles or ("professional",), "Sud", 7))).path  # type: ignore[arg-type]
            return self.relay.origin + path

    async def person(self, name: str = "", *roles: str) -> Person:
        """Somebody new, enrolled and not connected."""
        url = await self.invitation(*roles)
        return await enrol(self.folder, url, name or f"Inconnu {next(self._numbers)}")

    async def connect(self, person: Person) -> Client:
        """Somebody's connection, open until the test ends."""
        return await self._stack.enter_async_context(person.connected())

    async def newcomer(self, name: str = "", *roles: str) -> Client:
        """Somebody new, connected."""
        return await self.connect(await self.person(name, *roles))

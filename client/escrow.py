"""Acting as an escrow (docs/protocol.md §13): it is made, or its keys are put together by its guardians, in memory; its device
is renewed; everything is forgotten. Whatever it does in a circle it does as any member."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from relais.client import enrolment, guarding, healing
from relais.client.enrolment import NewDevice
from relais.client.errors import ClientError, UnknownEscrow
from relais.client.guarding import Escrow
from relais.client.home import HomeInMemory
from relais.client.identity import Identity
from relais.client.session import Session
from relais.crypto import account, escrow
from relais.crypto.account import Profile
from relais.crypto.device import INTERACTIVE, DeviceKeys
from relais.models.ids import AccountId, DeviceId
from relais.models.wire.account import AppendStatement
from relais.models.wire.emergency import SealedFor, ShareEscrow

ROLE: Final = "escrow"
_LABEL: Final = "escrow"


class NotForAnEscrow(ClientError):
    """This invitation is not for an escrow: an administrator makes one with the role escrow."""


@dataclass(frozen=True)
class Sharing:
    """Among whom a key is shared, and how many of them have it together. Raises ProtocolError `bad-quorum`."""

    guardians: tuple[AccountId, ...]
    quorum: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "guardians", tuple(sorted(set(self.guardians))))
        escrow.part_count(len(self.guardians), self.quorum)


async def make(session: Session, url: str, profile: Profile, sharing: Sharing) -> Escrow:
    """Use an invitation for an escrow. ``session``: of an ordinary member, who meets the guardians before anything is made.

    Raises `NotForAnEscrow`, `BadLink`, `BadAnswer` (no such guardian), `Refusal`.
    """
    await session.accounts.load(sharing.guardians, fresh=True)
    if (await enrolment.look(url)).roles != (ROLE,):
        raise NotForAnEscrow
    seed, home = secrets.token_bytes(escrow.SEED_SIZE), HomeInMemory()
    device = NewDevice(home.path, _LABEL)
    keys = escrow.keys_of(seed)
    identity = await enrolment.enrol_into(home, device, url, profile, keys=keys)
    async with Session(home, watches_log=False) as acting:
        statement = await _share(acting, seed, sharing, possession=None)
        return guarding.verified(acting, identity.account, statement)


async def found(session: Session, account_id: AccountId) -> Escrow:
    """One of those that are known here. Raises `UnknownEscrow`."""
    for one in await guarding.known(session):
        if one.account == account_id:
            return one
    raise UnknownEscrow


@asynccontextmanager
async def acting(origin: str, escrow_id: AccountId, keys: DeviceKeys) -> AsyncIterator[Session]:
    """Logged in as the escrow, by keys that are in memory only."""
    home = HomeInMemory()
    Identity(origin, escrow_id, keys, INTERACTIVE, _LABEL).save(home)
    async with Session(home, watches_log=False) as session:
        yield session


async def renew(session: Session, sharing: Sharing) -> None:
    """Give the escrow that acts another device in the place of all it has, shared anew; nobody ever has the new seed.

    In this order a crash anywhere leaves an escrow that opens all its circles: the shares are there before the device, its
    keys of every circle before the old device goes, and this device goes last.
    """
    seed = secrets.token_bytes(escrow.SEED_SIZE)
    keys, mine = escrow.keys_of(seed), await enrolment.own_state(session)
    possession = account.possession(keys, keys.device(INTERACTIVE, _LABEL), mine.account)
    await _share(session, seed, sharing, possession=possession)
    at = max(session.clock.now(), mine.at)
    await session.call(
        AppendStatement(account.add_device(mine, session.identity.keys, possession, at=at))
    )
    await enrolment.own_state(session)
    await healing.heal_own(session)
    await _revoke_all_but(session, keys.id)


async def _revoke_all_but(session: Session, kept: DeviceId) -> None:
    mine = await enrolment.own_state(session)
    acting_device = session.identity.device
    others = {one.id for one in mine.devices_in_force()} - {kept, acting_device}
    for device in (*sorted(others), acting_device):
        at = max(session.clock.now(), mine.at)
        statement = account.revoke_device(mine, session.identity.keys, device, at=at)
        await session.call(AppendStatement(statement))
        mine = account.apply(mine, statement)


async def _share(
    session: Session, seed: bytes, sharing: Sharing, *, possession: bytes | None
) -> bytes:
    """Store the shares of a seed, one for each device of each guardian as their chains are now; the statement."""
    await session.accounts.load(sharing.guardians, fresh=True)
    count = escrow.part_count(len(sharing.guardians), sharing.quorum)
    parts = escrow.split(seed, [secrets.token_bytes(escrow.PART_SIZE) for _ in range(count - 1)])
    data = escrow.write(
        escrow.keys_of(seed),
        account=session.identity.account,
        quorum=sharing.quorum,
        guardians=sharing.guardians,
        parts=parts,
        at=session.clock.now(),
    )
    statement = escrow.peek(data)
    shares = tuple(
        SealedFor(device.id, escrow.seal_share(device, held, statement))
        for guardian in sharing.guardians
        for held in [[parts[number] for number in statement.held(guardian)]]
        for device in guarding.devices_of(session, guardian)
    )
    await session.call(ShareEscrow(data, possession, shares))
    return data

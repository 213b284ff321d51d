"""What the database stored without saying so: one node that remembers must find out, and a phone that is lost must be cut off."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from members import Connection, House, Person, new_keys, now, refused

from relais.crypto import account
from relais.crypto.ledger import MemberRemove
from relais.models.refusal import Code
from relais.models.store.accounts import AccountStore
from relais.models.store.circles import CircleStore
from relais.models.store.errors import Unavailable
from relais.models.wire import account as account_wire


@pytest.fixture
async def house(build: Any) -> AsyncIterator[House]:
    async with build(mongodb_uri=None, database="relais") as one:
        yield one


def unheard(monkeypatch: pytest.MonkeyPatch, store: type, name: str) -> None:
    """The next write is stored, and its answer lost."""
    real = getattr(store, name)

    async def write(self: Any, change: Any) -> Any:
        monkeypatch.setattr(store, name, real)
        await real(self, change)
        raise Unavailable("the answer was lost")

    monkeypatch.setattr(store, name, write)


async def with_phone(house: House) -> tuple[Person, Connection]:
    nurse, keys = await house.person("Nadia"), new_keys()
    word = account.possession(keys, keys.device("interactive", "phone"), nurse.id)
    await nurse.append(account.add_device(nurse.state, nurse.keys, word, at=now()))
    phone = house.door(keys)
    await phone.connect()
    return nurse, phone


async def test_a_statement_whose_answer_was_lost_counts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, phone = await with_phone(house)
    revoking = account.revoke_device(nurse.state, nurse.keys, phone.keys.id, at=now())
    unheard(monkeypatch, AccountStore, "append")
    await refused(nurse.on.call(account_wire.AppendStatement(revoking)), Code.UNAVAILABLE)
    assert (await nurse.append(revoking)).seq == 2
    await refused(house.door(phone.keys).login(), Code.UNAUTHENTICATED, "revoked-device")
    await phone.cut_off()


async def test_an_entry_whose_answer_was_lost_counts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, doctor = await house.person("Nadia"), await house.person("Denis")
    circle = await nurse.open_circle()
    await nurse.add(circle, doctor)
    ask, after = nurse.planned(circle, [MemberRemove(doctor.id), *nurse.rotations(circle)])
    unheard(monkeypatch, CircleStore, "write_entry")
    await refused(nurse.on.call(ask), Code.UNAVAILABLE)
    await refused(doctor.sync(circle), Code.FORBIDDEN, "not-a-member")
    assert (await nurse.on.call(ask)).seq == after.seq


async def test_a_revoked_device_is_cut_off_even_if_nobody_can_be_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, phone = await with_phone(house)
    revoking = account.revoke_device(nurse.state, nurse.keys, phone.keys.id, at=now())

    async def lost(*_: Any) -> Any:
        raise Unavailable("no circles")

    monkeypatch.setattr(CircleStore, "circles_of", lost)
    await refused(nurse.on.call(account_wire.AppendStatement(revoking)), Code.UNAVAILABLE)
    await phone.cut_off()

"""What opens with the relay's whole database in hand: by the server alone, by too few guardians, by a key that was renewed."""

from collections.abc import Awaitable
from itertools import combinations

import pytest
from guarded import BEFORE, Guarded, guarded
from people import MARCEL, Town
from thief import readable, stolen_escrows

from relais.client import emergency, enrolment, escrow, guarding, release
from relais.client.sdk import Circle, Client
from relais.client.session import Session
from relais.crypto import grant
from relais.crypto.device import DeviceKeys
from relais.models.refusal import Code, Refusal
from relais.models.wire.circle import GiveGrants
from relais.models.wire.note import SyncCircle


@pytest.fixture
async def there(town: Town) -> Guarded:
    return await guarded(town, guardians=4, quorum=3)


def keys_of(there: Guarded) -> list[DeviceKeys]:
    return [one.session.identity.keys for one in there.guardians]


def opened(there: Guarded, *devices: DeviceKeys) -> list[str]:
    """What of the circle's notes opens with these devices, and with those of escrows that they can put together."""
    with there.town.relay.database() as database:
        escrows = stolen_escrows(database, devices)
        found = readable(database, [*devices, *escrows], there.circle.circle)
    return [found[seq].text for seq in sorted(found)]


async def test_the_server_alone_the_requester_and_too_few_guardians_open_nothing_and_a_quorum_does(
    there: Guarded,
) -> None:
    await there.ask()
    olga, guards = there.olga.session.identity.keys, keys_of(there)
    assert opened(there) == []
    assert opened(there, olga) == []
    for few in combinations(guards, 2):
        assert opened(there, olga, *few) == []
    for enough in combinations(guards, 3):
        assert opened(there, *enough) == [BEFORE]
    assert opened(there, there.nadia.session.identity.keys) == [BEFORE]


async def test_an_approval_is_worth_its_guardians_parts_to_other_guardians_and_nothing_to_anybody_else(
    there: Guarded,
) -> None:
    id_ = await there.ask()
    olga, guards = there.olga.session.identity.keys, keys_of(there)
    await release.approve(there.guardians[0].session, id_)
    assert opened(there, olga) == []
    assert opened(there, olga, guards[1]) == [], "two of three"
    assert opened(there, guards[1], guards[2]) == [BEFORE], "and one who approved: three"


async def test_the_key_that_was_put_together_opens_nothing_that_is_written_after_the_release(
    there: Guarded,
) -> None:
    with there.town.relay.database() as database:
        (old,) = [
            keys
            for keys in stolen_escrows(database, keys_of(there))
            if keys.id == there.escrow.statement.device
        ]
    id_ = await there.ask()
    for guardian in there.guardians[:3]:
        await release.approve(guardian.session, id_)
    await there.circle.refresh()
    await there.circle.post("après")

    assert opened(there, old) == [BEFORE]
    assert opened(there, *keys_of(there)[:3]) == [BEFORE, "après"], "the new one is theirs together"
    two = keys_of(there)[:2]
    assert opened(there, *two) == [BEFORE], "with the third's approval they have the old one still"
    assert opened(there, there.olga.session.identity.keys) == [BEFORE, "après"]


async def test_whoever_has_the_escrows_keys_is_refused_everything_but_letting_in_whom_a_quorum_approved(
    there: Guarded,
) -> None:
    with there.town.relay.database() as database:
        (keys,) = [
            one
            for one in stolen_escrows(database, keys_of(there))
            if one.id == there.escrow.statement.device
        ]
    id_, paul = await there.ask(), await there.town.newcomer("Paul")
    async with escrow.acting(there.town.relay.origin, there.escrow.account, keys) as acting:
        circle = await Client(acting).circle(there.circle.circle)
        (asked,) = await emergency.listed(there.olga.session)
        until = asked.request.until
        ask = GiveGrants(circle.circle, (_grant(acting, circle, there.nadia),))
        for attempt in (
            lambda: circle.post("je suis entré"),
            lambda: circle.leave(),
            lambda: circle.add(there.olga.account, until=until),
            lambda: Client(acting).create_circle(MARCEL),
            lambda: Client(acting).circles(),
            lambda: Client(acting).directory("nadia"),
            lambda: guarding.known(acting),
            lambda: emergency.listed(acting),
            lambda: enrolment.offer(acting),
            lambda: acting.call(SyncCircle(circle.circle, 0, 50)),
            lambda: acting.call(ask),
        ):
            await _forbidden(attempt())
        for guardian in there.guardians[:2]:
            await release.approve(guardian.session, id_)
        await emergency.answer(
            there.guardians[2].session,
            await emergency.found(there.guardians[2].session, id_),
            approved=True,
        )
        for other, role, end in (
            (paul, "professional", until),
            (there.olga, "professional", until + 1),
            (there.olga, "professional", None),
            (there.olga, "carer", until),
        ):
            await _forbidden(circle.add(other.account, role=role, until=end))
        await circle.add(there.olga.account, until=until - 1)
        await _forbidden(circle.add(paul.account, until=until))
    assert (await emergency.found(there.olga.session, id_)).state == "released"


async def _forbidden(attempt: Awaitable[object]) -> None:
    with pytest.raises(Refusal) as told:
        await attempt
    assert (told.value.code, told.value.reason) == (Code.FORBIDDEN, "not-allowed")


def _grant(acting: Session, circle: Circle, other: Client) -> bytes:
    return grant.seal(
        acting.identity.keys,
        other.session.identity.public(),
        circle=circle.circle,
        account=other.account,
        granter=acting.identity.account,
        epochs=[("team", 1, circle.view.keys["team", 1])],
        at=acting.clock.now(),
    )

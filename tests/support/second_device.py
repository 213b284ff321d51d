"""A second device of somebody's, let in by the code that the first shows."""

import asyncio
from pathlib import Path

from people import Person

from relais.client import enrolment
from relais.client.cli.device_commands import admit
from relais.client.enrolment import NewDevice
from relais.client.home import Home
from relais.client.sdk import Client

PASSPHRASE = "une phrase secrète"
"""What `RELAIS_PASSPHRASE` must hold: where there is none, a terminal is asked, and that waits for ever."""


async def joined(first: Client, folder: Path) -> Person:
    """It is in the account, and healed by the first as far as that can."""
    offered = await enrolment.offer(first.session)
    path = folder / "second"
    async with asyncio.TaskGroup() as group:
        admitting = group.create_task(admit(first, offered))
        group.create_task(enrolment.join_account(NewDevice(path, "tablette"), offered.link))
    await first.heal()
    second = Person(first.name, Home.open(path))
    assert second.device == admitting.result()
    return second

"""The demonstration: a program of members beside the server fills a made-up territory through the front door."""

import asyncio
import json
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from relais.models.store.invitations import InvitationRow
from relais.server.accounts import DAY_MS, make_invitation
from relais.server.app import Node
from relais.server.callers import CONSOLE
from relais.server.clock import now_ms
from relais.server.config import Settings

PROGRAM = "relais.client.territory"
STOP_SECONDS = 10.0


@asynccontextmanager
async def territory(settings: Settings, *, empty: bool) -> AsyncIterator[Process]:
    """The members' program, started at once: it gets ready while the server does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", PROGRAM, "--home", str(settings.data / "people")),
        *(["--empty"] if empty else []),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches the server, which ends its members first
    )
    try:
        yield process
    finally:
        await _end(process)


async def run_territory(process: Process, node: Node, stopped: asyncio.Event) -> int:
    """Tell the program where the server is; until it ends or `stopped` is set. Answers an exit code."""
    assert process.stdin is not None
    told = {"origin": node.origin, "invitation": await _first_invitation(node)}
    process.stdin.write(f"{json.dumps(told)}\n".encode())
    await process.stdin.drain()
    try:
        return await _relay(process, stopped)
    finally:
        await _end(process)


async def _first_invitation(node: Node) -> str:
    """An administrator's, while the server knows nobody; then none."""
    stores = node.base.stores
    if await stores.accounts.page(0, 1):
        return ""
    row = InvitationRow(("administrator",), "", now_ms() + DAY_MS)
    token = await make_invitation(stores.invitations, row, CONSOLE)
    return f"{node.origin}/enrol#{token}"


async def _relay(process: Process, stopped: asyncio.Event) -> int:
    """Print what the members' program says until one of both ends."""
    async with asyncio.TaskGroup() as group:
        printing = group.create_task(_print_all(process))
        stopping = group.create_task(stopped.wait())
        await asyncio.wait({printing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        ended_by_itself = printing.done()
        printing.cancel()
        stopping.cancel()
    return await process.wait() if ended_by_itself else 0


async def _print_all(process: Process) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        print(_shown(json.loads(line)), flush=True)


def _shown(said: dict[str, object]) -> str:
    if "link" in said:
        return f"{said['name']}, {said['profession']}\n    {said['link']}"
    if "ready" in said:
        return "Serving until Ctrl-C."
    return str(said.get("progress", ""))


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()

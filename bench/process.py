"""Starting what is measured as a process of its own, and stopping it."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_ADDRESS = re.compile(rb'https?://[\w.]+:(\d+)|"port": (\d+)')


@dataclass(frozen=True)
class Served:
    """Something that listens on loopback."""

    origin: str
    pid: int


@asynccontextmanager
async def relay(data: Path) -> AsyncIterator[Served]:
    """The relay with the embedded database, as `relais-server serve` starts it."""
    async with _running(
        "-m", "relais.server.cli", "serve", "--data", str(data), "--port", "0"
    ) as served:
        yield served


@asynccontextmanager
async def floor() -> AsyncIterator[Served]:
    async with _running("-m", "bench.floor") as served:
        yield served


async def invite(data: Path, role: str) -> str:
    """A one-time invitation from the operator's command line."""
    command = ("-m", "relais.server.cli", "invite", "--data", str(data), "--role", role)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    found = re.search(r"#(\S+)", output.decode())
    if found is None:
        raise RuntimeError("no invitation was printed")
    return found[1]


@asynccontextmanager
async def _running(*arguments: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        port = await asyncio.wait_for(_port(process), 60)
        draining = asyncio.create_task(_drain(process))
        yield Served(f"http://127.0.0.1:{port}", process.pid)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
    await draining


async def _port(process: asyncio.subprocess.Process) -> int:
    if process.stdout is None:
        raise RuntimeError("no output to read")
    seen = b""
    async for line in process.stdout:
        seen += line
        if found := _ADDRESS.search(line):
            return int(found[1] or found[2])
        if line.strip().isdigit():
            return int(line)
    raise RuntimeError(f"it did not start: {seen.decode(errors='replace')[-500:]}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    if process.stdout is not None:
        async for _ in process.stdout:
            pass

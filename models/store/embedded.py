"""The embedded database: a MongoDB-compatible server as a child process, for trying, developing and teaching.

    async with EmbeddedDatabase(data) as embedded:
        database = await open_database(embedded.uri)

It listens on loopback only, asks for credentials that never leave the data folder, ends with the process that started
it, and is started again on the same port when it dies, so that open clients reconnect by themselves.
Source of the flags: docs/decisions and the server's own `--help`.
"""

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import re
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from relais.models.store.embedded_folder import FORMAT, USER, Folder, Running
from relais.models.store.errors import (
    EmbeddedDidNotStart,
    EmbeddedHeld,
    EmbeddedLost,
    EmbeddedNotInstalled,
)

log = logging.getLogger(__name__)

PROGRAM = "secantusd-rs"
GUARD = Path(__file__).with_name("guard.py")
START_SECONDS = 60.0
STOP_SECONDS = 20.0
HELD_SECONDS = STOP_SECONDS  # how long an ended holder's database may take to end too
RESTARTS = 30  # within RESTART_WINDOW seconds, then it is given up
RESTART_WINDOW = 60.0
USER_EXISTS = 51003

LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
HELD = re.compile(r"already being managed by another process|Device or resource busy")
LEVELS = (
    (re.compile(r"\bERROR\b|panicked|failed to"), logging.ERROR),
    (re.compile(r"\bWARN"), logging.WARNING),
)


class EmbeddedDatabase:
    """An embedded database in the folder `data`, for one process at a time.

    `name` is the database that `uri` opens. Named errors: `EmbeddedNotInstalled`, `EmbeddedHeld`, `EmbeddedFormat`,
    `EmbeddedDidNotStart`, `EmbeddedLost`.
    """

    def __init__(self, data: Path, *, name: str = "relais", guard: str | None = None) -> None:
        self._folder = Folder(Path(data))
        self._name = name
        self._guard = guard or ("exec" if sys.platform == "linux" else "watch")
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping = False
        self._last_lines: deque[str] = deque(maxlen=20)
        self.port = 0
        self.restarts = 0

    @property
    def uri(self) -> str:
        """Address with credentials; the same after a restart. A secret: never log it."""
        return self._folder.uri(self.port, self._name)

    @property
    def pid(self) -> int:
        """Process id of the database (of its guard, off Linux), 0 while there is none."""
        return self._process.pid if self._process else 0

    @staticmethod
    def attach(data: Path, *, name: str = "relais") -> str | None:
        """Address of the database that another process runs on `data`, or None. For commands beside `serve`."""
        folder = Folder(Path(data))
        running = folder.running()
        return folder.uri(running.port, name) if running else None

    async def start(self) -> str:
        """Start it, at the first time make its user, and answer its address. Takes about 0.3 s."""
        await self._hold()
        try:
            if not self._folder.is_complete():
                await self._first_start()
            await self._spawn(auth=True)
        except BaseException:
            await self._end()
            self._folder.release()
            raise
        self._announce()
        self._stopping = False
        self._supervisor = asyncio.create_task(self._supervise(), name="embedded database")
        return self.uri

    async def stop(self) -> None:
        """End it cleanly and free the folder. Does nothing when it does not run. Does not raise `EmbeddedLost`."""
        self._stopping = True
        try:
            await self._end()
            if self._supervisor:
                with contextlib.suppress(EmbeddedLost):  # `lost` is where that is told
                    await self._supervisor
        finally:
            self._supervisor = None
            self._folder.release()

    async def lost(self) -> None:
        """Wait until it ends: raises `EmbeddedLost` when it was given up, returns after `stop`.

        A server runs this in its task group, so that it ends when its database has ended for good.
        """
        if self._supervisor:
            await asyncio.shield(self._supervisor)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _hold(self) -> None:
        """Take the folder; once more a moment later, for `attach` takes the lock for an instant to look at it."""
        try:
            self._folder.hold()
        except EmbeddedHeld:
            await asyncio.sleep(0.1)
            self._folder.hold()

    async def _first_start(self) -> None:
        """Make the user on a server without authentication, which has no exception for loopback with it.

        Repeated as a whole if it was cut short. Until it is complete the server holds nothing at all.
        """
        await self._spawn(auth=False)
        user: dict[str, object] = {
            "pwd": self._folder.password(),
            "roles": [{"role": "root", "db": "admin"}],
        }
        client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
            "127.0.0.1", self.port, retryWrites=False
        )
        async with client:
            try:
                await client.admin.command({"createUser": USER, **user})
            except OperationFailure as error:
                if error.code != USER_EXISTS:
                    raise
                await client.admin.command({"updateUser": USER, **user})
        await self._end()
        self._folder.complete()

    async def _spawn(self, *, auth: bool, port: int = 0) -> None:
        """Start the process and wait until it listens; a while longer if an ended holder's database still ends."""
        deadline = time.monotonic() + HELD_SECONDS
        while True:
            try:
                return await self._spawn_once(self._command(auth=auth, port=port))
            except EmbeddedHeld:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    async def _spawn_once(self, command: list[str]) -> None:
        watch = self._guard == "watch"
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=pipe if watch else asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the server alone, which ends its database last
        )
        self._last_lines.clear()
        try:
            async with asyncio.timeout(START_SECONDS):
                self.port = await self._listening(self._process)
        except TimeoutError:
            raise EmbeddedDidNotStart(
                f"the embedded database was silent for {START_SECONDS:.0f} s"
            ) from None

    async def _listening(self, process: asyncio.subprocess.Process) -> int:
        async for line in _lines(process):
            if found := LISTENING.search(line):
                return int(found[1])
            self._last_lines.append(line)
        code = await process.wait()
        told = "\n".join(self._last_lines)
        if HELD.search(told):
            running = self._folder.running()
            raise EmbeddedHeld(str(self._folder.data), running.database if running else 0)
        raise EmbeddedDidNotStart(f"the embedded database ended with {code} at its start:\n{told}")

    def _command(self, *, auth: bool, port: int) -> list[str]:
        guard = [sys.executable, "-I", "-S", str(GUARD), self._guard, str(os.getpid())]
        files = ["--config", str(self._folder.config), "--storage-path", str(self._folder.files)]
        where = ["--host", "127.0.0.1", "--port", str(port)]
        # Without the first, this server acknowledges `j: true` before the disk has it; without the second, it reads
        # gigabytes at a restart. `--data-nonlogged` is left out: see Folder.
        durable = ["--sync-on-commit", "--log-file-max", "64MB"]
        modest = ["--cache-size", "256M", "--log-level", "WARNING"]
        command = [str(find_program()), *files, *where, *durable, *modest]
        return [*guard, *command, *(["--auth"] if auth else [])]

    async def _end(self) -> None:
        """End the process, cleanly if it lets itself."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            _ask_to_end(process)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._drain(process)
            except TimeoutError:
                log.error("the embedded database did not end in %.0f s: killed", STOP_SECONDS)
                _signal(process, "SIGKILL")
        await process.wait()
        self._process = None

    async def _drain(self, process: asyncio.subprocess.Process) -> None:
        """Read to the end of its output, so that it never waits for a reader; the supervisor does it if there is one."""
        if self._supervisor is None:
            async for line in _lines(process):
                log.log(_level(line), "%s", line)
        await process.wait()

    async def _supervise(self) -> None:
        deaths: deque[float] = deque(maxlen=RESTARTS)
        while True:
            process = self._process
            assert process is not None
            async for line in _lines(process):
                log.log(_level(line), "%s", line)
            code = await process.wait()
            if self._stopping:
                return
            log.error("the embedded database ended unexpectedly with %s: starting it again", code)
            deaths.append(time.monotonic())
            if len(deaths) == RESTARTS and deaths[-1] - deaths[0] < RESTART_WINDOW:
                raise EmbeddedLost(
                    f"the embedded database ended {RESTARTS} times in {RESTART_WINDOW:.0f} s"
                )
            await self._restart()

    async def _restart(self) -> None:
        """Start it again on the same port: clients hold that address."""
        try:
            await self._spawn(auth=True, port=self.port)
        except (EmbeddedDidNotStart, EmbeddedHeld) as error:
            raise EmbeddedLost(str(error)) from error
        self.restarts += 1
        self._announce()

    def _announce(self) -> None:
        self._folder.announce(Running(holder=os.getpid(), database=self.pid, port=self.port))


def find_program() -> Path:
    """The database's program. Raises `EmbeddedNotInstalled` if it is absent or not the version pinned.

    The wheel's console script only starts a Python that becomes the program: take the program itself where it is.
    """
    try:
        installed = importlib.metadata.distribution("secantusdb")
    except importlib.metadata.PackageNotFoundError:
        raise EmbeddedNotInstalled(str(EmbeddedNotInstalled.__doc__)) from None
    if f"secantusdb=={installed.version}" != FORMAT:
        raise EmbeddedNotInstalled(
            f"secantusdb {installed.version} is installed, this release needs {FORMAT}"
        )
    named = {PROGRAM, f"{PROGRAM}.exe"}
    found = [
        Path(str(installed.locate_file(file)))
        for file in installed.files or ()
        if file.name in named
    ]
    found.sort(key=lambda path: path.stat().st_size if path.exists() else 0)
    if found and os.access(found[-1], os.X_OK):
        return found[-1].resolve()
    beside = shutil.which(PROGRAM, path=os.path.dirname(sys.executable)) or shutil.which(PROGRAM)
    if beside is None:
        raise EmbeddedNotInstalled(f"{FORMAT} is installed without its program {PROGRAM}")
    return Path(beside)


def _ask_to_end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()  # the guard sees it and ends the database
    _signal(process, "SIGTERM")


def _signal(process: asyncio.subprocess.Process, name: str) -> None:
    """Signal the whole group: off Linux a guard stands before the database. Windows knows no groups."""
    with contextlib.suppress(ProcessLookupError):
        if sys.platform != "win32":
            os.killpg(process.pid, getattr(signal, name))
        elif name == "SIGKILL":
            process.kill()


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert process.stdout is not None
    async for line in process.stdout:
        if text := line.decode(errors="replace").rstrip():
            yield text


def _level(line: str) -> int:
    return next((level for pattern, level in LEVELS if pattern.search(line)), logging.DEBUG)

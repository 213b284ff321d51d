"""The embedded database as a process: started, held, supervised, ended, whatever happens to it or to its parent."""

import asyncio
import json
import os
import shutil
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from relais.models.store import embedded, embedded_folder
from relais.models.store.database import Database, open_database
from relais.models.store.declared import CollectionSchema, index
from relais.models.store.embedded import EmbeddedDatabase, find_program
from relais.models.store.errors import (
    DuplicateKey,
    EmbeddedDidNotStart,
    EmbeddedFormat,
    EmbeddedHeld,
    EmbeddedLost,
    EmbeddedNotInstalled,
    Unavailable,
)
from relais.models.store.schema import apply_schema

GUARDS = ["exec", "watch"] if sys.platform == "linux" else ["watch"]


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after its first start, to copy: that start takes the database twice."""
    folder = tmp_path_factory.mktemp("complete")

    async def first_start() -> None:
        async with EmbeddedDatabase(folder):
            pass

    asyncio.run(first_start())
    return folder


@pytest.fixture
def data(complete: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(complete, tmp_path / "data"))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def server_process(database: EmbeddedDatabase) -> int:
    """The database itself, behind its guard if there is one."""
    children = Path(f"/proc/{database.pid}/task/{database.pid}/children").read_text().split()
    return int(children[0]) if children else database.pid


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while is_alive(pid):  # noqa: ASYNC110 (a process of nobody's tells nobody)
            await asyncio.sleep(0.02)


async def until_restarted(running: EmbeddedDatabase, database: Database) -> None:
    """Until the killed database is back and an open client has found it."""
    answered = False
    async with asyncio.timeout(PATIENCE):
        while running.restarts == 0 or not answered:
            try:
                await database.ping()
                answered = True
            except Unavailable:
                answered = False


def journal_size(data: Path) -> int:
    return sum(file.stat().st_size for file in data.glob("database/files/WiredTigerLog.*"))


def all_files(data: Path) -> list[Path]:
    """The runtime file, and the database's folder with all in it."""
    database = data / "database"
    return [data / "runtime.json", database, *database.glob("**/*")]


def arguments(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


async def count(uri: str) -> int:
    async with await open_database(uri) as database:
        return len(await database.collection("things").find({}))


async def test_what_is_stored_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    for n in range(2):
        async with (
            EmbeddedDatabase(tmp_path) as running,
            await open_database(running.uri) as database,
        ):
            assert database.kind == "embedded"
            assert len(await database.collection("things").find({})) == n
            await database.collection("things").insert({"n": n})


@pytest.mark.parametrize("guard", GUARDS)
async def test_a_stop_ends_the_process_and_frees_the_folder(data: Path, guard: str) -> None:
    running = EmbeddedDatabase(data, guard=guard)
    await running.start()
    pid = server_process(running)
    assert is_alive(pid)
    await running.stop()
    assert not is_alive(pid)
    assert EmbeddedDatabase.attach(data) is None
    await running.stop()


async def test_nobody_enters_without_the_password(data: Path) -> None:
    async with EmbeddedDatabase(data) as running:
        stranger: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient("127.0.0.1", running.port)
        async with stranger:
            with pytest.raises(OperationFailure):
                await stranger.relais.things.insert_one({"n": 1})
        assert await count(running.uri) == 0


async def test_only_the_owner_can_read_the_folder(data: Path) -> None:
    async with EmbeddedDatabase(data):
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in all_files(data)}
    assert {data / "runtime.json", data / "database" / "credentials.json"} <= modes.keys()
    assert {path for path, mode in modes.items() if mode & 0o077} == set()


async def test_a_second_start_on_one_folder_names_who_holds_it(data: Path) -> None:
    async with EmbeddedDatabase(data) as running:
        with pytest.raises(EmbeddedHeld, match=str(os.getpid())) as caught:
            await EmbeddedDatabase(data).start()
        assert caught.value.pid == os.getpid()
        assert await count(running.uri) == 0
    async with EmbeddedDatabase(data):
        assert EmbeddedDatabase.attach(data) is not None


async def test_a_command_beside_it_finds_the_address_and_credentials(data: Path) -> None:
    assert EmbeddedDatabase.attach(data) is None
    async with EmbeddedDatabase(data) as running:
        found = EmbeddedDatabase.attach(data)
        assert found == running.uri
        assert await count(found) == 0
    assert EmbeddedDatabase.attach(data) is None


async def test_what_a_dead_holder_left_behind_is_not_taken_for_a_running_one(
    data: Path,
) -> None:
    async with EmbeddedDatabase(data):
        left = (data / "runtime.json").read_text()
    (data / "runtime.json").write_text(left)
    assert EmbeddedDatabase.attach(data) is None


async def test_a_folder_of_another_version_is_refused_and_left_alone(data: Path) -> None:
    stamp = data / "database" / "FORMAT"
    ours = stamp.read_text()
    stamp.write_text("secantusdb==0.1")
    for _ in range(2):
        with pytest.raises(EmbeddedFormat, match=r"0\.1"):
            await EmbeddedDatabase(data).start()
    stamp.write_text(ours)
    async with EmbeddedDatabase(data) as running:
        assert await count(running.uri) == 0


async def test_a_first_start_that_was_cut_short_is_repeated(data: Path) -> None:
    (data / "database" / "FORMAT").unlink()
    (data / "database" / "credentials.json").unlink()
    async with EmbeddedDatabase(data) as running:
        assert await count(running.uri) == 0


@pytest.mark.parametrize("guard", GUARDS)
async def test_a_killed_database_is_started_again_and_open_clients_go_on(
    data: Path, guard: str
) -> None:
    async with (
        EmbeddedDatabase(data, guard=guard) as running,
        await open_database(running.uri) as database,
    ):
        things = database.collection("things")
        await things.insert({"n": 1})
        uri = running.uri
        os.kill(server_process(running), signal.SIGKILL)
        await until_restarted(running, database)
        await things.insert({"n": 2})
        assert [d["n"] for d in await things.find({})] == [1, 2]
        assert EmbeddedDatabase.attach(data) == running.uri == uri


async def test_a_database_that_keeps_dying_is_given_up_and_said_to_be_lost(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "RESTARTS", 2)
    async with EmbeddedDatabase(data) as running:
        lost = asyncio.create_task(running.lost())
        first = running.pid
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            while running.restarts == 0:  # noqa: ASYNC110 (its state is what is tested)
                await asyncio.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
        with pytest.raises(EmbeddedLost):
            await lost
    async with EmbeddedDatabase(data) as again:
        assert await count(again.uri) == 0


async def test_lost_returns_after_a_stop(data: Path) -> None:
    async with EmbeddedDatabase(data) as running:
        lost = asyncio.create_task(running.lost())
        await asyncio.sleep(0)
    await lost


PARENT = """
import asyncio, sys
from pathlib import Path
from relais.models.store.embedded import EmbeddedDatabase

async def main():
    async with EmbeddedDatabase(Path(sys.argv[1]), guard=sys.argv[2]) as running:
        print(running.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("guard", GUARDS)
async def test_a_database_does_not_outlive_a_parent_that_was_killed(data: Path, guard: str) -> None:
    pipe = asyncio.subprocess.PIPE
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(data), guard, stdout=pipe
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    with pytest.raises(EmbeddedHeld) as caught:
        await EmbeddedDatabase(data).start()
    assert caught.value.pid == parent.pid
    assert EmbeddedDatabase.attach(data) is not None
    parent.kill()
    await parent.wait()
    async with EmbeddedDatabase(data) as running:  # while the old one may still be ending
        assert await count(running.uri) == 0
    await until_gone(pid)


async def test_a_program_that_does_not_listen_is_an_error_with_its_words(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho no such luck\nexit 3\n")
    program.chmod(0o700)
    monkeypatch.setattr(embedded, "find_program", lambda: program)
    with pytest.raises(EmbeddedDidNotStart, match="3.*\nno such luck"):
        await EmbeddedDatabase(data).start()
    monkeypatch.undo()
    async with EmbeddedDatabase(data) as running:
        assert await count(running.uri) == 0


def test_the_program_is_found_and_another_version_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert os.access(find_program(), os.X_OK)
    monkeypatch.setattr(embedded, "FORMAT", "secantusdb==9.9")
    with pytest.raises(EmbeddedNotInstalled, match=r"9\.9"):
        find_program()


async def test_the_password_is_in_no_argument_and_in_no_file_but_its_own(data: Path) -> None:
    async with EmbeddedDatabase(data) as running:
        password = json.loads((data / "database" / "credentials.json").read_text())["password"]
        assert password in running.uri
        assert password.encode() not in arguments(running.pid)
        assert password not in (data / "runtime.json").read_text()


async def test_a_unique_index_holds_after_a_kill_however_young_it_is(data: Path) -> None:
    """In another of its modes this server forgets the keys of indexes made since its last checkpoint."""
    async with EmbeddedDatabase(data) as running, await open_database(running.uri) as database:
        await apply_schema(
            database, [CollectionSchema("keys", indexes=(index("key", unique=True),))]
        )
        keys = database.collection("keys")
        await keys.insert({"key": 1})
        os.kill(running.pid, signal.SIGKILL)
        await until_restarted(running, database)
        with pytest.raises(DuplicateKey):
            await keys.insert({"key": 1})
        await keys.insert({"key": 2})


async def test_the_journal_is_cut_while_the_database_runs(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_folder, "CHECKPOINTS", "checkpoint=(wait=1,log_size=16MB)\n")
    written = 0
    async with EmbeddedDatabase(data) as running, await open_database(running.uri) as database:
        things = database.collection("things")
        for _ in range(40):
            await things.insert_many([{"body": os.urandom(100_000)} for _ in range(60)])
            written += 60 * 100_000
        async with asyncio.timeout(30):
            while journal_size(data) > 200_000_000:  # noqa: ASYNC110 (a thread of the server cuts it)
                await asyncio.sleep(0.1)
    assert written > 200_000_000

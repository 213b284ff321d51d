"""The operator's commands, as processes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from members import Connection, new_keys, statement_0

from relais.models.wire import auth
from relais.server.cli import main


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("RELAIS_")}


async def run(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relais.server.cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


@asynccontextmanager
async def serving(data: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """`serve` on any port, until the body ends; then it must have ended cleanly."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relais.server.cli", "serve", "--port", "0", "--data", str(data)),
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
    )
    try:
        yield process, await port_of(process)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        rest = (await process.stderr.read()).decode()
        assert await process.wait() == 0, rest
        assert "trace" not in rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def port_of(process: asyncio.subprocess.Process) -> int:
    assert process.stderr is not None
    async for line in process.stderr:
        said: dict[str, Any] = json.loads(line)
        if said["event"] == "serving":
            return int(said["port"])
    raise AssertionError("it ended before it served")


async def test_an_invitation_made_beside_a_running_server_enrols(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with serving(data) as (_, port):
        code, output, errors = await run(
            *("invite", "--role", "auditor", "--role", "professional", "--json"),
            *("--data", str(data), "--port", str(port)),
        )
        assert (code, errors) == (0, "")
        url = json.loads(output)["url"]
        origin, _, token = url.partition("/enrol#")
        assert origin == f"http://127.0.0.1:{port}"
        connection = Connection(origin, new_keys())
        enrolled = await connection.exchange(
            auth.Enrol(token, statement_0(connection.keys, "Iris"))
        )
        assert enrolled.roles == ("auditor", "professional")
        await connection.connect()
        await connection.close()


async def test_an_escrow_is_invited_alone(tmp_path: Path) -> None:
    ask = ("invite", "--role", "escrow", "--data", str(tmp_path / "data"), "--port", "1")
    code, output, errors = await run(*ask, "--role", "auditor")
    assert (code, output) == (2, "")
    assert "--role: an escrow is nothing else beside" in errors
    code, output, errors = await run(*ask)
    assert (code, errors) == (0, "")
    assert "/enrol#" in output


async def test_data_is_kept_from_one_start_to_the_next_and_keys_stay_private(
    tmp_path: Path,
) -> None:
    data, keys = tmp_path / "data", new_keys()
    code, output, _ = await run(
        *("invite", "--role", "professional", "--data", str(data), "--port", "1")
    )
    assert code == 0  # no server runs yet
    token = output.strip().partition("#")[2]
    for start in (1, 2):
        async with serving(data) as (_, port):
            connection = Connection(f"http://127.0.0.1:{port}", keys)
            if start == 1:
                await connection.exchange(auth.Enrol(token, statement_0(keys, "Nadia")))
            await connection.connect()
            await connection.close()
    key = data / "keys" / "token.pem"
    assert key.stat().st_mode & 0o777 == 0o600


async def test_a_second_server_on_the_same_data_says_who_holds_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with serving(data) as (process, _):
        code, _, errors = await run("serve", "--port", "0", "--data", str(data))
        assert code == 1
        assert f"process {process.pid}" in errors
        assert "Traceback" not in errors


async def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    async with serving(tmp_path / "a") as (_, port):
        code, _, errors = await run("serve", "--port", str(port), "--data", str(tmp_path / "b"))
        assert code == 1
        assert str(port) in errors.splitlines()[-1]
        assert "Traceback" not in errors
        url = f"http://127.0.0.1:{port}/healthz"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.status == 200


def test_a_wrong_setting_ends_with_2_and_its_name(capsys: Any, tmp_path: Path) -> None:
    assert main(["serve", "--origin", "relais.example", "--data", str(tmp_path)]) == 2
    assert "origin: must look like" in capsys.readouterr().err

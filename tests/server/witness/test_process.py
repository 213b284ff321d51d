"""``relais-server witness`` as a process, killed at each step: no two forks are ever cosigned."""

import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from sample_log import LOG_KEY
from witnesses import RunningWitness, TreeOf, add, made, serving

from relais.crypto.signed_note import parse_vkey

TREE, FORK = TreeOf(LOG_KEY), TreeOf(LOG_KEY, salt="fork ")
LOGS = (LOG_KEY.verifier,)

DIE = """
import os
from pathlib import Path
from relais.server.witness import memory
"""
BEFORE_WRITING = DIE + "memory._replace = lambda *_: os._exit(9)"
WHILE_WRITING = DIE + "memory.os.fsync = lambda _: os._exit(9)"
BEFORE_RENAMING = DIE + "Path.replace = lambda *_: os._exit(9)"
BEFORE_SYNCING = DIE + "memory._sync_folder = lambda _: os._exit(9)"
BEFORE_ANSWERING = (
    DIE + "keep = memory.Memory.keep\nmemory.Memory.keep = lambda *a: (keep(*a), os._exit(9))"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("witness")


@pytest.mark.crash
@pytest.mark.parametrize(
    ("step", "dies", "kept"),
    [
        ("before-writing", BEFORE_WRITING, 9),
        ("while-writing", WHILE_WRITING, 9),
        ("before-renaming", BEFORE_RENAMING, 9),
        ("before-syncing", BEFORE_SYNCING, 12),
        ("before-answering", BEFORE_ANSWERING, 12),
    ],
)
async def test_a_witness_killed_at_any_step_cosigns_no_second_history(
    folder: Path, step: str, dies: str, kept: int
) -> None:
    path, _ = made(folder, step)[step]
    async with serving(path, LOG_KEY.verifier) as url:
        assert (await add(url, TREE.asks(0, 9)))[0] == 200
    with RunningWitness(path, LOGS, dies=dies) as witness:
        with pytest.raises(aiohttp.ClientError):
            await add(witness.url, TREE.asks(9, 12))
        assert witness.wait() == 9
    async with serving(path, LOG_KEY.verifier) as url:
        assert await add(url, TREE.asks(0, 30)) == (409, f"{kept}\n".encode(), "text/x.tlog.size")
        assert (await add(url, FORK.asks(kept, 30)))[0] == 422
        assert (await add(url, TREE.asks(kept, 30)))[0] == 200


def test_a_key_is_made_and_used_by_commands_and_by_one_process_alone(folder: Path) -> None:
    path = folder / "alone.pem"
    command = [sys.executable, "-m", "relais.server.cli", "witness-key", str(path)]
    command += ["--name", "alone.example"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    with RunningWitness(path, LOGS) as witness:
        assert witness.vkey == parse_vkey(told.strip())
        with pytest.raises(AssertionError, match="did not start: 2"), RunningWitness(path, LOGS):
            pass

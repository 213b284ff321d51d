"""The real command line: every call a process of its own, with a folder and a passphrase.

`CommandLine.started` starts the program from nothing. `CommandLine.run` forks it from a process that has done its
imports already, which take longer than most commands; from ``main`` on it is the same.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 120
PROGRAM = "relais.client.cli.run"
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([PROGRAM, "pytest"])


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> dict[str, Any]:
        """What stands on standard error as JSON, whatever else is there."""
        found: dict[str, Any] = json.loads(self.err.strip().splitlines()[-1])["error"]
        return found


class CommandLine:
    """``relais --home FOLDER --json`` of one member."""

    def __init__(self, home: Path, passphrase: str = "cheval pile agrafe") -> None:
        self.home = home
        self._environment = {**_plain_environment(), "RELAIS_PASSPHRASE": passphrase}

    def run(self, *words: str, code: int = 0, text: str = "") -> Done:
        """Run a command to its end and see that it ends with this code. ``text``: what is typed."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "in").write_text(text)
            process = FORKS.Process(
                target=_forked, args=(self._words(words), self._environment, folder)
            )
            process.start()
            process.join(SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            assert process.exitcode is not None
            said = ((folder / stream).read_text() for stream in ("out", "err"))
            done = Done(process.exitcode, *said)
        assert done.code == code, f"{words[:2]} ended with {done.code}: {done.out}{done.err}"
        return done

    def json(self, *words: str) -> Any:
        return self.run(*words).json

    @contextmanager
    def started(self, *words: str) -> "Iterator[subprocess.Popen[str]]":
        """A command that is under way, started from nothing; killed in the end if it still is."""
        process = subprocess.Popen(
            [sys.executable, "-m", "relais.client.cli", *self._words(words)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def _words(self, words: tuple[str, ...]) -> list[str]:
        return ["--json", "--home", str(self.home), *words]


def next_line(process: "subprocess.Popen[str]") -> Any:
    """The next JSON line a running command prints; fails when it does not come in time."""
    assert process.stdout is not None
    guard = threading.Timer(SECONDS, process.kill)
    guard.start()
    try:
        line = process.stdout.readline()
    finally:
        guard.cancel()
    assert line, "the command ended without saying more"
    return json.loads(line)


def _forked(words: list[str], environment: Mapping[str, str], folder: Path) -> None:
    """In the forked process: its own environment and streams, then the command."""
    from relais.client.cli.run import main

    os.environ.clear()
    os.environ.update(environment)
    for stream, mode, number in (("in", "r", 0), ("out", "w", 1), ("err", "w", 2)):
        with (folder / stream).open(mode) as file:
            os.dup2(file.fileno(), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 (it lives as long as the process)
    sys.exit(main(words))


def _plain_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("RELAIS_")}

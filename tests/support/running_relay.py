"""A real relay: ``relais-server serve`` as a process of its own, on a folder and a socket."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pymongo
from pymongo.database import Database as RawDatabase

from relais.models.store.embedded import EmbeddedDatabase
from relais.models.store.embedded_folder import Folder

START_SECONDS = 120
STOP_SECONDS = 60
GIVEN_URI = os.environ.get("RELAIS_TEST_MONGODB_URI")
"""A MongoDB to run on instead of the embedded database. A secret on some machines: print it nowhere."""


class RunningRelay:
    """A server process and what it logs. It can be stopped, killed, and started again on the same data and port."""

    def __init__(self, data: Path, **settings: str | int) -> None:
        self.data = data
        self.name = f"relais_test_{secrets.token_hex(6)}"
        self.port = 0
        self.log: list[str] = []
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self._news = threading.Condition()
        self._silent = False
        self._reader: threading.Thread | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_embedded(self) -> bool:
        return GIVEN_URI is None

    def start(self) -> Self:
        """Start it and wait until it says that it serves."""
        command = [sys.executable, "-m", "relais.server.cli", "serve"]
        before = len(self.log)
        self._silent = False
        self._process = subprocess.Popen(
            [*command, "--data", str(self.data), "--port", str(self.port)],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        try:
            self.port = self._said_port(before)
        except BaseException:
            self.kill()
            raise
        return self

    def environment(self) -> dict[str, str]:
        """What the server's commands run in."""
        chosen = {key: value for key, value in os.environ.items() if not key.startswith("RELAIS_")}
        chosen |= {f"RELAIS_{key.upper()}": str(value) for key, value in self._settings.items()}
        chosen["RELAIS_DATABASE"] = self.name
        return chosen | ({"RELAIS_MONGODB_URI": GIVEN_URI} if GIVEN_URI else {})

    def invite(self, *roles: str, organisation: str = "") -> str:
        """A one-time invitation by ``relais-server invite --json``, beside the running server."""
        words = [word for role in roles for word in ("--role", role)]
        told = self.command("invite", *words, "--organisation", organisation, "--json")
        url: str = json.loads(told)["url"]
        return url

    def command(self, *words: str) -> str:
        """What one of the administrative commands prints, run beside the server."""
        command = [sys.executable, "-m", "relais.server.cli", *words]
        done = subprocess.run(
            [*command, "--data", str(self.data), "--port", str(self.port)],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"relais-server {words[0]}: {done.stderr}"
        return done.stdout

    def stop(self) -> int:
        """End it as an operator does; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """``kill -9``: nothing is finished, nothing is told."""
        self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def database_uri(self) -> str:
        """A secret: print it nowhere."""
        uri = GIVEN_URI or EmbeddedDatabase.attach(self.data, name=self.name)
        assert uri is not None, "the embedded database does not run"
        return uri

    @contextmanager
    def database(self) -> Iterator["RawDatabase[dict[str, Any]]"]:
        """Its database, past the server."""
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self.database_uri())
        with client:
            yield client[self.name]

    def database_pid(self) -> int:
        """The embedded database's own process."""
        running = Folder(self.data).running()
        assert running is not None, "the embedded database does not run"
        return running.database

    def errors(self) -> list[str]:
        """What it logged as an error: a bug, or worse."""
        return [line for line in self.log if '"level": "error"' in line or "Traceback" in line]

    def close(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        if GIVEN_URI:
            client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(GIVEN_URI)
            with client:
                client.drop_database(self.name)
        if self.is_running:
            self.stop()

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        assert self._reader is not None
        self._process.send_signal(number)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        self._reader.join(STOP_SECONDS)
        return code

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with self._news:
                    self.log.append(line)
                    self._news.notify_all()
        with self._news:
            self._silent = True
            self._news.notify_all()

    def _said_port(self, before: int) -> int:
        with self._news:
            self._news.wait_for(lambda: self._port_in(before) or self._silent, START_SECONDS)
        port = self._port_in(before)
        assert port, "the relay did not start:\n" + "".join(self.log[before:])
        return port

    def _port_in(self, before: int) -> int:
        for line in self.log[before:]:
            if line.startswith("{") and '"serving"' in line:
                return int(json.loads(line)["port"])
        return 0

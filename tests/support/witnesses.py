"""Witnesses for tests: the service on a socket of this process, and the command as a process of its own."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web

from relais.crypto.checkpoint import Checkpoint, sign_checkpoint
from relais.crypto.merkle import TreeHead, consistency_proof, leaf_hash, root_of
from relais.crypto.signed_note import SignerKey, VerifierKey, parse_vkey
from relais.crypto.trust_policy import TrustPolicy, parse_trust_policy
from relais.crypto.witness import AddCheckpoint
from relais.server.witness.memory import make_witness, opened
from relais.server.witness.service import Witness

AT = 1_772_000_000


@dataclass
class TreeOf:
    """A log in memory that asks to be cosigned: of these entries, or of a fork of it."""

    key: SignerKey
    salt: str = ""

    def leaves(self, size: int) -> list[bytes]:
        return [leaf_hash(f"{self.salt}{number}".encode()) for number in range(size)]

    def head(self, size: int) -> TreeHead:
        return TreeHead(size, root_of(self.leaves(size)))

    def asks(self, old: int, new: int) -> bytes:
        """A request; its proof is that of this tree."""
        leaves = self.leaves(new)
        proof = consistency_proof(
            lambda level, index: root_of(leaves[index << level : (index + 1) << level]),
            old_size=old,
            new_size=new,
        )
        head = self.head(new)
        note = sign_checkpoint(Checkpoint(self.key.name, head.size, head.root), [self.key])
        return AddCheckpoint(old, proof, note.encode()).encode()


async def add(url: str, body: bytes) -> tuple[int, bytes, str]:
    """(status, body, content type) of one request."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/add-checkpoint", data=body) as answer,
    ):
        return answer.status, await answer.read(), answer.headers.get("Content-Type", "")


@asynccontextmanager
async def serving(
    path: Path,
    log: VerifierKey,
    *,
    before: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[str]:
    """The service on a socket; answers its URL. `before` each request, something may happen."""

    @web.middleware
    async def first(request: web.Request, handler: "web.Handler") -> web.StreamResponse:  # type: ignore[name-defined]
        if before:
            await before()
        answer: web.StreamResponse = await handler(request)
        return answer

    with opened(path) as memory:
        app = Witness(memory, [log], lambda: AT).app()
        app.middlewares.append(first)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def made(folder: Path, *names: str) -> dict[str, tuple[Path, VerifierKey]]:
    """Keys of new witnesses."""
    paths = {name: folder / f"{name}.pem" for name in names}
    return {name: (path, make_witness(path, f"{name}.example")) for name, path in paths.items()}


def policy_of(keys: dict[str, VerifierKey], urls: dict[str, str], *, least: int) -> TrustPolicy:
    return parse_trust_policy(policy_text(keys, urls, least=least).encode())


def policy_text(keys: dict[str, VerifierKey], urls: dict[str, str], *, least: int) -> str:
    lines = [f"witness {name} {key.encode()} {urls[name]}" for name, key in keys.items()]
    return "\n".join(
        [*lines, f"group all-of-them {least} {' '.join(keys)}", "quorum all-of-them", ""]
    )


class RunningWitness:
    """``relais-server witness`` as a process. `dies`: Python that makes it die at some step."""

    def __init__(self, key: Path, logs: Sequence[VerifierKey], *, dies: str = "") -> None:
        self.key = key
        self.url = ""
        words = [word for log in logs for word in ("--log", log.encode())]
        arguments = ["witness", "--key", str(key), "--listen", "127.0.0.1:0", *words]
        code = (
            f"{dies}\nimport sys\nfrom relais.server.cli import main\nsys.exit(main({arguments!r}))"
        )
        self._command = [sys.executable, "-c", code]
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    def made(cls, folder: Path, name: str, logs: Sequence[VerifierKey]) -> Self:
        """With a new key."""
        return cls(made(folder, name)[name][0], logs)

    @property
    def vkey(self) -> VerifierKey:
        return parse_vkey(
            (self.key.with_name(f"{self.key.name}.seen") / "vkey").read_text().strip()
        )

    def __enter__(self) -> Self:
        process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._process = process
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("{") and "port" in (told := json.loads(line)):
                self.url = f"http://127.0.0.1:{told['port']}"
                return self
        process.stderr.close()
        raise AssertionError(f"the witness did not start: {process.wait(30)}")

    def __exit__(self, *_: object) -> None:
        self.kill()

    def wait(self) -> int:
        """Its exit code, once it has died."""
        assert self._process is not None
        return self._process.wait(30)

    def kill(self) -> None:
        """``kill -9``, whatever it is doing."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)
        if self._process.stderr:
            self._process.stderr.close()

"""``relais-server witness`` and ``witness-key``: they need no database and no setting of a relay."""

import argparse
import asyncio
import logging
import signal
import time
from pathlib import Path

from aiohttp import web

from relais.crypto.signed_note import KeyKind, SignedNoteError, VerifierKey, parse_vkey
from relais.server.config import Settings
from relais.server.witness.memory import make_witness, opened
from relais.server.witness.service import Witness

log = logging.getLogger(__name__)


def declare_arguments(witness: argparse.ArgumentParser, key: argparse.ArgumentParser) -> None:
    """What the two commands take."""
    witness.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="made by witness-key"
    )
    witness.add_argument(
        "--listen",
        type=_address,
        required=True,
        metavar="HOST:PORT",
        help="where logs ask; port 0 for any",
    )
    witness.add_argument(
        "--log", type=_log_key, action="append", required=True, metavar="VKEY",
        help="a log to witness, by its key (GET /log/vkey); repeatable",
    )  # fmt: skip
    key.add_argument("key", type=Path, metavar="FILE", help="where to; its memory goes beside it")
    key.add_argument("--name", required=True, help="the witness's name, such as witness.example/w1")


async def make_key(settings: Settings, asked: argparse.Namespace) -> int:
    """Make a witness, and print the key that logs and readers put into their policies."""
    print(make_witness(asked.key, asked.name).encode())
    return 0


async def run(settings: Settings, asked: argparse.Namespace) -> int:
    """Witness until SIGTERM or Ctrl-C."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        _on_signal(loop, number, stopped)
    with opened(asked.key) as memory:
        runner = web.AppRunner(
            Witness(memory, asked.log, lambda: int(time.time())).app(),
            access_log=None,
            handle_signals=False,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, *asked.listen).start()
            told = {"witness": memory.key.verifier.encode(), "port": runner.addresses[0][1]}
            log.info("witnessing", extra=told)
            await stopped.wait()
        finally:
            await runner.cleanup()
    return 0


def _on_signal(loop: asyncio.AbstractEventLoop, number: int, stopped: asyncio.Event) -> None:
    try:
        loop.add_signal_handler(number, stopped.set)
    except NotImplementedError:  # Windows has no such loop
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise argparse.ArgumentTypeError("must look like 0.0.0.0:8090")
    return host.strip("[]"), int(port)


def _log_key(text: str) -> VerifierKey:
    try:
        key = parse_vkey(text)
    except SignedNoteError as error:
        raise argparse.ArgumentTypeError(f"is no key of a log ({error.reason})") from error
    if key.kind is not KeyKind.ED25519:
        raise argparse.ArgumentTypeError("is the key of a witness, not of a log")
    return key

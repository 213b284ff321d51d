"""``relais-server audit export FILE --format …``: at the console, the files that an auditor gets over HTTP."""

import argparse
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Final

from relais.server.audit.exports import TEXTS, TIMES, Asked, asked_of, pieces_of, proof_of
from relais.server.audit.formats import FORMATS, PROOF
from relais.server.audit.parts import LogStores
from relais.server.audit.record import Recorder
from relais.server.callers import Anyone

TILES: Final = "tiles"
"""The whole log as a directory: `export`."""
VERIFIER: Final = "relais_verify.py"


def declare(parser: argparse.ArgumentParser) -> None:
    """The format, and which entries."""
    formats = (TILES, *FORMATS, PROOF)
    parser.add_argument("--format", choices=formats, default=TILES, help="tiles: the whole log")
    for name in TEXTS:
        parser.add_argument(f"--{name}", help="only these (not with tiles)")
    for name in TIMES:
        parser.add_argument(f"--{name}", metavar="MILLISECONDS", help="since ≤ time < until")
    parser.add_argument("--from-size", metavar="SIZE", help="proof: the tree that it continues")


def asked_for(arguments: argparse.Namespace) -> Asked:
    """The same query as over HTTP. Raises `Refusal` ``malformed``."""
    names = ("format", *TEXTS, *TIMES, "from_size")
    given = {name: getattr(arguments, name) for name in names}
    return asked_of({name: value for name, value in given.items() if value is not None})


async def write_file(
    stores: LogStores, recorder: Recorder, who: Anyone, asked: Asked, *, path: Path
) -> None:
    """Record the export, then write it; beside a proof bundle stands the program that checks it.

    Raises `FileExistsError`, `Refusal` (``too_large``, ``not_found``), `LogMissing`, `LogDamaged`, `Unavailable`.
    """
    await recorder.record(who, asked.act)
    with path.open("xb") as file:
        async for piece in _pieces(stores, asked):
            file.write(piece)
    if asked.format == PROOF:
        verifier = files("relais.verifier").joinpath(VERIFIER).read_bytes()
        path.with_name(VERIFIER).write_bytes(verifier)


async def _pieces(stores: LogStores, asked: Asked) -> AsyncIterator[bytes]:
    if asked.format == PROOF:
        yield await proof_of(stores, asked)
        return
    async for piece in pieces_of(stores, asked.wanted, FORMATS[asked.format]):
        yield piece

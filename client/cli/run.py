"""From arguments to a command, and from whatever happens to an exit code."""

import argparse
import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from relais.client.cli import (
    account_commands,
    audit_commands,
    circle_commands,
    device_commands,
    emergency_commands,
    escrow_commands,
    lab_commands,
    note_commands,
    proof_commands,
    safety_commands,
    unsent_commands,
)
from relais.client.cli.output import Exit, Output
from relais.client.errors import ClientError
from relais.client.stated import stating
from relais.crypto.errors import ProtocolError
from relais.models.refusal import Refusal

_ROOMS = (
    account_commands,
    circle_commands,
    note_commands,
    unsent_commands,
    device_commands,
    safety_commands,
    escrow_commands,
    emergency_commands,
    audit_commands,
    proof_commands,
    lab_commands,
)


@dataclass(frozen=True)
class Invocation:
    """What every command gets."""

    home: Path
    arguments: argparse.Namespace
    output: Output


Command = Callable[[Invocation], Awaitable[int | None]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (docs/command-line.md)."""
    parsed = parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if parsed.verbose else logging.ERROR, format="%(message)s"
    )
    invocation = Invocation(parsed.home, parsed, Output(as_json=parsed.json))
    try:
        with stating(parsed.purpose, on_behalf_of=parsed.on_behalf_of):
            return asyncio.run(_run(parsed.command, invocation)) or Exit.OK
    except (Refusal, ProtocolError, ClientError, OSError) as error:
        return invocation.output.error(error)
    except KeyboardInterrupt:
        return 130


async def _run(command: Command, invocation: Invocation) -> int | None:
    return await command(invocation)


def parser() -> argparse.ArgumentParser:
    """The whole grammar; the common options may stand before or behind the command."""
    top = argparse.ArgumentParser(
        prog="relais", description="Sealed care circles, from the command line."
    )
    _common(top, defaults=True)
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for room in _ROOMS:
        room.declare(Grammar(commands))
    return top


class Grammar:
    """Adds commands to a parser so that each of them knows the common options."""

    def __init__(self, commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
        self._commands = commands

    def command(self, name: str, run: Command, sentence: str) -> argparse.ArgumentParser:
        made = self._commands.add_parser(name, help=sentence, description=sentence)
        _common(made, defaults=False)
        made.set_defaults(command=run)
        return made

    def group(self, name: str, sentence: str) -> "Grammar":
        made = self._commands.add_parser(name, help=sentence, description=sentence)
        return Grammar(made.add_subparsers(title="commands", required=True, metavar="COMMAND"))


def _common(target: argparse.ArgumentParser, *, defaults: bool) -> None:
    def default(value: object) -> object:
        return value if defaults else argparse.SUPPRESS

    folder = Path(os.environ.get("RELAIS_HOME") or platformdirs.user_data_dir("relais"))
    target.add_argument("--home", type=Path, default=default(folder), help="this member's folder")
    target.add_argument("--json", action="store_true", default=default(False), help="for programs")
    target.add_argument("--verbose", action="store_true", default=default(False), help="say more")
    target.add_argument(
        "--purpose", metavar="CODE", default=default(None), help="what for, such as ETREAT (HL7)"
    )
    target.add_argument(
        "--for",
        metavar="ACCOUNT",
        dest="on_behalf_of",
        default=default(None),
        help="on whose behalf, such as the person you replace",
    )

"""``relais-server``: serve, demo, invite, backup, restore, audit export, witness, witness-key."""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from relais.models.refusal import Refusal
from relais.models.roles import AccountRole
from relais.models.store.accounts import AccountStore
from relais.models.store.audit_pending import AuditPending
from relais.models.store.database import Database, open_database
from relais.models.store.embedded import EmbeddedDatabase
from relais.models.store.errors import StoreError
from relais.models.store.invitations import InvitationRow, InvitationStore
from relais.models.store.journal import GroupWriter
from relais.models.store.migrations import migrate
from relais.server import authorize, backup_command, logs
from relais.server.accounts import DAY_MS, MOST_DAYS, check_resettable, make_invitation
from relais.server.app import Node, database_folder, origin_of, running
from relais.server.audit import console
from relais.server.audit import retention_command as keeping
from relais.server.audit.export import export_log
from relais.server.audit.parts import LogStores
from relais.server.audit.record import Recorder
from relais.server.callers import CONSOLE
from relais.server.clock import now_ms
from relais.server.config import Settings, SettingsError, load
from relais.server.demo import run_territory, territory
from relais.server.witness import command as witness

log = logging.getLogger(__name__)

FLAGS = ("host", "port", "data", "mongodb_uri", "redis_url", "origin", "web", "log_level")
DEMO_DATA = Path(".demo")
FAILED, WRONG_SETTING = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Exit code: 0, 1 when it failed, 2 for a wrong setting or argument."""
    asked = _parser().parse_args(arguments)
    try:
        settings = _settings(asked)
        logs.set_up(settings.log_level)
        return _run(asked.run(settings, asked))
    except SettingsError as error:
        print(f"relais-server: {error}", file=sys.stderr)
        return WRONG_SETTING
    except BaseException as error:
        told = _expected(error)
        if told is None:
            raise
        print(f"relais-server: {told}", file=sys.stderr)
        return FAILED


async def serve(settings: Settings, asked: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    async with _until_stopped(settings) as (_, stopped):
        await stopped.wait()
    return 0


async def demo(settings: Settings, asked: argparse.Namespace) -> int:
    """Serve with a made-up territory in it."""
    async with (
        territory(settings, empty=asked.empty) as process,
        _until_stopped(settings) as (node, stopped),
    ):
        return await run_territory(process, node, stopped)


async def invite(settings: Settings, asked: argparse.Namespace) -> int:
    """Make a one-time invitation, beside a running server or without one."""
    async with _database(settings) as database:
        row = await _invitation(asked, AccountStore(database))
        token = await make_invitation(InvitationStore(database), row, CONSOLE)
    url = f"{origin_of(settings, settings.port)}/enrol#{token}"
    print(json.dumps({"url": url, "expires_at": row.expires_at}) if asked.json else url)
    return 0


async def _invitation(asked: argparse.Namespace, accounts: AccountStore) -> InvitationRow:
    """What is asked for; whoever was reset keeps roles and organisation, unless others are named."""
    roles, organisation = tuple(dict.fromkeys(asked.role or ())), asked.organisation
    if asked.resets:
        try:
            old = check_resettable(await accounts.row(asked.resets))
        except Refusal as refusal:
            why = (
                "that account was reset already" if refusal.reason else "an account of this server"
            )
            raise SettingsError("--resets", why) from refusal
        roles, organisation = roles or old.roles, organisation or old.organisation
    if not roles:
        raise SettingsError("--role", "at least one, or --resets")
    try:
        authorize.check_roles(roles)
    except Refusal as refusal:
        raise SettingsError("--role", "an escrow is nothing else beside") from refusal
    return InvitationRow(roles, organisation, now_ms() + asked.days * DAY_MS, asked.resets)


async def audit_export(settings: Settings, asked: argparse.Namespace) -> int:
    """Write the audit log as files, beside a running server or without one."""
    if asked.format != console.TILES:
        return await _audit_file(settings, asked)
    meter = tqdm(desc="exporting", unit=" entries", disable=None, leave=False)

    def progress(done: int, total: int) -> None:
        meter.total = total
        meter.update(done - meter.n)

    async with _database(settings) as database, GroupWriter(database) as writer:
        stores, recorder = LogStores.of(database), Recorder(AuditPending(writer))
        waiting = await stores.pending.waiting()
        with meter:
            tree = await export_log(stores, recorder, CONSOLE, asked.directory, progress=progress)
    told = {"directory": str(asked.directory), "size": tree.size, "root": tree.root.hex()}
    told["waiting"] = waiting.count
    print(json.dumps(told) if asked.json else _exported(told))
    return 0


async def _audit_file(settings: Settings, asked: argparse.Namespace) -> int:
    """The entries that match, as one file."""
    try:
        wanted = console.asked_for(asked)
        async with _database(settings) as database, GroupWriter(database) as writer:
            recorder = Recorder(AuditPending(writer))
            await console.write_file(
                LogStores.of(database), recorder, CONSOLE, wanted, path=asked.directory
            )
    except Refusal as refusal:
        facts = ", ".join(f"{name} {value}" for name, value in refusal.facts.items())
        print(f"relais-server: no such export: {refusal.code.value} ({facts})", file=sys.stderr)
        return WRONG_SETTING
    told = {"file": str(asked.directory), "format": wanted.format}
    print(json.dumps(told) if asked.json else f"Written: {told['file']}")
    return 0


def _exported(told: Mapping[str, Any]) -> str:
    sentence = "{size} entries are in {directory}. Check them: relais audit verify {directory}"
    if told["waiting"]:
        sentence += "\n{waiting} more wait for a running server to give them their place."
    return sentence.format_map(told)


async def backup(settings: Settings, asked: argparse.Namespace) -> int:
    async with _database(settings) as database, GroupWriter(database) as writer:
        recorder = Recorder(AuditPending(writer))
        await backup_command.write(database, recorder, settings, asked)
    return 0


async def restore(settings: Settings, asked: argparse.Namespace) -> int:
    async with _unmigrated(settings) as database:
        await backup_command.restore(database, settings, asked)
    return 0


@asynccontextmanager
async def _until_stopped(settings: Settings) -> AsyncIterator[tuple[Node, asyncio.Event]]:
    """A running node, and the event that a signal sets."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        _on_signal(loop, number, stopped)
    async with running(settings) as node:
        _look_for_garbage_seldom()
        yield node, stopped


def _look_for_garbage_seldom() -> None:
    """A node makes hardly any cycles, and keeps much. Looked through at Python's own pace, that took a twelfth of its
    time under load and stalled it; so it takes a third of that, and the long stalls are gone."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _on_signal(loop: asyncio.AbstractEventLoop, number: int, stopped: asyncio.Event) -> None:
    try:
        loop.add_signal_handler(number, stopped.set)
    except NotImplementedError:  # Windows has no such loop
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    """The database in use, migrated."""
    async with _unmigrated(settings) as database:
        await migrate(database)
        yield database


@asynccontextmanager
async def _unmigrated(settings: Settings) -> AsyncIterator[Database]:
    async with (
        _database_address(settings) as uri,
        await open_database(uri, name=settings.database) as database,
    ):
        yield database


@asynccontextmanager
async def _database_address(settings: Settings) -> AsyncIterator[str]:
    """That of the database in use; without one running, the embedded one for as long as it takes."""
    if settings.mongodb_uri:
        yield settings.mongodb_uri
        return
    folder = database_folder(settings)
    if uri := EmbeddedDatabase.attach(folder, name=settings.database):
        yield uri
        return
    async with EmbeddedDatabase(folder, name=settings.database) as embedded:
        yield embedded.uri


def _run(work: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def _settings(asked: argparse.Namespace) -> Settings:
    flags = {name: getattr(asked, name, None) for name in FLAGS}
    if asked.command == "demo" and not flags["data"] and "RELAIS_DATA" not in os.environ:
        flags["data"] = DEMO_DATA
    file = asked.config or os.environ.get("RELAIS_CONFIG")
    return load(flags, os.environ, file=Path(file) if file else None)


def _expected(error: BaseException) -> str | None:
    """What to tell about a failure that is not a bug."""
    if isinstance(error, BaseExceptionGroup):
        told = [_expected(one) for one in error.exceptions]
        return told[0] if told and all(told) else None
    return str(error) if isinstance(error, StoreError | OSError | SettingsError) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="relais-server", description="The relay of care circles.")
    commands = parser.add_subparsers(dest="command", required=True)
    _command(commands, "serve", serve, "serve until Ctrl-C")
    demo_parser = _command(commands, "demo", demo, "serve a made-up territory until Ctrl-C")
    demo_parser.add_argument("--empty", action="store_true", help="only the administrator")
    _invite_arguments(_command(commands, "invite", invite, "print a one-time invitation"))
    backup_command.declare(
        _command(commands, "backup", backup, "write the whole database to a file"), "a new file"
    )
    backup_command.declare(
        _command(commands, "restore", restore, "bring a backup into an empty database"),
        "what `relais-server backup` wrote",
    )
    audit = commands.add_parser("audit", help="the audit log").add_subparsers(required=True)
    export = _command(audit, "export", audit_export, "write the audit log, or entries of it")
    export.add_argument("directory", type=Path, metavar="PATH", help="a new folder, or a new file")
    console.declare(export)
    export.add_argument("--json", action="store_true", help='print {"size": …, "root": …}')
    for name, declare, work, help in (
        ("retention", keeping.declare_retention, keeping.retention, "how long entries are kept"),
        ("hold", keeping.declare_hold, keeping.hold, "keep entries whatever expires"),
        ("release", keeping.declare_release, keeping.release, "end a hold"),
        ("prune", keeping.declare_prune, keeping.prune, "prune what has expired, now"),
    ):
        declare(_command(audit, name, _on_the_log(work), help))
    witness.declare_arguments(
        _plain_command(commands, "witness", witness.run, "cosign the logs of others until Ctrl-C"),
        _plain_command(commands, "witness-key", witness.make_key, "make a witness's key"),
    )
    return parser


def _on_the_log(work: Any) -> Any:
    """A command that works on the log's database and leaves entries."""

    async def run(settings: Settings, asked: argparse.Namespace) -> int:
        async with _database(settings) as database, GroupWriter(database) as writer:
            await work(database, Recorder(AuditPending(writer)), asked)
        return 0

    return run


def _plain_command(commands: Any, name: str, run: Any, help: str) -> argparse.ArgumentParser:
    """One that has nothing to do with a relay's settings."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(run=run, config=None)
    parser.add_argument("--log-level", help="debug, info, warning, error")
    return parser


def _command(commands: Any, name: str, run: Any, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(run=run)
    parser.add_argument("--config", type=Path, help="TOML file of settings")
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (8080), 0 for any")
    parser.add_argument("--data", type=Path, help="folder of the embedded database and the keys")
    parser.add_argument("--mongodb-uri", help="MongoDB instead of the embedded database")
    parser.add_argument("--redis-url", help="Redis, where several nodes serve")
    parser.add_argument("--origin", help="address members see, such as https://relais.example")
    parser.add_argument("--web", type=Path, help="folder of the built web client")
    parser.add_argument("--log-level", help="debug, info, warning, error")
    return parser


def _invite_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", action="append", choices=get_args(AccountRole), help="repeatable")
    parser.add_argument(
        "--resets", metavar="ACCOUNT", help="for whoever lost every device of this account"
    )
    parser.add_argument("--organisation", default="", help="whom the invitation is for")
    parser.add_argument("--days", type=_days, default=7, help=f"1 to {MOST_DAYS} (7)")
    parser.add_argument("--json", action="store_true", help='print {"url": …}')


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"must lie between 1 and {MOST_DAYS}")
    return days


if __name__ == "__main__":
    sys.exit(main())

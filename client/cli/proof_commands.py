"""``disclose`` and ``audit bundle``: files that prove something to people who have no Relais, and the program that checks them."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from relais.client import audit_export, disclosure
from relais.client.cli.output import bar
from relais.client.cli.times import moment
from relais.client.disclosure import Wanted
from relais.client.errors import BadLink, UnknownNote
from relais.client.home import write_atomically
from relais.client.reading import Note
from relais.client.sdk import Circle, Client

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation

VERIFIER: Final = "relais_verify.py"
_FILTERS: Final = ("account", "circle", "organisation", "action")
_WARNING: Final = (
    "Whoever gets this file reads this note, for good: it holds its key. It also shows {people} by name, profession, organisation and device, "
    "who belonged to the circle and in which role until the note was written, and the network addresses of whoever wrote{read} it. "
    "It opens no other note."
)


def declare(grammar: "Grammar") -> None:
    disclose = grammar.command("disclose", _disclose, "hand out one note with its evidence")
    disclose.add_argument("circle", metavar="CIRCLE")
    disclose.add_argument("note", metavar="NOTE")
    disclose.add_argument("--version", type=int, metavar="N", help="one version (the newest)")
    disclose.add_argument("--no-receipts", action="store_true", help="without who read it")
    disclose.add_argument("--attachments", action="store_true", help="with the files themselves")
    disclose.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")


def declare_bundle(audit: "Grammar") -> None:
    bundle = audit.command("bundle", _bundle, "write entries with their proofs, as one file")
    bundle.add_argument("file", type=Path, metavar="FILE")
    for name in _FILTERS:
        bundle.add_argument(f"--{name}", metavar=name.upper())
    bundle.add_argument("--outcome", choices=("ok", "refused"))
    bundle.add_argument("--since", type=moment, metavar="TIME")
    bundle.add_argument("--until", type=moment, metavar="TIME")
    bundle.add_argument(
        "--key", metavar="VKEY", help="the log's public key, from where you trust it"
    )
    bundle.add_argument(
        "--from-size", type=int, metavar="SIZE", help="prove that it continues that tree"
    )


async def _disclose(call: "Invocation") -> None:
    given = call.arguments
    wanted = Wanted(receipts=not given.no_receipts, attachments=given.attachments)
    async with Client.open(call.home) as me:
        circle = await me.circle(given.circle)
        note = await _version(circle, given.note, given.version)
        made = await disclosure.disclose(
            me.session, circle.view, note, wanted, progress=bar("fetching")
        )
    _write(given.output, made.data)
    facts = {
        "file": str(given.output),
        "verifier": str(given.output.with_name(VERIFIER)),
        "note": note.note,
        "version": note.version,
        "entries": made.entries,
        "accounts": list(made.accounts),
    }
    call.output.one(facts, f"{_warned(made, wanted)}\n{_checked_by(given.output)}")


async def _version(circle: Circle, note: str, version: int | None) -> Note:
    versions = await circle.versions(note)
    for one in reversed(versions):
        if version in (None, one.version):
            return one
    raise UnknownNote


def _warned(made: disclosure.Disclosed, wanted: Wanted) -> str:
    count = len(made.accounts)
    people = "one person" if count == 1 else f"{count} people"
    return _WARNING.format(people=people, read=" or read" if wanted.receipts else "")


async def _bundle(call: "Invocation") -> None:
    given = call.arguments
    names = (*_FILTERS, "outcome", "since", "until", "from_size")
    asked: dict[str, Any] = {name: getattr(given, name) for name in names}
    query = {name: str(value) for name, value in asked.items() if value is not None}
    async with Client.open(call.home) as me:
        key = given.key or await audit_export.log_key(me.session)
        data = await audit_export.bundle(me.session, query, vkey=key)
    _write(given.file, data)
    facts = {"file": str(given.file), "verifier": str(given.file.with_name(VERIFIER)), "key": key}
    call.output.one(facts, _checked_by(given.file))


def _write(path: Path, data: bytes) -> None:
    if path.name == VERIFIER:
        raise BadLink(f"{VERIFIER} is the name of the program beside it: choose another")
    write_atomically(path, data)
    program = files("relais.verifier").joinpath(VERIFIER).read_bytes()
    write_atomically(path.with_name(VERIFIER), program)


def _checked_by(path: Path) -> str:
    return f"Written: {path}. Checked without Relais: python {VERIFIER} {path.name} --key VKEY"

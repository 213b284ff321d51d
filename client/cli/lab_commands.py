"""``lab-bot``: post a laboratory's result as a write-only member."""

from pathlib import Path
from typing import TYPE_CHECKING

from relais.client.cli.output import bar, rfc3339
from relais.client.lab import result_file
from relais.client.sdk import Client

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation


def declare(grammar: "Grammar") -> None:
    bot = grammar.command("lab-bot", _post, "post a result from a JSON file (docs/command-line.md)")
    bot.add_argument("file", type=Path, metavar="RESULT.json")


async def _post(call: "Invocation") -> None:
    result = result_file.read(call.arguments.file)
    async with Client.open(call.home) as me:
        circle = await me.circle(result.circle)
        posted = await circle.write(result.writing, progress=bar("sending"))
    facts = {
        "circle": posted.circle,
        "note": posted.note,
        "version": posted.version,
        "seq": posted.seq,
        "at": rfc3339(posted.at),
    }
    call.output.one(facts, f"Posted: {posted.note}, number {posted.seq} of the circle.")

"""``unsent``, ``resend``, ``discard``: what was written here and does not stand in its circle."""

from typing import TYPE_CHECKING, Any

from relais.client.acknowledged import AcknowledgedBook
from relais.client.cli.output import Exit, rfc3339
from relais.client.errors import UnknownNote
from relais.client.home import Home
from relais.client.outbox import Outbox, Waiting
from relais.client.sdk import Client

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation


def declare(grammar: "Grammar") -> None:
    grammar.command("unsent", _unsent, "list what waits to be sent, and what the server lost")
    resend = grammar.command("resend", _resend, "send a note again that the server lost")
    resend.add_argument("note", metavar="NOTE")
    discard = grammar.command("discard", _discard, "let a note go that the server lost")
    discard.add_argument("note", metavar="NOTE")


async def _unsent(call: "Invocation") -> None:
    home = Home.open(call.home)
    rows = [_row(one, "waiting", None) for one in Outbox(home).waiting()]
    rows += [_row(one.waiting, "lost", one.seq) for one in AcknowledgedBook(home).lost()]
    call.output.many(rows, ("state", "at", "note", "version", "text"), none="Everything was sent.")


def _row(waiting: Waiting, state: str, seq: int | None) -> dict[str, Any]:
    return {
        "circle": waiting.circle,
        "note": waiting.note,
        "version": waiting.version,
        "at": rfc3339(waiting.at),
        "state": state,
        "seq": seq,
        "text": waiting.content.text,
    }


async def _resend(call: "Invocation") -> int:
    async with Client.open(call.home) as me:
        for posted in await me.resend(call.arguments.note):
            facts = {**vars(posted), "at": rfc3339(posted.at)}
            call.output.line(facts, f"Sent again: number {posted.seq} of the circle.")
    return Exit.OK


async def _discard(call: "Invocation") -> None:
    book = AcknowledgedBook(Home.open(call.home))
    lost = book.lost_note(call.arguments.note)
    if not lost:
        raise UnknownNote
    for one in lost:
        book.remove(one)
    call.output.one({"note": call.arguments.note}, "Let go.")

"""``verify``."""

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any

import segno

from relais.client import comparing
from relais.client.cli.output import Exit, rfc3339
from relais.client.comparing import Person
from relais.client.sdk import Client
from relais.crypto import safety

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation

_ACCOUNT = re.compile(r"[0-9a-f]{64}")
_SENTENCES = {
    comparing.UNVERIFIED: "Not compared yet: on the other side, relais verify shows the same digits.",
    comparing.VERIFIED: "Compared: nobody has slipped in between you.",
    comparing.CHANGED: "A device of theirs came or went since you compared. Compare again.",
}


def declare(grammar: "Grammar") -> None:
    verify = grammar.command(
        "verify", _verify, "compare a safety number: is this person who the server says?"
    )
    verify.add_argument("account", metavar="ACCOUNT", type=_account)
    said = verify.add_mutually_exclusive_group()
    said.add_argument("--code", metavar="TEXT", help="the other's digits, or their QR code's text")
    said.add_argument("--same", action="store_true", help="you compared the digits by eye")
    said.add_argument("--forget", action="store_true", help="forget that you compared them")


def _account(text: str) -> str:
    if _ACCOUNT.fullmatch(text) is None:
        raise argparse.ArgumentTypeError("an account has 64 hexadecimal digits")
    return text


async def _verify(call: "Invocation") -> int:
    given = call.arguments
    async with Client.open(call.home) as me:
        found = await comparing.person(me.session, given.account)
        is_same = safety.is_same(safety.read(given.code), found.number) if given.code else None
        if is_same or given.same:
            comparing.keep(me.session.home, found.state, now=me.session.clock.now())
        if given.forget:
            comparing.forget(me.session.home, given.account)
        found = await comparing.person(me.session, given.account)
    _tell(call, found, is_same=is_same)
    return Exit.PROOF if is_same is False else Exit.OK


def _tell(call: "Invocation", found: Person, *, is_same: bool | None) -> None:
    code = safety.qr_text(found.number)
    facts: dict[str, Any] = {
        "account": found.state.account,
        "name": found.state.profile.name,
        "number": found.number,
        "qr": code,
        "mark": found.mark,
        "compared_at": rfc3339(found.compared_at) if found.compared_at is not None else None,
        "same": is_same,
    }
    differs = "The numbers differ: write nothing private to them, and tell your administrator."
    sentence = differs if is_same is False else _SENTENCES[found.mark]
    call.output.one(
        facts, f"{found.state.profile.name}\n{safety.grouped(found.number)}\n{sentence}"
    )
    if sys.stdout.isatty() and not call.output.as_json:
        segno.make(code, error="m").terminal(compact=True)

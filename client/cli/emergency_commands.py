"""``emergency card|request|list|approve|decline|withdraw``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import segno

from relais.client import emergency, emergency_card, guarding, release
from relais.client.cli.output import rfc3339
from relais.client.emergency import HOUR, Asking, Emergency
from relais.client.emergency_card import Card
from relais.client.errors import ClientError, UnknownEscrow
from relais.client.sdk import Client
from relais.crypto.emergency import LONGEST, REASONS
from relais.models.ids import CircleId

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation

_MOST_HOURS = LONGEST // HOUR
_REASONS = {
    "vital": "life in danger",
    "night": "on call at night",
    "absence": "the usual professional is away",
    "handover": "taking over without notice",
    "other": "another reason",
}
_STATES = {
    "open": "Open: {waits_for} more guardians have to approve.",
    "approved": "Approved by enough guardians; one of their devices is letting them in.",
    "declined": "Declined.",
    "released": "Let in, until {until}.",
    "expired": "Expired.",
    "withdrawn": "Withdrawn.",
}


_NO_WORDS = "(what they wrote cannot be read on this device)"


class NotConfirmed(ClientError):
    """Nothing was answered."""


def declare(grammar: "Grammar") -> None:
    group = grammar.group("emergency", "emergency access: ask for it, and decide")
    card = group.command("card", _card, "the card of a circle, to keep at the patient's home")
    card.add_argument("circle", metavar="CIRCLE")
    card.add_argument("--page", type=Path, metavar="FILE", help="write it to print: .html or .png")
    card.add_argument("--language", choices=("fr", "en"), default="fr")
    request = group.command("request", _request, "ask to be let into a circle")
    request.add_argument("card", metavar="LINK", help="of the card; or the circle as it was typed")
    request.add_argument("--reason", required=True, choices=REASONS)
    request.add_argument("--text", required=True, help="why, for the guardians and for the team")
    request.add_argument(
        "--hours", type=float, default=12, metavar="N", help=f"for how long, {_MOST_HOURS} at most"
    )
    request.add_argument("--language", choices=("fr", "en"), default="fr", help="of the first note")
    request.add_argument("--wait", action="store_true", help="until it is decided")
    group.command("list", _list, "list the requests that concern you, newest first")
    for name, run, sentence in (
        ("approve", _approve, "let somebody in, with the other guardians: shows who asks first"),
        ("decline", _decline, "do not let somebody in: shows who asks first"),
    ):
        made = group.command(name, run, sentence)
        made.set_defaults(verb=name.capitalize())
        made.add_argument("id", metavar="ID")
        made.add_argument("--yes", action="store_true", help="do not ask again")
    withdraw = group.command("withdraw", _withdraw, "take your own request back")
    withdraw.add_argument("id", metavar="ID")


async def _card(call: "Invocation") -> None:
    given = call.arguments
    async with Client.open(call.home) as me:
        circle = await me.circle(given.circle)
        state = circle.view.state
        now, members = state.moment(me.session.clock.now()), state.members
        there = [
            one
            for one in await guarding.known(me.session)
            if one.account in members and members[one.account].active(now)
        ]
        if not there:
            raise UnknownEscrow
        escrow, origin = there[0], me.session.identity.origin
    card = Card(circle.circle, escrow.account, origin)
    if given.page:
        name = escrow.state.profile.name
        emergency_card.write(given.page, card, guarded_by=name, language=given.language)
    facts = {"circle": card.circle, "escrow": escrow.account, "link": card.link}
    call.output.one(facts, card.link)
    if sys.stdout.isatty() and not call.output.as_json:
        segno.make(card.link, error="m").terminal(compact=True)


async def _request(call: "Invocation") -> None:
    given = call.arguments
    card = emergency_card.read(given.card)
    if card.escrow is None:
        call.output.aside(
            "Typed without the card: the server says who guards it. The card's link is safer."
        )
    asking = Asking(given.reason, given.text, int(given.hours * HOUR), given.language)
    async with Client.open(call.home) as me:
        id_ = await emergency.ask(me.session, card, asking)
        _say(call, await emergency.found(me.session, id_))
        if given.wait:
            _say(call, await emergency.decided(me.session, id_))
            await emergency.say_why(me.session)


def _say(call: "Invocation", one: Emergency) -> None:
    facts = {"id": one.id, "circle": one.request.circle, **_state(one)}
    call.output.line(facts, f"{one.id}\n{_STATES[one.state].format_map(facts)}")


async def _list(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        await release.finish_all(me.session)
        names = {one.row.circle: one.name for one in await me.circles(closed=True)}
        rows = [_facts(me, one, names) for one in await emergency.listed(me.session)]
    columns = ("at", "state", "name", "reason", "until", "approved_by", "circle_name", "id")
    shown = [{**row, "approved_by": [one["name"] for one in row["approved_by"]]} for row in rows]
    call.output.many(
        rows if call.output.as_json else shown, columns, none="No request for emergency access."
    )


async def _approve(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        one = await _shown(call, me)
        answered = await release.approve(me.session, one.id)
    facts = {
        "id": one.id,
        "state": answered.state,
        "released": answered.acted,
        "waits_for": answered.waits_for,
        "until": rfc3339(one.request.until),
    }
    done = "You approved. " + _STATES[answered.state].format_map(facts)
    released = "Your approval completed it: they are let in until {until}; the escrow has a new key.".format_map(facts)  # fmt: skip
    call.output.one(facts, released if answered.acted else done)


async def _decline(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        one = await _shown(call, me)
        state = await emergency.answer(me.session, one, approved=False)
    call.output.one({"id": one.id, "state": state}, "You declined.")


async def _withdraw(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        state = await emergency.withdraw(me.session, call.arguments.id)
    call.output.one({"id": call.arguments.id, "state": state}, "Withdrawn.")


async def _shown(call: "Invocation", me: Client) -> Emergency:
    """The request, once the guardian has seen who asks. Raises `NotConfirmed`, `UnknownEmergency`."""
    one = await emergency.found(me.session, call.arguments.id)
    facts = _facts(me, one, {})
    call.output.aside(
        "{name}, {profession}, {organisation}\nwants to read circle {circle} until {until}\n"
        "because: {why}\n{words}".format_map(
            {**facts, "why": _REASONS[one.request.reason], "words": one.words or _NO_WORDS}
        )
    )
    if sys.stdin.isatty() and not call.output.as_json and not call.arguments.yes:
        _confirm(call.arguments.verb)
    return one


def _confirm(verb: str) -> None:
    if input(f"{verb} (yes/no)? ").strip().lower() not in ("y", "yes"):
        raise NotConfirmed


def _state(one: Emergency) -> dict[str, Any]:
    until = rfc3339(one.request.until)
    return {"state": one.state, "waits_for": one.waits_for, "until": until}


def _facts(me: Client, one: Emergency, circles: Mapping[CircleId, str]) -> dict[str, Any]:
    accounts, request = me.session.accounts, one.request
    profile = accounts[request.account].profile

    def people(*, approved: bool) -> list[dict[str, str]]:
        found = (each.account for each in one.answers if each.approved is approved)
        return [{"account": each, "name": accounts[each].profile.name} for each in found]

    return {
        "id": one.id,
        "circle": request.circle,
        "circle_name": circles.get(request.circle, ""),
        "account": request.account,
        "name": profile.name,
        "profession": profile.profession,
        "organisation": profile.organisation,
        "reason": request.reason,
        "words": one.words,
        "at": rfc3339(request.at),
        **_state(one),
        "escrow": one.escrow.account,
        "quorum": one.escrow.statement.quorum,
        "approved_by": people(approved=True),
        "declined_by": people(approved=False),
        "guard": one.escrow.is_guarded_by(me.account),
        "review_due": rfc3339(one.review_due) if one.review_due else None,
    }

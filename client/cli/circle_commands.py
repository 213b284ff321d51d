"""``circle new|list|add|change|audience|readmit|remove|leave|close``, ``members``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relais.client import guarding
from relais.client.cli import access_commands
from relais.client.cli.output import rfc3339
from relais.client.cli.times import NO_END, history, moment, moment_or_none
from relais.client.membership import Reset
from relais.client.patient import Patient
from relais.client.sdk import Change, Circle, Client, Summary
from relais.crypto import ledger
from relais.models.ids import Millis

if TYPE_CHECKING:
    import argparse

    from relais.client.cli.run import Grammar, Invocation


def declare(grammar: "Grammar") -> None:
    circle = grammar.group("circle", "make circles and say who is in them")
    new = circle.command("new", _new, "start a circle around a patient")
    new.add_argument("--name", required=True)
    new.add_argument("--sex", required=True, choices=("F", "M", "U"))
    new.add_argument("--born", required=True, metavar="YYYY-MM-DD")
    new.add_argument("--place", required=True)
    listed = circle.command("list", _list, "list your circles")
    listed.add_argument("--closed", action="store_true", help="closed ones too")
    _declare_coming(circle)
    change = circle.command("change", _change, "change somebody's role, audiences or end")
    change.add_argument("circle", metavar="CIRCLE")
    change.add_argument("account", metavar="ACCOUNT")
    change.add_argument("--role", choices=("lead", "professional", "carer", "bot"))
    _reading_options(change)
    change.add_argument(
        "--until", type=moment_or_none, metavar="TIME|none", help="when access ends; none: never"
    )
    audience = circle.command("audience", _audience, "open a further audience, such as family")
    audience.add_argument("circle", metavar="CIRCLE")
    audience.add_argument("name", metavar="NAME", help="lower case letters, digits and hyphens")
    audience.add_argument(
        "--with", dest="others", action="append", default=[], metavar="ACCOUNT", help="who is in it"
    )
    remove = circle.command("remove", _remove, "remove somebody; the key changes in the same step")
    remove.add_argument("circle", metavar="CIRCLE")
    remove.add_argument("account", metavar="ACCOUNT")
    for name, run, sentence in (
        ("leave", _leave, "leave a circle"),
        ("close", _close, "close a circle for good"),
    ):
        circle.command(name, run, sentence).add_argument("circle", metavar="CIRCLE")
    access_commands.declare(circle)
    _declare_questions(grammar, circle)


def _declare_coming(circle: "Grammar") -> None:
    add = circle.command("add", _add, "invite somebody found in the directory")
    add.add_argument("circle", metavar="CIRCLE")
    add.add_argument("account", metavar="ACCOUNT")
    add.add_argument(
        "--history",
        type=history,
        default=True,
        metavar="all|none|YYYY-MM-DD",
        help="what they read of what was written before",
    )
    add.add_argument(
        "--role",
        choices=("lead", "professional", "carer", "bot"),
        help="by default what the account is",
    )
    add.add_argument(
        "--until", type=moment, metavar="TIME", help="when access ends: 2026-12-31T18:00, your time"
    )
    _reading_options(add)
    readmit = circle.command(
        "readmit", _readmit, "let somebody in again who was reset: make sure that it is them"
    )
    readmit.add_argument("circle", metavar="CIRCLE")
    readmit.add_argument(
        "account", metavar="ACCOUNT", help="the old account, as `members` shows it"
    )


def _declare_questions(grammar: "Grammar", circle: "Grammar") -> None:
    readers = circle.command(
        "readers", _readers, "say who could read a note, and when; `receipts` says who did"
    )
    readers.add_argument("circle", metavar="CIRCLE")
    readers.add_argument("note", metavar="NOTE")
    readers.add_argument(
        "--version", type=int, metavar="N", help="one version; by default the newest"
    )
    members = grammar.command("members", _members, "say who is in a circle")
    members.add_argument("circle", metavar="CIRCLE")


def _reading_options(command: "argparse.ArgumentParser") -> None:
    command.add_argument(
        "--audience",
        action="append",
        metavar="NAME",
        help="what they read; again for a further one",
    )


async def _new(call: "Invocation") -> None:
    given = call.arguments
    patient = Patient(given.name, given.sex, given.born, given.place)
    async with Client.open(call.home) as me:
        made = await me.create_circle(patient)
    call.output.one({"circle": made.circle}, made.circle)


async def _list(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        rows = [
            _row(one) | {"waiting": await _waiting(me, one)}
            for one in await me.circles(closed=call.arguments.closed)
        ]
    columns = ("name", "unread", "urgent", "waiting", "last_at", "circle")
    call.output.many(rows, columns, none="No circle yet: start one with `relais circle new`.")


def _row(summary: Summary) -> dict[str, Any]:
    row = summary.row
    return {
        "circle": row.circle,
        "name": summary.name,
        "active": row.active,
        "closed": row.closed,
        "unread": row.unread,
        "urgent": row.urgent,
        "last_seq": row.last_seq,
        "last_at": rfc3339(row.last_at) if row.last_at else None,
        "locked": not summary.name and row.profile is not None,
    }


async def _waiting(me: Client, summary: Summary) -> int:
    """How many members of a circle were reset and wait to be let in again."""
    if not summary.row.active or "bot" in me.roles:
        return 0
    return len(await (await me.circle(summary.row.circle)).waiting())


async def _add(call: "Invocation") -> None:
    given = call.arguments
    async with Client.open(call.home) as me:
        circle = await me.circle(given.circle)
        role = given.role or await _usual_role(me, given.account)
        await circle.add(
            given.account,
            role=role,
            audiences=given.audience or ("team",),
            history=given.history,
            until=given.until,
        )
        facts = {
            "circle": circle.circle,
            "account": given.account,
            "role": role,
            "audiences": sorted(given.audience or ("team",)),
            "history": _told(given.history),
        }
    call.output.one(
        facts,
        "Added. They can read from now on."
        if role != "bot"
        else "Added. It can write from now on.",
    )


def _told(beginning: bool | Millis) -> str:
    if isinstance(beginning, bool):
        return "all" if beginning else "none"
    return rfc3339(beginning)


async def _change(call: "Invocation") -> None:
    given = call.arguments
    wanted = Change(
        role=given.role,
        audiences=tuple(given.audience) if given.audience else None,
        until=given.until or None,
        unending=given.until == NO_END,
    )
    async with Client.open(call.home) as me:
        circle = await me.circle(given.circle)
        await circle.change(given.account, wanted)
        last = circle.view.state.members[given.account].last
    facts = {
        "circle": circle.circle,
        "account": given.account,
        "role": last.role,
        "audiences": sorted(last.audiences),
        "until": rfc3339(last.until) if last.until else None,
    }
    call.output.one(facts, "Changed.")


async def _audience(call: "Invocation") -> None:
    given = call.arguments
    async with Client.open(call.home) as me:
        circle = await me.circle(given.circle)
        await circle.open_audience(given.name, given.others)
        state = circle.view.state
        readers = ledger.readers(state, given.name, state.moment(me.session.clock.now()))
    facts = {
        "circle": circle.circle,
        "audience": given.name,
        "members": [one.account for one in readers],
    }
    call.output.one(facts, f"Opened. What is written for {given.name} is read by them alone.")


async def _usual_role(me: Client, account: str) -> str:
    """A bot's devices are bots in its own chain; everybody else is a professional until told otherwise."""
    await me.session.accounts.load([account], fresh=True)
    devices = me.session.accounts[account].devices_in_force()
    return "bot" if devices and all(one.kind == "bot" for one in devices) else "professional"


async def _readmit(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        circle = await me.circle(call.arguments.circle)
        by = await circle.readmit(call.arguments.account)
    facts = {"circle": circle.circle, "account": by, "replaces": call.arguments.account}
    call.output.one(facts, "Let in again. They read what they could read before.")


async def _remove(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        circle = await me.circle(call.arguments.circle)
        await circle.remove(call.arguments.account)
        epoch = circle.view.state.audiences["team"].epoch
    facts = {"circle": circle.circle, "account": call.arguments.account, "epoch": epoch}
    call.output.one(facts, "Removed. What is written from now on is closed to them.")


async def _leave(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        await (await me.circle(call.arguments.circle)).leave()
    call.output.one({"circle": call.arguments.circle}, "You left this circle.")


async def _close(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        await (await me.circle(call.arguments.circle)).close()
    call.output.one({"circle": call.arguments.circle}, "Closed. It stays readable.")


async def _readers(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        circle = await me.circle(call.arguments.circle)
        rows = [
            {
                "account": one.account,
                "name": me.session.accounts[one.account].profile.name,
                "audience": one.audience,
                "epoch": one.epoch,
                "since": rfc3339(one.since),
                "until": rfc3339(one.until) if one.until else None,
                "by_own_key": one.by_own_key,
                "devices": list(one.devices),
            }
            for one in await circle.readers(call.arguments.note, call.arguments.version)
        ]
    columns = ("name", "audience", "since", "until", "account")
    call.output.many(rows, columns, none="Nobody could read it.")


async def _members(call: "Invocation") -> None:
    async with Client.open(call.home) as me:
        circle = await me.circle(call.arguments.circle)
        escrows = {one.account for one in await guarding.known(me.session)}
        rows = [
            {**row, "escrow": row["account"] in escrows}
            for row in _member_rows(me, circle, {x.account: x for x in await circle.waiting()})
        ]
    columns = (
        *("name", "profession", "role", "audiences"),
        *("since", "until", "active", "escrow", "reset_to", "account"),
    )
    call.output.many(rows, columns, none="Nobody is in this circle.")


def _reset(me: Client, reset: Reset | None) -> dict[str, Any]:
    """Who took a member's place and waits to be let in again, by the name that the new account gives itself."""
    if reset is None:
        return {"reset_to": None, "reset_name": None, "reset_at": None}
    name = me.session.accounts[reset.by].profile.name
    return {"reset_to": reset.by, "reset_name": name, "reset_at": rfc3339(reset.at)}


def _member_rows(me: Client, circle: Circle, resets: Mapping[str, Reset]) -> list[dict[str, Any]]:
    now = circle.view.state.moment(me.session.clock.now())
    rows = []
    for account, member in circle.view.state.members.items():
        profile = me.session.accounts[account].profile
        rows.append(
            {
                "account": account,
                "name": profile.name,
                "profession": profile.profession,
                "organisation": profile.organisation,
                "role": member.role,
                "audiences": sorted(member.audiences),
                "since": rfc3339(member.last.since),
                "until": rfc3339(member.last.until) if member.last.until else None,
                "active": member.active(now),
                **_reset(me, resets.get(account)),
            }
        )
    return rows

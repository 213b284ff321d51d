"""``audit search|findings|review|rules|hours|prove``: an auditor's questions, as in the auditor's page."""

import argparse
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from relais.client.audit_log import check_proof, log_key, names_of
from relais.client.cli.hour_map import drawn
from relais.client.cli.output import rfc3339
from relais.client.cli.times import moment
from relais.client.errors import BadLink
from relais.client.sdk import Client
from relais.crypto.audit_entry import AuditEntryError, decode_audit_entry
from relais.crypto.signed_note import parse_vkey
from relais.models.wire import watch as wire
from relais.models.wire.audit import AuditFound, AuditRow, ProveEntry, SearchAudit

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation

FILTERS = ("account", "circle", "organisation", "action", "outcome")
AT_ONCE = 200
NUMBERS = (
    *("learn_days", "circles", "circles_minutes"),
    *("grace_minutes", "refusals", "refusals_minutes"),
    "review_hours",
)
SENTENCES = {
    "alarm": "the device of {who} raised an alarm: {what}",
    "outside-hours": "{who} opened a circle outside of their hours",
    "many-circles": "{who} opened {count} circles in {minutes} minutes",
    "after-leaving": "{who} reached for a circle left {minutes} minutes before",
    "refusals": "{who}: {count} refusals in less than {minutes} minutes",
    "auditor-colleague": "{who} looked at the accesses of {about}, of the same organisation",
    "break-glass": "{who} let {about} into a circle: emergency access",
    "escrow-login": "{who}, an emergency access, logged in without an approved request",
}


def declare(audit: "Grammar") -> None:
    _declare_search(audit)
    found = audit.command("findings", _findings, "what deserves a look, newest first")
    found.add_argument("--all", action="store_true", help="reviewed ones too")
    found.add_argument("--account", metavar="ACCOUNT")
    found.add_argument("--limit", type=int, default=50, metavar="N")
    review = audit.command("review", _review, "say what a finding was")
    review.add_argument("rule", choices=tuple(SENTENCES))
    review.add_argument("index", type=int, metavar="INDEX")
    review.add_argument("verdict", choices=("expected", "explained", "escalated"))
    _declare_rules(audit)
    hours = audit.command("hours", _hours, "a person's month, day by day and hour by hour")
    hours.add_argument("account", metavar="ACCOUNT")
    hours.add_argument("--month", required=True, metavar="YYYY-MM")
    prove = audit.command("prove", _prove, "show an entry and prove that it lies in the log")
    prove.add_argument("index", type=int, metavar="INDEX")
    prove.add_argument(
        "--key", metavar="VKEY", help="the log's public key, from where you trust it"
    )


def _declare_search(audit: "Grammar") -> None:
    search = audit.command("search", _search, "entries of the log, newest first; filters combine")
    for name in FILTERS[:-1]:
        search.add_argument(f"--{name}", metavar=name.upper())
    search.add_argument("--outcome", choices=("ok", "refused"))
    search.add_argument("--since", type=moment, metavar="TIME")
    search.add_argument("--until", type=moment, metavar="TIME")
    search.add_argument("--before", type=int, default=0, metavar="INDEX", help="go on below it")
    search.add_argument("--limit", type=int, default=50, metavar="N")


def _declare_rules(audit: "Grammar") -> None:
    rules = audit.command(
        "rules", _rules, "read the rules that find what deserves a look; set them"
    )
    rules.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    for name, sentence in (("on", "use a rule"), ("off", "do not use a rule")):
        rules.add_argument(
            f"--{name}", action="append", default=[], choices=tuple(SENTENCES), help=sentence
        )
    rules.add_argument(
        "--hours",
        action="append",
        default=[],
        metavar="ORGANISATION:DAYS:HOURS",
        help="an organisation's hours: 'Cabinet:1-5:8-19' is Monday to Friday, 8 to 19 o'clock",
    )
    rules.add_argument("--no-hours", action="append", default=[], metavar="ORGANISATION")


async def _search(call: "Invocation") -> None:
    given = call.arguments
    async with Client.open(call.home) as me:
        rows: list[AuditRow] = []
        before = given.before
        while len(rows) < given.limit:
            page = await _page(me, given, before, min(AT_ONCE, given.limit - len(rows)))
            rows += page.rows
            if not page.more:
                break
            before = rows[-1].index
        found = [_entry(row) for row in rows]
        names = await names_of(me, [one["account"] for one in found])
    for one in found:
        one["name"] = names.get(one["account"])
    columns = ("index", "at", "action", "outcome", "name", "circle")
    call.output.many(found, columns, none="No entries.")


async def _page(me: Client, given: argparse.Namespace, before: int, limit: int) -> AuditFound:
    filters = {name: getattr(given, name) for name in (*FILTERS, "since", "until")}
    found: AuditFound = await me.session.call(SearchAudit(**filters, before=before, limit=limit))
    return found


async def _findings(call: "Invocation") -> None:
    given = call.arguments
    ask = wire.ListFindings(not given.all, given.account, 0, given.limit)
    async with Client.open(call.home) as me:
        found: wire.Findings = await me.session.call(ask)
        rows = await _named(me, found.rows)
    columns = ("index", "at", "rule", "sentence", "verdict")
    call.output.many(rows, columns, none="Nothing asks for attention.")


async def _review(call: "Invocation") -> None:
    given = call.arguments
    async with Client.open(call.home) as me:
        ask = wire.ReviewFinding(given.rule, given.index, given.verdict)
        (row,) = await _named(me, (await me.session.call(ask),))
    call.output.one(row, f"{row['sentence']}: {row['verdict']}")


async def _named(me: Client, findings: tuple[wire.Finding, ...]) -> list[dict[str, Any]]:
    people = [person for one in findings for person in (one.account, one.about, one.reviewed_by)]
    names = await names_of(me, people)
    rows = []
    for one in findings:
        who = names.get(one.account) or one.account or "somebody unknown"
        about = names.get(one.about) or one.about
        what = f"{one.kind}, about {about}" if about else one.kind
        facts: dict[str, Any] = {"who": who, "about": about, "what": what}
        facts |= {"count": one.count, "minutes": one.minutes}
        row = asdict(one) | {"at": rfc3339(one.at), "name": names.get(one.account)}
        row["reviewed_at"] = rfc3339(one.reviewed_at) if one.reviewed_at else None
        rows.append(row | {"sentence": SENTENCES[one.rule].format(**facts)})
    return rows


async def _rules(call: "Invocation") -> None:
    given = call.arguments
    async with Client.open(call.home) as me:
        rules: wire.Rules = await me.session.call(wire.GetRules())
        changed = _changed(rules, given)
        if changed != rules:
            rules = await me.session.call(wire.SetRules(changed))
    facts = json.loads(json.dumps(asdict(rules)))
    lines = [f"{name}: {value}" for name, value in facts.items()]
    call.output.one(facts, "\n".join(lines))


def _changed(rules: wire.Rules, given: argparse.Namespace) -> wire.Rules:
    """Raises `BadLink` for what is no setting."""
    on = [one for one in dict.fromkeys((*rules.on, *given.on)) if one not in given.off]
    gone = {*given.no_hours, *(text.partition(":")[0] for text in given.hours)}
    kept = [one for one in rules.opening if one.organisation not in gone]
    opening = (*kept, *map(_opening, given.hours))
    changed: dict[str, Any] = {}
    for text in given.set:
        name, _, value = text.partition("=")
        changed[name] = value if name == "zone" else _number(name, value)
    return replace(rules, on=tuple(on), opening=opening, **changed)


def _number(name: str, value: str) -> int:
    if name not in NUMBERS or not value.isdecimal():
        raise BadLink(f"a setting is one of zone, {', '.join(NUMBERS)}, and a number but for zone")
    return int(value)


def _opening(text: str) -> wire.OpeningHours:
    organisation, days, hours = (*text.rsplit(":", 2), "", "")[:3]
    numbers = [*days.split("-"), *hours.split("-")]
    if len(numbers) != 4 or not all(one.isdecimal() for one in numbers):
        raise BadLink("hours are ORGANISATION:1-5:8-19")
    first, last, start, end = map(int, numbers)
    return wire.OpeningHours(organisation, first, last, start, end)


async def _hours(call: "Invocation") -> None:
    given = call.arguments
    async with Client.open(call.home) as me:
        found: wire.Hours = await me.session.call(wire.CountHours(given.account, given.month))
        names = await names_of(me, [given.account])
    facts = json.loads(json.dumps(asdict(found)))
    facts |= {"account": given.account, "month": given.month}
    name = names.get(given.account) or given.account
    call.output.one(facts, drawn(found, title=f"{name}, {given.month} ({found.zone})"))


async def _prove(call: "Invocation") -> None:
    given = call.arguments
    async with Client.open(call.home) as me:
        key = parse_vkey(given.key) if given.key else await log_key(me)
        viewed: wire.Viewed = await me.session.call(wire.ViewEntry(given.index))
        proof = await me.session.call(ProveEntry(given.index))
        head = check_proof(proof, viewed.row, key)
        await me.session.call(wire.TellVerified(head.size, head.root, 1, None))
        findings = await _named(me, viewed.findings)
    facts = {
        "index": given.index,
        "entry": _entry(viewed.row),
        "findings": findings,
        "verified": True,
        "size": head.size,
        "root": head.root.hex(),
        "key": key.encode(),
        "key_from_server": given.key is None,
    }
    lines = [viewed.row.entry.decode("utf-8", "replace"), *(one["sentence"] for one in findings)]
    lines.append(f"Proven: entry {given.index} lies in the signed log of {head.size} entries.")
    call.output.one(facts, "\n".join(lines))


def _entry(row: AuditRow) -> dict[str, Any]:
    """The fields of an entry; of bytes that are none, their place alone."""
    try:
        entry = asdict(decode_audit_entry(row.entry))
    except AuditEntryError:
        entry = dict.fromkeys(("at", "action", "outcome", "account", "circle"))
    return {"index": row.index, **entry}

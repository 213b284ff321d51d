"""``circle accesses``: who looked at one's circle, on the terminal or as a report to hand out."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relais.client import access_report
from relais.client.access_report import Report, SeenAccess
from relais.client.audit_log import names_of
from relais.client.cli.output import rfc3339
from relais.client.cli.times import moment
from relais.client.errors import BadLink
from relais.client.home import write_atomically
from relais.client.sdk import Client
from relais.crypto.audit_entry import AuditEntryError, decode_audit_entry
from relais.models.wire.audit import Access, Accesses, CircleAccesses

if TYPE_CHECKING:
    from relais.client.cli.run import Grammar, Invocation

AT_ONCE = 200
MOST = 20_000


def declare(circle: "Grammar") -> None:
    accesses = circle.command("accesses", _accesses, "say who looked at a circle, newest first")
    accesses.add_argument("circle", metavar="CIRCLE")
    accesses.add_argument("--account", metavar="ACCOUNT", help="one person's only")
    accesses.add_argument("--since", type=moment, metavar="TIME")
    accesses.add_argument("--until", type=moment, metavar="TIME")
    accesses.add_argument("--limit", type=int, default=MOST, metavar="N")
    accesses.add_argument(
        "--report", type=Path, metavar="FILE", help="write who saw what as .html to print, or .json"
    )
    accesses.add_argument("--language", choices=("fr", "en"), default="fr")


async def _accesses(call: "Invocation") -> None:
    given = call.arguments
    if given.report and given.report.suffix not in (".html", ".json"):
        raise BadLink("a report is FILE.html or FILE.json")
    async with Client.open(call.home) as me:
        circle = await me.circle(given.circle)
        found, complete = await _fetched(me, given)
        accesses = await _named(me, found)
        patient = circle.view.profile.text if circle.view.profile else ""
        report = Report(patient, accesses, me.session.clock.now(), complete)
    if given.report is None:
        columns = ("at", "name", "what", "outcome")
        rows = [_facts(one, given.language) for one in accesses]
        return call.output.many(rows, columns, none="No accesses.")
    write_atomically(given.report, _written(report, given))
    facts = {"file": str(given.report), "accesses": len(accesses), "complete": complete}
    call.output.one(facts, f"{given.report}: {len(accesses)} accesses")


async def _fetched(me: Client, given: Any) -> tuple[list[Access], bool]:
    rows: list[Access] = []
    before = 0
    while len(rows) < given.limit:
        limit = min(AT_ONCE, given.limit - len(rows))
        narrowed = (given.account, given.since, given.until)
        page: Accesses = await me.session.call(
            CircleAccesses(given.circle, before, limit, *narrowed)
        )
        rows += page.rows
        if not page.more:
            return rows, True
        before = rows[-1].index
    return rows, False


async def _named(me: Client, rows: list[Access]) -> list[SeenAccess]:
    """Bytes that are no entry are left out: they say nothing of anybody."""
    entries = []
    for row in rows:
        try:
            entries.append((row.index, decode_audit_entry(row.entry)))
        except AuditEntryError:
            continue
    names = await names_of(me, [entry.account for _, entry in entries])
    found = []
    for index, entry in entries:
        profile = me.session.accounts[entry.account].profile if entry.account else None
        found.append(
            SeenAccess(
                index=index,
                at=moment(entry.at),
                account=entry.account,
                name=names.get(entry.account),
                profession=profile.profession if profile else None,
                organisation=entry.organisation,
                action=entry.action,
                outcome=entry.outcome,
                subject=entry.subject,
            )
        )
    return found


def _written(report: Report, given: Any) -> bytes:
    if given.report.suffix == ".html":
        return access_report.page(report, given.language)
    people = [_person(one) for one in access_report.people_of(report.accesses)]
    facts = {
        "patient": report.patient,
        "made_at": rfc3339(report.made_at),
        "complete": report.complete,
        "people": people,
        "accesses": [_facts(one, given.language) for one in report.accesses],
    }
    return json.dumps(facts, ensure_ascii=False, indent=2).encode()


def _facts(one: SeenAccess, language: str) -> dict[str, Any]:
    facts = asdict(one) | {"at": rfc3339(one.at)}
    return {**facts, "what": access_report.action_words(one, language)}


def _person(one: access_report.Person) -> dict[str, Any]:
    return asdict(one) | {"first_at": rfc3339(one.first_at), "last_at": rfc3339(one.last_at)}

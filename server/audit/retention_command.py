"""``relais-server audit retention|hold|release|prune``: how long entries are kept, beside a running server or without one."""

import argparse
import json
from datetime import datetime
from typing import Any

from relais.models.ids import Millis, uuid7
from relais.models.store.audit_retention import Hold, RetentionStore
from relais.models.store.database import Database
from relais.server.audit.parts import LogStores
from relais.server.audit.record import Act, Recorder, entry_of
from relais.server.audit.retention import Pruner
from relais.server.callers import CONSOLE
from relais.server.clock import now_ms
from relais.server.config import SettingsError

FEWEST_DAYS = 30
"""An entry must outlive the questions that are asked about it."""


def declare_retention(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--organisation", default="", help="whose entries; without one, those of all others"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--days", type=_days, help=f"at least {FEWEST_DAYS}")
    length.add_argument("--forever", action="store_true", help="nothing expires (as at first)")
    parser.add_argument("--json", action="store_true", help="print what holds")


def declare_hold(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--circle", type=_id, help="its entries")
    parser.add_argument("--account", type=_id, help="what this account did")
    parser.add_argument("--since", type=_moment, help="from this time on (ISO 8601)")
    parser.add_argument("--until", type=_moment, help="before this time")
    parser.add_argument("--json", action="store_true", help='print {"hold": …}')


def declare_release(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("hold", metavar="HOLD", help="the id that hold printed")


def declare_prune(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help='print {"named": …, "pruned": …}')


async def retention(database: Database, recorder: Recorder, asked: argparse.Namespace) -> None:
    """Change a period if one is given, then tell what holds."""
    store = RetentionStore(database)
    if asked.days is not None or asked.forever:
        subject = {"organisation": asked.organisation or None, "days": asked.days}
        audit = entry_of(CONSOLE, Act("audit.retention", subject=subject))
        await store.set_period(asked.organisation, asked.days, audit=audit)
    held = await store.read()
    told = {"days": held.days, "holds": [vars(one) for one in held.holds]}
    print(json.dumps(told) if asked.json else _told(told))


async def hold(database: Database, recorder: Recorder, asked: argparse.Namespace) -> None:
    """Keep what matches all that is given, whatever expires."""
    made = Hold(uuid7(now_ms()), asked.circle, asked.account, asked.since, asked.until)
    if made == Hold(made.id):
        raise SettingsError("hold", "needs a circle, an account or a time")
    subject: dict[str, Any] = {"hold": made.id, "account": made.account}
    subject |= {"since": made.since, "until": made.until}
    audit = entry_of(CONSOLE, Act("audit.hold", made.circle, subject))
    await RetentionStore(database).hold(made, audit=audit)
    print(json.dumps({"hold": made.id}) if asked.json else made.id)


async def release(database: Database, recorder: Recorder, asked: argparse.Namespace) -> None:
    """End a hold."""
    audit = entry_of(CONSOLE, Act("audit.release", subject={"hold": asked.hold}))
    if not await RetentionStore(database).release(asked.hold, audit=audit):
        raise SettingsError("hold", "there is none of that id")


async def prune(database: Database, recorder: Recorder, asked: argparse.Namespace) -> None:
    """Sweep now: what was named before loses its content, what has expired is named."""
    pruner = Pruner(LogStores.of(database), recorder)
    swept = await pruner.sweep(now_ms())
    told = f"{swept.pruned} entries pruned; {swept.named} more are named, and pruned by the next sweep."
    print(json.dumps(vars(swept)) if asked.json else told)


def _told(told: dict[str, Any]) -> str:
    periods = [f"{name or 'all others'}: {days} days" for name, days in told["days"].items()]
    lines = periods or ["everything is kept for ever"]
    return "\n".join([*lines, *(f"held: {json.dumps(one)}" for one in told["holds"])])


def _days(text: str) -> int:
    days = int(text)
    if days < FEWEST_DAYS:
        raise argparse.ArgumentTypeError(f"must be at least {FEWEST_DAYS}")
    return days


def _id(text: str) -> str:
    if len(text) != 64 or set(text) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError("is an id of 64 hex digits")
    return text


def _moment(text: str) -> Millis:
    return int(datetime.fromisoformat(text).astimezone().timestamp() * 1000)

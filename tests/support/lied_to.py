"""A circle with one member in it who is lied to, and ways to lie to her."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from lying_relay import LyingRelay
from people import Person, Town

from relais.client.errors import ClientError
from relais.client.sdk import Circle, Client
from relais.crypto.audit_entry import AuditEntry, decode_audit_entry
from relais.crypto.errors import ProtocolError
from relais.models.wire.account import GetAccounts
from relais.models.wire.circle import GetLedger

NOTED_WITHIN = 60


@dataclass
class Stage:
    """Nadia is lied to. Denis, who also leads, and Olga, who is in nothing of it, are not."""

    town: Town
    liar: LyingRelay
    nadia: Person
    denis: Client
    olga: Client
    circle: Circle

    @property
    def id(self) -> str:
        return self.circle.circle

    async def victim(self) -> Client:
        """Nadia, at the mercy of the liar. Nothing she writes is on record yet."""
        self.liar.forwarded.clear()
        return await self.town.connect(self.nadia)

    async def chain(self, of: str) -> tuple[bytes, ...]:
        answer = await self.denis.session.call(GetAccounts((of,)))
        statements: tuple[bytes, ...] = answer.chains[0].statements
        return statements

    async def entries(self) -> tuple[bytes, ...]:
        answer = await self.denis.session.call(GetLedger(self.id, 0))
        entries: tuple[bytes, ...] = answer.entries
        return entries

    def lie_about_chain(self, of: str, statements: Any) -> None:
        def told(_: Any, ok: Any) -> Any:
            for chain in ok["chains"]:
                if chain["account"] == of:
                    chain["statements"] = list(statements)
            return ok

        self.liar.answers["account.get"] = told

    def lie_about_ledger(self, entries: Any) -> None:
        self.liar.answers["circle.ledger"] = lambda _, ok: {
            **ok,
            "entries": list(entries),
            "more": False,
        }

    def lie_about_grants(self, grants: list[bytes]) -> None:
        def told(request: Any, ok: Any) -> Any:
            return {"grants": [] if request["after"] else grants, "last": 1}

        self.liar.answers["circle.grants"] = told

    def lie_about_notes(self, change: Callable[[list[dict[str, Any]]], list[Any]]) -> None:
        """What is changed is told as the whole circle."""

        def told(_: Any, ok: Any) -> Any:
            notes = change(list(ok["notes"]))
            last = max((one["seq"] for one in notes), default=0)
            return {"notes": notes, "last_seq": last, "others": []}

        self.liar.answers["circle.sync"] = told


async def noted(stage: Stage, kind: str) -> AuditEntry:
    """The audit entry of an alarm of Nadia's device, once the honest relay behind the liar has it; there is no second one."""
    async with asyncio.timeout(NOTED_WITHIN):
        while not (found := _noted(stage, kind)):  # noqa: ASYNC110 (the relay is another process)
            await asyncio.sleep(0.05)
    (entry,) = found
    assert (entry.outcome, entry.account, entry.device) == (
        "ok",
        stage.nadia.account,
        stage.nadia.device,
    )
    return entry


def _noted(stage: Stage, kind: str) -> list[AuditEntry]:
    told = entries_of(stage.town, "alarm.report", stage.nadia.account)
    return [one for one in told if one.subject["kind"] == kind]


def entries_of(town: Town, action: str, account: str) -> list[AuditEntry]:
    """Somebody's entries of one kind, in the tree or waiting for their place."""
    with town.relay.database() as database:
        rows = [*database["audit_pending"].find(), *database["audit_log"].find()]
    entries = {one.id: one for one in (decode_audit_entry(bytes(row["entry"])) for row in rows)}
    return [one for one in entries.values() if (one.action, one.account) == (action, account)]


async def refused(reason: str, action: Any) -> None:
    """Awaiting it must fail, and for this reason."""
    with pytest.raises((ProtocolError, ClientError)) as caught:
        await action
    said = caught.value.reason if isinstance(caught.value, ProtocolError) else str(caught.value)
    assert reason in said


async def read(client: Client, circle: str) -> list[str | None]:
    opened = await client.circle(circle)
    return [note.content.text if note.content else None async for note in opened.notes()]

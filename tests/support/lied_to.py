"""A circle with one member in it who is lied to, and ways to lie to her."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from lying_relay import LyingRelay
from people import Person, Town

from relais.client.errors import ClientError
from relais.client.sdk import Circle, Client
from relais.crypto.errors import ProtocolError
from relais.models.wire.account import GetAccounts
from relais.models.wire.circle import GetLedger


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


async def refused(reason: str, action: Any) -> None:
    """Awaiting it must fail, and for this reason."""
    with pytest.raises((ProtocolError, ClientError)) as caught:
        await action
    said = caught.value.reason if isinstance(caught.value, ProtocolError) else str(caught.value)
    assert reason in said


async def read(client: Client, circle: str) -> list[str | None]:
    opened = await client.circle(circle)
    return [note.content.text if note.content else None async for note in opened.notes()]

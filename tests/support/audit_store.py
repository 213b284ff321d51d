"""An audit log in a real database, for tests: entries put in to wait, integrated, exported, tampered with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sample_log import LOG_KEY

from relais.crypto.audit_entry import AuditEntry
from relais.crypto.checkpoint import Policy
from relais.crypto.export_check import ExportError, ExportReport, verify_export
from relais.crypto.merkle import TreeHead
from relais.crypto.signed_note import SignerKey
from relais.models.ids import uuid7
from relais.models.store.audit_head import LogHead
from relais.models.store.database import Database
from relais.server.audit.checkpoints import empty_head
from relais.server.audit.export import export_log
from relais.server.audit.integrate import Integrator
from relais.server.audit.parts import LogStores
from relais.server.audit.record import Recorder, rfc3339
from relais.server.callers import Stranger

START = 1_772_000_000_000
"""Milliseconds: an hour in March 2026."""
ACCOUNTS = tuple(f"{letter}1" * 32 for letter in "abcdef")
CIRCLES = tuple(f"{letter}2" * 32 for letter in "abcdef")


class DirectPending:
    """Stores single entries without a group writer."""

    def __init__(self, database: Database) -> None:
        self._pending = database.collection("audit_pending")

    async def add(self, document: dict[str, Any]) -> None:
        await self._pending.insert(document)


def pending(number: int, **fields: Any) -> dict[str, Any]:
    """What a recorder stores; `number` is its place in time."""
    at = fields.pop("at", START + number)
    given: dict[str, Any] = {
        "action": "note.post",
        "outcome": "ok",
        "account": ACCOUNTS[0],
        "circle": CIRCLES[0],
    }
    given |= {"subject": {"number": number}}
    entry = AuditEntry(id=uuid7(at), at=rfc3339(at), **{**given, **fields})
    return {"_id": entry.id, "at": at, "entry": entry.encode()}


@dataclass(frozen=True)
class AuditLog:
    """One log. `put` entries, `integrate` them, then look."""

    database: Database
    stores: LogStores
    key: SignerKey = LOG_KEY

    @property
    def recorder(self) -> Recorder:
        return Recorder(DirectPending(self.database))

    async def put(self, documents: Sequence[dict[str, Any]]) -> None:
        for at in range(0, len(documents), 2_000):
            await self.database.collection("audit_pending").insert_many(documents[at : at + 2_000])

    async def integrator(self, *, batch: int = 500) -> Integrator:
        """A leader of a new term."""
        await self.stores.heads.begin(empty_head(self.key))
        while (term := await self.stores.heads.claim(await self.stores.heads.pulse())) is None:
            continue  # the leader before was quicker to show itself
        return Integrator(self.stores, self.key, term, batch=batch)

    async def integrate(self, *, batch: int = 500) -> LogHead:
        """Everything that waits."""
        leader = await self.integrator(batch=batch)
        await leader.load()
        while await leader.step():
            continue
        return await self.stores.heads.read()

    async def filled(self, size: int, *, batch: int = 500) -> LogHead:
        """A log of `size` entries, a millisecond apart."""
        await self.put([pending(number) for number in range(size)])
        return await self.integrate(batch=batch)

    async def numbers(self) -> list[int]:
        """The numbers of the entries in the tree, in its order."""
        size = (await self.stores.heads.read()).size
        return [number_of(one.entry) for one in await self.stores.entries.between(0, size)]

    async def export(self, directory: Path) -> TreeHead:
        return await export_log(
            self.stores,
            self.recorder,
            Stranger("console"),
            directory,
            progress=lambda done, size: None,
        )

    async def verify(self, directory: Path, *, older: TreeHead | None = None) -> ExportReport:
        """Export, and check what was written with the log's key alone."""
        await self.export(directory)
        return check_export(directory, self.key, older=older)

    async def fault(
        self, directory: Path, *, older: TreeHead | None = None
    ) -> tuple[str, int | None]:
        """What the check of an export finds wrong: its reason, and the entry's index."""
        try:
            await self.verify(directory, older=older)
        except ExportError as error:
            return error.reason, error.index
        raise AssertionError("the export was found good")

    def with_key(self, key: SignerKey) -> "AuditLog":
        return replace(self, key=key)


def check_export(directory: Path, key: SignerKey, *, older: TreeHead | None = None) -> ExportReport:
    def read(path: str) -> list[bytes] | None:
        file = directory / path
        return [file.read_bytes()] if file.is_file() else None

    return verify_export(
        read, Policy((key.verifier,)), progress=lambda done, size: None, older=older
    )


def number_of(entry: bytes) -> int:
    return int(json.loads(entry)["subject"]["number"])

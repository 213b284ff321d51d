"""The formats in which matching entries go out, line by line (docs/audit-log.md, "Over the network")."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from relais.crypto.audit_entry import AuditEntry, AuditEntryError, decode_audit_entry
from relais.crypto.signed_note import parse_vkey
from relais.models.store.audit_head import LogHead
from relais.models.store.audit_log import LogEntry
from relais.server.audit.fhir import ans, balp
from relais.server.audit.fhir.codes import Json
from relais.server.audit.fhir.parts import Told
from relais.server.audit.record import rfc3339
from relais.server.audit.sheets import Lines, csv_head, csv_lines, ndjson_lines

Head = Callable[[], bytes]
Project = Callable[[Told], Json]
UNREADABLE: Final = "entry.unreadable"


@dataclass(frozen=True)
class Format:
    """A kind of file: its media type, the end of its name, its first bytes, its lines for a log of some head."""

    media_type: str
    suffix: str
    lines: Callable[[LogHead], Lines]
    head: Head = bytes


def _fhir(project: Project) -> Format:
    def lines_of(head: LogHead) -> Lines:
        observer = parse_vkey(head.vkey).name
        return lambda entries: fhir_lines(entries, project, observer=observer)

    return Format("application/fhir+ndjson", "fhir.ndjson", lines_of)


def fhir_lines(entries: Sequence[LogEntry], project: Project, *, observer: str) -> bytes:
    """An AuditEvent a line. Bytes that are no entry are told as such, by their place: what was found is never left out."""
    resources = (project(Told(_read(one), observer)) for one in entries)
    return b"".join(
        json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        for resource in resources
    )


def _read(one: LogEntry) -> AuditEntry:
    try:
        return decode_audit_entry(one.entry)
    except AuditEntryError as error:
        return AuditEntry(
            id=one.id,
            at=rfc3339(one.at),
            action=UNREADABLE,
            outcome="refused",
            reason=error.reason,
            subject={"index": one.index},
        )


FORMATS: Final = {
    "csv": Format("text/csv", "csv", lambda _: csv_lines, csv_head),
    "ndjson": Format("application/x-ndjson", "ndjson", lambda _: ndjson_lines),
    "fhir-balp": _fhir(balp.audit_event),
    "fhir-ans": _fhir(ans.audit_event),
}
PROOF: Final = "proof"
"""A proof bundle: one file, not lines."""

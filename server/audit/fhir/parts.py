"""What both projections of an entry are made of. Patients are told by the circle's id alone: the log holds no name."""

from base64 import b64encode
from dataclasses import dataclass

from relais.crypto.audit_entry import AuditEntry
from relais.crypto.canonical_json import encode_canonical
from relais.server.audit.fhir.codes import (
    DOMAIN_ROLE,
    OBJECT,
    OURS,
    PATIENT_ROLE,
    PERSON,
    QUERY,
    QUERY_ROLE,
    SERVER,
    TERMINOLOGY,
    Event,
    Json,
    event_of,
)

_IP_ADDRESS, _MACHINE_NAME = "2", "1"
_OBJECTS = ("note", "blob", "device", "account", "member", "index", "head")
"""Keys of a subject that name what was acted on, the nearest first."""


@dataclass(frozen=True)
class Told:
    """An entry to project. `observer`: the log's name, which stands for the server that recorded it."""

    entry: AuditEntry
    observer: str

    @property
    def event(self) -> Event:
        return event_of(self.entry)

    @property
    def is_done(self) -> bool:
        return self.entry.outcome == "ok"


def base(told: Told) -> Json:
    """What is the same in both: what happened, when, how it ended, what for, who recorded it."""
    entry, event = told.entry, told.event
    resource = {
        "resourceType": "AuditEvent",
        "id": entry.id,
        "type": event.type,
        "subtype": [event.subtype],
        "action": event.action,
        "recorded": entry.at,
        "outcome": "0" if told.is_done else "4",
        "outcomeDesc": entry.reason,
        "purposeOfEvent": _purpose(entry),
        "source": {"observer": server_of(told), "type": [SERVER]},
    }
    return {name: value for name, value in resource.items() if value is not None}


def _purpose(entry: AuditEntry) -> list[Json] | None:
    if entry.purpose is None:
        return None
    return [{"coding": [{"system": f"{TERMINOLOGY}/v3-ActReason", "code": entry.purpose}]}]


def reference(kind: str, system: str, value: str) -> Json:
    """To something of which only an identifier is known."""
    return {"type": kind, **identified(system, value)}


def identified(system: str, value: str) -> Json:
    """The same, of whatever kind it is."""
    return {"identifier": {"system": f"{OURS}:{system}", "value": value}}


def server_of(told: Told) -> Json:
    return reference("Device", "log", told.observer)


def account_of(account: str, role: str | None) -> Json:
    """A bot is a device; whoever else acts is a practitioner, or a person near to the patient."""
    roles = (role or "").split(",")
    kind = {"bot": "Device", "carer": "RelatedPerson"}.get(roles[0], "Practitioner")
    return reference(kind, "account", account)


def device_of(told: Told) -> Json:
    """The device that asked; where none had said who it is yet, its address."""
    entry = told.entry
    if entry.device is not None:
        return reference("Device", "device", entry.device)
    return reference("Device", "address", entry.source or told.observer)


def network_of(told: Told) -> Json:
    """Where the device is; what the server itself did, or its console, is there."""
    source = told.entry.source
    if source is None or source == "console":
        return {"address": source or told.observer, "type": _MACHINE_NAME}
    return {"address": source, "type": _IP_ADDRESS}


def roles_of(entry: AuditEntry) -> Json:
    if entry.role is None:
        return {}
    codes = [{"system": f"{OURS}:role", "code": role} for role in entry.role.split(",") if role]
    return {"role": [{"coding": [code]} for code in codes]} if codes else {}


def entities(told: Told) -> list[Json]:
    """The patient, where it is about one, and what was acted on or asked for."""
    circle = told.entry.circle
    return [*([patient(circle)] if circle else []), _data(told)]


def patient(circle: str) -> Json:
    return {"type": PERSON, "role": PATIENT_ROLE, "what": reference("Patient", "circle", circle)}


def _data(told: Told) -> Json:
    entry = told.entry
    if told.event is QUERY:
        asked = encode_canonical({"action": entry.action, "subject": dict(entry.subject)})
        return {
            "type": OBJECT,
            "role": QUERY_ROLE,
            "description": entry.action,
            "query": b64encode(asked).decode(),
        }
    data = {
        "type": OBJECT,
        "role": DOMAIN_ROLE,
        "what": _object(entry),
        "description": entry.action,
    }
    details = [{"type": key, "valueString": _text(value)} for key, value in _said(entry)]
    return {**data, "detail": details} if details else data


def _said(entry: AuditEntry) -> list[tuple[str, object]]:
    return [(key, value) for key, value in sorted(entry.subject.items()) if value not in (None, "")]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _object(entry: AuditEntry) -> Json:
    """What was acted on, by the identifier the entry names it with; else the act itself."""
    for key in _OBJECTS:
        value = entry.subject.get(key)
        if value is not None:
            return identified(key, _text(value))
    return identified("entry", entry.id)

"""What each action of the log is in the words of FHIR: one row an action (docs/audit-log.md, "FHIR AuditEvents")."""

from dataclasses import dataclass
from typing import Any, Final

from relais.crypto.audit_entry import AuditEntry

TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
BALP: Final = "https://profiles.ihe.net/ITI/BALP"
OURS: Final = "urn:x-relais"
"""Of identifiers that mean something to Relais only."""

Json = dict[str, Any]


def coding(system: str, code: str, display: str) -> Json:
    return {"system": system, "code": code, "display": display}


REST: Final = coding(f"{TERMINOLOGY}/audit-event-type", "rest", "RESTful Operation")
LOGIN: Final = coding(DICOM, "110114", "User Authentication")
EXPORT: Final = coding(DICOM, "110106", "Export")
SOURCE: Final = coding(DICOM, "110153", "Source Role ID")
DESTINATION: Final = coding(DICOM, "110152", "Destination Role ID")
APPLICATION: Final = coding(DICOM, "110150", "Application")
CUSTODIAN: Final = coding(f"{TERMINOLOGY}/provenance-participant-type", "custodian", "Custodian")
AUTHOR: Final = coding(f"{TERMINOLOGY}/v3-ParticipationType", "AUT", "author (originator)")
RECIPIENT: Final = coding(f"{TERMINOLOGY}/v3-ParticipationType", "IRCP", "information recipient")
RESPONSIBLE: Final = coding(f"{TERMINOLOGY}/v3-ParticipationType", "RESP", "responsible party")
PROVIDER: Final = coding(f"{TERMINOLOGY}/v3-RoleClass", "PROV", "healthcare provider")
PERSON: Final = coding(f"{TERMINOLOGY}/audit-entity-type", "1", "Person")
OBJECT: Final = coding(f"{TERMINOLOGY}/audit-entity-type", "2", "System Object")
ORGANISATION: Final = coding(f"{TERMINOLOGY}/audit-entity-type", "3", "Organization")
PATIENT_ROLE: Final = coding(f"{TERMINOLOGY}/object-role", "1", "Patient")
DOMAIN_ROLE: Final = coding(f"{TERMINOLOGY}/object-role", "4", "Domain Resource")
QUERY_ROLE: Final = coding(f"{TERMINOLOGY}/object-role", "24", "Query")
REQUEST_ID: Final = coding(
    f"{BALP}/CodeSystem/BasicAuditEntityType", "XrequestId", "X-Request-Id of the transport"
)
SERVER: Final = coding(f"{TERMINOLOGY}/security-source-type", "4", "Application Server")


def _rest(code: str) -> Json:
    return coding("http://hl7.org/fhir/restful-interaction", code, code)


@dataclass(frozen=True)
class Event:
    """How an action is told. `profile`: the BALP pattern's name where one fits a success.

    `patient_profile` is that of the same about a patient; `client`, `server`, `user` are the agents' types.
    """

    profile: str | None
    type: Json
    subtype: Json
    action: str
    client: Json
    server: Json
    user: Json
    patient_profile: str | None = None


CREATE: Final = Event(
    "Create", REST, _rest("create"), "C", SOURCE, DESTINATION, AUTHOR, "PatientCreate"
)
READ: Final = Event("Read", REST, _rest("read"), "R", DESTINATION, SOURCE, RECIPIENT, "PatientRead")
UPDATE: Final = Event(
    "Update", REST, _rest("update"), "U", SOURCE, DESTINATION, AUTHOR, "PatientUpdate"
)
DELETE: Final = Event(
    "Delete", REST, _rest("delete"), "D", APPLICATION, CUSTODIAN, AUTHOR, "PatientDelete"
)
QUERY: Final = Event(
    "Query", REST, _rest("search"), "E", SOURCE, DESTINATION, RECIPIENT, "PatientQuery"
)
DISCLOSURE: Final = Event(
    None,
    EXPORT,
    coding(f"{TERMINOLOGY}/iso-21089-lifecycle", "disclose", "Disclose Record Lifecycle Event"),
    *("R", DESTINATION, SOURCE, RECIPIENT, "PrivacyDisclosure.Source"),
)
SIGNED_IN: Final = Event(
    None, LOGIN, coding(DICOM, "110122", "Login"), "E", APPLICATION, DESTINATION, AUTHOR
)
OTHER: Final = Event(None, REST, _rest("operation"), "E", SOURCE, DESTINATION, AUTHOR)
"""What no pattern tells: what is only ever refused, and actions that this table does not know."""

EVENTS: Final[dict[str, Event]] = {
    "auth.token": SIGNED_IN,
    "note.disclose": DISCLOSURE,
    **dict.fromkeys(("audit.release", "audit.prune"), DELETE),
    **dict.fromkeys(
        (
            *("auth.enrol", "device.offer", "device.request", "admin.invite"),
            *("circle.create", "circle.grant", "note.post", "receipt.post", "blob.upload"),
            *("alarm.report", "audit.hold", "audit.verify", "audit.chase", "backup.restore"),
            *("escrow.share", "escrow.reshare", "emergency.request", "emergency.answer"),
        ),
        CREATE,
    ),
    **dict.fromkeys(
        (
            *("auth.invitation", "auth.join.look", "auth.join.wait", "account.get", "device.list"),
            *("circle.grants", "note.get", "receipt.get", "blob.read", "emergency.look"),
            *("audit.prove", "audit.consistency", "audit.heads", "audit.view", "audit.rules"),
        ),
        READ,
    ),
    **dict.fromkeys(
        (
            *("account.append", "device.approve", "circle.append", "circle.profile"),
            *("circle.unopenable", "emergency.withdraw", "emergency.expire"),
            *("audit.review", "audit.rules.set", "audit.retention", "ledger.head"),
        ),
        UPDATE,
    ),
    **dict.fromkeys(
        (
            *("circle.sync", "circle.page", "receipt.sync", "circle.ledger", "circle.list"),
            *("directory.search", "admin.accounts", "audit.search", "audit.circle"),
            *("audit.note", "audit.findings", "audit.volume", "audit.hours"),
            *("audit.export", "backup.write", "log.entries", "escrow.list", "emergency.list"),
        ),
        QUERY,
    ),
}


def event_of(entry: AuditEntry) -> Event:
    """How an entry is told: a corrected or withdrawn note is an update, its earlier versions stay."""
    if entry.action == "note.post" and entry.subject.get("kind") in ("correction", "withdrawal"):
        return UPDATE
    return EVENTS.get(entry.action, OTHER)

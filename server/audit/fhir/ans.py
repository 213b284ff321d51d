"""ANS Traçabilité des événements 2.0.0 (ans.fhir.fr.tde, profile tde-auditevent).

Two agents at most, one subtype at most, a period: whoever acted, and the device it was done with. What has no agent left for it (the organisation,
whoever it was done for, the request) is an entity, so that nothing of the entry is lost.
"""

from typing import Final

from relais.server.audit.fhir.codes import ORGANISATION, PERSON, REQUEST_ID, Json
from relais.server.audit.fhir.parts import (
    Told,
    account_of,
    base,
    device_of,
    entities,
    identified,
    network_of,
    roles_of,
)

PROFILE: Final = "https://interop.esante.gouv.fr/ig/fhir/tde/StructureDefinition/tde-auditevent"


def audit_event(told: Told) -> Json:
    """The entry as a TdE AuditEvent."""
    entry = told.entry
    return {
        **base(told),
        "meta": {"profile": [PROFILE]},
        "period": {"start": entry.at, "end": entry.at},
        "agent": _agents(told),
        "entity": [*entities(told), *_others(told)],
    }


def _agents(told: Told) -> list[Json]:
    entry = told.entry
    device = {"who": device_of(told), "network": network_of(told)}
    if entry.account is None:
        return [{**device, "requestor": True}]
    person = {"who": account_of(entry.account, entry.role), "requestor": True, **roles_of(entry)}
    return [person, {**device, "requestor": False}]


def _others(told: Told) -> list[Json]:
    entry = told.entry
    found: list[Json] = []
    if entry.organisation:
        named = {"type": "Organization", "display": entry.organisation}
        found.append({"type": ORGANISATION, "what": named, "description": "organisation"})
    if entry.on_behalf_of:
        who = identified("account", entry.on_behalf_of)
        found.append({"type": PERSON, "what": who, "description": "on behalf of"})
    if entry.request:
        found.append({"type": REQUEST_ID, "what": {"identifier": {"value": entry.request}}})
    return found

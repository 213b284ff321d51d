"""IHE Basic Audit Log Patterns 1.1.4 (https://profiles.ihe.net/ITI/BALP).

Create, Read, Update, Delete and Query, each about a patient where the entry names a circle, and PrivacyDisclosure.Source. The patterns tell
successes only: a refused entry, a login, and what no pattern tells is an AuditEvent of the same shape that claims no profile.
"""

from relais.server.audit.fhir.codes import BALP, DISCLOSURE, PROVIDER, REQUEST_ID, RESPONSIBLE, Json
from relais.server.audit.fhir.parts import (
    Told,
    account_of,
    base,
    device_of,
    entities,
    identified,
    network_of,
    roles_of,
    server_of,
)


def audit_event(told: Told) -> Json:
    """The entry as a BALP AuditEvent."""
    profile = profile_of(told)
    resource = base(told)
    if profile:
        resource["meta"] = {"profile": [f"{BALP}/StructureDefinition/IHE.BasicAudit.{profile}"]}
    return {**resource, "agent": _agents(told), "entity": [*entities(told), *_transaction(told)]}


def profile_of(told: Told) -> str | None:
    """The pattern that this AuditEvent follows, by its name."""
    event = told.event
    if not told.is_done:
        return None
    return event.patient_profile if told.entry.circle else event.profile


def _agents(told: Told) -> list[Json]:
    """The device, the server, the person; the organisation, and whoever it was done for."""
    entry, event = told.entry, told.event
    client = _agent(event.client, device_of(told), is_requestor=entry.account is None)
    server = _agent(event.server, server_of(told))
    agents = [{**client, "network": network_of(told)}, {**server, "network": _own(told)}]
    if entry.account:
        who = account_of(entry.account, entry.role)
        agents.append({**_agent(event.user, who, is_requestor=True), **roles_of(entry)})
    if entry.organisation:
        agents.append(_agent(PROVIDER, {"type": "Organization", "display": entry.organisation}))
    if entry.on_behalf_of:
        who = identified("account", entry.on_behalf_of)
        agents.append(_agent(RESPONSIBLE, who))
    return agents


def _agent(kind: Json, who: Json, *, is_requestor: bool = False) -> Json:
    return {"type": {"coding": [kind]}, "who": who, "requestor": is_requestor}


def _own(told: Told) -> Json:
    return {"address": told.observer, "type": "1"}


def _transaction(told: Told) -> list[Json]:
    request = told.entry.request
    if request is None or told.event is DISCLOSURE:
        return []
    return [{"type": REQUEST_ID, "what": {"identifier": {"value": request}}}]

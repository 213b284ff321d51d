"""What an AuditEvent must be: FHIR R4 (4.0.1), IHE BALP and ANS Traçabilité, as tables and a small judge.

Written down from the profiles' own sources, since no validator runs here:
- FHIR R4 4.0.1, AuditEvent (hl7.org/fhir/R4/auditevent.html): elements, cardinalities, invariant sev-1.
- IHE ITI BALP 1.1.4, sources of 1.1.5-current (github.com/IHE/ITI.BasicAudit, input/fsh, November 2025; CC BY 4.0).
- ANS Traçabilité des événements 2.0.0 (github.com/ansforge/interop-ig-fhir-tracabilite-evenements, TDEAuditEvent.fsh, March 2026; MIT).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
TERMS = "http://terminology.hl7.org/CodeSystem"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
TDE = "https://interop.esante.gouv.fr/ig/fhir/tde/StructureDefinition/tde-auditevent"

PRIMITIVES = {
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "dateTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "id": r"[A-Za-z0-9.-]{1,64}",
    "code": r"[^\s]+(\s[^\s]+)*",
    "uri": r"\S+",
    "string": r"[\s\S]*\S[\s\S]*",
    "base64Binary": r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
}
# Element -> (least, most, type); None is no bound. Elements that Relais never writes are left out: they are refused.
R4: dict[str, dict[str, tuple[int, int | None, str]]] = {
    "AuditEvent": {
        "id": (0, 1, "id"),
        "meta": (0, 1, "Meta"),
        "type": (1, 1, "Coding"),
        "subtype": (0, None, "Coding"),
        "action": (0, 1, "code"),
        "period": (0, 1, "Period"),
        "recorded": (1, 1, "instant"),
        "outcome": (0, 1, "code"),
        "outcomeDesc": (0, 1, "string"),
        "purposeOfEvent": (0, None, "CodeableConcept"),
        "agent": (1, None, "Agent"),
        "source": (1, 1, "Source"),
        "entity": (0, None, "Entity"),
    },
    "Meta": {"profile": (0, None, "uri")},
    "Coding": {"system": (0, 1, "uri"), "code": (0, 1, "code"), "display": (0, 1, "string")},
    "CodeableConcept": {"coding": (0, None, "Coding"), "text": (0, 1, "string")},
    "Period": {"start": (0, 1, "dateTime"), "end": (0, 1, "dateTime")},
    "Reference": {
        "type": (0, 1, "uri"),
        "identifier": (0, 1, "Identifier"),
        "display": (0, 1, "string"),
    },
    "Identifier": {"system": (0, 1, "uri"), "value": (0, 1, "string")},
    "Agent": {
        "type": (0, 1, "CodeableConcept"),
        "role": (0, None, "CodeableConcept"),
        "who": (0, 1, "Reference"),
        "requestor": (1, 1, "boolean"),
        "network": (0, 1, "Network"),
    },
    "Network": {"address": (0, 1, "string"), "type": (0, 1, "code")},
    "Source": {"observer": (1, 1, "Reference"), "type": (0, None, "Coding")},
    "Entity": {
        "what": (0, 1, "Reference"),
        "type": (0, 1, "Coding"),
        "role": (0, 1, "Coding"),
        "description": (0, 1, "string"),
        "query": (0, 1, "base64Binary"),
        "detail": (0, None, "Detail"),
    },
    "Detail": {"type": (1, 1, "string"), "valueString": (0, 1, "string")},
}
LISTS = {"profile", "subtype", "purposeOfEvent", "agent", "entity", "coding", "role", "detail"}
CODES = {"action": {"C", "R", "U", "D", "E"}, "outcome": {"0", "4", "8", "12"}}
NETWORKS = {"1", "2", "3", "4", "5"}


@dataclass(frozen=True)
class Slice:
    """Items told by the code of their `type`: how many, and what each must and must not have."""

    types: frozenset[str]
    least: int
    most: int
    needs: tuple[str, ...] = ("who",)
    forbids: tuple[str, ...] = ()
    role: frozenset[str] = frozenset()
    requestor: bool | None = None


@dataclass(frozen=True)
class Profile:
    """One BALP pattern."""

    type: str
    subtypes: frozenset[str]
    action: str
    agents: Mapping[str, Slice]
    entities: Mapping[str, Slice]
    least_entities: int = 1
    is_successful: bool = True


def _one(code: str, **more: Any) -> Slice:
    return Slice(frozenset({code}), 1, 1, **more)


def _machine(code: str) -> Slice:
    return _one(code, needs=("who", "network"), forbids=("media",))


def _person(*codes: str) -> Slice:
    found = frozenset(f"{TERMS}/v3-ParticipationType|{code}" for code in codes)
    return Slice(found, 0, 1, forbids=("network", "media"), requestor=True)


_DATA = _one(
    f"{TERMS}/audit-entity-type|2",
    needs=("what", "role"),
    role=frozenset(f"{TERMS}/object-role|{code}" for code in ("4", "3", "20")),
)
_ASKED = _one(
    f"{TERMS}/audit-entity-type|2",
    needs=("query", "role"),
    forbids=("what", "lifecycle", "detail"),
    role=frozenset({f"{TERMS}/object-role|24"}),
)
_REQUEST = Slice(
    frozenset({"https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType|XrequestId"}),
    *(0, 1, ("what",)),
)
_PATIENT = _one(
    f"{TERMS}/audit-entity-type|1",
    needs=("what", "role"),
    role=frozenset({f"{TERMS}/object-role|1"}),
)
_SOURCE, _DESTINATION = f"{DCM}|110153", f"{DCM}|110152"
_AUTHORS = ("AUT", "INF", "CST")


def _rest(subtypes: set[str], action: str, client: str, server: str, *users: str) -> Profile:
    return Profile(
        f"{TERMS}/audit-event-type|rest",
        frozenset(f"http://hl7.org/fhir/restful-interaction|{code}" for code in subtypes),
        action,
        {"client": _machine(client), "server": _machine(server), "user": _person(*users)},
        {"data": _ASKED if action == "E" else _DATA, "transaction": _REQUEST},
    )


_PLAIN = {
    "Create": _rest({"create"}, "C", _SOURCE, _DESTINATION, *_AUTHORS),
    "Read": _rest({"read", "vread"}, "R", _DESTINATION, _SOURCE, "IRCP"),
    "Update": _rest({"update", "patch"}, "U", _SOURCE, _DESTINATION, *_AUTHORS),
    "Delete": _rest(
        *({"delete"}, "D", f"{DCM}|110150", f"{TERMS}/provenance-participant-type|custodian"),
        *_AUTHORS,
    ),
    "Query": _rest({"search", "search-type", "search-system"}, "E", _SOURCE, _DESTINATION, "IRCP"),
}


def _about_a_patient(name: str, plain: Profile) -> Profile:
    least = 1 if name == "Query" else 2
    entities = {**plain.entities, "patient": _PATIENT}
    return Profile(plain.type, plain.subtypes, plain.action, plain.agents, entities, least)


PROFILES = {
    **_PLAIN,
    **{f"Patient{name}": _about_a_patient(name, plain) for name, plain in _PLAIN.items()},
    "PrivacyDisclosure.Source": Profile(
        f"{DCM}|110106",
        frozenset({f"{TERMS}/iso-21089-lifecycle|disclose"}),
        "R",
        {
            "source": _one(_SOURCE, needs=("who", "network")),
            "recipient": _one(_DESTINATION, needs=("who", "network")),
        },
        {"patient": _PATIENT},
        2,
        is_successful=False,
    ),
}


def faults(resource: Json) -> list[str]:
    """What is wrong with an AuditEvent: by R4, and by every profile it claims."""
    found = list(_structure(resource))
    for profile in resource.get("meta", {}).get("profile", []):
        if profile == TDE:
            found += _tde(resource)
        elif profile.startswith(BALP) and profile.removeprefix(BALP) in PROFILES:
            found += _balp(resource, PROFILES[profile.removeprefix(BALP)])
        else:
            found.append(f"unknown profile {profile}")
    return found


def _structure(resource: Json) -> Iterator[str]:
    if resource.get("resourceType") != "AuditEvent":
        yield "no AuditEvent"
    rest = {name: value for name, value in resource.items() if name != "resourceType"}
    yield from _element(rest, "AuditEvent", "AuditEvent")
    for name, codes in CODES.items():
        if resource.get(name) not in codes:
            yield f"{name} is {resource.get(name)}"
    for agent in resource.get("agent", []):
        if agent.get("network", {}).get("type", "1") not in NETWORKS:
            yield "agent.network.type"
    if sum(agent.get("requestor") is True for agent in resource.get("agent", [])) != 1:
        yield "not one requestor"
    for entity in resource.get("entity", []):
        if "name" in entity and "query" in entity:
            yield "sev-1"


def _element(value: Any, kind: str, path: str) -> Iterator[str]:
    if kind == "boolean" or kind in PRIMITIVES:
        yield from _primitive(value, kind, path)
        return
    if not isinstance(value, dict) or not value:
        yield f"{path} is no {kind}"
        return
    yield from (f"{path}.{name} is not known" for name in value.keys() - R4[kind].keys())
    for name, (least, most, inner) in R4[kind].items():
        is_list = most is None or (kind == "Source" and name == "type")
        items = value.get(name, []) if is_list else [value[name]] if name in value else []
        if not isinstance(items, list) or len(items) < least or (name in value and not items):
            yield f"{path}.{name} has {items!r}"
            continue
        for item in items:
            yield from _element(item, inner, f"{path}.{name}")


def _primitive(value: Any, kind: str, path: str) -> Iterator[str]:
    if kind == "boolean":
        is_good = isinstance(value, bool)
    else:
        is_good = isinstance(value, str) and re.fullmatch(PRIMITIVES[kind], value) is not None
    if not is_good:
        yield f"{path} is no {kind}: {value!r}"


def _token(coding: Json) -> str:
    return f"{coding.get('system')}|{coding.get('code')}"


def _balp(resource: Json, profile: Profile) -> Iterator[str]:
    if _token(resource["type"]) != profile.type:
        yield "type"
    if len([s for s in resource.get("subtype", []) if _token(s) in profile.subtypes]) != 1:
        yield "subtype"
    if resource.get("action") != profile.action:
        yield "action"
    if "outcome" not in resource or (profile.is_successful and resource["outcome"] != "0"):
        yield "outcome"
    agents, entities = resource.get("agent", []), resource.get("entity", [])
    if len(agents) < 2 or len(entities) < profile.least_entities:
        yield "too few agents or entities"
    for name, slice in profile.agents.items():
        yield from _sliced(name, slice, agents, _agent_type)
    for name, slice in profile.entities.items():
        yield from _sliced(name, slice, entities, lambda one: _token(one.get("type", {})))
    yield from _val_audit_source(resource, profile)
    yield from _patients(entities, profile)


def _agent_type(agent: Json) -> str:
    return _token(next(iter(agent.get("type", {}).get("coding", [])), {}))


def _sliced(name: str, slice: Slice, items: list[Json], type_of: Any) -> Iterator[str]:
    found = [item for item in items if type_of(item) in slice.types]
    if not slice.least <= len(found) <= slice.most:
        yield f"{name}: {len(found)}"
    for item in found:
        yield from (f"{name} needs {need}" for need in slice.needs if need not in item)
        yield from (f"{name} has {bad}" for bad in slice.forbids if bad in item)
        if slice.role and _token(item.get("role", {})) not in slice.role:
            yield f"{name}: role"
        if slice.requestor is not None and item.get("requestor") is not slice.requestor:
            yield f"{name}: requestor"


def _val_audit_source(resource: Json, profile: Profile) -> Iterator[str]:
    """The audit source is this agent too."""
    for agent in resource.get("agent", []):
        is_source = "source" in profile.agents and _agent_type(agent) == _SOURCE
        if is_source and agent.get("who") != resource["source"]["observer"]:
            yield "val-audit-source"


def _patients(entities: list[Json], profile: Profile) -> Iterator[str]:
    for entity in entities:
        is_person = _token(entity.get("type", {})) in _PATIENT.types
        if is_person and "patient" in profile.entities and entity["what"].get("type") != "Patient":
            yield "patient is no Reference(Patient)"


def _tde(resource: Json) -> Iterator[str]:
    if len(resource.get("subtype", [])) > 1:
        yield "subtype ..1"
    if "start" not in resource.get("period", {}):
        yield "period.start 1.."
    if len(resource.get("agent", [])) > 2:
        yield "agent ..2"
    if any("who" not in agent for agent in resource.get("agent", [])):
        yield "agent.who 1.."
    observers = {"Device", "PractitionerRole", "Practitioner", "RelatedPerson", "Organization"}
    if resource["source"]["observer"].get("type") not in {*observers, "Patient"}:
        yield "source.observer"

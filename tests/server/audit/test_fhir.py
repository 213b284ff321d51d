"""Entries as FHIR AuditEvents: each documented action, done and refused, holds to FHIR R4 and to the profile it claims."""

import base64
import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from audit_actions import documented
from fhir_rules import BALP, TDE, faults

from relais.crypto.audit_entry import AuditEntry
from relais.models.store.audit_log import LogEntry
from relais.server.audit.fhir import ans, balp
from relais.server.audit.fhir.codes import EVENTS
from relais.server.audit.fhir.parts import Told
from relais.server.audit.formats import fhir_lines

ACCOUNT, CIRCLE, DEVICE = "a1" * 32, "c2" * 32, "d3" * 16
NOTE = "0199612c-1c00-7000-8000-00000000002a"
ACTIONS = sorted(documented())
OBSERVER = "relais.example/log"
Json = dict[str, Any]


def entry(action: str, **more: Any) -> AuditEntry:
    said: Json = {
        "id": "0199612c-1c00-7000-8000-000000000001",
        "at": "2026-03-01T07:30:00.000Z",
        "action": action,
        "outcome": "ok",
        "account": ACCOUNT,
        "device": DEVICE,
        "role": "professional",
        "organisation": "Cabinet des Tilleuls",
        "purpose": "TREAT",
        "on_behalf_of": "e4" * 32,
        "circle": CIRCLE,
        "source": "192.0.2.7",
        "request": "7d3f",
        "subject": {
            "note": NOTE,
            "version": 2,
            "seq": 7,
            "kind": "post",
            "none": None,
            "yes": True,
        },
    }
    return AuditEntry(**{**said, **more})


NOBODY: Json = dict.fromkeys(
    ("account", "device", "role", "organisation", "purpose", "on_behalf_of")
)
SORTS: dict[str, Json] = {
    "done about a patient": {},
    "done": {"circle": None},
    "refused": {"outcome": "refused", "reason": "forbidden"},
    "refused to a stranger": {
        **NOBODY,
        "outcome": "refused",
        "reason": "malformed",
        "circle": None,
    },
    "at the console": {**NOBODY, "source": "console", "request": None, "subject": {}},
    "by a bot": {"role": "bot", "source": None},
    "by a carer": {"role": "carer", "subject": {}},
    "by somebody of two roles": {"role": "coordinator,auditor"},
}


def projected(one: AuditEntry) -> Iterator[Json]:
    for project in (balp.audit_event, ans.audit_event):
        yield project(Told(one, OBSERVER))


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("action", [*ACTIONS, "unheard.of"])
def test_each_action_holds_to_r4_and_to_the_profile_it_claims(action: str, sort: str) -> None:
    for resource in projected(entry(action, **SORTS[sort])):
        assert faults(resource) == []


def claimed(resource: Json) -> str | None:
    profiles = resource.get("meta", {}).get("profile", [None])
    return profiles[0].removeprefix(BALP) if profiles[0] else None


@pytest.mark.parametrize(
    ("action", "subject", "pattern"),
    [
        ("note.post", {"kind": "post"}, "PatientCreate"),
        ("note.post", {"kind": "correction"}, "PatientUpdate"),
        ("note.post", {"kind": "withdrawal"}, "PatientUpdate"),
        ("circle.sync", {}, "PatientQuery"),
        ("note.get", {}, "PatientRead"),
        ("blob.read", {}, "PatientRead"),
        ("circle.append", {}, "PatientUpdate"),
        ("auth.token", {}, None),
    ],
)
def test_an_access_about_a_patient_follows_its_pattern(
    action: str, subject: Json, pattern: str | None
) -> None:
    told = entry(action, subject=subject)
    assert claimed(balp.audit_event(Told(told, OBSERVER))) == pattern
    refused = entry(action, subject=subject, outcome="refused", reason="forbidden")
    resource = balp.audit_event(Told(refused, OBSERVER))
    assert (claimed(resource), resource["outcome"]) == (None, "4")
    assert resource["outcomeDesc"] == "forbidden"


def test_an_action_that_no_row_names_is_told_as_an_operation_and_claims_no_pattern() -> None:
    told = balp.audit_event(Told(entry("unheard.of"), OBSERVER))
    assert (claimed(told), told["action"]) == (None, "E")
    assert "unheard.of" not in EVENTS
    assert claimed(balp.audit_event(Told(entry("note.get"), OBSERVER))) == "PatientRead"


def test_a_search_is_told_as_it_was_asked() -> None:
    told = entry("audit.search", circle=None, subject={"account": ACCOUNT, "entries": 3})
    resource = balp.audit_event(Told(told, OBSERVER))
    (asked,) = [one for one in resource["entity"] if "query" in one]
    assert json.loads(base64.b64decode(asked["query"])) == {
        "action": "audit.search",
        "subject": {"account": ACCOUNT, "entries": 3},
    }


def test_patients_are_known_by_the_circle_alone() -> None:
    for resource in projected(entry("note.get")):
        (patient,) = [one for one in resource["entity"] if one["what"].get("type") == "Patient"]
        assert patient["what"] == {
            "type": "Patient",
            "identifier": {"system": "urn:x-relais:circle", "value": CIRCLE},
        }


def test_what_ans_leaves_no_agent_for_is_not_lost() -> None:
    resource = ans.audit_event(Told(entry("note.get"), OBSERVER))
    assert [agent["requestor"] for agent in resource["agent"]] == [True, False]
    whole = json.dumps(resource, ensure_ascii=False)
    for value in (
        "Cabinet des Tilleuls",
        "e4" * 32,
        "7d3f",
        "192.0.2.7",
        DEVICE,
        ACCOUNT,
        NOTE,
        "TREAT",
    ):
        assert value in whole


def test_no_row_is_of_an_action_that_is_not_documented() -> None:
    assert set(EVENTS) - set(ACTIONS) == set()


DEFECTS: dict[str, Callable[[Json], object]] = {
    "no client": lambda r: r["agent"].pop(0),
    "server without network": lambda r: r["agent"][1].pop("network"),
    "user is not the requestor": lambda r: r["agent"][2].update(requestor=False),
    "two patients": lambda r: r["entity"].append(r["entity"][0]),
    "no patient": lambda r: r["entity"].pop(0),
    "patient by name": lambda r: r["entity"][0]["what"].update(type="Group"),
    "another type": lambda r: r["type"].update(code="transmit"),
    "another action": lambda r: r.update(action="E"),
    "a failure": lambda r: r.update(outcome="8"),
    "no time": lambda r: r.pop("recorded"),
    "an element nobody knows": lambda r: r.update(note="x"),
    "an empty list": lambda r: r.update(subtype=[]),
    "unknown profile": lambda r: r["meta"].update(profile=["https://example.org/x"]),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_rules_find_what_does_not_hold(defect: str) -> None:
    good = balp.audit_event(Told(entry("note.get"), OBSERVER))
    bad = copy.deepcopy(good)
    DEFECTS[defect](bad)
    assert faults(good) == []
    assert faults(bad) != []


@pytest.mark.parametrize(
    "defect",
    [
        lambda r: r["agent"].append(r["agent"][1]),
        lambda r: r["agent"][1].pop("who"),
        lambda r: r.pop("period"),
        lambda r: r["subtype"].append(r["subtype"][0]),
        lambda r: r["source"]["observer"].update(type="Group"),
    ],
    ids=["three agents", "nobody", "no period", "two subtypes", "another observer"],
)
def test_the_rules_of_ans_find_what_does_not_hold(defect: Callable[[Json], object]) -> None:
    good = ans.audit_event(Told(entry("note.get"), OBSERVER))
    bad = copy.deepcopy(good)
    defect(bad)
    assert (good["meta"]["profile"], faults(good)) == ([TDE], [])
    assert faults(bad) != []


def test_bytes_that_are_no_entry_are_told_by_their_place() -> None:
    row = LogEntry(3, NOTE, 1_772_000_000_000, b"damaged")
    for project in (balp.audit_event, ans.audit_event):
        (line,) = fhir_lines([row], project, observer=OBSERVER).splitlines()
        resource = json.loads(line)
        assert faults(resource) == []
        assert (resource["outcome"], resource["outcomeDesc"]) == ("4", "not-json")
        assert '"3"' in line.decode()

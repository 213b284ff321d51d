"""Who saw what in one circle, in plain words: a page to print for the patient or the family, and the same as facts."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relais.models.ids import AccountId, Millis


@dataclass(frozen=True)
class SeenAccess:
    """One access, as the log tells it. `name`: what the account calls itself."""

    index: int
    at: Millis
    account: AccountId | None
    name: str | None
    profession: str | None
    organisation: str | None
    action: str
    outcome: str
    subject: Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """`accesses`: newest first."""

    patient: str
    accesses: Sequence[SeenAccess]
    made_at: Millis
    complete: bool


@dataclass(frozen=True)
class Person:
    """What one person did in all."""

    account: AccountId | None
    name: str | None
    profession: str | None
    organisation: str | None
    times: int
    refused: int
    first_at: Millis
    last_at: Millis


def people_of(accesses: Iterable[SeenAccess]) -> list[Person]:
    """Who is in a report, most often first."""
    people: dict[AccountId | None, Person] = {}
    for one in accesses:
        before = people.get(one.account)
        people[one.account] = Person(
            account=one.account,
            name=one.name,
            profession=one.profession,
            organisation=one.organisation,
            times=(before.times if before else 0) + 1,
            refused=(before.refused if before else 0) + (one.outcome == "refused"),
            first_at=min(before.first_at if before else one.at, one.at),
            last_at=max(before.last_at if before else one.at, one.at),
        )
    return sorted(people.values(), key=lambda one: -one.times)


def page(report: Report, language: str) -> bytes:
    """The report as one HTML page that needs nothing else."""
    words = _WORDS[language]
    people = "".join(_person(one, words) for one in people_of(report.accesses))
    rows = "".join(_row(one, language) for one in reversed(report.accesses))
    title = html.escape(words["title"].format(patient=report.patient))
    made = html.escape(words["made"].format(time=_time(report.made_at)))
    part = "" if report.complete else f"<p><strong>{words['part']}</strong></p>"
    columns = "".join(f"<th scope=col>{words[name]}</th>" for name in ("when", "who", "what"))
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{made}</p><p class=quiet>{words['text']}</p>"
        f"{part}<h2>{words['people']}</h2><ul>{people}</ul><h2>{words['all']}</h2>"
        f"<table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></html>"
    ).encode()


def action_words(one: SeenAccess, language: str) -> str:
    """What was done: of a change of the circle, its first operation; what is newer than this program as it stands."""
    operations = str(one.subject.get("operations", "")).split()
    told = [name for name in operations if name != "epoch.open"] or operations
    known = _ACTIONS.get(told[0] if told else one.action) or _ACTIONS.get(one.action)
    return known[0 if language == "fr" else 1] if known else one.action


def _person(one: Person, words: Mapping[str, str]) -> str:
    about = " · ".join(part for part in (one.profession, one.organisation) if part)
    told = words["times"].format(
        count=one.times, first=_time(one.first_at), last=_time(one.last_at)
    )
    if one.refused:
        told += " " + words["refusals"].format(count=one.refused)
    name = html.escape(one.name or words["unknown"])
    return f"<li><strong>{name}</strong><br>{html.escape(about)}<br>{html.escape(told)}</li>"


def _row(one: SeenAccess, language: str) -> str:
    words = _WORDS[language]
    what = action_words(one, language)
    if one.outcome == "refused":
        what += f" ({words['refused']})"
    name = html.escape(one.name or words["unknown"])
    return f"<tr><td>{_time(one.at)}</td><td>{name}</td><td>{html.escape(what)}</td></tr>"


def _time(at: Millis) -> str:
    """Where the reader is."""
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%Y-%m-%d %H:%M")


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b2a2c}"
    "ul{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #ddd;vertical-align:top}"
    ".quiet{color:#56645f}tr,li{break-inside:avoid}thead{display:table-header-group}@media print{body{margin:0;font-size:10pt}}"
)
_WORDS = {
    "fr": {
        "title": "Qui a vu le dossier de {patient}",
        "made": "Établi le {time}.",
        "text": "Ce rapport vient du journal du relais, que personne ne peut modifier sans que cela se voie. Il dit qui a "
        "demandé quoi, et quand ; une note remise à un appareil n’a pas forcément été lue.",
        "part": "Le rapport est incomplet : choisissez une période plus courte.",
        "people": "Les personnes",
        "all": "Dans l’ordre du temps",
        "times": "{count} accès, du {first} au {last}.",
        "refusals": "Dont refusés : {count}.",
        "refused": "refusé",
        "unknown": "Inconnu",
        "when": "Quand",
        "who": "Qui",
        "what": "Quoi",
    },
    "en": {
        "title": "Who saw the record of {patient}",
        "made": "Made on {time}.",
        "text": "This report comes from the relay’s log, which nobody can change unnoticed. It says who asked for what, and "
        "when; a note delivered to a device has not necessarily been read.",
        "part": "The report is not complete: choose a shorter period.",
        "people": "The people",
        "all": "In the order of time",
        "times": "Accesses: {count}, from {first} to {last}.",
        "refusals": "Refused: {count}.",
        "refused": "refused",
        "unknown": "Unknown",
        "when": "When",
        "who": "Who",
        "what": "What",
    },
}
_ACTIONS = {
    "circle.create": ("Cercle créé", "Circle created"),
    "circle.append": ("Cercle modifié", "Circle changed"),
    "circle.ledger": ("Registre du cercle lu", "Circle ledger read"),
    "circle.profile": ("Fiche du patient modifiée", "Patient profile changed"),
    "circle.grants": ("Clés reçues", "Keys received"),
    "circle.grant": ("Clés données", "Keys granted"),
    "circle.unopenable": ("Clé reçue qui n’ouvre rien", "Key received that opens nothing"),
    "circle.missing": ("Clés manquantes demandées", "Missing keys asked for"),
    "circle.help": ("Aide demandée pour une clé", "Help asked for with a key"),
    "circle.sync": ("Notes reçues", "Notes received"),
    "circle.page": ("Notes lues", "Notes read"),
    "note.get": ("Versions d’une note lues", "Versions of a note read"),
    "note.post": ("Note postée", "Note posted"),
    "note.disclose": ("Note remise avec ses preuves", "Note handed out with its proofs"),
    "receipt.post": ("Accusé envoyé", "Receipt sent"),
    "receipt.sync": ("Accusés reçus", "Receipts received"),
    "receipt.get": ("Accusés lus", "Receipts read"),
    "blob.read": ("Pièce jointe lue", "Attachment read"),
    "alarm.report": ("Alerte donnée par un appareil", "Alarm raised by a device"),
    "emergency.look": ("Carte d’urgence consultée", "Emergency card looked up"),
    "emergency.request": ("Accès d’urgence demandé", "Emergency access asked for"),
    "emergency.answer": ("Réponse d’un garant", "A guardian’s answer"),
    "emergency.withdraw": ("Demande d’urgence retirée", "Emergency request withdrawn"),
    "emergency.expire": ("Demande d’urgence expirée", "Emergency request expired"),
    "audit.circle": ("Accès du cercle consultés", "The circle’s accesses read"),
    "audit.note": ("Lecteurs d’une note demandés", "Readers of a note asked for"),
    "audit.prove": ("Preuve demandée", "Proof asked for"),
    "audit.search": ("Journal consulté par un auditeur", "Log searched by an auditor"),
    "audit.volume": ("Activité comptée par un auditeur", "Activity counted by an auditor"),
    "audit.view": ("Trace ouverte par un auditeur", "Entry opened by an auditor"),
    "audit.review": ("Signalement examiné par un auditeur", "Finding reviewed by an auditor"),
    "audit.export": ("Journal exporté par un auditeur", "Log exported by an auditor"),
    "member.add": ("Membre ajouté", "Member added"),
    "member.remove": ("Membre retiré", "Member removed"),
    "member.change": ("Rôle modifié", "Role changed"),
    "member.readmit": ("Membre réadmis", "Member let in again"),
    "audience.open": ("Groupe ouvert", "Audience opened"),
    "epoch.open": ("Clé du cercle changée", "Circle key changed"),
    "close": ("Cercle fermé", "Circle closed"),
    "create": ("Cercle créé", "Circle created"),
}

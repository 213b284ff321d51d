"""A circle's emergency card: a link that opens nothing by itself, to print and keep at the patient's home (docs/protocol.md §13).

It names the escrow too, so that no server can put another in its place and read why somebody asks.
"""

import html
import io
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import segno

from relais.client.errors import BadLink
from relais.client.home import write_atomically
from relais.client.transport import origin_of
from relais.models.ids import AccountId, CircleId

_ID = r"[0-9a-f]{64}"
_FRAGMENT = re.compile(rf"/emergency/(?P<circle>{_ID})(?:/(?P<escrow>{_ID}))?")
_TEXTS = {
    "fr": (
        "Accès d’urgence",
        "Pour le professionnel de garde qui doit lire le cercle de soins de cette personne.",
        (
            "Dans Relais, ouvrez « Moi », puis « Accès d’urgence » : lisez-y ce code, ou tapez le lien.",
            "Dites pourquoi, et pour combien de temps.",
            "Les garants de l’accès d’urgence sont prévenus aussitôt et décident ; l’équipe l’est aussi.",
        ),
        "Cette carte n’ouvre rien par elle-même. Chaque demande reste inscrite et est relue.",
    ),
    "en": (
        "Emergency access",
        "For the professional on call who has to read this person’s care circle.",
        (
            "In Relais, open “Me”, then “Emergency access”: scan this code there, or type the link.",
            "Say why, and for how long.",
            "The guardians of emergency access are told at once and decide; so is the team.",
        ),
        "This card opens nothing by itself. Every request stays on record and is reviewed.",
    ),
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "main{border:2px solid #1a1a1a;border-radius:.75rem;padding:1.5rem}h1{margin:0;font-size:1.6rem}"
    "svg{display:block;width:14rem;height:14rem;margin:1rem auto}"
    "code{font-size:.7rem;overflow-wrap:anywhere}@media print{body{margin:0 auto}}"
)


@dataclass(frozen=True)
class Card:
    """What a card says. ``escrow`` null, ``origin`` empty: typed by its circle alone."""

    circle: CircleId
    escrow: AccountId | None
    origin: str = ""

    @property
    def link(self) -> str:
        return f"{self.origin}/#/emergency/{self.circle}/{self.escrow}"


def read(text: str) -> Card:
    """The text of a card's QR code, its link, or a circle's id as somebody typed it. Raises `BadLink`."""
    said = text.strip()
    if re.fullmatch(_ID, said):
        return Card(said, None)
    found = _FRAGMENT.fullmatch(urlsplit(said).fragment)
    if found is None:
        raise BadLink
    return Card(found["circle"], found["escrow"], origin_of(said))


def write(target: Path, card: Card, *, guarded_by: str, language: str) -> None:
    """Write a page to print (``.html``) or its code alone (``.png``). Raises `BadLink` for another kind of file."""
    kinds = {".html": _page, ".png": _picture}
    if target.suffix not in kinds:
        raise BadLink("a card is FILE.html or FILE.png")
    write_atomically(target, kinds[target.suffix](card, guarded_by, language))


def _page(card: Card, guarded_by: str, language: str) -> bytes:
    title, purpose, steps, advice = _TEXTS[language]
    picture = segno.make(card.link, error="m").svg_inline(omitsize=True)
    items = "".join(f"<li>{step}</li>" for step in steps)
    page = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<main><h1>{title}</h1><p><strong>{html.escape(guarded_by)}</strong></p><p>{purpose}</p>"
        f"{picture}<ol>{items}</ol><p>{advice}</p><p><code>{html.escape(card.link)}</code></p></main></html>"
    )
    return page.encode()


def _picture(card: Card, guarded_by: str, language: str) -> bytes:
    drawn = io.BytesIO()
    segno.make(card.link, error="m").save(drawn, kind="png", scale=8)
    return drawn.getvalue()

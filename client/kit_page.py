"""The recovery kit as one page to print."""

import html
from pathlib import Path

import segno

from relais.client.home import write_atomically

_TEXTS = {
    "fr": (
        "Kit de secours Relais",
        (
            "Ces 24 mots, ou le code, rendent l'accès à tous vos cercles sur un nouvel appareil. "
            "Gardez cette page sous clé ; ne la photographiez pas."
        ),
    ),
    "en": (
        "Relais recovery kit",
        (
            "These 24 words, or the code, bring every circle of yours to a new device. "
            "Keep this page locked away; do not photograph it."
        ),
    ),
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}"
    "ol{columns:3;font-size:1.15rem}svg{width:12rem;height:12rem}"
)


def write(target: Path, *, name: str, words: list[str], code: str, language: str) -> None:
    """Write the page, readable by its owner only."""
    title, advice = _TEXTS[language]
    picture = segno.make(code, error="m").svg_inline(scale=4)
    items = "".join(f"<li>{html.escape(word)}</li>" for word in words)
    page = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{html.escape(name)}</p>"
        f"<p>{advice}</p><ol>{items}</ol>{picture}</html>"
    )
    write_atomically(target, page.encode())

"""A circle's emergency card: what it says, what it can be read from, and what it does not tell."""

from pathlib import Path

import pytest

from relais.client import emergency_card
from relais.client.emergency_card import Card
from relais.client.errors import BadLink

CIRCLE, ESCROW = "c" * 64, "e" * 64
CARD = Card(CIRCLE, ESCROW, "https://relais.example")


def test_a_card_is_read_from_its_link_and_from_a_circle_that_was_typed() -> None:
    assert CARD.link == f"https://relais.example/#/emergency/{CIRCLE}/{ESCROW}"
    assert emergency_card.read(f" {CARD.link}\n") == CARD
    assert emergency_card.read(CIRCLE) == Card(CIRCLE, None)
    typed = emergency_card.read(f"https://relais.example/#/emergency/{CIRCLE}")
    assert typed == Card(CIRCLE, None, "https://relais.example")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c" * 63,
        "C" * 64,
        f"https://relais.example/#/circle/{CIRCLE}",
        f"https://relais.example/#/emergency/{CIRCLE}/{ESCROW}0",
        f"ftp://relais.example/#/emergency/{CIRCLE}/{ESCROW}",
    ],
)
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(BadLink):
        emergency_card.read(text)


@pytest.mark.parametrize(
    ("language", "title"), [("fr", "Accès d’urgence"), ("en", "Emergency access")]
)
def test_the_page_shows_the_code_the_steps_and_whose_it_is_with_nothing_to_load(
    tmp_path: Path, language: str, title: str
) -> None:
    target = tmp_path / "card.html"
    emergency_card.write(target, CARD, guarded_by="<b>CPTS</b>", language=language)
    page = target.read_text()
    assert f"<h1>{title}</h1>" in page
    assert "&lt;b&gt;CPTS&lt;/b&gt;" in page
    assert page.count("<li>") == 3
    assert "viewBox=" in page, "a picture without one is cut off where the page is narrower"
    assert CARD.link in page
    assert "src=" not in page
    assert "<script" not in page


def test_a_picture_of_the_code_alone_and_no_other_kind_of_file(tmp_path: Path) -> None:
    picture = tmp_path / "card.png"
    emergency_card.write(picture, CARD, guarded_by="CPTS", language="fr")
    assert picture.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(BadLink):
        emergency_card.write(tmp_path / "card.pdf", CARD, guarded_by="CPTS", language="fr")
    assert not (tmp_path / "card.pdf").exists()

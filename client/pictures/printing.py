"""Printed French, with the font that comes with Pillow: it has no accented letters, so they are set
from letter and accent, as a printer with a poor case would."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from PIL import ImageDraw, ImageFont

Point = tuple[float, float]
Font = ImageFont.FreeTypeFont

_MARKS = {  # in parts of the letter's own width, and of the font's size above its top
    "\N{COMBINING ACUTE ACCENT}": (((0.45, 0.07), (0.72, 0.2)),),
    "\N{COMBINING GRAVE ACCENT}": (((0.55, 0.07), (0.28, 0.2)),),
    "\N{COMBINING CIRCUMFLEX ACCENT}": (((0.24, 0.07), (0.5, 0.19)), ((0.5, 0.19), (0.76, 0.07))),
    "\N{COMBINING DIAERESIS}": (((0.26, 0.11), (0.34, 0.11)), ((0.66, 0.11), (0.74, 0.11))),
}
_CEDILLA = "\N{COMBINING CEDILLA}"
_SAME = str.maketrans({"–": "-", "—": "-", "œ": "oe", "Œ": "OE", "×": "x", "\xa0": " "})


@lru_cache(maxsize=8)
def font(size: int) -> Font:
    """The font of `size` pixels."""
    return cast(Font, ImageFont.load_default(size))  # a size given, it is this or an error


def set_line(
    draw: ImageDraw.ImageDraw, at: Point, text: str, *, size: int, fill: str, bold: bool = False
) -> None:
    """Print one line whose upper left corner is `at`, in pixels."""
    base, accents = _split(text)
    face, weight = font(size), max(1, size // 22) if bold else 0
    draw.text(at, base, fill=fill, font=face, stroke_width=weight)
    for index, accent in accents:
        left = at[0] + weight + face.getlength(base[:index])
        glyph = _Glyph(base[index], accent, face=face, weight=weight)
        _set_accent(draw, (left, at[1] + weight), glyph, fill=fill)


def line_width(text: str, *, size: int) -> float:
    """The width in pixels of `text` printed in `size`."""
    return font(size).getlength(_split(text)[0])


def _split(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The letters without their accents, and where each accent belongs."""
    base, accents = "", []
    for one in unicodedata.normalize("NFD", text.translate(_SAME)):
        if unicodedata.combining(one):
            accents.append((len(base) - 1, one))
        else:
            base += one
    return base, accents


@dataclass(frozen=True)
class _Glyph:
    letter: str
    accent: str
    face: Font
    weight: int


def _set_accent(draw: ImageDraw.ImageDraw, at: Point, glyph: _Glyph, *, fill: str) -> None:
    left, top, right, bottom = glyph.face.getbbox(glyph.letter)
    size = glyph.face.size
    width = max(1, round(size / 13)) + glyph.weight
    if glyph.accent == _CEDILLA:
        x, y = at[0] + (left + right) / 2, at[1] + bottom
        draw.line([(x, y), (x + width, y + 2 * width), (x - width, y + 3 * width)], fill, width)
    for stroke in _MARKS.get(glyph.accent, ()):
        line = [(at[0] + left + (right - left) * x, at[1] + top - size * y) for x, y in stroke]
        draw.line(line, fill=fill, width=width)

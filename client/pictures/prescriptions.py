"""Made-up photographs of a prescription: a printed letterhead, lines written by hand, on a desk."""

import io
import math
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageChops, ImageDraw

from relais.client.pictures import textures as tx
from relais.client.pictures.handwriting import curve, write
from relais.client.pictures.printing import line_width, set_line

SIZE = (900, 1200)
_PAPER = (760, 1050)
_PRINT, _FAINT = "#1d2733", "#5b6673"
_INKS = ((28, 42, 112), (22, 24, 34), (24, 58, 140))
_DESKS = ((118, 84, 58), (86, 92, 98), (148, 122, 92))


@dataclass(frozen=True)
class Prescription:
    """What the paper says. Names are the caller's and must be made up.

    `letterhead`: lines under the prescriber's name (profession, street, town, telephone);
    `lines`: one medicine or instruction each, folded where too long for the paper.
    """

    prescriber: str
    letterhead: tuple[str, ...]
    place: str
    date: str
    patient: str
    lines: tuple[str, ...]


def draw_prescription(prescription: Prescription, *, seed: int) -> bytes:
    """A photograph (JPEG) of the paper; the same arguments give the same bytes.

    Raises ValueError for a letter that the hand does not write, or for more lines than fit.
    """
    rng = Random(f"prescription {seed}")
    paper = Image.new("RGB", _PAPER, (241, 239, 231))
    _print_letterhead(ImageDraw.Draw(paper), prescription, rng)
    ink = _written(prescription, rng)
    paper.paste(rng.choice(_INKS), (0, 0), tx.scaled(ink, 0.92))
    target = io.BytesIO()
    _photographed(paper, rng).save(target, "JPEG", quality=85)
    return target.getvalue()


def _print_letterhead(draw: ImageDraw.ImageDraw, prescription: Prescription, rng: Random) -> None:
    set_line(draw, (60, 52), prescription.prescriber, size=32, fill=_PRINT, bold=True)
    for index, line in enumerate(prescription.letterhead):
        set_line(draw, (60, 98 + 26 * index), line, size=19, fill=_FAINT)
    _print_barcode(draw, (520, 60), rng)
    draw.line([(60, 232), (_PAPER[0] - 60, 232)], fill="#9fb2c4", width=2)
    foot = "En cas d'urgence, appelez le 15. Document fictif, sans valeur."
    left = (_PAPER[0] - line_width(foot, size=16)) / 2
    set_line(draw, (left, _PAPER[1] - 48), foot, size=16, fill=_FAINT)


def _print_barcode(draw: ImageDraw.ImageDraw, at: tx.Point, rng: Random) -> None:
    """Bars as beside a French prescriber's number; they encode nothing."""
    x, end = at[0], at[0] + 180
    while x < end:
        bar = rng.randint(1, 3)
        draw.rectangle((x, at[1], x + bar - 1, at[1] + 58), fill=_PRINT)
        x += bar + rng.randint(2, 5)


def _written(prescription: Prescription, rng: Random) -> Image.Image:
    """All that is written by hand, as a mask of the paper's size, drawn at twice the size."""
    mask = Image.new("L", (2 * _PAPER[0], 2 * _PAPER[1]))
    draw = ImageDraw.Draw(mask)
    dated = f"{prescription.place}, le {prescription.date}"
    write(draw, (800, 560), dated, height=34, rng=rng)
    write(draw, (130, 650), prescription.patient, height=40, rng=rng)
    y = 790.0
    for line in prescription.lines:
        for index, part in enumerate(_folded(line)):
            indent = 150 if index == 0 else 210
            write(draw, (indent, y), part, height=40, rng=rng)
            y += 88
        y += 26
    if y > 1900:
        raise ValueError("more lines than the paper has room for")
    _sign(draw, (980 + rng.uniform(-30, 60), max(y + 10, 1680)), rng)
    return mask.resize(_PAPER, Image.Resampling.BOX)


def _folded(line: str, *, letters: int = 38) -> list[str]:
    parts = [""]
    for word in line.split():
        if parts[-1] and len(parts[-1]) + len(word) >= letters:
            parts.append("")
        parts[-1] = f"{parts[-1]} {word}".strip()
    return parts


def _sign(draw: ImageDraw.ImageDraw, at: tx.Point, rng: Random) -> None:
    """A scrawl, and a stroke under it."""
    points = [
        (at[0] + 34 * i + rng.uniform(-16, 30), at[1] + (-1) ** i * rng.uniform(18, 78))
        for i in range(11)
    ]
    draw.line(curve(points), fill=255, width=5, joint="curve")
    stroke = [(at[0] - 30, at[1] + 70), (at[0] + 160, at[1] + 40), (at[0] + 440, at[1] + 24)]
    draw.line(curve(stroke), fill=255, width=4, joint="curve")


def _photographed(paper: Image.Image, rng: Random) -> Image.Image:
    """The paper a little askew on a desk, with its folds, its shadow and the room's light."""
    creases = tx.stacked(_crease(), tx.contrast(tx.noise(rng, _PAPER, cell=3), 0.03))
    sheet = tx.lit(paper, creases).convert("RGBA")
    turned = sheet.rotate(rng.uniform(-3, 3), Image.Resampling.BILINEAR, expand=True)
    picture = _desk(rng)
    left, top = (SIZE[0] - turned.width) // 2, (SIZE[1] - turned.height) // 2
    shadow = Image.new("L", SIZE)
    shadow.paste(turned.getchannel("A"), (left + 8, top + 12))
    picture = tx.tinted(picture, (12, 10, 8), tx.scaled(tx.blurred(shadow, 12), 0.6))
    picture.paste(turned, (left, top), turned)
    light = Image.linear_gradient("L").rotate(rng.uniform(0, 360)).crop((60, 60, 196, 196))
    return tx.lit(picture, tx.contrast(light.resize(SIZE, Image.Resampling.BILINEAR), 0.3))


def _crease() -> Image.Image:
    """A letter folded in three: a line of shade with a lighter one below it, twice."""
    column = Image.new("L", (1, _PAPER[1]), 128)
    for fold in (_PAPER[1] // 3, 2 * _PAPER[1] // 3):
        for offset in range(-14, 15):
            shade = -22 * math.exp(-((offset + 3) ** 2) / 12) + 14 * math.exp(
                -((offset - 4) ** 2) / 24
            )
            column.putpixel((0, fold + offset), int(128 + shade))
    return column.resize(_PAPER)


def _desk(rng: Random) -> Image.Image:
    """Wood: noise drawn out along the grain. Most of it lies hidden, so half the size will do."""
    half = (SIZE[0] // 2, SIZE[1] // 2)
    across = tx.noise(rng, (half[0], 30), cell=2).resize(half, Image.Resampling.BICUBIC)
    rings = ImageChops.add(across, tx.noise(rng, half, cell=30), scale=2)
    desk = tx.lit(Image.new("RGB", half, rng.choice(_DESKS)), tx.contrast(rings, 0.35))
    return desk.resize(SIZE, Image.Resampling.BILINEAR)

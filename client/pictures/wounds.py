"""Made-up photographs of a wound that heals: a leg on a drape, a ruler below the wound.

Nothing here comes from a photograph of anybody. What a nurse looks for is there, in the
amounts the picture's own figures say: red granulation, yellow slough, black necrosis, a
paler rim where skin grows back, redness around, and a scale in centimetres.
"""

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from PIL import Image, ImageDraw, ImageFont

from relais.client.pictures import textures as tx
from relais.client.pictures.wound_bed import Wound, paint_wound

SIZE = (880, 660)
PIXELS_PER_CM = 70
_SKINS = ((224, 184, 160), (212, 166, 138), (186, 138, 108), (146, 102, 78), (108, 74, 56))
_DRAPES = ((112, 158, 152), (122, 152, 182), (200, 208, 208))
_INK, _PEN = (24, 24, 28), (24, 44, 120)


@dataclass(frozen=True)
class WoundPicture:
    """A JPEG file and what it shows: millimetres of the wound's longest axis and of the one
    across it, and per cent of its bed covered by each tissue (together 100)."""

    data: bytes
    length_mm: int
    width_mm: int
    granulation: int
    slough: int
    necrosis: int


def draw_wound(seed: int, step: int, *, steps: int = 6, label: str = "") -> WoundPicture:
    """Picture `step` (from 0) of a series of `steps` of the wound named by `seed`.

    Each picture shows the wound smaller and cleaner than the one before. `label` is written
    on the ruler, as a nurse would the date. The same arguments give the same bytes.
    Raises ValueError for a step outside the series.
    """
    if not 0 <= step < steps:
        raise ValueError("the step lies outside the series")
    today = Random(f"wound {seed} on day {step}")
    wound = _wound(Random(f"wound {seed}"), step / max(1, steps - 1))
    leg = _skin(seed).copy()
    paint_wound(leg, wound, today)
    picture = _on_drape(leg, seed, today)
    _lay_ruler(picture, label, today)
    target = io.BytesIO()
    _photographed(picture, today).save(target, "JPEG", quality=88)
    return WoundPicture(data=target.getvalue(), **_figures(wound))


def _figures(wound: Wound) -> dict[str, int]:
    slough, necrosis = round(100 * wound.slough), round(100 * wound.necrosis)
    return {
        "length_mm": round(20 * wound.half[0] / PIXELS_PER_CM),
        "width_mm": round(20 * wound.half[1] / PIXELS_PER_CM),
        "granulation": 100 - slough - necrosis,
        "slough": slough,
        "necrosis": necrosis,
    }


def _wound(rng: Random, healing: float) -> Wound:
    length, ratio = rng.uniform(2.4, 2.9) * PIXELS_PER_CM, rng.uniform(0.56, 0.72)
    radii = tx.blob(rng, lobes=6, roughness=0.3)
    size = (1 - healing) ** 0.9 * 0.68 + 0.32
    return Wound(
        radii=[1 + (radius - 1) * (0.4 + 0.6 * size) for radius in radii],
        centre=(SIZE[0] * rng.uniform(0.47, 0.53), SIZE[1] * rng.uniform(0.42, 0.45)),
        half=(length * size, length * ratio * size),
        turn=rng.uniform(-0.35, 0.35),
        slough=rng.uniform(0.3, 0.4) * (1 - healing) ** 1.1,
        necrosis=max(0.0, rng.uniform(0.13, 0.2) * (1 - 1.9 * healing)),
        healing=healing,
    )


@lru_cache(maxsize=1)  # a series is drawn in a row, on the same leg
def _skin(seed: int) -> Image.Image:
    rng = Random(f"leg {seed}")
    tone = _SKINS[rng.randrange(len(_SKINS))]
    skin = Image.new("RGB", SIZE, tone)
    blush = _times(tone, (0.9, 0.76, 0.72))
    skin = tx.tinted(skin, blush, tx.scaled(tx.clouds(rng, SIZE, cell=120), 0.5))
    skin = tx.tinted(skin, _times(tone, (0.68, 0.76, 0.86)), _veins(rng))
    draw = ImageDraw.Draw(skin)
    _grow_freckles(draw, rng, _times(tone, (0.78, 0.7, 0.64)))
    _grow_hair(draw, rng, _times(tone, (0.76, 0.72, 0.7)))
    pores = tx.contrast(tx.relief(tx.noise(rng, SIZE, cell=5), depth=0.24), 0.5)
    return tx.lit(skin, tx.stacked(_roundness(), pores))


def _times(colour: tx.Colour, shares: tuple[float, float, float]) -> tx.Colour:
    red, green, blue = (int(part * share) for part, share in zip(colour, shares, strict=True))
    return red, green, blue


def _veins(rng: Random) -> Image.Image:
    """A mask of two faint lines under the skin."""
    width, height = SIZE[0] // 4, SIZE[1] // 4
    mask = Image.new("L", (width, height))
    for _ in range(2):
        start, slope, phase = rng.uniform(0.2, 0.85) * height, rng.uniform(-0.2, 0.2), rng.random()
        points = [
            (x, start + slope * x + 5 * math.sin(x / 17 + 6 * phase))
            for x in range(0, width + 8, 8)
        ]
        ImageDraw.Draw(mask).line(points, fill=75, width=3, joint="curve")
    return tx.blurred(mask, 1.6).resize(SIZE, Image.Resampling.BICUBIC)


def _roundness() -> Image.Image:
    """Light over a limb lying across: brightest above the middle, falling off to both edges."""
    column = Image.new("L", (1, 64))
    for y in range(64):
        column.putpixel((0, y), int(144 - 150 * abs(y / 63 - 0.4) ** 2.1))
    return column.resize(SIZE, Image.Resampling.BICUBIC)


def _grow_freckles(draw: ImageDraw.ImageDraw, rng: Random, colour: tx.Colour) -> None:
    for _ in range(rng.randrange(5, 14)):
        x, y, size = rng.uniform(0, SIZE[0]), rng.uniform(0, SIZE[1]), rng.uniform(1.5, 3.5)
        draw.ellipse((x - size, y - size, x + size, y + size * 0.8), fill=colour)


def _grow_hair(draw: ImageDraw.ImageDraw, rng: Random, colour: tx.Colour) -> None:
    for _ in range(rng.randrange(25, 60)):
        x, y, lean = rng.uniform(0, SIZE[0]), rng.uniform(60, SIZE[1] - 60), rng.uniform(-8, 22)
        length = rng.uniform(12, 26)
        draw.line(
            [(x, y), (x + lean / 2, y + length / 2), (x + lean * 1.3, y + length)], fill=colour
        )


@lru_cache(maxsize=1)
def _drape(seed: int) -> Image.Image:
    rng = Random(f"drape {seed}")
    folds = tx.contrast(tx.relief(tx.clouds(rng, SIZE, cell=100), depth=2.2), 0.5)
    return tx.lit(Image.new("RGB", SIZE, rng.choice(_DRAPES)), folds)


def _on_drape(leg: Image.Image, seed: int, today: Random) -> Image.Image:
    """The leg across the picture, a little drape above and below in its shadow."""
    edge = tx.blurred(_limb_mask(Random(f"limb {seed}"), today), 2)
    shadow = tx.scaled(tx.shifted(tx.blurred(edge, 16), 0, 10), 0.85)
    return Image.composite(leg, tx.tinted(_drape(seed), (40, 52, 56), shadow), edge)


def _limb_mask(rng: Random, today: Random) -> Image.Image:
    (width, height), tilt = SIZE, today.uniform(-14, 14)
    top, bottom = rng.uniform(26, 50), rng.uniform(36, 56)
    steps = range(0, width + 40, 40)
    lean = [tilt * (x / width - 0.5) for x in steps]
    upper = [(x, top + dy + 12 * math.sin(x / 230)) for x, dy in zip(steps, lean, strict=True)]
    lower = [
        (x, height - bottom + dy - 10 * math.sin(x / 260))
        for x, dy in zip(steps, lean, strict=True)
    ]
    mask = Image.new("L", SIZE)
    ImageDraw.Draw(mask).polygon(upper + lower[::-1], fill=255)
    return mask


def _lay_ruler(picture: Image.Image, label: str, today: Random) -> None:
    turn = today.uniform(-2.5, 2.5)
    ruler = _ruler(label).rotate(turn, Image.Resampling.BICUBIC, expand=True)
    left, top = int(today.uniform(110, 170)), SIZE[1] - ruler.height - int(today.uniform(74, 92))
    shadow = tx.scaled(tx.blurred(ruler.getchannel("A"), 3), 0.4)
    picture.paste((30, 20, 18), (left + 3, top + 5), shadow)
    picture.paste(ruler, (left, top), ruler)


def _ruler(label: str) -> Image.Image:
    """A paper strip of 8 cm, millimetres marked, with a place for the date."""
    width, height = PIXELS_PER_CM * 8 + 36, 74
    strip = Image.new("RGBA", (width, height), (246, 246, 240, 255))
    draw = ImageDraw.Draw(strip)
    draw.rectangle((0, 0, width - 1, height - 1), outline=(196, 196, 190))
    font = ImageFont.load_default(18)
    for mm in range(81):
        x = 18 + mm * PIXELS_PER_CM / 10
        length, thick = (22, 2) if mm % 10 == 0 else (16 if mm % 5 == 0 else 10, 1)
        draw.line([(x, 0), (x, length)], fill=_INK, width=thick)
        if mm % 10 == 0:
            draw.text((x, 34), str(mm // 10), fill=_INK, font=font, anchor="mm")
    draw.text((width - 14, 58), "cm", fill=_INK, font=font, anchor="rm")
    draw.text((18, 58), label, fill=_PEN, font=font, anchor="lm")
    return strip


def _photographed(picture: Image.Image, today: Random) -> Image.Image:
    """Uneven light, and the grain of a telephone's camera."""
    corner = Image.linear_gradient("L").rotate(today.uniform(0, 360), Image.Resampling.BICUBIC)
    light = corner.crop((60, 60, 196, 196)).resize(SIZE, Image.Resampling.BILINEAR)
    grain = tx.contrast(tx.noise(today, SIZE, cell=2), 0.05)
    return tx.lit(picture, tx.stacked(tx.contrast(light, 0.2), grain))

"""The wound itself: its bed with three tissues, its wall, the skin around it."""

from dataclasses import dataclass
from random import Random

from PIL import Image, ImageChops, ImageDraw

from relais.client.pictures import textures as tx


@dataclass(frozen=True)
class Wound:
    """One wound on one day. Lengths in pixels, `turn` in radians, shares of the bed from 0 to 1."""

    radii: list[float]
    centre: tx.Point
    half: tx.Point
    turn: float
    slough: float
    necrosis: float
    healing: float


def paint_wound(leg: Image.Image, wound: Wound, today: Random) -> None:
    """Paint `wound` into the picture `leg`; `today` decides what differs from day to day."""
    reach = int(max(wound.half) * 1.3) + 60  # as far as the redness goes
    left, top = int(wound.centre[0]) - reach, int(wound.centre[1]) - reach
    box = (max(0, left), max(0, top), left + 2 * reach, top + 2 * reach)
    part = leg.crop(box)
    centre = (wound.centre[0] - box[0], wound.centre[1] - box[1])
    masks = [_mask(wound, part.size, centre, scale) for scale in (1.0, 1.03, 1.2)]
    part = _redden(part, wound, masks)
    bed = _bed(wound, masks[0], today)
    leg.paste(Image.composite(bed, part, tx.blurred(masks[0], 1.5)), box[:2])


def _mask(wound: Wound, size: tx.Size, centre: tx.Point, scale: float) -> Image.Image:
    half = (wound.half[0] * scale, wound.half[1] * scale)
    mask = Image.new("L", size)
    points = tx.outline(wound.radii, centre=centre, half=half, turn=wound.turn)
    ImageDraw.Draw(mask).polygon(points, fill=255)
    return mask


def _redden(part: Image.Image, wound: Wound, masks: list[Image.Image]) -> Image.Image:
    """Redness around the wound, then the pale, moist edge of the skin."""
    halo = tx.scaled(tx.blurred(masks[2], 26), 0.66 - 0.4 * wound.healing)
    red = ImageChops.multiply(part, Image.new("RGB", part.size, (236, 126, 120)))
    part = Image.composite(red, part, halo)
    return tx.tinted(part, (232, 176, 166), tx.scaled(tx.blurred(masks[1], 3), 0.7))


def _bed(wound: Wound, mask: Image.Image, today: Random) -> Image.Image:
    size = mask.size
    depth = tx.blurred(mask, 14)
    bumps = tx.noise(today, size, cell=8)
    bed = Image.new("RGB", size, (150, 26, 30))
    bed = tx.tinted(bed, (204, 62, 58), tx.contrast(tx.clouds(today, size, cell=36), 1.5))
    bed = _lay_slough(bed, wound, (mask, depth), today)
    bed = _lay_necrosis(bed, wound, (mask, depth), today)
    bed = _grow_rim(bed, wound, depth)
    bed = tx.lit(bed, tx.contrast(tx.relief(bumps, depth=0.9), 0.8))
    wall = ImageChops.subtract(mask, tx.shifted(tx.blurred(mask, 7), 4, 5))
    bed = tx.tinted(bed, (66, 10, 16), tx.scaled(wall, 0.85 - 0.45 * wound.healing))
    return _glisten(bed, bumps)


def _lay_slough(
    bed: Image.Image, wound: Wound, masks: tuple[Image.Image, Image.Image], today: Random
) -> Image.Image:
    """Yellow, stringy, here thick and there a film through which the red is seen."""
    field = Image.blend(tx.clouds(today, bed.size, cell=58), masks[1], 0.3)
    cover = _cover(field, masks[0], wound.slough + wound.necrosis, softness=16)
    strings = tx.noise(today, (bed.width, bed.height // 3 + 1), cell=6).resize(bed.size)
    cream = Image.composite(
        Image.new("RGB", bed.size, (226, 204, 142)),
        Image.new("RGB", bed.size, (186, 150, 88)),
        strings,
    )
    return Image.composite(cream, bed, tx.scaled(cover, 0.92))


def _lay_necrosis(
    bed: Image.Image, wound: Wound, masks: tuple[Image.Image, Image.Image], today: Random
) -> Image.Image:
    """One black, leathery plate with a brown border, off the middle."""
    if wound.necrosis < 0.01:
        return bed
    (width, height), centre = bed.size, Image.radial_gradient("L")
    x, y = (int(part * today.uniform(-0.1, 0.1)) for part in bed.size)
    near = tx.shifted(ImageChops.invert(centre.resize((width, height))), x, y)
    field = Image.blend(near, tx.clouds(today, bed.size, cell=52), 0.3)
    brown = _cover(field, masks[0], wound.necrosis * 1.3, softness=7)
    bed = tx.tinted(bed, (112, 76, 46), brown)
    return tx.tinted(bed, (34, 26, 25), _cover(field, masks[0], wound.necrosis, softness=5))


def _cover(field: Image.Image, mask: Image.Image, share: float, *, softness: float) -> Image.Image:
    """A mask of where `field` is highest, over `share` of the wound; none for a share of nothing."""
    if share < 0.01:
        return Image.new("L", field.size)
    level = tx.quantile(field, mask, 1 - share)
    return tx.ramp(field, level - softness, level + softness)


def _grow_rim(bed: Image.Image, wound: Wound, depth: Image.Image) -> Image.Image:
    """New skin, pink and thin, from the edge inwards; wider as healing goes on."""
    reach = 168 + 60 * wound.healing
    rim = tx.ramp(ImageChops.invert(depth), 255 - reach, 255 - reach + 60)
    return tx.tinted(bed, (230, 148, 142), tx.scaled(rim, 0.55 + 0.35 * wound.healing))


def _glisten(bed: Image.Image, bumps: Image.Image) -> Image.Image:
    """Wet tissue mirrors the lamp in small spots."""
    facing = tx.relief(bumps, depth=1.3)
    spots = tx.scaled(tx.blurred(tx.ramp(facing, 210, 250), 1), 0.5)
    return tx.tinted(bed, (255, 240, 232), spots)

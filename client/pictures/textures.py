"""Random textures that a seed repeats exactly, quick enough without a numerical library.

`Image.effect_noise` draws from the C library's generator, which no seed of ours reaches; so
every texture starts from the bytes of a `random.Random`.
"""

import math
from random import Random

from PIL import Image, ImageChops, ImageFilter

Size = tuple[int, int]
Point = tuple[float, float]
Colour = tuple[int, int, int]


def noise(rng: Random, size: Size, *, cell: int) -> Image.Image:
    """Smooth grey noise of `size` pixels, whose spots are about `cell` pixels wide (mode L)."""
    small = (size[0] // cell + 3, size[1] // cell + 3)
    spots = Image.frombytes("L", small, rng.randbytes(small[0] * small[1]))
    x, y = rng.random(), rng.random()  # the grid must not show
    box = (x, y, x + size[0] / cell, y + size[1] / cell)
    return spots.resize(size, Image.Resampling.BICUBIC, box=box)


def clouds(rng: Random, size: Size, *, cell: int) -> Image.Image:
    """Three octaves of noise: large spots, ragged at the edges (mode L)."""
    small = (size[0] // 3 + 1, size[1] // 3 + 1)  # there is no finer detail to lose
    coarse, middle, fine = (noise(rng, small, cell=max(1, cell // part)) for part in (3, 7, 16))
    mixed = Image.blend(Image.blend(coarse, middle, 0.35), fine, 0.2)
    return mixed.resize(size, Image.Resampling.BICUBIC)


def relief(height: Image.Image, *, depth: float) -> Image.Image:
    """A height map lit from the upper left: 128 where it is flat (mode L).

    Larger `depth` makes stronger light and shade.
    """
    return ImageChops.subtract(height, shifted(height, 2, 2), scale=1 / depth, offset=128)


def shifted(image: Image.Image, right: int, down: int) -> Image.Image:
    """The picture moved; its old edge stays where nothing moved in, and nothing wraps round."""
    moved = image.copy()
    moved.paste(image, (right, down))
    return moved


def contrast(image: Image.Image, amount: float) -> Image.Image:
    """Grey values drawn nearer to 128 (`amount` < 1) or away from it."""
    return image.point(lambda value: 128 + (value - 128) * amount)


def stacked(first: Image.Image, *others: Image.Image) -> Image.Image:
    """One light out of several grey maps around 128."""
    for other in others:
        first = ImageChops.add(first, other, offset=-128)
    return first


def scaled(image: Image.Image, factor: float) -> Image.Image:
    """Grey values times `factor`: a mask made weaker or stronger."""
    return image.point(lambda value: value * factor)


def ramp(image: Image.Image, low: float, high: float) -> Image.Image:
    """0 up to `low`, 255 from `high`, even in between: a threshold with a soft edge."""
    return image.point(lambda value: 255 * min(1.0, max(0.0, (value - low) / (high - low))))


def quantile(image: Image.Image, mask: Image.Image, share: float) -> int:
    """The grey value that `share` (0 to 1) of the pixels under `mask` do not exceed."""
    counts = image.histogram(mask)
    left = share * sum(counts)
    for value, count in enumerate(counts):
        left -= count
        if left <= 0:
            return value
    return 255


def tinted(base: Image.Image, colour: Colour, mask: Image.Image) -> Image.Image:
    """`base` with `colour` laid over it where `mask` is bright."""
    return Image.composite(Image.new("RGB", base.size, colour), base, mask)


def lit(base: Image.Image, light: Image.Image) -> Image.Image:
    """`base` made lighter or darker by a grey map, 128 being neutral."""
    return ImageChops.overlay(base, Image.merge("RGB", (light, light, light)))


def blurred(image: Image.Image, radius: float) -> Image.Image:
    """A wide Gaussian blur at a quarter of the cost: on a smaller copy."""
    if radius < 4:
        return image.filter(ImageFilter.GaussianBlur(radius))
    small = image.resize((image.width // 4 or 1, image.height // 4 or 1), Image.Resampling.BOX)
    soft = small.filter(ImageFilter.GaussianBlur(radius / 4))
    return soft.resize(image.size, Image.Resampling.BICUBIC)


def blob(rng: Random, *, lobes: int, roughness: float) -> list[float]:
    """The outline of an irregular patch: 120 radii around the circle, about 1 on average."""
    waves = [
        (k, rng.uniform(0.3, 1) * roughness / k, rng.uniform(0, math.tau))
        for k in range(2, lobes + 2)
    ]
    angles = (math.tau * i / 120 for i in range(120))
    return [1 + sum(a * math.cos(k * angle + phase) for k, a, phase in waves) for angle in angles]


def outline(radii: list[float], *, centre: Point, half: Point, turn: float) -> list[Point]:
    """Points of a patch of half axes `half` around `centre`, in pixels, turned by `turn` radians."""
    points = []
    for i, radius in enumerate(radii):
        angle = math.tau * i / len(radii)
        x, y = half[0] * radius * math.cos(angle), half[1] * radius * math.sin(angle)
        cos, sin = math.cos(turn), math.sin(turn)
        points.append((centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos))
    return points

"""Writing by hand: letters as pen strokes, slanted and unsteady, repeated exactly by a seed.

A stroke is a row of points, two base-36 digits each: x to the right, y downwards; 0 is the
top of a capital, 4 that of a small letter, 8 the line, b the foot of a g. A point given
twice is a corner; between the others the pen runs in a curve (Catmull-Rom).
"""

import unicodedata
from dataclasses import dataclass
from random import Random

from PIL import ImageDraw

Point = tuple[float, float]

_STROKES = {
    "a": "45 24 06 18 38 45 47 58",
    "b": "00 08 08 06 24 45 47 28 07",
    "c": "45 34 14 06 18 38 47",
    "d": "45 24 06 18 38 46|40 46 47 58",
    "e": "06 36 45 34 14 06 17 28 47",
    "f": "41 30 21 24 28|04 34",
    "g": "45 24 06 18 38 45|44 48 4a 3b 1b 0a",
    "h": "00 08 08 06 24 45 48",
    "i": "04 07 18|02 02",
    "j": "24 29 1b 0a|22 22",
    "k": "00 08|44 06 06 48",
    "l": "00 07 18",
    "m": "04 08 08 05 24 35 38 38 35 54 65 68",
    "n": "04 08 08 05 24 45 48",
    "o": "24 05 07 28 47 45 24",
    "p": "04 0b|05 24 45 47 28 07",
    "q": "45 24 06 18 38 45|44 4b",
    "r": "04 08 08 05 24 35",
    "s": "45 24 05 26 47 28 07",
    "t": "21 27 38 47|03 43",
    "u": "04 07 18 38 46|44 47 58",
    "v": "04 28 28 44",
    "w": "04 18 18 35 35 58 58 64",
    "x": "04 48|44 08",
    "y": "04 07 18 38 45|44 49 3b 1b",
    "z": "04 44 44 08 08 48",
    "A": "08 30 30 68|15 55",
    "B": "00 08|00 30 42 24 04|24 45 57 38 08",
    "C": "51 30 11 04 17 38 57",
    "D": "00 08|00 30 52 56 38 08",
    "E": "50 00 00 08 08 58|04 44",
    "F": "50 00 00 08|04 44",
    "G": "51 30 11 04 17 38 57 55 55 35",
    "H": "00 08|50 58|04 54",
    "I": "10 18",
    "J": "40 46 38 18 06",
    "K": "00 08|50 04 04 58",
    "L": "00 08 08 48",
    "M": "08 00 00 35 35 60 60 68",
    "N": "08 00 00 58 58 50",
    "O": "30 11 04 17 38 57 64 51 30",
    "P": "00 08|00 30 51 53 34 04",
    "Q": "30 11 04 17 38 57 64 51 30|46 68",
    "R": "00 08|00 30 51 53 34 04|24 58",
    "S": "51 30 11 03 34 55 57 38 17 06",
    "T": "00 60|30 38",
    "U": "00 06 18 38 56 50",
    "V": "00 38 38 60",
    "W": "00 28 28 42 42 68 68 80",
    "X": "00 58|50 08",
    "Y": "00 34 34 60|34 38",
    "Z": "00 50 50 08 08 58",
    "0": "20 02 06 28 46 42 20",
    "1": "02 20 20 28",
    "2": "02 20 41 43 08 08 48",
    "3": "01 20 41 33 24 24 45 47 28 07",
    "4": "30 05 05 55|43 48",
    "5": "40 10 10 03 03 33 45 47 28 07",
    "6": "40 11 05 18 38 46 35 15 06",
    "7": "00 40 40 18",
    "8": "24 02 20 42 24 06 28 46 24",
    "9": "43 24 02 20 41 43 46 28",
    ".": "08 08",
    ",": "18 0a",
    ":": "05 05|08 08",
    ";": "15 15|18 0a",
    "-": "05 35",
    "/": "40 09",
    "(": "20 04 28",
    ")": "00 24 08",
    "'": "10 03",
    "+": "23 27|05 45",
    "=": "04 44|06 46",
    "×": "05 38|35 08",
    "%": "60 08|10 01 12 21 10|56 47 58 67 56",
    "°": "10 01 12 21 10",
    "!": "00 05|08 08",
    "?": "01 20 41 33 25|28 28",
}
_MARKS = {  # around the middle of the letter, above its top; the cedilla hangs below the line
    "\N{COMBINING ACUTE ACCENT}": [[(1.2, -2.6), (-0.6, -0.9)]],
    "\N{COMBINING GRAVE ACCENT}": [[(-1.2, -2.6), (0.6, -0.9)]],
    "\N{COMBINING CIRCUMFLEX ACCENT}": [[(-1.3, -0.9), (0, -2.4), (0, -2.4), (1.3, -0.9)]],
    "\N{COMBINING DIAERESIS}": [[(-1.1, -1.6), (-1.1, -1.6)], [(1.1, -1.6), (1.1, -1.6)]],
}
_CEDILLA = "\N{COMBINING CEDILLA}"
_SAME = str.maketrans({"’": "'", "–": "-", "—": "-", "œ": "oe", "Œ": "OE", "æ": "ae", "\xa0": " "})
_SPACE, _GAP, _SLANT = 3.2, 1.9, 0.2


def write(draw: ImageDraw.ImageDraw, at: Point, text: str, *, height: float, rng: Random) -> float:
    """Write `text` in full ink (255) on the line through `at`; returns where the pen stops.

    `at` is the start of the line, `height` that of a capital, both in pixels.
    Raises ValueError for a character this hand does not know.
    """
    unit, (x, y) = height / 8, at
    hand = _Hand(draw, rng, unit)
    drift = rng.uniform(-0.012, 0.012)
    for letter in text.translate(_SAME):
        if letter == " ":
            x += _SPACE * unit * rng.uniform(0.85, 1.2)
            continue
        strokes, width = _letter(letter)
        lift = y + (x - at[0]) * drift + rng.gauss(0, 0.18) * unit
        for stroke in strokes:
            hand.ink((x, lift), stroke)
        x += (width + _GAP) * unit
    return x


def _letter(letter: str) -> tuple[list[list[Point]], float]:
    """Strokes of a letter with its accent, with the line at y = 0, and its width."""
    parts = unicodedata.normalize("NFD", letter)
    base, marks = parts[0], parts[1:]
    if base not in _STROKES or any(mark not in _MARKS and mark != _CEDILLA for mark in marks):
        raise ValueError(f"this hand does not write U+{ord(letter):04X}")
    strokes: list[list[Point]] = [
        [(int(point[0], 36), int(point[1], 36) - 8) for point in stroke.split()]
        for stroke in _STROKES[base].split("|")
    ]
    if marks and base == "i":
        del strokes[1]  # the accent stands for the dot
    width = max(x for stroke in strokes for x, _ in stroke)
    top = min(y for stroke in strokes for _, y in stroke)
    for mark in marks:
        strokes += _mark(mark, (width / 2, top))
    return strokes, width


def _mark(mark: str, over: Point) -> list[list[Point]]:
    if mark == _CEDILLA:
        return [[(over[0], 0.2), (over[0] + 0.7, 1.2), (over[0] - 0.6, 2.0)]]
    return [[(over[0] + x, over[1] + y) for x, y in stroke] for stroke in _MARKS[mark]]


@dataclass(frozen=True)
class _Hand:
    draw: ImageDraw.ImageDraw
    rng: Random
    unit: float

    def ink(self, origin: Point, stroke: list[Point]) -> None:
        """Draw one stroke of a letter whose line starts at `origin`."""
        path = curve(self._unsteady(origin, stroke))
        width = max(2, round(self.unit * 0.72))
        self.draw.line(path, fill=255, width=width)
        for x, y in path[::2]:  # a round nib, where straight lines meet
            half = width / 2
            self.draw.ellipse((x - half, y - half, x + half, y + half), fill=255)

    def _unsteady(self, origin: Point, stroke: list[Point]) -> list[Point]:
        points: list[Point] = []
        for index, (x, y) in enumerate(stroke):
            if index and (x, y) == stroke[index - 1]:  # a corner stays one
                points.append(points[-1])
                continue
            right, down = x + self.rng.gauss(0, 0.14), y + self.rng.gauss(0, 0.14)
            points.append(
                (origin[0] + (right - down * _SLANT) * self.unit, origin[1] + down * self.unit)
            )
        return points


def curve(points: list[Point], *, steps: int = 5) -> list[Point]:
    """A Catmull-Rom curve through `points`, in pieces of `steps` straight lines."""
    padded = [points[0], *points, points[-1]]
    path = [
        _between(padded[i : i + 4], part / steps)
        for i in range(len(points) - 1)
        for part in range(steps)
    ]
    return [*path, points[-1]]


def _between(four: list[Point], t: float) -> Point:
    """The point `t` (0 to 1) of the way from the second to the third of four."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = four
    a = t * (t * (2 - t) - 1) / 2
    b = (t * t * (3 * t - 5) + 2) / 2
    c = t * (t * (4 - 3 * t) + 1) / 2
    d = t * t * (t - 1) / 2
    return a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy

"""One page of PDF with real, selectable text: ISO 32000-1, as little of it as a letter needs.

Helvetica is one of the fourteen fonts every reader has (§9.6.2.2), so nothing is embedded;
text is in WinAnsiEncoding, which holds all of French. The file has neither date nor number:
the same page gives the same bytes.
"""

import unicodedata
import zlib

A4 = (595, 842)
"""Width and height of the page in points (1/72 inch)."""

Colour = tuple[float, float, float]
Point = tuple[float, float]
BLACK: Colour = (0.1, 0.13, 0.17)

# Adobe's metrics of Helvetica, characters 32 to 126, in thousandths of the size
# fmt: off
_WIDTHS = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722,
    722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722,
    667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
    556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,
    500, 334, 260, 334, 584,
)
# fmt: on
_WIDEST = 1000


class Page:
    """A page of A4 on which to write; coordinates in points from the upper left corner."""

    def __init__(self) -> None:
        self._drawn: list[bytes] = []

    def text(
        self, at: Point, text: str, *, size: float, bold: bool = False, colour: Colour = BLACK
    ) -> None:
        """One line whose baseline starts at `at`. Raises ValueError for a character not in CP1252."""
        font = "F2" if bold else "F1"
        x, y = at[0], A4[1] - at[1]
        start = f"BT {_numbers(*colour)} rg /{font} {size:g} Tf {_numbers(x, y)} Td ".encode()
        self._drawn.append(start + _literal(text) + b" Tj ET")

    def box(self, at: Point, size: Point, *, colour: Colour) -> None:
        """A filled rectangle of width and height `size`, its upper left corner at `at`."""
        place = _numbers(at[0], A4[1] - at[1] - size[1], *size)
        self._drawn.append(f"{_numbers(*colour)} rg {place} re f".encode())

    def to_pdf(self, *, title: str) -> bytes:
        """The finished file."""
        content = zlib.compress(b"\n".join(self._drawn), 9)
        width, height = A4
        font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
        return _file(
            [
                b"<< /Type /Catalog /Pages 2 0 R /Lang (fr-FR) >>",
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 6 0 R"
                b" /Resources << /Font << /F1 4 0 R /F2 5 0 R >> >> >>" % (width, height),
                font % b"Helvetica",
                font % b"Helvetica-Bold",
                b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream"
                % (len(content), content),
                b"<< /Title %s >>" % _literal(title),
            ]
        )


def text_width(text: str, *, size: float) -> float:
    """The width in points of `text` in the regular face; an accent does not widen its letter."""
    letters = (unicodedata.normalize("NFD", one)[0] for one in text)
    widths = (_WIDTHS[ord(one) - 32] if " " <= one <= "~" else _WIDEST for one in letters)
    return sum(widths) * size / 1000


def folded(text: str, *, size: float, width: float) -> list[str]:
    """`text` in lines no wider than `width` points; a longer word gets a line to itself."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size=size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _file(objects: list[bytes]) -> bytes:
    """Objects 1 … n (the catalogue first, the information last), their table and the trailer (§7.5)."""
    data, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    return (
        data
        + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (
            count,
            table,
            count,
            len(objects),
            len(data),
        )
    )


def _numbers(*values: float) -> str:
    return " ".join(f"{value:g}" for value in values)


def _literal(text: str) -> bytes:
    encoded = text.encode("cp1252")
    for special in (b"\\", b"(", b")"):
        encoded = encoded.replace(special, b"\\" + special)
    return b"(" + encoded + b")"

"""Plaintexts to plant, and a search for them in files and documents."""

import base64
import json
import re
import secrets
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_EMPTY = re.compile(rb"\x00{32,}")


def _word() -> str:
    """Letters beyond ASCII in it, so that every encoding of it differs."""
    return f"dérobé-{secrets.token_hex(6)}"


def _digits() -> str:
    return "1" + "".join(secrets.choice("0123456789") for _ in range(10))


@dataclass
class Planted:
    """Texts and bytes that must be found nowhere. Texts begin with one word, numbers with the same eleven digits."""

    word: str = field(default_factory=_word)
    digits: str = field(default_factory=_digits)
    raw: dict[str, bytes] = field(default_factory=dict)
    count: int = 0

    def text(self, what: str) -> str:
        """A text nobody else writes."""
        self.count += 1
        return f"{self.word} {what} {self.count}"

    def number(self) -> str:
        """Fifteen digits, as an INS has them."""
        self.count += 1
        return f"{self.digits}{self.count:04d}"

    def data(self, what: str, data: bytes) -> None:
        """Bytes: a piece from their middle is looked for."""
        self.count += 1
        middle = len(data) // 2
        self.raw[what] = data[middle : middle + 24]

    def needles(self) -> dict[bytes, str]:
        """Every spelling that a careless program might leave behind."""
        texts = [self.word, self.digits]
        found = {one: text for text in texts for one in _spelled_text(text)}
        return found | {one: what for what, raw in self.raw.items() for one in _spelled(raw)}


def _spelled_text(text: str) -> Iterator[bytes]:
    yield from _spelled(text.encode())
    yield text.encode("utf-16-le")
    yield json.dumps(text)[1:-1].encode()
    yield urllib.parse.quote(text).encode()


def _spelled(raw: bytes) -> Iterator[bytes]:
    """As it is, in hex, and what base64 makes of its middle at each of the three offsets it may stand at."""
    yield raw
    yield raw.hex().encode()
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + raw)[4:]
        sure = whole[: (len(raw) + shift) // 3 * 4 - 4]
        yield sure
        yield sure.translate(bytes.maketrans(b"+/", b"-_"))


def found_in(haystacks: Iterable[tuple[str, bytes]], needles: dict[bytes, str]) -> set[str]:
    """What is found, as ``secret @ place``. Long runs of zeros are passed over: databases keep room in advance."""
    found = set()
    for place, data in haystacks:
        dense = _EMPTY.sub(b"\x00", data)
        found |= {f"{name} @ {place}" for needle, name in needles.items() if needle in dense}
    return found


def files_under(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()

"""Recovery kits (docs/protocol.md §3): a device whose 32-byte seed is on paper, as words and as a QR code."""

import base64
import binascii
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Final

from mnemonic import Mnemonic

from relais.crypto import suite
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError

SEED_SIZE: Final = 32
LANGUAGES: Final = {"en": "english", "fr": "french"}
_WORD_COUNT: Final = 24
_PREFIX: Final = "relais-kit:1:"


def keys_of(seed: bytes) -> DeviceKeys:
    """The kit's key pairs, derived from its seed."""
    return DeviceKeys(
        sign_seed=suite.hkdf(seed, ["relais/1 kit", "sign"]),
        kem_seed=suite.hkdf(seed, ["relais/1 kit", "kem"]),
    )


def words(seed: bytes, language: str) -> list[str]:
    """The seed as 24 words (BIP-39); `language` is ``en`` or ``fr``."""
    _require_seed(seed)
    return _mnemonic(language).to_mnemonic(seed).split()


def seed_of(words: str | Iterable[str]) -> bytes:
    """The seed of 24 words of either list, read without case and accents.

    Raises ProtocolError `bad-kit` when the count, a word or the checksum is wrong.
    """
    plain = [bare(word) for word in (words.split() if isinstance(words, str) else words)]
    for language in LANGUAGES:
        seed = _seed_in(language, plain)
        if seed is not None:
            return seed
    raise ProtocolError("bad-kit")


def qr_text(seed: bytes) -> str:
    """What the kit's QR code holds: ``relais-kit:1:`` and the seed in base64url."""
    _require_seed(seed)
    return _PREFIX + base64.urlsafe_b64encode(seed).rstrip(b"=").decode()


def seed_of_qr(text: str) -> bytes:
    """The seed in a kit's QR code. Raises ProtocolError `bad-kit`."""
    try:
        seed = base64.b64decode(text.removeprefix(_PREFIX) + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("bad-kit") from error
    if len(seed) != SEED_SIZE or qr_text(seed) != text:
        raise ProtocolError("bad-kit")
    return seed


def _seed_in(language: str, plain: list[str]) -> bytes | None:
    places = _places(language)
    if len(plain) != _WORD_COUNT or any(word not in places for word in plain):
        return None
    mnemonic = _mnemonic(language)
    listed = " ".join(mnemonic.wordlist[places[word]] for word in plain)
    return bytes(mnemonic.to_entropy(listed)) if mnemonic.check(listed) else None


@cache
def _mnemonic(language: str) -> Mnemonic:
    return Mnemonic(LANGUAGES[language])


@cache
def _places(language: str) -> dict[str, int]:
    return {bare(word): place for place, word in enumerate(_mnemonic(language).wordlist)}


def bare(word: str) -> str:
    """A word without case and accents: no two words of a list differ by these alone."""
    decomposed = unicodedata.normalize("NFKD", word.strip().lower())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _require_seed(seed: bytes) -> None:
    if len(seed) != SEED_SIZE:
        raise ValueError("a kit's seed is 32 bytes")

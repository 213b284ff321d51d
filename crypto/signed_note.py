"""Text signed by one or more keys: C2SP signed-note, and cosignature/v1 (c2sp.org/tlog-cosignature).

    text, ends in a newline
    (an empty line)
    — <key name> base64(key id, 4 bytes || signature)

    key id = SHA-256(key name || 0x0A || kind || public key)[:4]
    vkey   = <key name>+<key id in hex>+base64(kind || public key)

Kind 0x01 is Ed25519 over the text. Kind 0x04 is a witness's cosignature of a checkpoint: its
signature is uint64 seconds since 1970 || Ed25519 over "cosignature/v1\\ntime <seconds>\\n" || text.
"Signed note" is C2SP's word, and not the note that is posted in a circle.
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from relais.crypto.errors import ProtocolError

MAX_NOTE_SIZE = 256 * 1024
"""Bytes: room for sixteen post-quantum signatures of witnesses we do not know."""
MAX_TIME = 2**53 - 1

_PUBLIC_SIZE = 32
_SIGNATURE_SIZE = 64
_TIME_SIZE = 8
# White_Space of Unicode, spelled out: Python, JavaScript and Go disagree on their own classes.
_NAME = r"[^+\x00-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
_KEY_NAME = re.compile(_NAME)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNATURE_LINE = re.compile(rf"— ({_NAME}) ([A-Za-z0-9+/]+={{0,2}})")
_VKEY = re.compile(rf"({_NAME})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/]+={{0,2}})")


class SignedNoteError(ProtocolError):
    """A signed note, a signature on it or a verifier key is malformed, unknown or false."""


class KeyKind(IntEnum):
    """The signature types we make and check (C2SP signed-note, "Signature types")."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True)
class VerifierKey:
    """A public key (Ed25519, 32 bytes) under a name, for one kind of signature.

    Raises:
        ValueError: the name is empty or has a space, a plus or a control character in it, or
            the key is not 32 bytes.
    """

    name: str
    public: bytes
    kind: KeyKind = KeyKind.ED25519

    def __post_init__(self) -> None:
        if not _KEY_NAME.fullmatch(self.name) or len(self.public) != _PUBLIC_SIZE:
            raise ValueError("a key has a name without spaces and plus signs, and 32 bytes")

    @property
    def key_id(self) -> bytes:
        """4 bytes that say which key it is; they prove nothing."""
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(material).digest()[:4]

    def encode(self) -> str:
        """The vkey: one line of text, without a newline."""
        material = b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True)
class SignerKey:
    """A private key under a name, for one kind of signature."""

    name: str
    private: Ed25519PrivateKey
    kind: KeyKind = KeyKind.ED25519

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw(), self.kind)


@dataclass(frozen=True)
class Signature:
    """One signature line: who says to have signed, and the signature's bytes."""

    name: str
    key_id: bytes
    value: bytes

    def encode(self) -> str:
        return f"— {self.name} {b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True)
class SignedNote:
    """A text (it ends in a newline) and its signature lines, checked or not."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        return (self.text + "\n" + "".join(map(Signature.encode, self.signatures))).encode()

    def signed_by(self, key: SignerKey) -> "SignedNote":
        """The note with one more signature, over its text alone."""
        value = key.private.sign(self.text.encode())
        return self._with(key, KeyKind.ED25519, value)

    def cosigned_by(self, key: SignerKey, *, at: int) -> "SignedNote":
        """The note with one more cosignature/v1, made at `at` (seconds since 1970)."""
        value = key.private.sign(_cosigned(self.text, at))
        return self._with(key, KeyKind.COSIGNATURE, at.to_bytes(_TIME_SIZE, "big") + value)

    def _with(self, key: SignerKey, kind: KeyKind, value: bytes) -> "SignedNote":
        if key.kind is not kind:
            raise ValueError("this key is for another kind of signature")
        signature = Signature(key.name, key.verifier.key_id, value)
        return replace(self, signatures=(*self.signatures, signature))


@dataclass(frozen=True)
class Signed:
    """A signature that was checked: the key, and for a cosignature its time (seconds)."""

    key: VerifierKey
    at: int | None


def parse_vkey(text: str) -> VerifierKey:
    """The key of a vkey line, without a newline.

    Raises:
        SignedNoteError: `vkey-malformed`, `vkey-kind` (a signature type we do not check),
            `vkey-id` (the id is not that of the key).
    """
    found = _VKEY.fullmatch(text)
    material = _decode_base64(found[3]) if found else None
    if not found or not material:
        raise SignedNoteError("vkey-malformed")
    if material[0] not in KeyKind.__members__.values():
        raise SignedNoteError("vkey-kind")
    if len(material) != 1 + _PUBLIC_SIZE:
        raise SignedNoteError("vkey-malformed")
    key = VerifierKey(found[1], material[1:], KeyKind(material[0]))
    if key.key_id.hex() != found[2]:
        raise SignedNoteError("vkey-id")
    return key


def parse_signed_note(data: bytes) -> SignedNote:
    """Take a signed note apart. Checks no signature.

    Raises:
        SignedNoteError: `note-too-large`, `note-malformed`.
    """
    if len(data) > MAX_NOTE_SIZE:
        raise SignedNoteError("note-too-large")
    text, lines = _split(data)
    return SignedNote(text, tuple(map(_parse_signature, lines)))


def _split(data: bytes) -> tuple[str, list[str]]:
    """The text with its newline, and the signature lines without theirs."""
    try:
        note = data.decode()
    except UnicodeDecodeError:
        raise SignedNoteError("note-malformed") from None
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or _CONTROL.search(note) or not signatures.endswith("\n"):
        raise SignedNoteError("note-malformed")
    return text + "\n", signatures[:-1].split("\n")


def _parse_signature(line: str) -> Signature:
    found = _SIGNATURE_LINE.fullmatch(line)
    value = _decode_base64(found[2]) if found else None
    if not found or not value or len(value) <= 4:
        raise SignedNoteError("note-malformed")
    return Signature(found[1], value[:4], value[4:])


def verify_signed_note(note: SignedNote, keys: Sequence[VerifierKey]) -> tuple[Signed, ...]:
    """Check every signature by a known key; those of unknown keys are ignored.

    Returns:
        One entry per known key that signed, in the order of the lines.

    Raises:
        SignedNoteError: `bad-signature` (by a known key, so the whole note is refused),
            `no-known-signature`, `ambiguous-key` (two of `keys` share name and id).
    """
    known = {(key.name, key.key_id): key for key in keys}
    if len(known) != len(set(keys)):
        raise SignedNoteError("ambiguous-key")
    signed: dict[VerifierKey, Signed] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            checked = Signed(key, _verify_signature(note.text, key, signature.value))
            signed.setdefault(key, checked)
    if not signed:
        raise SignedNoteError("no-known-signature")
    return tuple(signed.values())


def _verify_signature(text: str, key: VerifierKey, value: bytes) -> int | None:
    """Check one signature; returns the time of a cosignature."""
    at, message, signature = None, text.encode(), value
    if key.kind is KeyKind.COSIGNATURE:
        at, signature = int.from_bytes(value[:_TIME_SIZE], "big"), value[_TIME_SIZE:]
        message = _cosigned(text, at)
    if len(signature) != _SIGNATURE_SIZE or (at or 0) > MAX_TIME:
        raise SignedNoteError("bad-signature")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except InvalidSignature:
        raise SignedNoteError("bad-signature") from None
    return at


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _decode_base64(text: str) -> bytes | None:
    """Strict base64: only the one text that would have been written, else None."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    return data if hmac.compare_digest(b64encode(data).decode(), text) else None

"""Envelopes (docs/protocol.md §6): one version of a note, sealed to its audiences and signed by its author.

`peek` takes bytes apart and trusts nothing; `verify` checks the author's signature (the server does no
more than that and `posting`); `open_envelope` reads. The content key reaches each audience under its
epoch key, or, from whoever may write and not read, under the epoch's inbox key.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from relais.crypto import cbor, cose, suite
from relais.crypto import content as contents
from relais.crypto import epoch as epochs
from relais.crypto.account import AccountState
from relais.crypto.content import PROFILE, Content
from relais.crypto.cose import Signed
from relais.crypto.device import DeviceKeys
from relais.crypto.envelope_header import (
    CORRECTION,
    EPOCH_METHOD,
    HEADER,
    INBOX_METHOD,
    MOST_KEYS,
    POST,
    WITHDRAWAL,
    Draft,
    Header,
    Origin,
    SealedKey,
    check_header,
)
from relais.crypto.envelope_header import PROFILE as PROFILE_KIND
from relais.crypto.epoch import NotePlace
from relais.crypto.errors import ProtocolError
from relais.models.ids import DeviceId, Digest

__all__ = [
    "CORRECTION",
    "ENTROPY_SIZE",
    "EPOCH_METHOD",
    "INBOX_METHOD",
    "LARGEST_ENVELOPE",
    "POST",
    "PROFILE_KIND",
    "WITHDRAWAL",
    "Draft",
    "Envelope",
    "Header",
    "Origin",
    "SealedKey",
    "To",
    "check_follows",
    "content_key",
    "is_content_key",
    "open_envelope",
    "peek",
    "seal",
    "signing_key",
    "verify",
    "verify_signature",
]

LARGEST_ENVELOPE: Final = 256 * 1024
ENTROPY_SIZE: Final = suite.KEY_SIZE + suite.NONCE_SIZE * (1 + MOST_KEYS)
"""Random bytes one `seal` needs: the content key, the content's nonce, a nonce for each audience."""

EpochKeys = Mapping[tuple[str, int], bytes]


@dataclass(frozen=True)
class To:
    """An audience to seal to: with the epoch's key, or without it through its inbox key."""

    audience: str
    epoch: int
    key: bytes | None = None
    inbox_key: bytes | None = None


@dataclass(frozen=True)
class Envelope:
    """An envelope taken apart; not to be trusted before `verify`."""

    header: Header
    header_bytes: bytes
    sealed: bytes
    signed: Signed

    @property
    def kid(self) -> DeviceId:
        return self.signed.kid

    @property
    def digest(self) -> Digest:
        return self.signed.digest

    @property
    def raw(self) -> bytes:
        return self.signed.raw


def seal(
    keys: DeviceKeys, draft: Draft, content: Content, *, to: Sequence[To], entropy: bytes
) -> bytes:
    """Seal and sign one version of a note.

    `to`: 1 to 8 audiences. `entropy`: `ENTROPY_SIZE` bytes, random, never used before.
    Raises ProtocolError `too-large` (256 KiB), `wrong-type`, `wrong-version` for what no reader would take.
    """
    key, nonces = _split(entropy)
    place = NotePlace(draft.circle, draft.note, draft.version)
    commitment = _commitment(key)
    if len(to) > MOST_KEYS:
        raise ProtocolError("wrong-type")
    ordered = sorted(to, key=lambda one: one.audience)
    sealed_keys = tuple(
        _seal_key(key, one, place=place, commitment=commitment, nonce=nonce)
        for one, nonce in zip(ordered, nonces[1:], strict=False)
    )
    header = Header(
        **vars(draft),
        device=keys.id,
        keys=sealed_keys,
        commitment=commitment,
        blobs=tuple(attachment.blob for attachment in content.attachments),
    )
    check_header(header)
    _check_content(header, content)
    header_bytes = HEADER.write(header)
    plaintext = contents.pad(contents.encode(content))
    sealed = cose.encrypt0(_encryption_key(key), plaintext, nonce=nonces[0], aad=header_bytes)
    payload = cbor.encode([header_bytes, sealed])
    return _small_enough(cose.sign(payload, keys=keys, context=cose.NOTE))


def peek(data: bytes) -> Envelope:
    """Take an envelope apart; it neither trusts nor opens anything.

    Raises ProtocolError `too-large`, `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`,
    `wrong-version`, `bad-audience`, `bad-signature` (signed by another device than it names).
    """
    signed = cose.peek(_small_enough(data))
    parts = cbor.decode(signed.payload)
    if type(parts) is not list or [type(part) for part in parts] != [bytes, bytes]:
        raise ProtocolError("wrong-type")
    header: Header = HEADER.read(parts[0])
    check_header(header)
    if header.device != signed.kid:
        raise ProtocolError("bad-signature")
    return Envelope(header, parts[0], parts[1], signed)


def verify(envelope: Envelope, author: AccountState) -> None:
    """Check that a device of the author, not revoked before the note's time, signed it.

    Raises ProtocolError `wrong-account`, `not-a-device`, `revoked-device`, `bad-signature`. Whether the
    device is still in force, and whether the author may post, are other questions (`posting`).
    """
    verify_signature(envelope, signing_key(envelope, author))


def signing_key(envelope: Envelope, author: AccountState) -> bytes:
    """The public key (Ed25519, 32 bytes) of the author's device that is to have signed an envelope.

    Raises ProtocolError `wrong-account`, `not-a-device`, `revoked-device`.
    """
    if author.account != envelope.header.account:
        raise ProtocolError("wrong-account")
    return author.require_in_force(envelope.kid, envelope.header.at).sign


def verify_signature(envelope: Envelope, sign_public: bytes) -> None:
    """Check the signature under a key; whose key that is, `signing_key` says. Raises ProtocolError `bad-signature`."""
    cose.verify(envelope.signed, sign_public, context=cose.NOTE)


def open_envelope(envelope: Envelope, epoch_keys: EpochKeys) -> Content:
    """Read a verified envelope with the keys one holds, by (audience, epoch) or, of its own, (note, version).

    Raises ProtocolError `key-missing`, `cannot-open`, `commitment-differs`, `bad-padding`,
    `blobs-differ`, `wrong-type` and those of a decoder.
    """
    header = envelope.header
    key = content_key(envelope, epoch_keys)
    plaintext = cose.decrypt0(_encryption_key(key), envelope.sealed, aad=envelope.header_bytes)
    content = contents.decode(contents.unpad(plaintext))
    if header.blobs != tuple(attachment.blob for attachment in content.attachments):
        raise ProtocolError("blobs-differ")
    _check_content(header, content)
    return content


def content_key(envelope: Envelope, keys: EpochKeys) -> bytes:
    """The 32-byte key of this version alone: with it, it can be read or handed on, and nothing else can.

    Raises ProtocolError `key-missing` (a key said to be its own, that is not, counts as none), `cannot-open`,
    `commitment-differs`.
    """
    header = envelope.header
    own = keys.get((header.note, header.version))
    if own is not None and _fits(own, header):
        return own
    key = _content_key(header, keys)
    if not _fits(key, header):
        raise ProtocolError("commitment-differs")
    return key


def is_content_key(envelope: Envelope, key: bytes) -> bool:
    """Whether this is the key of this version: what a grant of a single version is told true by."""
    return _fits(key, envelope.header)


def _fits(key: bytes, header: Header) -> bool:
    return hmac.compare_digest(_commitment(key), header.commitment)


def check_follows(envelope: Envelope, previous: Sequence[Envelope]) -> None:
    """Check that an envelope is the next version of its note; `previous` holds versions 1, 2, … of it.

    Raises ProtocolError `wrong-circle`, `wrong-version`, `not-the-author`, `audiences-differ`.
    """
    header = envelope.header
    if header.version != len(previous) + 1:
        raise ProtocolError("wrong-version")
    if not previous:
        return
    first, last = previous[0].header, previous[-1]
    if header.circle != first.circle:
        raise ProtocolError("wrong-circle")
    is_profile = header.kind == PROFILE_KIND
    if header.note != first.note or is_profile != (first.kind == PROFILE_KIND):
        raise ProtocolError("wrong-version")
    if header.replaces != last.digest or last.header.kind == WITHDRAWAL:
        raise ProtocolError("wrong-version")
    if is_profile:
        return
    if header.account != first.account:
        raise ProtocolError("not-the-author")
    if header.audiences != first.audiences:
        raise ProtocolError("audiences-differ")


def _split(entropy: bytes) -> tuple[bytes, list[bytes]]:
    if len(entropy) != ENTROPY_SIZE:
        raise ValueError(f"sealing needs {ENTROPY_SIZE} random bytes")
    starts = [*range(suite.KEY_SIZE, ENTROPY_SIZE + 1, suite.NONCE_SIZE)]
    return entropy[: suite.KEY_SIZE], [entropy[a:b] for a, b in pairwise(starts)]


def _seal_key(
    key: bytes, to: To, *, place: NotePlace, commitment: bytes, nonce: bytes
) -> SealedKey:
    if to.key is not None:
        wrap = epochs.wrap_key(to.key, to.audience, to.epoch, place=place)
        sealed = nonce + suite.encrypt(wrap, key, nonce=nonce, aad=commitment)
        return SealedKey(to.audience, to.epoch, EPOCH_METHOD, sealed)
    if to.inbox_key is None:
        raise ValueError("an audience needs its epoch key or its inbox key")
    info = epochs.inbox_info(to.audience, to.epoch, place=place)
    return SealedKey(
        to.audience, to.epoch, INBOX_METHOD, suite.seal_to(to.inbox_key, key, info=info)
    )


def _content_key(header: Header, epoch_keys: EpochKeys) -> bytes:
    place = NotePlace(header.circle, header.note, header.version)
    for sealed in header.keys:
        key = epoch_keys.get((sealed.audience, sealed.epoch))
        if key is not None:
            return _open_key(sealed, key, place=place, commitment=header.commitment)
    raise ProtocolError("key-missing")


def _open_key(sealed: SealedKey, key: bytes, *, place: NotePlace, commitment: bytes) -> bytes:
    audience, number = sealed.audience, sealed.epoch
    if sealed.method == INBOX_METHOD:
        seed = epochs.inbox_seed(key, audience, number)
        info = epochs.inbox_info(audience, number, place=place)
        return suite.open_sealed(seed, sealed.sealed, info=info)
    nonce, wrapped = sealed.sealed[: suite.NONCE_SIZE], sealed.sealed[suite.NONCE_SIZE :]
    wrap = epochs.wrap_key(key, audience, number, place=place)
    return suite.decrypt(wrap, wrapped, nonce=nonce, aad=commitment)


def _commitment(key: bytes) -> bytes:
    return suite.hkdf(key, ["relais/1 note", "commit"])


def _encryption_key(key: bytes) -> bytes:
    return suite.hkdf(key, ["relais/1 note", "encrypt"])


def _check_content(header: Header, content: Content) -> None:
    """What header and content owe each other beyond their tables."""
    is_profile = header.kind == PROFILE_KIND
    has_more = content.form is not None or len(content.attachments) > 0
    if is_profile != (content.type == PROFILE) or (header.kind == WITHDRAWAL and has_more):
        raise ProtocolError("wrong-type")


def _small_enough(data: bytes) -> bytes:
    if len(data) > LARGEST_ENVELOPE:
        raise ProtocolError("too-large")
    return data

"""Attachments: one file, one key, sealed in chunks (the STREAM construction).

Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance" (CRYPTO 2015), as age uses it.

    key        = HKDF-SHA256(file key, salt = empty, info = "relais/1 file", 32 bytes)
    plaintext  = content || zeros up to padme(size)
    chunk i    = AES-256-GCM(key, nonce_i, 64 KiB of plaintext), no associated data
    nonce_i    = i as 11 bytes, big endian || 1 byte: 1 for the last chunk, else 0
    ciphertext = chunk 0 || chunk 1 || ...   every chunk but the last is full;
                                             it is empty only when the file is
    blob id    = SHA-256(ciphertext), hex

The nonces are fixed by position, so a file key must never seal two different
files. Sealing the same file again gives the same ciphertext: an upload resumes.
The content's true size travels beside the key, in the note, and is believed from
there: a larger size that pads to the same length adds zeros to the content.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from relais.crypto.errors import ProtocolError
from relais.crypto.padme import padme

FILE_KEY_SIZE = 32
CHUNK_SIZE = 64 * 1024
TAG_SIZE = 16
SEALED_CHUNK_SIZE = CHUNK_SIZE + TAG_SIZE


@dataclass(frozen=True)
class SealedFile:
    """What sealing left behind: the blob's id (SHA-256 hex) and its size in bytes."""

    blob_id: str
    size: int


def sealed_size(size: int) -> int:
    """Bytes of ciphertext for `size` bytes of content: padding and a tag per chunk included."""
    padded = padme(size)
    return padded + TAG_SIZE * max(1, -(-padded // CHUNK_SIZE))


def seal_stream(key: bytes, chunks: Iterable[bytes], *, size: int) -> Iterator[bytes]:
    """Seal content that arrives in pieces of any length; memory stays at about one chunk.

    `key` is the 32-byte file key, `size` the content's length in bytes.
    Raises ValueError for a key of another length, ProtocolError `stream-size` when the
    content is not `size` bytes long (it changed while it was read).
    """
    cipher = _cipher(key)
    for index, (chunk, is_last) in enumerate(_pieces(_padded(chunks, size), length=CHUNK_SIZE)):
        yield cipher.encrypt(_nonce(index, is_last=is_last), chunk, None)


def open_stream(key: bytes, chunks: Iterable[bytes], *, size: int) -> Iterator[bytes]:
    """Open ciphertext that arrives in pieces of any length; memory stays at about one chunk.

    Every piece that comes out is authentic, but only the end proves that the file is
    whole: whoever meets an error must throw away what came out before it.
    Raises ValueError as `seal_stream` does, and ProtocolError: `stream-tampered` (changed
    or reordered); `stream-truncated`; `stream-extended`; `stream-size` (sealed with a
    length other than padme(size), or what follows the content is not zero).
    """
    return _unpadded(_open_chunks(_cipher(key), chunks, size), size)


def seal_bytes(key: bytes, content: bytes) -> bytes:
    """Seal content held in memory; see `seal_stream`."""
    return b"".join(seal_stream(key, [content], size=len(content)))


def open_bytes(key: bytes, sealed: bytes, *, size: int) -> bytes:
    """Open ciphertext held in memory: all of it or an error; see `open_stream`."""
    return b"".join(open_stream(key, [sealed], size=size))


def seal_file(key: bytes, source: BinaryIO, target: BinaryIO, *, size: int) -> SealedFile:
    """Seal from one open file into another; see `seal_stream`."""
    digest, written = hashlib.sha256(), 0
    for chunk in seal_stream(key, read_chunks(source), size=size):
        digest.update(chunk)
        target.write(chunk)
        written += len(chunk)
    return SealedFile(blob_id=digest.hexdigest(), size=written)


def open_file(key: bytes, source: BinaryIO, target: BinaryIO, *, size: int) -> None:
    """Open from one open file into another; on an error `target` must be discarded."""
    target.writelines(open_stream(key, read_chunks(source), size=size))


def blob_id(chunks: Iterable[bytes]) -> str:
    """The id of a blob, from the pieces of its ciphertext: SHA-256, 64 hex digits."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def read_chunks(source: BinaryIO, *, length: int = CHUNK_SIZE) -> Iterator[bytes]:
    """The rest of an open file in pieces of at most `length` bytes."""
    while chunk := source.read(length):
        yield chunk


def _cipher(key: bytes) -> AESGCM:
    if len(key) != FILE_KEY_SIZE:
        raise ValueError("a file key is 32 bytes")
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"relais/1 file")
    return AESGCM(derive.derive(key))


def _nonce(index: int, *, is_last: bool) -> bytes:
    return index.to_bytes(11, "big") + bytes([is_last])


def _pieces(chunks: Iterable[bytes], *, length: int) -> Iterator[tuple[memoryview, bool]]:
    """Regroup into pieces of exactly `length` bytes; the last one is flagged and may be shorter.

    Pieces are views: what comes in one large chunk is not copied.
    """
    kept = memoryview(b"")
    for chunk in chunks:
        if chunk and len(kept) == length:  # it was not the last after all
            yield kept, False
            kept = memoryview(b"")
        view = memoryview(bytes(kept) + chunk if kept else chunk)
        while len(view) > length:
            yield view[:length], False
            view = view[length:]
        kept = view
    yield kept, True


def _padded(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    left = size
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise ProtocolError("stream-size")
        yield chunk
    if left:
        raise ProtocolError("stream-size")
    padding = padme(size) - size
    while padding:
        zeros = bytes(min(padding, CHUNK_SIZE))
        padding -= len(zeros)
        yield zeros


def _open_chunks(cipher: AESGCM, chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    received = 0
    for index, (piece, is_last) in enumerate(_pieces(chunks, length=SEALED_CHUNK_SIZE)):
        received += len(piece)
        content = _open_chunk(cipher, piece, _nonce(index, is_last=is_last))
        if content is None:
            other_end = _open_chunk(cipher, piece, _nonce(index, is_last=not is_last))
            raise _blame(is_last, received - sealed_size(size), is_other_end=other_end is not None)
        yield content
    if received != sealed_size(size):
        raise ProtocolError("stream-size")


def _open_chunk(cipher: AESGCM, piece: memoryview, nonce: bytes) -> bytes | None:
    try:
        return cipher.decrypt(nonce, piece, None)
    except InvalidTag:
        return None


def _blame(is_last: bool, surplus: int, *, is_other_end: bool) -> ProtocolError:
    """Why a chunk did not open. `surplus`: bytes received so far beyond the length expected."""
    if is_other_end:  # authentic, but the file goes on where it should end, or the reverse
        return ProtocolError("stream-truncated" if is_last else "stream-extended")
    if is_last and surplus < 0:
        return ProtocolError("stream-truncated")
    if surplus > 0 or (surplus == 0 and not is_last):
        return ProtocolError("stream-extended")
    return ProtocolError("stream-tampered")


def _unpadded(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    left, padding = size, padme(size) - size
    for chunk in chunks:
        content, zeros = (chunk, b"") if len(chunk) <= left else (chunk[:left], chunk[left:])
        left -= len(content)
        padding -= len(zeros)
        if padding < 0 or zeros.count(0) != len(zeros):
            raise ProtocolError("stream-size")
        if content:
            yield content

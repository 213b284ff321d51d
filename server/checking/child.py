"""The process that checks beside the server until its input ends: with the server, however that ends.

    server                                       this process
    length (4 bytes), [envelope, key, envelope, key, …]     →
                                                 ←  length (4 bytes), [answer, answer, …]

Both are msgpack. An answer is what an envelope was found to be, the word for what is wrong with it, or null where `check`
failed as it must not. Only ciphertext and public keys come here; nothing is kept.
"""

import contextlib
import gc
import signal
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

import msgpack

from relais.crypto.cose import Signed
from relais.crypto.envelope import Envelope
from relais.crypto.envelope_header import Header, SealedKey
from relais.crypto.errors import ProtocolError
from relais.server.checking.check import Checked, check

LENGTH_BYTES = 4
_KEYS = [*Header.__dataclass_fields__].index("keys")


def pack(values: Sequence[Any]) -> bytes:
    """With its length before it."""
    body: bytes = msgpack.packb(values)
    return len(body).to_bytes(LENGTH_BYTES) + body


def unpack(body: bytes) -> Sequence[Any]:
    """What was packed; `body` is without the length."""
    values: Sequence[Any] = msgpack.unpackb(body, use_list=False)
    return values


def answer(data: bytes, key: bytes | None) -> Any:
    """What `check` finds, as `read_answer` reads it."""
    try:
        checked = check(data, key)
    except ProtocolError as error:
        return error.reason
    except Exception:  # noqa: BLE001 (a bug: the server asks itself, meets it again and logs it)
        return None
    envelope, signed = checked.envelope, checked.envelope.signed
    header = [*vars(envelope.header).values()]
    header[_KEYS] = [[*vars(sealed).values()] for sealed in envelope.header.keys]
    parts = (envelope.header_bytes, envelope.sealed, signed.payload, signed.signature)
    return (header, *parts, signed.digest, checked.signed_under is not None)


def read_answer(found: Any, data: bytes, key: bytes | None) -> Checked:
    """What `check` returns for an envelope, from its answer. Raises ProtocolError where it does."""
    if found is None:
        return check(data, key)
    if isinstance(found, str):
        raise ProtocolError(found)
    values, header_bytes, sealed, payload, signature, digest, is_signed = found
    fields = [*values]
    fields[_KEYS] = tuple(SealedKey(*one) for one in values[_KEYS])
    header = Header(*fields)
    signed = Signed(header.device, payload, signature, digest, data)
    return Checked(Envelope(header, header_bytes, sealed, signed), key if is_signed else None)


def serve(asked: BinaryIO, answered: BinaryIO) -> None:
    """Answer until there is no more."""
    while length := asked.read(LENGTH_BYTES):
        words = unpack(asked.read(int.from_bytes(length)))
        found = [answer(data, key) for data, key in zip(words[::2], words[1::2], strict=True)]
        answered.write(pack(found))
        answered.flush()


def main() -> None:
    """The server ends this process, last of all: what stops the server does not stop it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()
    gone = contextlib.suppress(BrokenPipeError)  # the server has ended, and nobody reads this
    with gone, open(sys.stdout.fileno(), "wb", closefd=False) as answered:
        serve(sys.stdin.buffer, answered)


if __name__ == "__main__":
    main()

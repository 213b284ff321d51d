"""Write stream.json. A second, naive implementation: whole files in memory, straight from the text.

    python tests/vectors/generate_stream.py

Content is not stored but derived: block i = SHA-256(seed as UTF-8 || i as 4 bytes, big endian),
blocks joined and cut to the size. A bad case takes the good case it names, does one thing to its
ciphertext, and says why opening must fail.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CHUNK = 65536
INLINE = 600  # a longer ciphertext is given by its hash alone
SIZES = [0, 1, 2, 9, 255, 400, 65535, 65536, 65537, 131072, 131073, 200000, 1048576, 3000001]
LENGTHS = [
    *range(70),
    99,
    100,
    255,
    256,
    257,
    1000,
    4095,
    65535,
    65537,
    10**6,
    25 * 2**20,
    2**31 - 1,
]
LENGTHS += [2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, 10**12, 2**52 + 12345]

Json = dict[str, Any]


def padme(length: int) -> int:
    if length < 2:
        return length
    exponent = math.floor(math.log2(length))
    bits = exponent - (math.floor(math.log2(exponent)) + 1)
    return -(-length >> bits) << bits


def content(seed: str, size: int) -> bytes:
    count = -(-size // 32)
    blocks = (hashlib.sha256(seed.encode() + i.to_bytes(4, "big")).digest() for i in range(count))
    return b"".join(blocks)[:size]


def file_key(seed: str) -> bytes:
    return hashlib.sha256(b"key " + seed.encode()).digest()


def seal(key: bytes, plaintext: bytes) -> bytes:
    cipher = AESGCM(HKDF(SHA256(), 32, salt=b"", info=b"relais/1 file").derive(key))
    chunks = [plaintext[i : i + CHUNK] for i in range(0, len(plaintext), CHUNK)] or [b""]
    last = len(chunks) - 1
    return b"".join(
        cipher.encrypt(i.to_bytes(11, "big") + (b"\x01" if i == last else b"\x00"), chunk, None)
        for i, chunk in enumerate(chunks)
    )


def good(size: int) -> Json:
    seed = f"relais stream {size}"
    padded = content(seed, size).ljust(padme(size), b"\0")
    sealed = seal(file_key(seed), padded)
    case = {"name": f"{size} bytes", "key": file_key(seed).hex(), "seed": seed, "size": size}
    case |= {"sealed_size": len(sealed), "blob_id": hashlib.sha256(sealed).hexdigest()}
    return case | ({"sealed": sealed.hex()} if len(sealed) <= INLINE else {})


def bad(name: str, of: str, reason: str, **change: Any) -> Json:
    return {"name": name, "of": of, **change, "reason": reason}


def altered() -> list[Json]:
    """Changes to a good ciphertext: cut (bytes kept), append (hex), flip (offset), swap (two chunks),
    drop (a chunk), repeat (a chunk), size (claimed instead of the true one), key (another)."""
    sealed = 65552
    return [
        bad("nothing at all", "9 bytes", "stream-truncated", cut=0),
        bad("an empty file cut to nothing", "0 bytes", "stream-truncated", cut=0),
        bad("one byte short", "9 bytes", "stream-truncated", cut=25),
        bad("last chunk missing", "200000 bytes", "stream-truncated", cut=3 * sealed),
        bad("all but the first chunk missing", "200000 bytes", "stream-truncated", cut=sealed),
        bad("cut inside a chunk", "200000 bytes", "stream-truncated", cut=100000),
        bad("cut inside the last tag", "200000 bytes", "stream-truncated", cut=200768 - 1),
        bad("a full last chunk, cut by one byte", "131072 bytes", "stream-truncated", cut=131103),
        bad("one byte more", "9 bytes", "stream-extended", append="00"),
        bad("one byte after an empty file", "0 bytes", "stream-extended", append="00"),
        bad("one byte after a full last chunk", "65536 bytes", "stream-extended", append="00"),
        bad("one byte after a short last chunk", "200000 bytes", "stream-extended", append="ff"),
        bad("a chunk after the end", "131072 bytes", "stream-extended", repeat=1),
        bad("first bit flipped", "9 bytes", "stream-tampered", flip=0),
        bad("tag flipped", "9 bytes", "stream-tampered", flip=25),
        bad("tag of an empty file flipped", "0 bytes", "stream-tampered", flip=15),
        bad("first chunk flipped", "200000 bytes", "stream-tampered", flip=100),
        bad("second chunk flipped", "200000 bytes", "stream-tampered", flip=sealed),
        bad("last chunk flipped", "200000 bytes", "stream-tampered", flip=200767),
        bad("padding flipped", "400 bytes", "stream-tampered", flip=403),
        bad("first two chunks swapped", "200000 bytes", "stream-tampered", swap=[0, 1]),
        bad("last two chunks swapped", "131072 bytes", "stream-tampered", swap=[0, 1]),
        bad("a chunk missing in the middle", "200000 bytes", "stream-tampered", drop=1),
        bad("a chunk twice", "1048576 bytes", "stream-tampered", repeat=3),
        bad("another file's key", "9 bytes", "stream-tampered", key=file_key("other").hex()),
        bad("the size of a longer file", "9 bytes", "stream-size", size=100),
        bad("the size of a shorter file", "200000 bytes", "stream-size", size=100000),
        bad("an empty file said to be longer", "0 bytes", "stream-size", size=1),
        bad("a size one less, the same padded", "200000 bytes", "stream-size", size=199999),
    ]


def forged() -> list[Json]:
    """Sealed with the right key by somebody who does not keep the rules."""
    key, last = file_key("forged"), bytes([0] * 11 + [1])
    cipher = AESGCM(HKDF(SHA256(), 32, salt=b"", info=b"relais/1 file").derive(key))
    plain = {
        "padding that is not zero": (b"content 9" + b"!", 9),
        "no padding where there should be some": (b"content 9", 9),
        "padding where there should be none": (b"content 10" + b"\0\0", 10),
    }
    cases = [(name, cipher.encrypt(last, text, None), size) for name, (text, size) in plain.items()]
    first = cipher.encrypt(bytes(12), b"12345678", None)
    end = cipher.encrypt(bytes([0] * 10 + [1, 1]), b"", None)
    reasons = [(*case, "stream-size") for case in cases]
    reasons.append(("a short chunk that is not the last", first + end, 8, "stream-extended"))
    return [
        {"name": name, "key": key.hex(), "sealed": sealed.hex(), "size": size, "reason": reason}
        for name, sealed, size, reason in reasons
    ]


def main() -> None:
    vectors: dict[str, list[Any]] = {
        "padme": [[length, padme(length)] for length in LENGTHS],
        "good": [good(size) for size in SIZES],
        "bad": altered() + forged(),
    }
    sections = (
        f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]"
        for name, cases in vectors.items()
    )
    text = "{\n" + ",\n".join(sections) + "\n}\n"
    Path(__file__).with_name("stream.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

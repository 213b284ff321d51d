"""hpke.json: seals made once, for HPKE's randomness cannot be given."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from vector_people import Json, random

from relais.crypto import cbor, suite


@dataclass
class KeptSeals:
    """Seals by what went into them; those asked for in this run are written again, others dropped."""

    known: dict[tuple[str, str, str], str]
    used: dict[tuple[str, str, str], str] = field(default_factory=dict)
    seal = staticmethod(suite.seal_to)

    @classmethod
    def load(cls, path: Path) -> "KeptSeals":
        cases = json.loads(path.read_text())["good"] if path.exists() else []
        return cls({(c["public"], c["info"], c["plaintext"]): c["sealed"] for c in cases})

    def install(self) -> None:
        """Take the place of `suite.seal_to`."""
        suite.seal_to = self.seal_to

    def seal_to(self, public: bytes, plaintext: bytes, *, info: suite.Info) -> bytes:
        key = (public.hex(), cbor.encode(info).hex(), plaintext.hex())
        if key not in self.known:
            self.known[key] = self.seal(public, plaintext, info=info).hex()
        self.used[key] = self.known[key]
        return bytes.fromhex(self.used[key])

    def vectors(self) -> Json:
        seed = random("hpke")
        public = suite.kem_public(seed)
        info: suite.Info = ["relais/1 vector", b"\1\2", 3]
        sealed = self.seal_to(public, b"plain", info=info)
        elsewhere = self.seal_to(suite.kem_public(random("another")), b"plain", info=info)
        return {
            "description": "HPKE base mode, X-Wing, HKDF-SHA256, AES-256-GCM (docs/protocol.md §2): every seal in "
            "these vectors. `info` is encoded CBOR; `seed` is there where no other file gives the key.",
            "good": [
                {"public": public, "info": info, "plaintext": plain, "sealed": sealed}
                | ({"seed": seed.hex()} if public == suite.kem_public(seed).hex() else {})
                for (public, info, plain), sealed in sorted(self.used.items())
            ],
            "bad": [
                {
                    "name": name,
                    "reason": "cannot-open",
                    "seed": seed.hex(),
                    "info": i,
                    "sealed": s.hex(),
                }
                for name, i, s in (
                    ("flipped bit", cbor.encode(info).hex(), sealed[:-1] + bytes([sealed[-1] ^ 1])),
                    ("another info", cbor.encode([*info, 1]).hex(), sealed),
                    ("cut short", cbor.encode(info).hex(), sealed[:-1]),
                    ("shorter than the KEM's part", cbor.encode(info).hex(), sealed[:1000]),
                    ("empty", cbor.encode(info).hex(), b""),
                    ("another key's", cbor.encode(info).hex(), elsewhere),
                )
            ],
        }

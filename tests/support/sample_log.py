"""A small audit log made for tests: entries, their tiles, a signed checkpoint, an export."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relais.crypto.audit_entry import AuditEntry
from relais.crypto.checkpoint import Checkpoint, sign_checkpoint
from relais.crypto.merkle import TreeHead, leaf_hash
from relais.crypto.signed_note import SignerKey
from relais.crypto.tiles import TileEdge

ORIGIN = "log.example/relais"
LOG_KEY = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))


def entry(number: int) -> AuditEntry:
    minutes, seconds = divmod(number, 60)
    return AuditEntry(
        id=f"0195f3a0-7c00-7abc-8def-{number:012x}",
        at=f"2026-03-{1 + minutes // 1440:02d}T{minutes // 60 % 24:02d}:{minutes % 60:02d}:{seconds:02d}.000Z",
        action="note.read",
        outcome="ok",
        account="a1" * 32,
        subject={"seq": number},
    )


@dataclass(frozen=True)
class SampleLog:
    """The files of an export; `with_…` replaces one, as somebody who tampers would."""

    head: TreeHead
    files: dict[str, bytes]

    def read(self, path: str) -> Iterator[bytes] | None:
        """In pieces of 1,000 bytes, so that no line boundary is a piece's."""
        data = self.files.get(path)
        return None if data is None else (data[i : i + 1000] for i in range(0, len(data), 1000))

    def with_file(self, path: str, data: bytes | None) -> "SampleLog":
        files = {name: old for name, old in self.files.items() if name != path}
        return replace(self, files=files if data is None else {**files, path: data})

    def with_lines(self, lines: Sequence[bytes]) -> "SampleLog":
        return self.with_file("entries.ndjson", b"".join(line + b"\n" for line in lines))


def tile_files(leaves: Sequence[bytes]) -> tuple[TreeHead, dict[str, bytes]]:
    """The head over these leaf hashes and its hash tiles."""
    edge, filled = TileEdge().append(leaves)
    return edge.head(), {part.tile.path: part.encode() for part in (*filled, *edge.unfilled())}


def sample_log(lines: Sequence[bytes], *, key: SignerKey = LOG_KEY) -> SampleLog:
    """A log of these entries, signed."""
    head, files = tile_files([leaf_hash(line) for line in lines])
    note = sign_checkpoint(Checkpoint(key.name, head.size, head.root), [key])
    files |= {"log.vkey": f"{key.verifier.encode()}\n".encode(), "checkpoint": note.encode()}
    return SampleLog(head, files).with_lines(lines)


def sample_lines(size: int) -> list[bytes]:
    return [entry(number).encode() for number in range(size)]

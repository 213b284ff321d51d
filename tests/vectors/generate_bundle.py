"""Write proof-bundle.json: bundles of the audit log, with and without a disclosed note, as Python and JavaScript must write them.

    python tests/vectors/generate_bundle.py [--check]

The people and the circle are those of generate_protocol.py; every key and time derives from a label.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from vector_hpke import KeptSeals

from relais.crypto import envelope, receipt, stream
from relais.crypto.audit_entry import AuditEntry
from relais.crypto.checkpoint import Checkpoint, sign_checkpoint
from relais.crypto.content import Attachment, Content
from relais.crypto.merkle import (
    TreeHead,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
)
from relais.crypto.proof_bundle import DisclosedNote, OlderTree, ProofBundle, ProvenEntry
from relais.crypto.signed_note import KeyKind, SignerKey

HERE = Path(__file__).parent
KeptSeals.load(HERE / "hpke.json").install()

import vector_envelope as notes
from vector_ledger import identity, standing
from vector_people import CHAINS, HOUR, Json, as_json, keys, random

LOG = SignerKey("log.example/relais", Ed25519PrivateKey.from_private_bytes(random("log")))
WITNESS = SignerKey(
    "witness.example/w1", Ed25519PrivateKey.from_private_bytes(random("w1")), KeyKind.COSIGNATURE
)
SEEN = notes.AT // 1000 + 60
OLDER = 5
PICTURE = b"Une image de plaie, pour l'exemple." * 40


def attachment() -> tuple[Attachment, bytes]:
    """A real one, and its ciphertext."""
    sealed = stream.seal_bytes(random("bundle file"), PICTURE)
    described = Attachment(
        id="0199612c-1c00-7000-8000-0000000000b1",
        blob=hashlib.sha256(sealed).hexdigest(),
        key=random("bundle file"),
        name="plaie.jpg",
        media_type="image/jpeg",
        size=len(PICTURE),
        sha256=hashlib.sha256(PICTURE).hexdigest(),
    )
    return described, sealed


PICTURED, BLOB = attachment()
SAID = Content("OBS", "Plaie propre, pansement refait.\nÀ revoir jeudi.", attachments=(PICTURED,))
POSTED, TOLD = notes.sealed("bundle", "anne phone", SAID)
HEADER = envelope.peek(POSTED)
READ_AT = notes.AT + HOUR


def read_by(label: str, kind: str) -> bytes:
    header = HEADER.header
    return receipt.write(
        keys(label),
        circle=header.circle,
        note=header.note,
        version=header.version,
        envelope=HEADER.digest,
        kind=kind,
        account=identity(label.split()[0]),
        at=READ_AT,
    )


def entry(number: int, action: str, by: str, **subject: Any) -> AuditEntry:
    return AuditEntry(
        id=f"0199612c-1c00-7000-8000-{number:012x}",
        at=f"2026-09-20T02:00:{number:02d}.000Z",
        action=action,
        outcome="ok",
        account=identity(by.split()[0]),
        device=keys(by).id,
        role="professional",
        organisation="Cabinet des Tilleuls",
        purpose="TREAT",
        circle=HEADER.header.circle,
        source="192.0.2.7",
        subject=subject,
    )


def entries() -> list[bytes]:
    place = {"note": HEADER.header.note, "version": 1}
    told = [
        *(entry(n, "circle.sync", "bruno phone", count=0) for n in range(4)),
        entry(4, "note.post", "anne phone", **place, seq=1, kind="post", envelope=HEADER.digest),
        *(entry(n, "circle.sync", "bruno phone", count=1, seq_from=1, seq_to=1) for n in (5, 6)),
        entry(7, "receipt.post", "bruno phone", **place, kind="read"),
        *(entry(n, "circle.list", "bruno phone", circles=1) for n in (8, 9, 10)),
    ]
    return [one.encode() for one in told]


LINES = entries()
LEAVES = [leaf_hash(line) for line in LINES]


def hash_at(level: int, index: int) -> bytes:
    return root_of(LEAVES[index << level : (index + 1) << level])


def head(size: int) -> TreeHead:
    return TreeHead(size, root_of(LEAVES[:size]))


def checkpoint() -> bytes:
    tree = head(len(LINES))
    note = sign_checkpoint(Checkpoint(LOG.name, tree.size, tree.root), [LOG])
    return note.cosigned_by(WITNESS, at=SEEN).encode()


def proven(*places: int) -> tuple[ProvenEntry, ...]:
    size = len(LINES)
    return tuple(
        ProvenEntry(n, LINES[n], inclusion_proof(hash_at, index=n, size=size)) for n in places
    )


def disclosed(**more: Any) -> DisclosedNote:
    return DisclosedNote(
        envelope=POSTED,
        key=bytes.fromhex(TOLD["entropy"])[:32],
        accounts=tuple(tuple(CHAINS[name].statements) for name in ("anne", "bruno")),
        ledger=tuple(standing().entries),
        **more,
    )


def bundles() -> list[tuple[str, ProofBundle]]:
    vkey, signed = LOG.verifier.encode(), checkpoint()
    path = consistency_proof(hash_at, old_size=OLDER, new_size=len(LINES))
    older = OlderTree(head(OLDER), path)
    receipts = (read_by("bruno phone", "read"),)
    whole = disclosed(receipts=receipts, blobs={PICTURED.blob: BLOB})
    return [
        ("a selection", ProofBundle(vkey, signed, proven(2, 4, 7))),
        ("a stretch, and what it continues", ProofBundle(vkey, signed, proven(3, 4, 5, 6), older)),
        ("nothing but the tree", ProofBundle(vkey, signed, ())),
        ("a note, bare", ProofBundle(vkey, signed, (), note=disclosed())),
        ("a note and all there is", ProofBundle(vkey, signed, proven(4, 7), older, whole)),
    ]


def build() -> Json:
    tree = head(len(LINES))
    return {
        "description": "Proof bundles (docs/audit-log.md): what each is made of, and the file, byte for byte. The verifier takes every one.",
        "log": LOG.verifier.encode(),
        "witness": WITNESS.verifier.encode(),
        "older": f"{OLDER}:{head(OLDER).root.hex()}",
        "size": tree.size,
        "lines": [line.decode() for line in LINES],
        "good": [
            {"name": name, "parts": as_json(bundle), "file": bundle.encode().decode()}
            for name, bundle in bundles()
        ],
    }


def main(arguments: list[str]) -> int:
    path = HERE / "proof-bundle.json"
    text = json.dumps(build(), ensure_ascii=False, indent=1) + "\n"
    if "--check" not in arguments:
        path.write_text(text, encoding="utf-8")
        return 0
    return int(not path.exists() or path.read_text("utf-8") != text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

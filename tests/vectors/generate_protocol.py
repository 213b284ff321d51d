"""Write the vectors of docs/protocol.md, which hold Python and JavaScript to the same bytes.

    python tests/vectors/generate_protocol.py [--check]

All keys, nonces and times derive from labels, so that everything comes out the same, except what HPKE
seals: its randomness is its own, so each seal is made once, kept in hpke.json, and taken from there.
`--check` writes nothing and fails if a file would change. To seal anew, delete hpke.json.
"""

import json
import sys
from pathlib import Path

import vector_account
import vector_content
import vector_safety
import vector_small
from vector_hpke import KeptSeals
from vector_people import Json

HERE = Path(__file__).parent


def build() -> dict[str, Json]:
    """Every file by its name."""
    kept = KeptSeals.load(HERE / "hpke.json")
    kept.install()
    import vector_emergency
    import vector_envelope
    import vector_escrow
    import vector_grant
    import vector_ledger

    files = {
        "cbor": vector_small.cbor_vectors(),
        "content": vector_content.build(),
        "epoch": vector_small.epoch_vectors(),
        "receipt": vector_small.receipt_vectors(),
        "login": vector_small.login_vectors(),
        "kit": vector_small.kit_vectors(),
        "join": vector_small.join_vectors(),
        "safety": vector_safety.safety_vectors(),
        "account": vector_account.build(),
        "ledger": vector_ledger.build(),
        "grant": vector_grant.grants(),
        "envelope": vector_envelope.envelopes(),
        "escrow": vector_escrow.build(),
        "emergency": vector_emergency.build(),
    }
    return {**files, "hpke": kept.vectors()}


def main(arguments: list[str]) -> int:
    stale = []
    for name, vectors in build().items():
        path = HERE / f"{name}.json"
        text = json.dumps(vectors, ensure_ascii=False, indent=1) + "\n"
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        print("would change:", ", ".join(stale), file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A relay and a witness that somebody else runs, as processes; the log is published once it is cosigned, and readers ask for that."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from patience import PATIENCE
from running_relay import RunningRelay
from witnesses import RunningWitness, made, policy_text

from relais.crypto.checkpoint import CheckpointError, Policy, verify_checkpoint
from relais.crypto.signed_note import SignerKey
from relais.crypto.trust_policy import parse_trust_policy

KEY = SignerKey("relais.local/log", Ed25519PrivateKey.from_private_bytes(b"\4" * 32))


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[RunningWitness]:
    with RunningWitness.made(tmp_path, "w", [KEY.verifier]) as running:
        yield running


@pytest.fixture
def policy(tmp_path: Path, witness: RunningWitness) -> Path:
    file = tmp_path / "policy"
    file.write_text(policy_text({"w": witness.vkey}, {"w": witness.url}, least=1))
    return file


@pytest.fixture
def relay(tmp_path: Path, policy: Path) -> Iterator[RunningRelay]:
    key = tmp_path / "log.pem"
    key.write_bytes(KEY.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    settings = {"log_key_file": str(key), "log_policy_file": str(policy)}
    running = RunningRelay(tmp_path / "relay", **settings).start()
    try:
        yield running
    finally:
        running.close()


def published(relay: RunningRelay) -> bytes:
    with urllib.request.urlopen(f"{relay.origin}/log/checkpoint", timeout=PATIENCE) as answer:
        note: bytes = answer.read()
    return note


def size_of(note: bytes) -> int:
    return int(note.decode().splitlines()[1])


def is_cosigned(note: bytes, trusted: Policy) -> bool:
    """Whether the witness has seen it: before, only what was there without one is shown."""
    try:
        verify_checkpoint(note, trusted)
    except CheckpointError:
        return False
    return size_of(note) > 0


def verify(folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "relais.client.cli", "audit", "verify", str(folder), "--json"]
    done = subprocess.run(
        [*command, *more], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, json.loads(done.stdout or done.stderr)


def test_the_log_is_published_as_the_witness_cosigned_it_and_verifies_by_policy_alone(
    relay: RunningRelay, witness: RunningWitness, policy: Path, tmp_path: Path
) -> None:
    trusted = parse_trust_policy(policy.read_bytes()).policy(KEY.verifier)
    relay.invite("professional")
    deadline = time.monotonic() + 60
    while not is_cosigned(note := published(relay), trusted):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert size_of(note) > 0
    relay.command("audit", "export", str(tmp_path / "export"))
    code, told = verify(
        tmp_path / "export", "--policy", str(policy), "--key", KEY.verifier.encode()
    )
    assert (code, [one["name"] for one in told["witnesses"]]) == (0, ["w.example"])
    assert told["key_from_export"] is False
    stricter = tmp_path / "stricter"
    _, other = made(tmp_path, "other")["other"]
    keys = {"w": witness.vkey, "other": other}
    stricter.write_text(policy_text(keys, dict.fromkeys(keys, "https://w"), least=2))
    code, refused = verify(tmp_path / "export", "--policy", str(stricter))
    assert (code, refused["error"]["reason"]) == (7, "too-few-witnesses")
    stricter.write_text("quorum nobody\n")
    assert verify(tmp_path / "export", "--policy", str(stricter))[0] == 7
    with urllib.request.urlopen(f"{relay.origin}/metrics", timeout=PATIENCE) as answer:
        assert 'relais_audit_witness_entries{witness="w.example"}' in answer.read().decode()

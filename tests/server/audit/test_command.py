"""``relais-server audit export`` beside a running server, and ``relais audit verify`` on what it wrote: two programs, one format."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE
from running_relay import RunningRelay

from verifier import FILE, run


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRelay]:
    running = RunningRelay(tmp_path_factory.mktemp("relay")).start()
    try:
        yield running
    finally:
        running.close()


def export(relay: RunningRelay, folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(relay.command("audit", "export", str(folder), "--json"))
    return told


def verify(folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of the member's command, which needs no account and no server."""
    command = [sys.executable, "-m", "relais.client.cli", "audit", "verify", str(folder), *more]
    done = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, json.loads(done.stdout or "{}")


def size_of(relay: RunningRelay) -> int:
    with urllib.request.urlopen(f"{relay.origin}/log/checkpoint", timeout=PATIENCE) as answer:
        return int(answer.read().decode().splitlines()[1])


def wait_for(relay: RunningRelay, size: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while size_of(relay) < size:
        assert time.monotonic() < deadline, f"the log has {size_of(relay)} entries, not {size}"
        time.sleep(0.05)


def test_an_export_beside_a_running_server_verifies_on_files_alone(
    relay: RunningRelay, tmp_path: Path
) -> None:
    before = size_of(relay)
    relay.invite("professional")
    wait_for(relay, before + 1)
    told = export(relay, tmp_path / "a")
    code, found = verify(tmp_path / "a")
    assert code == 0
    assert (found["verified"], found["size"]) == (True, told["size"])
    assert (found["root"], found["size"] > before) == (told["root"], True)
    wait_for(relay, told["size"] + 1)  # the export is an entry itself
    export(relay, tmp_path / "b")
    kept = f"{told['size']}:{told['root']}"
    code, grown = verify(tmp_path / "b", "--since", kept, "--key", found["key"])
    assert (code, grown["size"] > told["size"], grown["key_from_export"]) == (0, True, False)


def test_an_entry_taken_out_of_an_export_is_named(relay: RunningRelay, tmp_path: Path) -> None:
    wait_for(relay, 1)
    export(relay, tmp_path / "a")
    lines = (tmp_path / "a" / "entries.ndjson").read_bytes().splitlines(keepends=True)
    (tmp_path / "a" / "entries.ndjson").write_bytes(b"".join(lines[1:]))
    code, _ = verify(tmp_path / "a")
    assert code != 0
    (tmp_path / "a" / "entries.ndjson").write_bytes(b"".join(lines))
    assert verify(tmp_path / "a")[0] == 0


def test_entries_leave_the_console_as_a_bundle_with_the_program_that_checks_it(
    relay: RunningRelay, tmp_path: Path
) -> None:
    relay.invite("professional")
    wait_for(relay, 2)
    file = tmp_path / "proof.json"
    asked = ("audit", "export", str(file), "--format", "proof", "--action", "admin.invite")
    told = json.loads(relay.command(*asked, "--from-size", "1", "--json"))
    assert told == {"file": str(file), "format": "proof"}
    with urllib.request.urlopen(f"{relay.origin}/log/vkey", timeout=PATIENCE) as answer:
        key = answer.read().decode().strip()
    with urllib.request.urlopen(f"{relay.origin}/log/relais_verify.py", timeout=PATIENCE) as answer:
        served = answer.read()
    outcome = run(file, "--key", key, "--json", program=tmp_path / "relais_verify.py")
    assert (outcome.code, outcome.claims["continues"][0]["size"]) == (0, 1)
    assert outcome.claims["entries"][0]["count"] >= 1
    assert served == FILE.read_bytes() == (tmp_path / "relais_verify.py").read_bytes()


def test_entries_leave_the_console_as_lines_and_overwrite_nothing(
    relay: RunningRelay, tmp_path: Path
) -> None:
    wait_for(relay, 1)
    asked = ("audit", "export", str(tmp_path / "entries"), "--format", "fhir-ans")
    relay.command(*asked)
    written = (tmp_path / "entries").read_bytes()
    assert json.loads(written.splitlines()[0])["resourceType"] == "AuditEvent"
    with pytest.raises(AssertionError, match="File exists"):
        relay.command(*asked)
    assert (tmp_path / "entries").read_bytes() == written


def test_what_was_recorded_before_a_kill_has_its_place_after_the_restart(
    relay: RunningRelay, tmp_path: Path
) -> None:
    before = size_of(relay)
    relay.invite("professional")
    relay.kill()
    relay.start()
    wait_for(relay, before + 1)
    export(relay, tmp_path / "a")
    assert verify(tmp_path / "a")[0] == 0

"""``python -m bench.audit_verify [--entries N] [--lag SECONDS]``: a log of N entries on the disk, checked by the member's command in a
process of its own; and how long entries wait for their place in the tree at 1,000 a second.

    verify    entries a second, and the process's largest resident memory: which must not grow with N
    lag       from the moment an entry is durable to the moment a signed tree head covers it, over an embedded database; and how long
              posts beside them wait until they are durable
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry
from tqdm import tqdm

from bench import machine
from relais.crypto.audit_entry import AuditEntry
from relais.crypto.checkpoint import Checkpoint, sign_checkpoint
from relais.crypto.merkle import leaf_hash
from relais.crypto.signed_note import SignerKey
from relais.crypto.tiles import TILE_WIDTH, HashTile, TileEdge
from relais.models.ids import uuid7
from relais.models.store.database import Database, open_database
from relais.models.store.embedded import EmbeddedDatabase
from relais.models.store.journal import GroupWriter
from relais.models.store.migrations import migrate
from relais.models.store.numbering import Numbering
from relais.server.audit.leader import Leader, Pace
from relais.server.audit.parts import LogGauges, LogStores
from relais.server.audit.record import rfc3339

KEY = SignerKey("bench.example/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
START = 1_772_000_000_000
A_SECOND = 1_000
AT_ONCE = 100
POSTS = 1 << 30
POST_SECONDS = 0.05


def entry(number: int) -> AuditEntry:
    """As a note that is read leaves one."""
    at = START + number * 10
    return AuditEntry(
        id=uuid7(at),
        at=rfc3339(at),
        action="circle.sync",
        outcome="ok",
        account=f"{number % 5_000:064x}",
        device=f"{number % 9_000:032x}",
        role="professional",
        organisation="Centre de santé",
        purpose="TREAT",
        circle=f"{number % 2_000:064x}",
        source="192.0.2.7",
        request=f"{number:016x}",
        subject={"count": 3, "seq_from": number, "seq_to": number + 2},
    )


def write_log(folder: Path, entries: int) -> int:
    """An export directory of a log of that many entries; answers its bytes."""
    edge = TileEdge()
    with (folder / "entries.ndjson").open("wb") as file:
        for start in tqdm(range(0, entries, TILE_WIDTH), desc="writing", unit=" tiles"):
            lines = [entry(n).encode() for n in range(start, min(entries, start + TILE_WIDTH))]
            file.writelines(line + b"\n" for line in lines)
            edge, filled = edge.append([leaf_hash(line) for line in lines])
            _write_tiles(folder, filled)
    _write_tiles(folder, edge.unfilled())
    head = edge.head()
    note = sign_checkpoint(Checkpoint(KEY.name, head.size, head.root), [KEY])
    (folder / "log.vkey").write_text(f"{KEY.verifier.encode()}\n")
    (folder / "checkpoint").write_bytes(note.encode())
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _write_tiles(folder: Path, parts: Iterator[HashTile] | tuple[HashTile, ...]) -> None:
    for part in parts:
        path = folder / part.tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(part.encode())


def verify(entries: int) -> dict[str, Any]:
    """The member's command on such a log, as a process: time, and its largest resident memory."""
    with tempfile.TemporaryDirectory(prefix="relais-log-") as name:
        size = write_log(Path(name), entries)
        command = [sys.executable, "-m", "relais.client.cli", "audit", "verify", name, "--json"]
        began = time.monotonic()
        process = subprocess.Popen(
            [*command, "--key", KEY.verifier.encode()], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        told = json.loads(process.stdout.read())
        _, status, used = os.wait4(process.pid, 0)
        took = time.monotonic() - began
    assert (status, told["size"]) == (0, entries)
    return {
        "entries": entries,
        "log_mib": round(size / 2**20),
        "seconds": round(took, 1),
        "entries_per_second": round(entries / took),
        "cpu_seconds_per_million": round((used.ru_utime + used.ru_stime) * 1e6 / entries, 1),
        "peak_mib": round(used.ru_maxrss / 1024),
    }


async def lag(seconds: int) -> dict[str, Any]:
    """1,000 entries a second become durable, a hundred at a time, beside a leader at its usual pace, and 20 posts a second."""
    waits: list[float] = []
    posts: list[float] = []
    with tempfile.TemporaryDirectory(prefix="relais-log-") as name:
        folder = Path(name)
        async with (
            EmbeddedDatabase(folder, name="bench") as embedded,
            await open_database(embedded.uri, name="bench") as database,
        ):
            await migrate(database)
            stores = LogStores.of(database)
            leader = Leader(stores, KEY, LogGauges(CollectorRegistry()), Pace(alone=True))
            await leader.prepare()
            task = asyncio.create_task(leader.run())
            pending = database.collection("audit_pending")
            watch = asyncio.create_task(_watch(stores, seconds * A_SECOND, waits, arrivals := []))
            posting = asyncio.create_task(_post(database, posts))
            began, number = time.monotonic(), 0
            while number < seconds * A_SECOND:
                made = [_pending(n) for n in range(number, number + AT_ONCE)]
                await pending.insert_many(made)
                number += AT_ONCE
                arrivals.append((number, time.monotonic()))
                await asyncio.sleep(max(0, began + number / A_SECOND - time.monotonic()))
            took = time.monotonic() - began
            await watch
            for ended in (posting, task):
                ended.cancel()
            await asyncio.wait([posting, task])
    return {
        "entries": seconds * A_SECOND,
        "entries_per_second": round(seconds * A_SECOND / took),
        **_spread(waits),
        "posts": _spread(posts),
    }


async def _post(database: Database, took: list[float]) -> None:
    """Store a circle's entry with its audit entry, as a post does, until cancelled."""
    numbering = Numbering("entries", "circle", "bench")
    async with GroupWriter(database) as writer:
        while True:
            number, began = POSTS + len(took), time.monotonic()
            await writer.append_next(numbering, partial(_posted, number))
            took.append(time.monotonic() - began)
            await asyncio.sleep(max(0, began + POST_SECONDS - time.monotonic()))


def _posted(number: int, seq: int) -> list[tuple[str, dict[str, Any]]]:
    stored = {"circle": "bench", "seq": seq, "entry": bytes(1_500)}
    return [("entries", stored), ("audit_pending", _pending(number))]


def _spread(seconds: list[float]) -> dict[str, int]:
    ordered = sorted(seconds)
    return {
        "median_ms": round(ordered[len(ordered) // 2] * 1_000),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1_000),
        "slowest_ms": round(ordered[-1] * 1_000),
    }


def _pending(number: int) -> dict[str, Any]:
    made = entry(number)
    return {"_id": made.id, "at": START + number * 10, "entry": made.encode()}


async def _watch(
    stores: LogStores, last: int, waits: list[float], arrivals: list[tuple[int, float]]
) -> None:
    """How long each hundred waited until the head covered it."""
    size = 0
    while size < last:
        await asyncio.sleep(0.01)
        size, now = (await stores.heads.pulse()).size, time.monotonic()
        while arrivals and arrivals[0][0] <= size:
            waits.append(now - arrivals.pop(0)[1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.audit_verify")
    parser.add_argument("--entries", type=int, action="append", help="repeatable (1,000,000)")
    parser.add_argument("--lag", type=int, default=20, help="seconds at 1,000 entries a second")
    parser.add_argument("--output", type=Path, default=ROOT / "bench/results/audit_verify.json")
    given = parser.parse_args()
    result: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": machine.describe(),
    }
    if given.lag:
        result["lag"] = asyncio.run(lag(given.lag))
        print(json.dumps(result["lag"]), flush=True)
    result["verify"] = []
    for entries in given.entries or [1_000_000]:
        result["verify"].append(verify(entries))
        print(json.dumps(result["verify"][-1]), flush=True)
    given.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

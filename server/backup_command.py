"""``relais-server backup`` and ``restore``: everything the database holds, as one file."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from relais.models.store.backup import Manifest, Progress, restore_backup, write_backup
from relais.models.store.database import Database
from relais.models.store.migrations import migrate
from relais.server.audit.record import Act, Recorder, entry_of, rfc3339
from relais.server.callers import CONSOLE
from relais.server.clock import now_ms
from relais.server.config import Settings
from relais.server.keys import log_key_place


def declare(parser: argparse.ArgumentParser, help: str) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help=help)
    parser.add_argument("--json", action="store_true", help='print {"file": …, "documents": …}')


async def write(
    database: Database, recorder: Recorder, settings: Settings, asked: argparse.Namespace
) -> None:
    """Beside a running server or without one. The log has it before anything is read, so the backup has it too."""
    now = now_ms()
    await recorder.record(CONSOLE, Act("backup.write"))
    with _shown("backing up") as progress:
        manifest = await write_backup(database, asked.file, at=now, progress=progress)
    _tell(asked, manifest, f"{manifest.documents} documents are in {asked.file}.", settings)


async def restore(database: Database, settings: Settings, asked: argparse.Namespace) -> None:
    """Into an empty database, which is migrated then to what this release needs."""
    entry = entry_of(CONSOLE, Act("backup.restore"))
    with _shown("restoring") as progress:
        manifest = await restore_backup(database, asked.file, audit=entry, progress=progress)
    await migrate(database)
    taken = rfc3339(manifest.at)
    _tell(asked, manifest, f"{manifest.documents} documents are back, as of {taken}.", settings)


def _tell(asked: argparse.Namespace, manifest: Manifest, sentence: str, settings: Settings) -> None:
    facts = {"file": str(asked.file), "documents": manifest.documents, "at": rfc3339(manifest.at)}
    key = f"The log goes on under the key that signed it, which is not in the backup: {log_key_place(settings)}"
    print(json.dumps(facts) if asked.json else f"{sentence}\n{key}")


@contextmanager
def _shown(word: str) -> Iterator[Progress]:
    """A progress bar, where somebody looks."""
    with tqdm(desc=word, unit=" documents", disable=None, leave=False) as meter:

        def progress(done: int, total: int | None) -> None:
            meter.total = total
            meter.update(done - meter.n)

        yield progress

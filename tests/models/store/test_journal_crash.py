"""The group writer when the database is killed in the middle: no false acknowledgement, no half unit, no gap."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from patience import PATIENCE

from relais.models.store import database as database_module
from relais.models.store.database import Database, Document, Limits, Session, open_database
from relais.models.store.declared import CollectionSchema, index
from relais.models.store.embedded import EmbeddedDatabase
from relais.models.store.errors import DuplicateKey, Unavailable
from relais.models.store.journal import GroupWriter
from relais.models.store.numbering import Numbering
from relais.models.store.schema import apply_schema

pytestmark = pytest.mark.crash

KILLS = 6
CIRCLES = 12
SHEETS = CollectionSchema(
    "sheets", indexes=(index("circle", "seq", unique=True), index("sheet", unique=True))
)


class Poster:
    """Posts sheets one after the other into a circle, each again and again until it is acknowledged or known."""

    def __init__(self, writer: GroupWriter, circle: str) -> None:
        self._writer, self._circle = writer, circle
        self.acknowledged: dict[str, int] = {}
        self.known: list[tuple[str, ...]] = []

    async def run(self, stop: asyncio.Event) -> None:
        number = 0
        while not stop.is_set():
            await self._post(f"{self._circle}-{number}")
            number += 1

    async def _post(self, name: str) -> None:
        def build(seq: int) -> Sequence[tuple[str, Document]]:
            sheet = {"circle": self._circle, "seq": seq, "sheet": name, "body": os.urandom(1500)}
            return [("lines", {"sheet": name}), ("sheets", sheet)]

        while True:
            try:
                self.acknowledged[name] = await self._writer.append_next(
                    Numbering("sheets", "circle", self._circle), build
                )
                return
            except Unavailable:
                continue
            except DuplicateKey as known:  # stored, and its acknowledgement lost with the database
                self.known.append(known.pattern)
                return


async def kill_and_wait(running: EmbeddedDatabase, posters: list[Poster], kills: int) -> None:
    """Kill the database while it stores; wait until units are acknowledged again."""
    before = sum(len(poster.acknowledged) for poster in posters)
    os.kill(running.pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        while running.restarts < kills or acknowledged(posters) < before + 50:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def acknowledged(posters: list[Poster]) -> int:
    return sum(len(poster.acknowledged) for poster in posters)


async def test_killing_the_database_under_load_loses_doubles_and_halves_nothing(
    tmp_path: Path,
) -> None:
    async with (
        EmbeddedDatabase(tmp_path) as running,
        await open_database(running.uri, limits=Limits(find_server_seconds=3)) as database,
    ):
        await apply_schema(database, [SHEETS])
        posters = await load_and_kill(running, database)
        await check(database, posters)


async def load_and_kill(running: EmbeddedDatabase, database: Database) -> list[Poster]:
    stop = asyncio.Event()
    async with GroupWriter(database) as writer, asyncio.TaskGroup() as group:
        posters = [Poster(writer, f"c{n}") for n in range(CIRCLES)]
        for poster in posters:
            group.create_task(poster.run(stop))
        for kills in range(1, KILLS + 1):
            await kill_and_wait(running, posters, kills)
        stop.set()
    assert running.restarts == KILLS
    return posters


def sheet(seq: int) -> Sequence[tuple[str, Document]]:
    return [("lines", {"sheet": "s"}), ("sheets", {"circle": "a", "seq": seq, "sheet": "s"})]


@pytest.mark.parametrize("arrived", [False, True])
async def test_a_commit_whose_answer_was_lost_is_unavailable_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    """The database dies just before a commit, or after it and before its answer: the caller cannot know which."""
    commit = database_module._commit

    async def kill_at_commit(session: Session) -> None:
        monkeypatch.undo()
        if arrived:
            await commit(session)
        os.kill(running.pid, signal.SIGKILL)
        await commit(session)
        raise Unavailable("the answer was lost")

    numbering = Numbering("sheets", "circle", "a")
    limits = Limits(find_server_seconds=PATIENCE)  # it has to start again meanwhile
    async with (
        EmbeddedDatabase(tmp_path) as running,
        await open_database(running.uri, limits=limits) as database,
    ):
        await apply_schema(database, [SHEETS])
        async with GroupWriter(database) as writer:
            monkeypatch.setattr(database_module, "_commit", kill_at_commit)
            with pytest.raises(Unavailable):
                await writer.append_next(numbering, sheet)
            assert running.restarts <= 1
            if arrived:
                with pytest.raises(DuplicateKey) as known:
                    await writer.append_next(numbering, sheet)
                assert known.value.pattern == ("sheet",)
            else:
                assert await writer.append_next(numbering, sheet) == 1
        assert len(await database.collection("sheets").find({})) == 1
        assert len(await database.collection("lines").find({})) == 1


async def check(database: Database, posters: list[Poster]) -> None:
    sheets = await database.collection("sheets").find({}, fields=["circle", "seq", "sheet"])
    stored = {d["sheet"]: d["seq"] for d in sheets}
    assert {pattern for poster in posters for pattern in poster.known} <= {("sheet",)}
    for poster in posters:
        assert poster.acknowledged.items() <= stored.items()
    for circle, numbers in by_circle(sheets).items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), circle
    lines = Counter(d["sheet"] for d in await database.collection("lines").find({}))
    assert lines == Counter(stored.keys())


def by_circle(sheets: list[Document]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for sheet in sheets:
        numbers.setdefault(sheet["circle"], []).append(sheet["seq"])
    return numbers

"""Twenty times ``kill -9``, of the server and of its database, while members write: nothing acknowledged is lost or doubled."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from patience import PATIENCE
from people import ODETTE, Person, Town, enrol
from running_relay import RunningRelay

from relais.client import sealing
from relais.client.circle_state import CircleView
from relais.client.errors import ServerUnreachable
from relais.client.sdk import Client
from relais.crypto import envelope
from relais.crypto.audit_entry import decode_audit_entry
from relais.crypto.checkpoint import Policy, verify_checkpoint
from relais.crypto.content import Content
from relais.crypto.envelope import Draft
from relais.crypto.merkle import TreeHead, leaf_hash, root_of, verify_consistency
from relais.crypto.signed_note import VerifierKey, parse_vkey
from relais.models.ids import CircleId, uuid7
from relais.models.refusal import Code, Refusal
from relais.models.wire.audit import ProveConsistency
from relais.models.wire.note import PostNote

KILLS = 20
CIRCLES, WRITERS = 2, 4
LEAST, MOST = 5, 30
"""How many notes are acknowledged between two kills: by chance, so that they fall anywhere in a write."""
PAUSE = 0.2


@dataclass(frozen=True)
class Acknowledged:
    """What the relay said it keeps."""

    circle: CircleId
    seq: int
    note: str
    digest: str


@dataclass
class Record:
    """Every acknowledgement, in the order it came; who waits for more is woken."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    retries: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def add(self, one: Acknowledged) -> None:
        async with self.changed:
            self.acknowledged.append(one)
            self.changed.notify_all()

    async def more(self, count: int) -> None:
        goal = len(self.acknowledged) + count
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: len(self.acknowledged) >= goal)


class Writer:
    """A member who writes one note after the other, each until it is acknowledged."""

    def __init__(self, client: Client, view: CircleView, record: Record) -> None:
        self._client = client
        self._view = view
        self._record = record

    async def write(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            data = self._sealed()
            seq = await self._deliver(data)
            read = envelope.peek(data)
            one = Acknowledged(self._view.circle, seq, read.header.note, read.digest)
            await self._record.add(one)

    def _sealed(self) -> bytes:
        session = self._client.session
        now = session.clock.now()
        draft = Draft(
            circle=self._view.circle,
            note=uuid7(now),
            version=1,
            replaces=None,
            kind="post",
            account=self._client.account,
            at=now,
            ledger_seq=self._view.state.seq,
            ledger_head=self._view.state.head,
        )
        content = Content("OBS", "sous les coups" * 20)
        return sealing.seal(session.identity, self._view, draft, content, ("team",))

    async def _deliver(self, data: bytes) -> int:
        """The same envelope until it is answered. Only a relay that is away, or unsure, is asked again."""
        while True:
            try:
                answer = await self._client.session.call(PostNote(data))
            except ServerUnreachable:
                self._record.retries += 1
            except Refusal as refusal:
                if refusal.code is not Code.UNAVAILABLE:
                    raise
                self._record.retries += 1
            else:
                seq: int = answer.seq
                return seq
            await asyncio.sleep(PAUSE)


class Watch:
    """Keeps the newest checkpoint the relay published, and what it was at each kill."""

    def __init__(self, relay: RunningRelay, key: VerifierKey) -> None:
        self._relay = relay
        self._key = key
        self.newest = TreeHead(0, root_of([]))
        self.at_kills: list[TreeHead] = []

    async def see_growth(self) -> None:
        """Wait until the log is longer than it was at the kill before."""
        before = self.at_kills[-1].size if self.at_kills else 0
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http:
            while self.newest.size <= before:
                async with http.get(self._relay.origin + "/log/checkpoint") as answer:
                    data = await answer.read()
                await asyncio.sleep(0.05)  # an address may only ask so often
                self.newest = verify_checkpoint(data, Policy((self._key,))).head

    def mark(self) -> None:
        self.at_kills.append(self.newest)


@pytest.fixture
def own_relay(tmp_path: Path) -> Iterator[RunningRelay]:
    running = RunningRelay(tmp_path / "relay").start()
    try:
        yield running
    finally:
        running.close()


@dataclass(frozen=True)
class Stage:
    relay: RunningRelay
    writers: list[Writer]
    auditor: Client
    reader: Client
    circles: list[CircleId]
    record: Record


@pytest.fixture
async def stage(own_relay: RunningRelay, tmp_path: Path) -> AsyncIterator[Stage]:
    """Some circles, and some who write in each of them."""
    administrator = await enrol(tmp_path, own_relay.invite("administrator"), "Ada")
    async with Town(own_relay, tmp_path, administrator) as town, AsyncExitStack() as stack:
        reader = await stack.enter_async_context((await town.person("Nadia")).connected())
        auditor = await stack.enter_async_context(
            (await town.person("Audrey", "auditor")).connected()
        )
        people: list[Person] = [await town.person() for _ in range(WRITERS)]
        clients = [await stack.enter_async_context(person.connected()) for person in people]
        record, writers, circles = Record(), [], []
        for _ in range(CIRCLES):
            circle = await reader.create_circle(ODETTE)
            circles.append(circle.circle)
            for client in clients:
                await circle.add(client.account)
            for client in clients:
                view = (await client.circle(circle.circle)).view
                writers.append(Writer(client, view, record))
        yield Stage(own_relay, writers, auditor, reader, circles, record)


async def killed_again_and_again(stage: Stage, watch: Watch) -> None:
    """Kill twenty times, always under load, and wait each time until notes are acknowledged again."""
    relay, chance = stage.relay, random.Random(KILLS)
    for number in range(KILLS):
        await stage.record.more(chance.randint(LEAST, MOST))
        await watch.see_growth()
        await stage.record.more(chance.randint(1, 5))
        watch.mark()
        if number % 2 and relay.is_embedded:
            await kill_database(relay)
        else:
            await asyncio.to_thread(relay.kill)
            await asyncio.to_thread(relay.start)


async def kill_database(relay: RunningRelay) -> None:
    """Kill the database's own process and wait for another in its place."""
    old = relay.database_pid()
    os.kill(old, signal.SIGKILL)
    await until(lambda: relay.database_pid() != old)


async def until(condition: Callable[[], bool]) -> None:
    """Look again and again, for a minute at most."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 (what is waited for is in another process)
            await asyncio.sleep(PAUSE)


@pytest.mark.crash
async def test_twenty_kills_lose_and_double_nothing_and_the_log_goes_on_where_it_was(
    stage: Stage, tmp_path: Path
) -> None:
    key = await published_key(stage.relay)
    watch, ended = Watch(stage.relay, key), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for writer in stage.writers:
            group.create_task(writer.write(ended))
        try:
            await killed_again_and_again(stage, watch)
        finally:
            ended.set()

    acknowledged = stage.record.acknowledged
    assert len(watch.at_kills) == KILLS
    assert stage.record.retries >= KILLS, "somebody was writing at each kill"
    for circle in stage.circles:
        await check_circle(stage.reader, circle, [a for a in acknowledged if a.circle == circle])
    await check_log(stage, watch, tmp_path / "export", key)


async def published_key(relay: RunningRelay) -> VerifierKey:
    async with aiohttp.ClientSession() as http, http.get(relay.origin + "/log/vkey") as answer:
        return parse_vkey((await answer.text()).strip())


async def check_circle(reader: Client, circle: CircleId, told: list[Acknowledged]) -> None:
    """Exactly what was acknowledged is there, each once, where it was said to be, readable, without a gap."""
    notes = [note async for note in (await reader.circle(circle)).notes()]
    assert [note.seq for note in notes] == list(range(1, len(notes) + 1))
    assert len({note.note for note in notes}) == len(notes)
    kept = {(note.seq, note.note, note.digest) for note in notes}
    assert kept == {(one.seq, one.note, one.digest) for one in told}
    assert all(note.content is not None for note in notes)


async def check_log(stage: Stage, watch: Watch, folder: Path, key: VerifierKey) -> None:
    """Each checkpoint published before a kill is a beginning of the log, and each note is in it once."""
    await settled(stage.relay)
    await asyncio.to_thread(stage.relay.command, "audit", "export", str(folder))
    lines = (folder / "entries.ndjson").read_bytes().splitlines()
    for head in watch.at_kills:
        assert root_of([leaf_hash(line) for line in lines[: head.size]]) == head.root
        later = await stage.auditor.session.call(ProveConsistency(head.size))
        newest = verify_checkpoint(later.checkpoint, Policy((key,))).head
        verify_consistency(head, newest, later.path)
    entries = [decode_audit_entry(line) for line in lines]
    posted = Counter(
        (entry.circle, entry.subject["seq"], entry.subject["note"])
        for entry in entries
        if entry.action == "note.post" and entry.outcome == "ok"
    )
    told = {(one.circle, one.seq, one.note) for one in stage.record.acknowledged}
    assert posted == Counter(dict.fromkeys(told, 1))
    assert len({entry.id for entry in entries}) == len(entries)


async def settled(relay: RunningRelay) -> None:
    """Wait until every entry has its place in the tree."""
    with relay.database() as database:
        await until(lambda: database["audit_pending"].find_one() is None)

"""A tree head is shown once enough witnesses have cosigned it; the log itself waits for none of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from audit_store import AuditLog, check_export, pending
from patience import PATIENCE
from prometheus_client import CollectorRegistry
from sample_log import LOG_KEY
from witnesses import RunningWitness, TreeOf, add, made, policy_of, serving

from relais.crypto.checkpoint import Policy, SignedCheckpoint, verify_checkpoint
from relais.crypto.export_check import ExportError, verify_export
from relais.crypto.signed_note import VerifierKey
from relais.crypto.trust_policy import TrustPolicy, parse_trust_policy
from relais.server.audit.publish import Cadence, Publisher, WitnessGauges
from relais.server.config import SettingsError

FAST = Cadence(look=0.02, patience=5, grace=0.02)
PATIENT = Cadence(look=0.02, patience=600, grace=0.02)


@dataclass
class Leading:
    leads: bool = True


class Publishing:
    """A leading node's publisher, with a registry of its own."""

    def __init__(self, audit: AuditLog, trust: TrustPolicy | None, cadence: Cadence = FAST) -> None:
        self.audit = audit
        self.registry = CollectorRegistry()
        self.leading = Leading()
        self.publisher = Publisher(audit.stores, trust, audit.key, cadence=cadence)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Publishing"]:
        await self.publisher.prepare()
        gauges = WitnessGauges(self.registry)
        task = asyncio.create_task(self.publisher.run(self.leading, gauges))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def published(self) -> SignedCheckpoint:
        """As a reader sees it who asks for no witness."""
        keys = tuple(witness.key for witness in self.publisher.witnesses)
        head = await self.audit.stores.heads.published()
        return verify_checkpoint(head.checkpoint, Policy((LOG_KEY.verifier,), keys))

    async def names(self) -> set[str]:
        """Whose cosignatures the published checkpoint has."""
        signed = (await self.published()).signed
        return {one.key.name for one in signed if one.at is not None}

    async def shows(self, size: int, *names: str) -> bool:
        """Whether readers see a tree of this size, cosigned by these."""
        head = (await self.published()).head
        return head.size == size and await self.names() == set(names)

    def gauge(self, name: str, witness: str = "") -> float:
        labels = {"witness": witness} if witness else None
        value = self.registry.get_sample_value(f"relais_audit_{name}", labels)
        return -1 if value is None else value


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 (neither a database nor a witness has an event)
            await asyncio.sleep(0.01)


async def more(audit: AuditLog, first: int, number: int) -> int:
    """Put in and integrate; answers the size of the log."""
    await audit.put([pending(one) for one in range(first, first + number)])
    return (await audit.integrate()).size


@dataclass
class Stage:
    """Two witnesses to be, their keys, and what they do before they answer."""

    folder: Path
    keys: dict[str, tuple[Path, VerifierKey]]

    @asynccontextmanager
    async def witness(
        self, name: str, before: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncIterator[str]:
        async with serving(self.keys[name][0], LOG_KEY.verifier, before=before) as url:
            yield url

    def trust(self, urls: dict[str, str], *, least: int) -> TrustPolicy:
        return policy_of({name: self.keys[name][1] for name in urls}, urls, least=least)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, made(tmp_path, "w1", "w2"))


async def test_without_witnesses_a_head_is_published_as_it_is_signed(audit: AuditLog) -> None:
    await more(audit, 0, 3)
    async with Publishing(audit, None).running() as node:
        assert await node.shows(3)
        await more(audit, 3, 4)
        assert await node.shows(7)


async def test_a_head_is_published_with_the_cosignatures_of_all_who_answer(
    audit: AuditLog, stage: Stage
) -> None:
    await more(audit, 0, 300)
    async with stage.witness("w1") as one, stage.witness("w2") as two:
        trust = stage.trust({"w1": one, "w2": two}, least=2)
        async with Publishing(audit, trust).running() as node:
            await until(lambda: node.shows(300, "w1.example", "w2.example"))
            for first, size in ((300, 301), (301, 700)):
                await more(audit, first, size - first)
                await until(partial(node.shows, size, "w1.example", "w2.example"))
            await until_gauge(node, "published", 700)
            assert node.gauge("witness_entries", "w1.example") == 700
            assert node.gauge("unpublished_seconds") == 0


async def until_gauge(node: Publishing, name: str, value: float, witness: str = "") -> None:
    async def shown() -> bool:
        return node.gauge(name, witness) == value

    await until(shown)


async def test_below_the_quorum_the_older_head_stays_and_the_gauges_say_so(
    audit: AuditLog, stage: Stage
) -> None:
    await more(audit, 0, 5)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(stage.witness("w1"))
        gone = AsyncExitStack()
        two = await gone.enter_async_context(stage.witness("w2"))
        node = Publishing(audit, stage.trust({"w1": one, "w2": two}, least=2))
        await stack.enter_async_context(node.running())
        await until(lambda: node.shows(5, "w1.example", "w2.example"))
        await gone.aclose()
        await more(audit, 5, 4)
        await until_gauge(node, "witness_entries", 9, "w1.example")
        assert await node.shows(5, "w1.example", "w2.example")
        assert (await audit.stores.heads.read()).size == 9
        await until_gauge(node, "witness_entries", 5, "w2.example")
        assert node.gauge("unpublished_seconds") > 0


async def test_a_quorum_publishes_without_those_who_are_away_and_adds_them_when_they_come(
    audit: AuditLog, stage: Stage
) -> None:
    await more(audit, 0, 5)
    answers = asyncio.Event()

    async def in_time() -> None:
        await answers.wait()

    async with stage.witness("w1") as one, stage.witness("w2", in_time) as two:
        trust = stage.trust({"w1": one, "w2": two}, least=1)
        async with Publishing(audit, trust).running() as node:
            await until(lambda: node.shows(5, "w1.example"))
            await until_gauge(node, "witness_behind", 1, "w2.example")
            await more(audit, 5, 4)
            await until(lambda: node.shows(9, "w1.example"))
            answers.set()
            await until(lambda: node.shows(9, "w1.example", "w2.example"))
            await until_gauge(node, "witness_behind", 0, "w2.example")


async def test_a_slow_witness_delays_neither_the_log_nor_what_the_others_make_a_quorum_of(
    audit: AuditLog, stage: Stage
) -> None:
    never = asyncio.Event()

    async def hangs() -> None:
        await never.wait()

    await more(audit, 0, 5)
    async with stage.witness("w1") as one, stage.witness("w2", hangs) as two:
        trust = stage.trust({"w1": one, "w2": two}, least=1)
        async with Publishing(audit, trust, PATIENT).running() as node, asyncio.timeout(PATIENCE):
            for size in range(6, 16):
                await more(audit, size - 1, 1)
                await until(partial(node.shows, size, "w1.example"))
        never.set()


async def test_a_log_that_had_no_witnesses_shows_what_it_showed_until_they_have_cosigned(
    audit: AuditLog, stage: Stage
) -> None:
    await more(audit, 0, 5)
    trust = stage.trust({"w1": "http://127.0.0.1:1"}, least=1)
    async with Publishing(audit, trust).running() as node:
        await more(audit, 5, 5)
        assert await node.shows(5)
        await until_gauge(node, "published", 5)
    async with (
        stage.witness("w1") as url,
        Publishing(audit, stage.trust({"w1": url}, least=1)).running() as node,
    ):
        await until(lambda: node.shows(10, "w1.example"))
    async with Publishing(audit, None).running() as node:
        assert await node.shows(10)


async def test_a_node_that_does_not_lead_asks_nobody(audit: AuditLog, stage: Stage) -> None:
    asked: list[int] = []

    async def asks() -> None:
        asked.append(1)

    await more(audit, 0, 5)
    async with stage.witness("w1", asks) as url:
        node = Publishing(audit, stage.trust({"w1": url}, least=1))
        node.leading.leads = False
        async with node.running():
            await asyncio.sleep(10 * FAST.look)  # ten looks at the log
            assert asked == []
            node.leading.leads = True
            await until(lambda: node.shows(5, "w1.example"))


async def test_a_node_restarted_goes_on_from_what_the_witness_has_cosigned(
    audit: AuditLog, stage: Stage
) -> None:
    async with stage.witness("w1") as url:
        trust = stage.trust({"w1": url}, least=1)
        for first, size in ((0, 5), (5, 400)):
            await more(audit, first, size - first)
            async with Publishing(audit, trust).running() as node:
                await until(partial(node.shows, size, "w1.example"))


async def test_a_log_that_forked_or_went_back_finds_no_witness(
    audit: AuditLog, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """A database brought back from a copy, or changed past the program: the witness has seen more, or something else."""
    await more(audit, 0, 5)
    ahead = TreeOf(LOG_KEY)
    async with stage.witness("w1") as url:
        assert (await add(url, ahead.asks(0, 9)))[0] == 200
        node = Publishing(audit, stage.trust({"w1": url}, least=1))
        async with node.running():
            await until(lambda: _said(caplog, "cosigned 9 entries, and this log has 5"))
            await more(audit, 5, 20)
            await until(lambda: _said(caplog, "it answered 422"))
            assert await node.shows(5)
            assert await node.names() == set()


async def _said(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return words in caplog.text


@pytest.mark.crash
async def test_a_witness_process_killed_and_started_again_cosigns_on(
    audit: AuditLog, tmp_path: Path
) -> None:
    first = RunningWitness.made(tmp_path, "p", [LOG_KEY.verifier])
    await more(audit, 0, 5)
    with first:
        trust = policy_of({"p": first.vkey}, {"p": first.url}, least=1)
        async with Publishing(audit, trust).running() as node:
            await until(lambda: node.shows(5, "p.example"))
        first.kill()
    await more(audit, 5, 5)
    with first:
        trust = policy_of({"p": first.vkey}, {"p": first.url}, least=1)
        async with Publishing(audit, trust).running() as node:
            await until(lambda: node.shows(10, "p.example"))


async def test_an_export_is_of_the_published_head_and_its_policy_is_checked(
    audit: AuditLog, stage: Stage, tmp_path: Path
) -> None:
    await more(audit, 0, 300)
    async with stage.witness("w1") as url:
        trust = stage.trust({"w1": url}, least=1)
        async with Publishing(audit, trust).running() as node:
            await until(lambda: node.shows(300, "w1.example"))
    await more(audit, 300, 300)
    folder = tmp_path / "export"
    assert (await audit.export(folder)).size == 300
    assert check_export(folder, audit.key).signed.head.size == 300

    def read(path: str) -> list[bytes] | None:
        return [(folder / path).read_bytes()] if (folder / path).is_file() else None

    def quiet(done: int, size: int) -> None:
        return

    report = verify_export(read, trust.policy(audit.key.verifier), progress=quiet)
    assert len(report.signed.signed) == 2
    stricter = stage.trust({"w1": "http://a", "w2": "http://b"}, least=2).policy(audit.key.verifier)
    with pytest.raises(ExportError, match="too-few-witnesses"):
        verify_export(read, stricter, progress=quiet)


def test_a_policy_for_another_log_or_without_addresses_is_a_wrong_setting(
    audit: AuditLog, stage: Stage
) -> None:
    with pytest.raises(SettingsError, match="where each witness is reached"):
        Publisher(audit.stores, stage.trust({"w1": "ftp://w"}, least=1), audit.key)
    other = parse_trust_policy(
        b"log example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\nquorum none\n"
    )
    with pytest.raises(SettingsError, match="this one is not among them"):
        Publisher(audit.stores, other, audit.key)

"""One node leads, the others watch; whoever dies or stops is replaced, whoever was replaced finds out."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Self

import pytest
from audit_store import AuditLog, pending
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from patience import PATIENCE
from prometheus_client import CollectorRegistry
from sample_log import LOG_KEY, ORIGIN

from relais.crypto.signed_note import SignerKey
from relais.models.store.audit_log import Waiting
from relais.models.store.errors import Unavailable
from relais.server.audit import integrate, leader
from relais.server.audit.leader import Leader, Pace
from relais.server.audit.parts import LogGauges
from relais.server.config import SettingsError

FAST = Pace(look=0.02, beat=0.05, lease=0.6, retry=0.02)


class SteadyClock:
    """Stands where a module has `time`: goes on when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


class Node:
    """A leader to be, with a registry of its own."""

    def __init__(self, audit: AuditLog, pace: Pace = FAST) -> None:
        self.registry = CollectorRegistry()
        self.leader = Leader(audit.stores, audit.key, LogGauges(self.registry), pace)
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.leader.prepare()
        self.task = asyncio.create_task(self.leader.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])
        assert self.task.cancelled()

    def shows(self, name: str) -> float:
        value = self.registry.get_sample_value(name)
        assert value is not None
        return value

    @property
    def leads(self) -> bool:
        return self.shows("relais_audit_leads") == 1


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 (a database has no event to wait for)
            await asyncio.sleep(0.01)


async def has_size(audit: AuditLog, size: int) -> None:
    async def there() -> bool:
        return (await audit.stores.heads.pulse()).size == size

    await until(there)


async def leads(node: Node) -> None:
    async def there() -> bool:
        return node.leads

    await until(there)


async def test_an_entry_waits_for_a_look_of_the_leader_and_for_nothing_else(
    audit: AuditLog,
) -> None:
    async with Node(audit, Pace(beat=600, retry=600)) as node:
        await leads(node)
        for number in range(3):
            await audit.put([pending(number)])
            await has_size(audit, number + 1)
    assert Pace().look <= 0.2, "seconds, of the one an entry has"


async def test_one_of_three_leads_and_when_it_stops_another_does_at_once(audit: AuditLog) -> None:
    slow_to_claim = Pace(look=0.02, beat=0.05, lease=60)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(Node(audit, slow_to_claim))
        await leads(first)
        others = [await stack.enter_async_context(Node(audit, slow_to_claim)) for _ in range(2)]
        await audit.put([pending(1)])
        await has_size(audit, 1)
        assert [node.leads for node in others] == [False, False]
        await first.stop()

        async def replaced() -> bool:
            return sum(node.leads for node in others) == 1

        await until(replaced)
        await audit.put([pending(2)])
        await has_size(audit, 2)


async def test_a_leader_that_dies_is_replaced_after_its_lease_and_not_before(
    audit: AuditLog,
) -> None:
    await audit.integrator()  # begins a term and is never heard of again
    began = time.monotonic()
    await audit.put([pending(1)])
    async with Node(audit):
        await has_size(audit, 1)
    assert time.monotonic() - began >= FAST.lease


async def test_a_leader_that_shows_itself_keeps_its_term(
    audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SteadyClock()
    for room in (leader, integrate):
        monkeypatch.setattr(room, "time", clock)
    async with Node(audit) as first:
        await leads(first)
        begun = await audit.stores.heads.pulse()
        async with Node(audit) as second:
            for beat in range(1, int(2 * FAST.lease / FAST.beat)):
                clock.now += 1.1 * FAST.beat

                async def has_shown(beat: int = beat) -> bool:
                    return (await audit.stores.heads.pulse()).beat >= begun.beat + beat

                await until(has_shown)
            assert (first.leads, second.leads) == (True, False)
        assert (await audit.stores.heads.pulse()).term == begun.term


async def test_a_leader_whose_term_another_took_watches_from_then_on(audit: AuditLog) -> None:
    async with Node(audit) as node:
        await leads(node)
        usurper = await audit.integrator()
        await usurper.load()

        async def noticed() -> bool:
            return not node.leads

        await until(noticed)
        await audit.put([pending(1)])
        await has_size(audit, 1)  # the usurper is silent: the node claims a term again
        assert (await audit.stores.heads.pulse()).term > usurper.term


async def test_a_node_that_stops_integrates_what_waits_and_lays_its_term_down(
    audit: AuditLog,
) -> None:
    async with Node(audit, Pace(look=60, retire=PATIENCE)) as node:
        await leads(node)
        await audit.put([pending(number) for number in range(20)])
    pulse = await audit.stores.heads.pulse()
    assert (pulse.size, pulse.free) == (20, True)
    assert await audit.stores.pending.waiting() == Waiting(0, None)


async def test_a_database_that_does_not_answer_for_a_moment_ends_no_term(
    audit: AuditLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with Node(audit, replace(FAST, lease=60)) as node:
        await leads(node)
        term = (await audit.stores.heads.pulse()).term
        failed = asyncio.Event()
        add = audit.stores.entries.add

        async def fails(entries: object) -> None:
            failed.set()
            raise Unavailable("the database went away")

        monkeypatch.setattr(audit.stores.entries, "add", fails)
        await audit.put([pending(1)])
        await failed.wait()
        monkeypatch.setattr(audit.stores.entries, "add", add)
        await has_size(audit, 1)
        assert (await audit.stores.heads.pulse()).term == term
        assert "waits for the database" in caplog.text


async def test_a_log_signed_with_another_key_is_not_led_and_the_setting_is_named(
    audit: AuditLog,
) -> None:
    await Node(audit).leader.prepare()
    other_key = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x01"))
    other_name = SignerKey("log.example/other", LOG_KEY.private)
    for key, setting in ((other_key, "log_key_file"), (other_name, "log_name")):
        with pytest.raises(SettingsError) as refused:
            await Node(audit.with_key(key)).leader.prepare()
        assert refused.value.key == setting
    await Node(audit).leader.prepare()


def test_the_operator_sees_size_what_waits_and_for_how_long() -> None:
    gauges = LogGauges(registry := CollectorRegistry())
    gauges.show(7, Waiting(3, 1_000))
    assert registry.get_sample_value("relais_audit_entries") == 7
    assert registry.get_sample_value("relais_audit_pending") == 3
    assert (registry.get_sample_value("relais_audit_pending_seconds") or 0) > 1_000_000
    gauges.show(10, Waiting(0, None))
    assert registry.get_sample_value("relais_audit_pending_seconds") == 0


async def test_a_node_shows_them_as_the_log_grows(audit: AuditLog) -> None:
    async with Node(audit) as node:
        await audit.put([pending(1)])

        async def shown() -> bool:
            size, waiting = node.shows("relais_audit_entries"), node.shows("relais_audit_pending")
            return (size, waiting) == (1, 0)

        await until(shown)

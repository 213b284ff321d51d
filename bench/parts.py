"""What is measured. Every figure of the relay's posting stands beside the floor's of the same run."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import load, machine, process
from bench.people import MadeCircle, Member, draft_circle, enrol, seal_note
from bench.raw_socket import RawSocket
from relais.client.transport import Transport

_LOGINS = 200
_IDLE = 500
_PAGES = 400
_ENROL_AT_ONCE = 8


@dataclass(frozen=True)
class Setting:
    """A running relay with circles full of members, and how many notes each of them posts."""

    served: process.Served
    transport: Transport
    circles: tuple[MadeCircle, ...]
    notes: int


@asynccontextmanager
async def setting(folder: Path, circles: int, members: int, notes: int) -> AsyncIterator[Setting]:
    async with process.relay(folder) as served, Transport(served.origin) as transport:
        people = await _enrol_all(folder, transport, circles * members)
        made = [
            await _make_circle(transport, people[start : start + members])
            for start in range(0, len(people), members)
        ]
        yield Setting(served, transport, tuple(made), notes)


async def _enrol_all(folder: Path, transport: Transport, count: int) -> list[Member]:
    administrator = await enrol(
        transport, await process.invite(folder, "administrator"), "Operator"
    )
    token = await administrator.token(transport)
    socket = await RawSocket.open(transport.origin, token, lambda _frame: None)
    gate = asyncio.Semaphore(_ENROL_AT_ONCE)

    async def one(number: int) -> Member:
        async with gate:
            request = {
                "roles": ["professional"],
                "organisation": "bench",
                "days": 1,
                "resets": None,
            }
            invited = await socket.call("admin.invite", request)
            return await enrol(transport, invited["path"], f"Member {number}")

    people = await asyncio.gather(*(one(number) for number in range(count)))
    await socket.close()
    return list(people)


async def _make_circle(transport: Transport, members: Sequence[Member]) -> MadeCircle:
    create, add, made = draft_circle(tuple(members))
    token = await members[0].token(transport)
    socket = await RawSocket.open(transport.origin, token, lambda _frame: None)
    await socket.call("circle.create", create)
    await socket.call("circle.append", add)
    await socket.close()
    return made


async def notes(given: Setting) -> dict[str, Any]:
    """Acknowledged notes a second at saturation, and delivery at half that rate; relay and floor in turn."""
    async with process.floor() as floor:
        floor_rate = await _saturated(given, floor, floor_tokens=True)
        relay_rate = await _saturated(given, given.served, floor_tokens=False)
        half = relay_rate["notes_per_second"] / 2
        delays = await _paced(given, given.served, half, floor_tokens=False)
        # What is in these too is the machine's own noise, at that rate and in those minutes.
        delays["floor"] = await _paced(given, floor, half, floor_tokens=True)
    return {
        "envelope_bytes": len(seal_note(given.circles[0], given.circles[0].members[0])),
        "floor": floor_rate,
        "relay": relay_rate,
        "relay_to_floor": round(relay_rate["notes_per_second"] / floor_rate["notes_per_second"], 2),
        "at_half_load": delays,
    }


async def _saturated(
    given: Setting, served: process.Served, *, floor_tokens: bool
) -> dict[str, Any]:
    parties = await _parties(given, served, floor_tokens=floor_tokens)
    before, own = machine.usage(served.pid), time.process_time()
    measured = await load.saturate(parties)
    cpu, own = machine.usage(served.pid).cpu - before.cpu, time.process_time() - own
    await _leave(parties)
    return {
        "notes": measured.notes,
        "notes_per_second": round(measured.rate, 1),
        "cpu_seconds_per_1000_notes": round(1000 * cpu / measured.notes, 3),
        "load_cpu_seconds_per_1000_notes": round(1000 * own / measured.notes, 3),
        "delivered": measured.heard,
    }


async def _paced(
    given: Setting, served: process.Served, rate: float, *, floor_tokens: bool
) -> dict[str, Any]:
    parties = await _parties(given, served, floor_tokens=floor_tokens)
    measured = await load.pace(parties, rate)
    await _leave(parties)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    delays = {
        f"{name}_ms": round(1000 * measured.percentile(share), 1) for name, share in shares.items()
    }
    return {"notes_per_second": round(rate, 1), **delays, "deliveries_timed": len(measured.delays)}


async def _parties(
    given: Setting, served: process.Served, *, floor_tokens: bool
) -> list[load.Party]:
    parties = []
    for number, circle in enumerate(given.circles):
        tokens = [
            str(number) if floor_tokens else await member.token(given.transport)
            for member in circle.members
        ]
        sealed = [
            [seal_note(circle, member) for _ in range(given.notes)] for member in circle.members
        ]
        parties.append(await load.connect(served.origin, tokens, sealed))
    return parties


async def _leave(parties: Sequence[load.Party]) -> None:
    await asyncio.gather(*(socket.close() for party in parties for socket in party.sockets))


async def pages(given: Setting) -> dict[str, Any]:
    """The newest 50 notes of a circle, one request after another: how long each takes, and the processor time."""
    circle = given.circles[0]
    token = await circle.members[0].token(given.transport)
    socket = await RawSocket.open(given.served.origin, token, lambda _frame: None)
    request = {"circle": circle.state.circle, "before": 0, "limit": 50}
    got = len((await socket.call("circle.page", request))["notes"])
    before, started = machine.usage(given.served.pid), time.perf_counter()
    delays = []
    for _ in range(_PAGES):
        asked = time.perf_counter()
        await socket.call("circle.page", request)
        delays.append(time.perf_counter() - asked)
    seconds = time.perf_counter() - started
    cpu = machine.usage(given.served.pid).cpu - before.cpu
    await socket.close()
    return {
        "notes_on_a_page": got,
        "pages_per_second": round(_PAGES / seconds, 1),
        "median_ms": round(1000 * statistics.median(delays), 2),
        "cpu_ms_per_page": round(1000 * cpu / _PAGES, 2),
    }


async def logins(given: Setting) -> dict[str, Any]:
    """Two hundred members log in and connect at the same moment."""
    members = [member for circle in given.circles for member in circle.members]
    started = time.perf_counter()
    sockets = await asyncio.gather(
        *(_log_in(given, members[number % len(members)]) for number in range(_LOGINS))
    )
    seconds = time.perf_counter() - started
    await asyncio.gather(*(socket.close() for socket in sockets))
    return {
        "logins": _LOGINS,
        "seconds": round(seconds, 2),
        "per_second": round(_LOGINS / seconds, 1),
    }


async def _log_in(given: Setting, member: Member) -> RawSocket:
    token = await member.token(given.transport)
    return await RawSocket.open(given.served.origin, token, lambda _frame: None)


async def idle(given: Setting) -> dict[str, Any]:
    """Resident memory of the server's process (without the database) for each connection that says nothing."""
    token = await given.circles[0].members[0].token(given.transport)
    before = machine.own_usage(given.served.pid).resident
    sockets = [
        await RawSocket.open(given.served.origin, token, lambda _frame: None) for _ in range(_IDLE)
    ]
    after = machine.own_usage(given.served.pid).resident
    await asyncio.gather(*(socket.close() for socket in sockets))
    return {"connections": _IDLE, "kib_per_connection": round((after - before) / _IDLE / 1024, 1)}

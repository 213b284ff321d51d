"""The load: posts with a window per member, or at a fixed rate; deliveries counted, delays of a sample measured."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.raw_socket import RawSocket

_NOTE_FIELD = b"dnoteP"
"""How CBOR writes the header's key `note` and the head of its 16 bytes."""


@dataclass
class Ears:
    """What the members of one circle hear. `sent` holds when a note was sent, by its 16 bytes."""

    sent: dict[bytes, float] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    heard: int = 0
    wanted: int = 0
    all_heard: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self, _frame: bytes) -> None:
        self.heard += 1
        if self.heard == self.wanted:
            self.all_heard.set()

    async def until(self, count: int) -> None:
        """Wait for that many deliveries."""
        self.wanted = count
        if self.heard < count:
            await self.all_heard.wait()

    def measure(self, frame: bytes) -> None:
        self.count(frame)
        if (note := note_of(frame)) in self.sent:
            self.delays.append(time.perf_counter() - self.sent[note])


@dataclass(frozen=True)
class Party:
    """The connected members of one circle; the last one's deliveries are timed."""

    sockets: Sequence[RawSocket]
    ears: Ears
    envelopes: Sequence[Sequence[bytes]]
    """Per member, sealed beforehand: sealing is not the relay's work."""


def note_of(data: bytes) -> bytes:
    place = data.find(_NOTE_FIELD)
    return data[place + len(_NOTE_FIELD) : place + len(_NOTE_FIELD) + 16] if place >= 0 else b""


async def connect(
    origin: str,
    tokens: Sequence[str],
    envelopes: Sequence[Sequence[bytes]],
) -> Party:
    ears = Ears()
    hears = [*[ears.count] * (len(tokens) - 1), ears.measure]
    sockets = [
        await RawSocket.open(origin, token, hear) for token, hear in zip(tokens, hears, strict=True)
    ]
    return Party(sockets, ears, envelopes)


@dataclass(frozen=True)
class Measured:
    """`notes` acknowledged in `seconds`; `heard` of `notes` × members deliveries; delays in seconds, sorted."""

    notes: int
    seconds: float
    heard: int
    delays: tuple[float, ...]

    @property
    def rate(self) -> float:
        return self.notes / self.seconds

    def percentile(self, share: float) -> float:
        return (
            self.delays[min(len(self.delays) - 1, int(len(self.delays) * share))]
            if self.delays
            else 0.0
        )


async def saturate(parties: Sequence[Party]) -> Measured:
    """Every member posts its notes, one after another is acknowledged."""
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for party in parties:
            for socket, envelopes in zip(party.sockets, party.envelopes, strict=True):
                group.create_task(_post_all(party, socket, envelopes))
    return await _settle(parties, started)


async def pace(parties: Sequence[Party], rate: float) -> Measured:
    """Post at a fixed rate, whether or not what went before was acknowledged."""
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, (party, socket, note) in enumerate(_in_turn(parties)):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            group.create_task(_post(party, socket, note))
    return await _settle(parties, started)


def _in_turn(parties: Sequence[Party]) -> list[tuple[Party, RawSocket, bytes]]:
    rows = [
        [(party, socket, note) for note in envelopes]
        for party in parties
        for socket, envelopes in zip(party.sockets, party.envelopes, strict=True)
    ]
    return [one for turn in itertools.zip_longest(*rows) for one in turn if one is not None]


async def _post_all(party: Party, socket: RawSocket, envelopes: Sequence[bytes]) -> None:
    for note in envelopes:
        await _post(party, socket, note)


async def _post(party: Party, socket: RawSocket, note: bytes) -> None:
    party.ears.sent[note_of(note)] = time.perf_counter()
    await socket.call("note.post", {"envelope": note})


async def _settle(parties: Sequence[Party], started: float) -> Measured:
    seconds = time.perf_counter() - started
    notes = sum(len(row) for party in parties for row in party.envelopes)
    async with asyncio.timeout(30):
        await asyncio.gather(*(party.ears.until(_expected(party)) for party in parties))
    heard = sum(party.ears.heard for party in parties)
    delays = tuple(sorted(delay for party in parties for delay in party.ears.delays))
    return Measured(notes, seconds, heard, delays)


def _expected(party: Party) -> int:
    return sum(map(len, party.envelopes)) * len(party.sockets)

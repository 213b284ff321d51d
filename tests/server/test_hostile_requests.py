"""Whatever a member sends is answered with a named refusal, and stores nothing (properties)."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Self

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from members import Circle, House, Person, now

from relais.crypto import account
from relais.models.refusal import Code
from relais.models.wire import REQUESTS, codec
from relais.models.wire import account as account_wire
from relais.models.wire import circle as circle_wire
from relais.models.wire import note as wire
from relais.models.wire.auth import AskToken

EVENTS = [kind.EVENT for kind in list[Any](REQUESTS)]
CODES = {code.value for code in Code} - {"internal", "unavailable", "rate_limited"}
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=70)
    | st.binary(max_size=70)
    | st.sampled_from(["a" * 64, "b" * 32, "team", "01936b6e-0000-7000-8000-000000000000"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=12,
)
QUICK = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Scene:
    """A node in a loop of its own, and a nurse in a circle with one note."""

    def __init__(self, build: Any) -> None:
        self.runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.runner.run(self._start(build))

    async def _start(self, build: Any) -> None:
        limits = {"request_burst": 1_000_000, "requests_per_second": 1_000_000}
        self.house: House = await self._stack.enter_async_context(build(**limits))
        self.nurse: Person = await self.house.person("Nadia")
        self.circle: Circle = await self.nurse.open_circle()
        self.sealed = self.nurse.note(self.circle)
        await self.nurse.send(self.sealed)
        (self.sid,) = self.house.node.sockets._sessions

    def answer(self, data: Any) -> dict[str, Any]:
        return self.runner.run(self.house.node.sockets.answer(self.sid, data))

    def stored(self) -> tuple[int, int, int]:
        """The circle's last note, last entry, and the account's last statement."""

        async def look() -> tuple[int, int, int]:
            notes = await self.nurse.sync(self.circle)
            listed = await self.nurse.on.call(circle_wire.ListCircles(True))
            state = await self.house.node.base.accounts.state(self.nurse.id)
            assert state is not None
            seqs = [row.ledger_seq for row in listed.circles]
            return notes.last_seq, sum(seqs) + len(seqs), state.seq

        return self.runner.run(look())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self._stack.aclose())
        self.runner.close()


def valid_requests(scene: Scene) -> list[Any]:
    """One good request of every kind that carries something signed."""
    nurse, circle = scene.nurse, scene.circle
    _, create = nurse.new_circle()
    append, _ = nurse.planned(circle, nurse.rotations(circle))
    renamed = account.rename_device(nurse.state, nurse.keys, nurse.keys.id, label="desk", at=now())
    return [
        wire.PostNote(nurse.note(circle)),
        wire.PostReceipts(circle.id, (nurse.receipt(scene.sealed),)),
        create,
        append,
        circle_wire.GiveGrants(circle.id, append.grants),
        account_wire.AppendStatement(renamed),
        AskToken(b"\x84" + bytes(100)),
    ]


def test_any_event_with_any_arguments_is_answered_with_a_known_code(build: Any) -> None:
    with Scene(build) as scene:
        before = scene.stored()

        @QUICK
        @given(st.sampled_from(EVENTS) | st.text(max_size=20), st.lists(PLAIN, max_size=3))
        def anything(event: str, arguments: list[Any]) -> None:
            answer = scene.answer([event, *arguments])
            assert set(answer) in ({"ok"}, {"error"})
            if "error" in answer:
                assert answer["error"]["code"] in CODES

        anything()
        assert scene.stored() == before


def test_data_that_is_no_event_is_answered_too(build: Any) -> None:
    with Scene(build) as scene:

        @QUICK
        @given(PLAIN)
        def anything(data: Any) -> None:
            assert scene.answer(data)["error"]["code"] == "malformed"

        anything()


def test_a_request_with_an_unknown_field_is_refused(build: Any) -> None:
    with Scene(build) as scene:

        @QUICK
        @given(st.sampled_from(list[Any](REQUESTS)), st.dictionaries(st.text(max_size=9), PLAIN))
        def surplus(kind: Any, more: dict[str, Any]) -> None:
            answer = scene.answer([kind.EVENT, {**more, "surplus": 0}])
            assert answer["error"]["code"] == "malformed"
            assert "field" in answer["error"]

        surplus()


def test_a_signed_request_with_one_byte_changed_is_refused_and_stores_nothing(build: Any) -> None:
    with Scene(build) as scene:
        requests = [codec.encode(one) | {"": type(one).EVENT} for one in valid_requests(scene)]
        before = scene.stored()

        @QUICK
        @given(st.sampled_from(requests), st.integers(0, 2**20), st.integers(1, 255))
        def tampered(request: dict[str, Any], place: int, difference: int) -> None:
            event = request[""]
            sent = {name: value for name, value in request.items() if name}
            name, index = target(sent, place)
            original = sent[name] if index is None else sent[name][index]
            spoiled = flipped(original, place, difference)
            if index is None:
                sent[name] = spoiled
            else:
                sent[name] = [*sent[name][:index], spoiled, *sent[name][index + 1 :]]
            answer = scene.answer([event, sent])
            assert answer["error"]["code"] in CODES

        tampered()
        assert scene.stored() == before


def target(request: dict[str, Any], place: int) -> tuple[str, int | None]:
    """One of the byte strings in a request."""
    places: list[tuple[str, int | None]] = []
    for name, value in request.items():
        if isinstance(value, bytes):
            places.append((name, None))
        elif isinstance(value, list):
            places += [(name, index) for index in range(len(value))]
    return places[place % len(places)]


def flipped(data: bytes, place: int, difference: int) -> bytes:
    spoiled = bytearray(data)
    spoiled[place % len(spoiled)] ^= difference
    return bytes(spoiled)

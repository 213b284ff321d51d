"""A relay of one's own with people in every position towards one circle, and eyes on what the relay stores."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
import bson
import socketio
from patience import PATIENCE
from people import MARCEL, ODETTE, Person, Town, enrol
from running_relay import RunningRelay

from relais.client import enrolment
from relais.client.sdk import Circle, Client
from relais.crypto.audit_entry import AuditEntry, decode_audit_entry
from relais.models.refusal import Code
from relais.models.wire.codec import encode

T = TypeVar("T")
LOG = (
    "audit_pending",
    "audit_log",
    "audit_tiles",
    "audit_postings",
    "audit_heads",
    "audit_ledgers",
)
WATCH = ("audit_watch", "audit_people", "audit_hours", "audit_findings")
PASSING = (*LOG, *WATCH, "challenges")
"""What every request leaves behind, refused or not: entries of the log, what its rules made of them, used challenges."""


class RawSocket:
    """A member's socket without the member: sends whatever it is given."""

    def __init__(self) -> None:
        self.socket = socketio.AsyncClient(reconnection=False, serializer="msgpack")

    async def connect(self, origin: str, token: str) -> Self:
        await self.socket.connect(
            origin, auth={"token": token}, transports=["websocket"], wait_timeout=PATIENCE
        )
        return self

    async def ask(self, event: str, *arguments: Any) -> dict[str, Any]:
        """The acknowledgement as it came."""
        data = arguments[0] if len(arguments) == 1 else arguments
        answer: dict[str, Any] = await self.socket.call(event, data, timeout=PATIENCE)
        return answer

    async def frame(self, data: bytes | str) -> None:
        """One WebSocket frame, past every encoder."""
        socket = self.socket.eio.ws
        await (socket.send_bytes(data) if isinstance(data, bytes) else socket.send_str(data))

    async def close(self) -> None:
        await self.socket.shutdown()


class Captured(Exception):
    """Ends an action of the SDK at the request it was about to send."""

    def __init__(self, request: Any) -> None:
        super().__init__()
        self.request = request


async def would_send(client: Client, kind: type[T], action: Awaitable[Any]) -> T:
    """The request an action would send, good in every respect, and not sent."""
    real = client.session.call

    async def call(request: Any) -> Any:
        if isinstance(request, kind):
            raise Captured(request)
        return await real(request)

    client.session.call = call  # type: ignore[method-assign]
    try:
        await action
    except Captured as captured:
        request: T = captured.request
        return request
    finally:
        client.session.call = real  # type: ignore[method-assign]
    raise AssertionError(f"no {kind.__name__} was about to be sent")


@dataclass
class Told:
    """What the relay was heard to refuse: (action, code, device). `unheard`: what it may have refused in silence."""

    refusals: Counter[tuple[str, str, str | None]] = field(default_factory=Counter)
    unheard: set[tuple[str, str, str | None]] = field(default_factory=set)


class Scene:
    """Nadia leads Odette's circle, Denis is in it, Rémi was, Labo writes into it, Olga has one of her own."""

    def __init__(self, relay: RunningRelay, folder: Path) -> None:
        self.relay = relay
        self.people: dict[str, Person] = {}
        self.clients: dict[str, Client] = {}
        self.raw: dict[str, RawSocket] = {}
        self.told = Told()
        self._folder = folder
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._database = relay.database()

    def __enter__(self) -> Self:
        self.stored = self._database.__enter__()
        self.run(self._set())
        return self

    def __exit__(self, *raised: object) -> None:
        self.run(self._stack.aclose())
        self._runner.close()
        self._database.__exit__(None, None, None)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def would_send(self, who: str, kind: type[T], action: Awaitable[Any]) -> T:
        return self.run(would_send(self.clients[who], kind, action))

    def ask(self, who: str, request: Any) -> dict[str, Any]:
        """Send a good request as it is; its whole answer."""
        return self.send(who, request.EVENT, encode(request))

    def send(self, who: str, event: str, *arguments: Any) -> dict[str, Any]:
        """Send anything; the whole answer. A refusal is remembered for `seen_in_the_log`."""
        answer = self.run(self.raw[who].ask(event, *arguments))
        self._remember(event, answer, self.people[who].device)
        return answer

    def refused(self, who: str, event: str, *arguments: Any) -> dict[str, Any]:
        """Send something that must be refused by name; what the refusal says."""
        answer = self.send(who, event, *arguments)
        assert list(answer) == ["error"], f"{event} was not refused"
        error: dict[str, Any] = answer["error"]
        assert error["code"] in {code.value for code in Code} - {"internal"}, error
        return error

    def post(self, path: str, body: bytes) -> tuple[int, Any]:
        """POST anything over HTTP; status and JSON."""

        async def send() -> tuple[int, Any]:
            async with self.http.post(self.relay.origin + path, data=body) as answer:
                return answer.status, await answer.json()

        status, answer = self.run(send())
        self._remember(path.strip("/").replace("/", "."), answer, None)
        return status, answer

    def _remember(self, event: str, answer: Any, device: str | None) -> None:
        if isinstance(answer, dict) and "error" in answer:
            self.told.refusals[event, answer["error"]["code"], device] += 1

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Whatever is done inside stores nothing, every refusal is in the log, and all sockets still answer."""
        before, entries = self.snapshot(), {entry.id for entry in self.log()}
        self.told = Told()
        yield
        assert self.snapshot() == before, "something was stored"
        logged = Counter(
            (entry.action, entry.reason, entry.device)
            for entry in self.log()
            if entry.id not in entries and entry.outcome == "refused"
        )
        for one in self.told.unheard:
            assert logged.pop(one, 0), "it was refused in silence, and not logged"
        assert logged == self.told.refusals, "a refusal and its audit entry belong together"
        for who in self.raw:
            assert "ok" in self.send(who, "circle.list", {"closed": False})

    def snapshot(self) -> dict[str, tuple[int, str]]:
        """Every collection but those of `PASSING`: how many documents, and a hash over all of them."""
        found = {}
        for name in sorted(set(self.stored.list_collection_names()) - set(PASSING)):
            documents = sorted(bson.encode(_still(row)) for row in self.stored[name].find())
            found[name] = (len(documents), hashlib.sha256(b"".join(documents)).hexdigest())
        return found

    def log(self) -> list[AuditEntry]:
        """Every entry, in the tree or waiting for its place."""
        rows = [*self.stored["audit_pending"].find(), *self.stored["audit_log"].find()]
        found = {}
        for row in rows:
            entry = decode_audit_entry(bytes(row["entry"]))
            found[entry.id] = entry
        return list(found.values())

    async def _set(self) -> None:
        url = self.relay.invite("administrator")
        self.people["Ada"] = await enrol(self._folder, url, "Ada", "administrator")
        town = Town(self.relay, self._folder, self.people["Ada"])
        self.http = await self._stack.enter_async_context(aiohttp.ClientSession())
        for name, role in (
            ("Nadia", "professional"),
            ("Denis", "professional"),
            ("Rémi", "professional"),
            ("Olga", "professional"),
            ("Labo", "bot"),
            ("Audrey", "auditor"),
        ):
            self.people[name] = await town.person(name, role)
        for name, person in self.people.items():
            client = await self._stack.enter_async_context(person.connected())
            self.clients[name] = client
            raw = await RawSocket().connect(self.relay.origin, client.session.token)
            self._stack.push_async_callback(raw.close)
            self.raw[name] = raw
        await self._fill()

    async def _fill(self) -> None:
        nadia = self.clients["Nadia"]
        self.circle: Circle = await nadia.create_circle(ODETTE)
        for name in ("Denis", "Rémi"):
            await self.circle.add(self.clients[name].account)
        await self.circle.add(self.clients["Labo"].account, role="bot")
        self.first = await self.circle.post("une note ancienne")
        await self.circle.remove(self.clients["Rémi"].account)
        self.second = await self.circle.post("une note récente")
        self.theirs: Circle = await self.clients["Denis"].circle(self.circle.circle)
        self.elsewhere: Circle = await self.clients["Olga"].create_circle(MARCEL)
        await self.elsewhere.post("ailleurs")


async def kit_statement(client: Client) -> bytes:
    """The next statement of an account, that nobody has sent."""
    from relais.models.wire.account import AppendStatement

    request = await would_send(client, AppendStatement, enrolment.make_kit(client.session, "fr"))
    return request.statement


def _still(row: dict[str, Any]) -> dict[str, Any]:
    """A document without the moment somebody was last seen."""
    return {key: value for key, value in row.items() if key != "seen_at"}

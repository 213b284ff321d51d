"""Members with real keys at a real server's door, speaking the wire and nothing above it.

    nurse = await house.person("Nadia", "professional")
    circle = await nurse.open_circle()
    stored = await nurse.post(circle, "Bonjour")

They are not the SDK: a test sees every byte, and can send wrong ones.
"""

import asyncio
import json
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
import socketio

from relais.crypto import account, envelope, epoch, grant, ledger, login, receipt
from relais.crypto.account import AccountState, Profile
from relais.crypto.content import Content, Form
from relais.crypto.device import INTERACTIVE, DeviceKeys
from relais.crypto.envelope import Draft, Header, To
from relais.crypto.ledger import CircleState, Create, MemberAdd, MemberRemove, Operation
from relais.models import wire
from relais.models.ids import AccountId, uuid7
from relais.models.refusal import Code, Refusal
from relais.models.store.invitations import InvitationRow, InvitationStore
from relais.models.wire import account as account_wire
from relais.models.wire import auth, codec
from relais.models.wire import circle as circle_wire
from relais.models.wire import note as note_wire
from relais.server.accounts import make_invitation
from relais.server.app import Node
from relais.server.callers import Stranger

HEARD_WITHIN = 10.0
PATIENT = Form("relais/patient/1", {"name": "n", "sex": "U", "born": "1950-01-01", "place": "p"})


def now() -> int:
    return time.time_ns() // 1_000_000


def new_keys() -> DeviceKeys:
    return DeviceKeys.from_random(secrets.token_bytes(64))


class Connection:
    """One device's socket and HTTP, and what the server told it; `turned_away`: why it may not connect."""

    def __init__(self, origin: str, keys: DeviceKeys) -> None:
        self.origin = origin
        self.keys = keys
        self.token: auth.Token | None = None
        self.http = aiohttp.ClientSession()
        self.socket = socketio.AsyncClient(reconnection=False, serializer="msgpack")
        self.heard: list[Any] = []
        self.turned_away: Any = None
        self._changed = asyncio.Condition()
        for kind in list[Any](wire.EVENTS):
            self.socket.on(kind.EVENT, self._listener(kind))
        self.socket.on("disconnect", self._on_disconnect)
        self.socket.on("connect_error", self._on_connect_error)

    async def exchange(self, message: Any) -> Any:
        """POST one of `wire.EXCHANGES`. Raises `Refusal`."""
        body = codec.encode(message, json=True)
        async with self.http.post(self.origin + message.PATH, json=body) as response:
            answer = await response.json()
        if "error" in answer:
            raise Refusal.from_wire(answer["error"])
        return codec.decode(list[Any]([wire.EXCHANGES[type(message)]])[0], answer, json=True)

    async def login(self, *, origin: str | None = None) -> auth.Token:
        """Answer a challenge. Raises `Refusal`."""
        challenge = await self.exchange(auth.AskChallenge(self.keys.id))
        answered = login.answer(
            self.keys, challenge.challenge, origin=origin or self.origin, at=now()
        )
        self.token = await self.exchange(auth.AskToken(answered))
        return self.token

    async def connect(self, token: str | None = None) -> None:
        token = token or (self.token or await self.login()).token
        await self.socket.connect(self.origin, auth={"token": token}, transports=["websocket"])

    async def raw(self, *data: Any) -> dict[str, Any]:
        """Emit an event with these arguments and return the acknowledgement as it is."""
        event, *arguments = data
        answer: dict[str, Any] = await self.socket.call(
            event, tuple(arguments) if len(arguments) != 1 else arguments[0], timeout=HEARD_WITHIN
        )
        return answer

    async def call(self, message: Any) -> Any:
        """One request of `wire.REQUESTS`. Raises `Refusal`."""
        answer = await self.raw(message.EVENT, codec.encode(message))
        if "error" in answer:
            raise Refusal.from_wire(answer["error"])
        return codec.decode(list[Any]([wire.REQUESTS[type(message)]])[0], answer["ok"])

    async def hear(self, kind: type, where: Callable[[Any], bool] = lambda _: True) -> Any:
        """Wait for an event, or find it among those heard."""
        found: Any = None

        def there() -> bool:
            nonlocal found
            found = next((one for one in self.heard if isinstance(one, kind) and where(one)), None)
            return found is not None

        async with asyncio.timeout(HEARD_WITHIN), self._changed:
            await self._changed.wait_for(there)
        return found

    async def cut_off(self) -> None:
        """Wait until the server has ended this socket."""
        async with asyncio.timeout(HEARD_WITHIN), self._changed:
            await self._changed.wait_for(lambda: not self.socket.connected)

    async def close(self) -> None:
        await self.socket.disconnect()
        await self.socket.shutdown()
        await self.http.close()

    def _listener(self, kind: Any) -> Any:
        async def listen(data: Any) -> None:
            async with self._changed:
                self.heard.append(codec.decode(kind, data))
                self._changed.notify_all()

        return listen

    async def _on_connect_error(self, said: Any) -> None:
        self.turned_away = said

    async def _on_disconnect(self, *_: Any) -> None:
        async with self._changed:
            self._changed.notify_all()


@dataclass
class Circle:
    """A circle as its members know it: the ledger, and every epoch key."""

    state: CircleState
    keys: dict[tuple[str, int], bytes]
    profile: Header
    profile_digest: str

    @property
    def id(self) -> str:
        return self.state.circle

    def to(self, *audiences: str) -> list[To]:
        named = audiences or tuple(self.state.audiences)
        current = [(name, self.state.audiences[name].epoch) for name in named]
        return [To(name, number, key=self.keys[name, number]) for name, number in current]


@dataclass
class Person:
    """An account with one device, connected. Knows the accounts it was shown."""

    name: str
    state: AccountState
    on: Connection
    known: dict[AccountId, AccountState] = field(default_factory=dict)

    @property
    def id(self) -> AccountId:
        return self.state.account

    @property
    def keys(self) -> DeviceKeys:
        return self.on.keys

    def meet(self, *others: "Person") -> None:
        for other in (self, *others):
            self.known[other.id] = other.state

    async def append(self, statement: bytes) -> account_wire.StatementAppended:
        answer = await self.on.call(account_wire.AppendStatement(statement))
        self.state = account.apply(self.state, statement)
        self.known[self.id] = self.state
        return answer  # type: ignore[no-any-return]

    async def open_circle(self, *audiences: str) -> Circle:
        circle, ask = self.new_circle(*audiences)
        await self.on.call(ask)
        return circle

    def new_circle(self, *audiences: str) -> tuple[Circle, circle_wire.CreateCircle]:
        """A circle and what would create it."""
        self.meet()
        named = audiences or ("team",)
        at = now()
        lead = MemberAdd(self.id, self.state.head, "lead", named, at, None, 0)
        keys = {(name, 1): secrets.token_bytes(32) for name in named}
        opens = [epoch.open_operation(name, 1, keys[name, 1]) for name in named]
        operations = [Create(secrets.token_bytes(16)), lead, *opens]
        entry = self.entry(None, operations, at=at)
        state = ledger.apply(None, entry, self.state)
        circle = Circle(state, keys, *(None, None))  # type: ignore[arg-type]
        sealed = self.seal_profile(circle)
        grants = self.grants(circle, [*keys])
        return circle, circle_wire.CreateCircle(entry, tuple(grants), sealed)

    def entry(
        self, state: CircleState | None, operations: Sequence[Operation], *, at: int | None = None
    ) -> bytes:
        return ledger.write_entry(
            state,
            self.keys,
            account=self.id,
            account_head=self.state.head,
            operations=tuple(operations),
            at=max(at or now(), state.at if state else 0),
        )

    def adding(self, other: "Person", role: str = "professional", **more: Any) -> MemberAdd:
        """The operation that adds somebody; `since` must become the entry's time."""
        self.meet(other)
        audiences = more.pop("audiences", ("team",))
        fields = {"since": now(), "until": None, "history": 0, **more}
        return MemberAdd(other.id, other.state.head, role, audiences, **fields)

    async def add(
        self, circle: Circle, other: "Person", role: str = "professional", **more: Any
    ) -> None:
        """Add somebody with all history, and grant their devices every key."""
        at = max(now(), circle.state.at)
        operation = self.adding(other, role, since=at, **more)
        history = [key for key in circle.keys if key[0] in operation.audiences]
        to = [other] if role != "bot" else []
        await self.change(circle, [operation], at=at, also=history, to=to)

    async def remove(self, circle: Circle, other: "Person") -> None:
        await self.change(circle, [MemberRemove(other.id), *self.rotations(circle)])

    def rotations(self, circle: Circle, *audiences: str) -> list[Operation]:
        """Open the next epoch of each audience, with new keys."""
        operations: list[Operation] = []
        for name in audiences or tuple(circle.state.audiences):
            number = circle.state.audiences[name].epoch + 1
            circle.keys[name, number] = secrets.token_bytes(32)
            operations.append(epoch.open_operation(name, number, circle.keys[name, number]))
        return operations

    async def change(
        self,
        circle: Circle,
        operations: Sequence[Operation],
        *,
        at: int | None = None,
        also: Sequence[tuple[str, int]] = (),
        to: Sequence["Person"] = (),
    ) -> circle_wire.EntryAppended:
        ask, after = self.planned(circle, operations, at=at, also=also, to=to)
        answer = await self.on.call(ask)
        circle.state = after
        return answer  # type: ignore[no-any-return]

    def planned(
        self,
        circle: Circle,
        operations: Sequence[Operation],
        *,
        at: int | None = None,
        also: Sequence[tuple[str, int]] = (),
        to: Sequence["Person"] = (),
    ) -> tuple[circle_wire.AppendEntry, CircleState]:
        """An entry with the grants and the profile it owes; `also`: further keys for `to`."""
        entry = self.entry(circle.state, operations, at=at)
        after = ledger.apply(circle.state, entry, self.state)
        opened = [(o.audience, o.epoch) for o in operations if isinstance(o, ledger.EpochOpen)]
        changed = replace(circle, state=after)
        grants = self.grants(changed, opened) if opened else []
        grants += self.grants(changed, also, only={person.id for person in to}) if also else []
        profile = self.seal_profile(changed) if opened else None
        circle.profile, circle.profile_digest = changed.profile, changed.profile_digest
        return circle_wire.AppendEntry(circle.id, entry, tuple(grants), profile), after

    def grants(
        self, circle: Circle, keys: Iterable[tuple[str, int]], *, only: set[str] | None = None
    ) -> list[bytes]:
        """A grant of these keys for every device that is entitled to them."""
        wanted, sealed = set(keys), defaultdict(list)
        at = max(now(), circle.state.at)
        for owner, device, audience, number in ledger.entitled(circle.state, self.known, at):
            if (audience, number) in wanted and (only is None or owner in only):
                sealed[owner, device].append((audience, number, circle.keys[audience, number]))
        return [
            grant.seal(
                self.keys,
                self.known[owner].device(device),
                circle=circle.id,
                account=owner,
                granter=self.id,
                epochs=sorted(some),
                at=at,
            )
            for (owner, device), some in sealed.items()
        ]

    def seal_profile(self, circle: Circle) -> bytes:
        before = circle.profile
        draft = self.draft(
            circle,
            note=before.note if before else uuid7(now()),
            version=before.version + 1 if before else 1,
            replaces=circle.profile_digest if before else None,
            kind="profile",
        )
        sealed = self.seal(circle, draft, Content("PROFILE", "Mme D.", form=PATIENT))
        read = envelope.peek(sealed)
        circle.profile, circle.profile_digest = read.header, read.digest
        return sealed

    def draft(self, circle: Circle, **more: Any) -> Draft:
        said = {
            "circle": circle.id,
            "note": uuid7(now()),
            "version": 1,
            "replaces": None,
            "kind": "post",
            "account": self.id,
            "at": now(),
            "ledger_seq": circle.state.seq,
            "ledger_head": circle.state.head,
        }
        return Draft(**{**said, **more})

    def seal(
        self, circle: Circle, draft: Draft, content: Content, to: Sequence[To] | None = None
    ) -> bytes:
        entropy = secrets.token_bytes(envelope.ENTROPY_SIZE)
        return envelope.seal(self.keys, draft, content, to=to or circle.to(), entropy=entropy)

    def note(self, circle: Circle, text: str = "Bonjour", **more: Any) -> bytes:
        """A sealed note, not sent."""
        return self.seal(circle, self.draft(circle, **more), Content("GEN", text))

    def correction(self, circle: Circle, of: bytes, text: str = "Bonsoir", **more: Any) -> bytes:
        before = envelope.peek(of)
        header = before.header
        said = {"note": header.note, "version": header.version + 1, "replaces": before.digest}
        return self.note(circle, text, **{**said, "kind": "correction", **more})

    async def post(
        self, circle: Circle, text: str = "Bonjour", **more: Any
    ) -> note_wire.NoteStored:
        return await self.send(self.note(circle, text, **more))

    async def send(self, sealed: bytes) -> note_wire.NoteStored:
        return await self.on.call(note_wire.PostNote(sealed))  # type: ignore[no-any-return]

    async def sync(self, circle: Circle, after: int = 0, limit: int = 200) -> note_wire.Notes:
        ask = note_wire.SyncCircle(circle.id, after, limit)
        return await self.on.call(ask)  # type: ignore[no-any-return]

    def receipt(self, sealed: bytes, kind: str = "read", **more: Any) -> bytes:
        read = envelope.peek(sealed)
        said = {
            "circle": read.header.circle,
            "note": read.header.note,
            "kind": kind,
            "version": read.header.version,
            "envelope": read.digest,
            "account": self.id,
            "at": now(),
        }
        return receipt.write(self.keys, **{**said, **more})


class House:
    """A running node and the people at its door, who leave when the test ends."""

    def __init__(self, node: Node, stack: AsyncExitStack) -> None:
        self.node = node
        self._stack = stack

    async def invitation(self, *roles: str) -> str:
        """A one-time token, made as the operator makes them."""
        row = InvitationRow(roles or ("professional",), "", now() + 60_000)
        store = InvitationStore(self.node.base.stores.database)
        return await make_invitation(store, row, Stranger("console"))

    def door(self, keys: DeviceKeys | None = None) -> Connection:
        """A connection nobody has logged in on."""
        connection = Connection(self.node.origin, keys or new_keys())
        self._stack.push_async_callback(connection.close)
        return connection

    async def person(self, name: str, *roles: str, kind: str = INTERACTIVE) -> Person:
        """Enrol, log in and connect somebody."""
        connection = self.door()
        statement = statement_0(connection.keys, name, kind=kind)
        invitation = await self.invitation(*roles)
        await connection.exchange(auth.Enrol(invitation, statement))
        await connection.connect()
        return Person(name, account.apply(None, statement), connection)

    async def audit(self) -> list[dict[str, Any]]:
        """Every audit entry, whether it waits or has its place, in no order."""
        database = self.node.base.stores.database
        entries = {}
        for name in ("audit_pending", "audit_log"):
            for document in await database.collection(name).find({}):
                entry = json.loads(bytes(document["entry"]))
                entries[entry["id"]] = entry
        return list(entries.values())


def statement_0(keys: DeviceKeys, name: str, *, kind: str = INTERACTIVE) -> bytes:
    device = keys.device(kind, f"{name}'s")
    return account.create(keys, device, Profile(name, "nurse", "Beaune"), at=now())


async def refused(awaitable: Any, code: Code, reason: str | None = None) -> Refusal:
    """Await what must be refused with this code and reason; answers the refusal, for its facts."""
    with pytest.raises(Refusal) as caught:
        await awaitable
    assert (caught.value.code, caught.value.reason) == (code, reason)
    return caught.value

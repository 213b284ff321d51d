"""Members with real keys at a real server's door, speaking the wire and nothing above it.

    nurse = await house.person("Nadia", "professional")
    circle = await nurse.open_circle()
    stored = await nurse.post(circle, "Bonjour")

They are not the SDK: a test sees every byte, and can send wrong ones.
"""

import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from connection import Connection, new_keys, now

from relais.crypto import account, envelope, epoch, grant, ledger, receipt
from relais.crypto.account import AccountState, Profile
from relais.crypto.content import Content, Form
from relais.crypto.device import INTERACTIVE, DeviceKeys
from relais.crypto.envelope import Draft, Header, To
from relais.crypto.ledger import CircleState, Create, MemberAdd, MemberRemove, Operation
from relais.models.ids import AccountId, uuid7
from relais.models.refusal import Code, Refusal
from relais.models.store.invitations import InvitationRow, InvitationStore
from relais.models.wire import account as account_wire
from relais.models.wire import auth
from relais.models.wire import circle as circle_wire
from relais.models.wire import note as note_wire
from relais.server.accounts import make_invitation
from relais.server.app import Node
from relais.server.callers import Stranger

__all__ = [
    "PATIENT",
    "Circle",
    "Connection",
    "House",
    "Person",
    "new_keys",
    "now",
    "refused",
    "statement_0",
]
PATIENT = Form("relais/patient/1", {"name": "n", "sex": "U", "born": "1950-01-01", "place": "p"})


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

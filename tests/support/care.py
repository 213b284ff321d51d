"""People with devices, and circles they keep: the ground the tests of `crypto/` stand on.

Keys derive from names, so a failure shows the same bytes each time.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from relais.crypto import account, envelope, epoch, ledger
from relais.crypto.account import AccountState, Profile
from relais.crypto.content import Content
from relais.crypto.device import INTERACTIVE, DeviceKeys
from relais.crypto.envelope import Draft, To
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import CircleState, Create, EpochOpen, MemberAdd

NOW = 1_790_000_000_000
HOUR = 3600 * 1000
DAY = 24 * HOUR
NOTE = "0199612c-1c00-7000-8000-000000000001"


def random(label: str, size: int = 32) -> bytes:
    """Bytes that come out the same for the same label."""
    return hashlib.shake_256(label.encode()).digest(size)


def device_keys(label: str) -> DeviceKeys:
    return DeviceKeys.from_random(random(label, 64))


def refused(reason: str, action: Callable[[], Any]) -> None:
    """Assert that an action is refused for exactly this reason."""
    with pytest.raises(ProtocolError) as caught:
        action()
    assert caught.value.reason == reason


@dataclass
class Person:
    """An account and the keys of its first device."""

    name: str
    kind: str = INTERACTIVE
    keys: DeviceKeys = field(init=False)
    chain: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.keys = device_keys(self.name)
        device = self.keys.device(self.kind, self.name)
        self.chain = [account.create(self.keys, device, Profile(self.name, "", ""), at=NOW - DAY)]

    @property
    def state(self) -> AccountState:
        return account.replay(self.chain)

    @property
    def id(self) -> str:
        return account.account_id(self.chain[0])

    def join(self, label: str, *, kind: str = INTERACTIVE, at: int = NOW - DAY) -> DeviceKeys:
        """Add a device of that label and return its keys."""
        keys = device_keys(label)
        joined = account.possession(keys, keys.device(kind, label), self.id)
        self.chain.append(account.add_device(self.state, self.keys, joined, at=at))
        return keys

    def lose(self, keys: DeviceKeys, *, at: int) -> None:
        self.chain.append(account.revoke_device(self.state, self.keys, keys.id, at=at))


def accounts(*people: Person) -> dict[str, AccountState]:
    return {person.id: person.state for person in people}


def key_of(audience: str, number: int) -> bytes:
    return random(f"key of {audience} {number}")


_OPENED: dict[tuple[str, int], EpochOpen] = {}


def opens(audience: str, number: int) -> EpochOpen:
    """The operation that opens an epoch with `key_of` (kept, for making an inbox key takes time)."""
    name = (audience, number)
    if name not in _OPENED:
        _OPENED[name] = epoch.open_operation(audience, number, key_of(audience, number))
    return _OPENED[name]


def adds(person: Person, role: str, *audiences: str, at: int = NOW, **more: Any) -> MemberAdd:
    fields = {"since": at, "until": None, "history": 0, **more}
    return MemberAdd(
        account=person.id,
        account_head=person.state.head,
        role=role,
        audiences=audiences or ("team",),
        **fields,
    )


@dataclass
class Circle:
    """A ledger that people write in turn."""

    lead: Person
    audiences: tuple[str, ...] = ("team",)
    entries: list[bytes] = field(default_factory=list)
    state: CircleState = field(init=False)

    def __post_init__(self) -> None:
        operations = [
            Create(random("nonce", 16)),
            adds(self.lead, "lead", *self.audiences),
            *[opens(audience, 1) for audience in self.audiences],
        ]
        entry = written(None, self.lead, operations, at=NOW)
        self.entries.append(entry)
        self.state = ledger.apply(None, entry, self.lead.state)

    def then(self, who: Person, *operations: ledger.Operation, at: int = NOW) -> "Circle":
        entry = written(self.state, who, operations, at=at)
        self.state = ledger.apply(self.state, entry, who.state)
        self.entries.append(entry)
        return self

    def open_next(self, audience: str) -> EpochOpen:
        return opens(audience, self.state.audiences[audience].epoch + 1)


def written(
    state: CircleState | None, who: Person, operations: Iterable[ledger.Operation], *, at: int
) -> bytes:
    return ledger.write_entry(
        state,
        who.keys,
        account=who.id,
        account_head=who.state.head,
        operations=tuple(operations),
        at=at,
    )


def draft(circle: Circle, who: Person, /, **more: Any) -> Draft:
    said = {
        "circle": circle.state.circle,
        "note": NOTE,
        "version": 1,
        "replaces": None,
        "kind": "post",
        "account": who.id,
        "at": NOW,
        "ledger_seq": circle.state.seq,
        "ledger_head": circle.state.head,
    }
    return Draft(**{**said, **more})


def to_epoch(circle: Circle, audience: str = "team") -> To:
    number = circle.state.audiences[audience].epoch
    return To(audience, number, key=key_of(audience, number))


def to_inbox(circle: Circle, audience: str = "team") -> To:
    current = circle.state.audiences[audience].current
    return To(audience, current.epoch, inbox_key=current.inbox_key)


def posted(
    circle: Circle, who: Person, /, *to: To, said: Content | None = None, **more: Any
) -> bytes:
    """An envelope by `who`; without `to`, to the team."""
    return envelope.seal(
        who.keys,
        draft(circle, who, **more),
        said or Content("GEN", "Bonjour"),
        to=to or (to_epoch(circle),),
        entropy=random("entropy", envelope.ENTROPY_SIZE),
    )

"""What keys, notes and attachments cost a Python member: its own code, without network and server."""

import asyncio
import secrets
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.people import Member, now
from relais.crypto import account, content, envelope, epoch, grant, ledger, posting, stream
from relais.crypto.account import Profile
from relais.crypto.content import Content, Form
from relais.crypto.device import DeviceKeys
from relais.crypto.envelope import Draft, To
from relais.crypto.ledger import CircleState, Create, MemberAdd, MemberRemove
from relais.crypto.ledger_operations import Operation
from relais.crypto.ledger_state import Entitlement
from relais.models.ids import uuid7

DEVICES = (5, 20, 60, 200)
NOTES = 1_000
ATTACHMENT = 10_000_000
REPEATS = 5
_ADDED_AT_ONCE = 90
PROFILE = Content(
    "PROFILE",
    "Bench",
    form=Form("relais/patient/1", {"name": "B", "sex": "U", "born": "1950-01-01", "place": "B"}),
)


class Desk:
    """A lead with the circle in hand: the steps `client/membership` takes for one entry, up to the request."""

    def __init__(self, members: list[Member]) -> None:
        self.lead = members[0]
        self.accounts = {one.state.account: one.state for one in members}
        self.state: CircleState | None = None
        self.keys: dict[tuple[str, int], bytes] = {}

    def write(self, operations: list[Operation], *, rotates: bool) -> list[bytes]:
        """An entry with its grants and profile: what `circle.append` carries."""
        at = max(now(), self.state.at + 1 if self.state else 0)
        operations = [
            replace(one, since=at) if isinstance(one, MemberAdd) else one for one in operations
        ]
        if rotates:
            number = self.state.audiences["team"].epoch + 1 if self.state else 1
            self.keys["team", number] = secrets.token_bytes(32)
            opened = epoch.open_operation("team", number, self.keys["team", number])
            operations = [*operations, opened]
        mine = self.lead.state
        before = ledger.entitled(self.state, self.accounts, at) if self.state else frozenset()
        entry = ledger.write_entry(
            self.state,
            self.lead.keys,
            account=mine.account,
            account_head=mine.head,
            operations=operations,
            at=at,
        )
        self.state = ledger.apply(self.state, entry, mine)
        grants = self._grants(ledger.entitled(self.state, self.accounts, at) - before, at)
        return [entry, *grants, *([self._profile(at)] if rotates else [])]

    def adding(self, member: Member, role: str = "professional") -> MemberAdd:
        """`write` gives it the entry's time."""
        return MemberAdd(member.state.account, member.state.head, role, ("team",), 0, None, 0)

    def _grants(self, wanted: frozenset[Entitlement], at: int) -> list[bytes]:
        assert self.state is not None
        held: dict[tuple[str, str], list[tuple[str, int, bytes]]] = {}
        for owner, device, audience, number in sorted(wanted):
            row = (audience, number, self.keys[audience, number])
            held.setdefault((owner, device), []).append(row)
        return [
            grant.seal(
                self.lead.keys,
                self.accounts[owner].device(device),
                circle=self.state.circle,
                account=owner,
                granter=self.lead.state.account,
                epochs=epochs,
                at=at,
            )
            for (owner, device), epochs in held.items()
        ]

    def _profile(self, at: int) -> bytes:
        return self.seal(PROFILE, kind="profile", at=at)

    def seal(self, said: Content, *, kind: str, at: int) -> bytes:
        assert self.state is not None
        number = self.state.audiences["team"].epoch
        draft = Draft(
            circle=self.state.circle,
            note=uuid7(at),
            version=1,
            replaces=None,
            kind=kind,
            account=self.lead.state.account,
            at=at,
            ledger_seq=self.state.seq,
            ledger_head=self.state.head,
        )
        to = [To("team", number, key=self.keys["team", number])]
        entropy = secrets.token_bytes(envelope.ENTROPY_SIZE)
        return envelope.seal(self.lead.keys, draft, said, to=to, entropy=entropy)


def person(name: str) -> Member:
    keys = DeviceKeys.from_random(secrets.token_bytes(64))
    device = keys.device("interactive", "bench")
    statement = account.create(keys, device, Profile(name, "nurse", "bench"), at=now())
    return Member(keys, account.apply(None, statement))


def created(members: list[Member]) -> Desk:
    """A circle of these members."""
    desk = Desk(members)
    desk.write([Create(secrets.token_bytes(16)), desk.adding(members[0], "lead")], rotates=True)
    for start in range(1, len(members), _ADDED_AT_ONCE):
        some = members[start : start + _ADDED_AT_ONCE]
        desk.write([desk.adding(one) for one in some], rotates=False)
    return desk


def keys_of(devices: int) -> dict[str, float]:
    """Milliseconds, the median of some runs, in a circle of so many devices."""
    found: dict[str, list[float]] = {"create": [], "add": [], "remove": [], "rotate": []}
    members = [person(str(number)) for number in range(devices + 1)]
    extra = members.pop()
    for _ in range(REPEATS):
        desk: Desk = _timed(found["create"], partial(created, members))
        desk.accounts[extra.state.account] = extra.state
        removal: list[Operation] = [MemberRemove(extra.state.account)]
        _timed(found["rotate"], partial(desk.write, [], rotates=True))
        _timed(found["add"], partial(desk.write, [desk.adding(extra)], rotates=False))
        _timed(found["remove"], partial(desk.write, removal, rotates=True))
    return {f"{name}_ms": round(statistics.median(times), 1) for name, times in found.items()}


def _timed(times: list[float], action: Callable[[], Any]) -> Any:
    """Processor time: all of it is this thread's own work, and what else the machine does is none of it."""
    started = time.thread_time()
    result = action()
    times.append(1000 * (time.thread_time() - started))
    return result


def history() -> dict[str, float]:
    """Checking and opening a thousand notes, as `client/reading` does with each."""
    desk = created([person("0"), person("1")])
    assert desk.state is not None
    state, author = desk.state, desk.lead.state
    sealed = [
        desk.seal(content.Content("OBS", secrets.token_hex(420)), kind="post", at=state.at)
        for _ in range(NOTES)
    ]
    times: list[float] = []

    def read() -> None:
        for one in sealed:
            peeked = envelope.peek(one)
            envelope.verify(peeked, author)
            posting.check_could_post(state, peeked.header)
            envelope.open_envelope(peeked, desk.keys)

    for _ in range(REPEATS):
        _timed(times, read)
    return {"notes": NOTES, "ms_per_note": round(statistics.median(times) / NOTES, 3)}


def attachment() -> dict[str, float]:
    """Sealing and opening ten megabytes, beside AES-GCM by itself over the same bytes in the same run."""
    data, key = secrets.token_bytes(ATTACHMENT), secrets.token_bytes(32)
    sealed = stream.seal_bytes(key, data)
    bare, seal, open_ = list[float](), list[float](), list[float]()
    cipher = AESGCM(key)
    for _ in range(2 * REPEATS):
        _timed(bare, lambda: cipher.encrypt(secrets.token_bytes(12), data, None))
        _timed(seal, lambda: stream.seal_bytes(key, data))
        _timed(open_, lambda: stream.open_bytes(key, sealed, size=ATTACHMENT))
    middle = [statistics.median(times) for times in (bare, seal, open_)]
    return {
        "bytes": ATTACHMENT,
        "bare_aes_gcm_ms": round(middle[0], 1),
        "seal_ms": round(middle[1], 1),
        "open_ms": round(middle[2], 1),
        "seal_speed_to_bare": round(middle[0] / middle[1], 2),
        "open_speed_to_bare": round(middle[0] / middle[2], 2),
    }


async def in_python() -> dict[str, Any]:
    """All of it, in this process."""
    return await asyncio.to_thread(
        lambda: {
            "keys": {f"{devices} devices": keys_of(devices) for devices in DEVICES},
            "history": history(),
            "attachment": attachment(),
        }
    )

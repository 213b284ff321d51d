"""The bench's members: real accounts and circles, made through the front door, keys held in memory."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from relais.client.transport import Transport
from relais.crypto import account, content, envelope, epoch, grant, ledger, login
from relais.crypto.account import AccountState, Profile
from relais.crypto.content import Content
from relais.crypto.device import DeviceKeys
from relais.crypto.envelope import Draft, To
from relais.crypto.ledger import CircleState, Create, MemberAdd
from relais.models.ids import uuid7
from relais.models.wire.auth import AskChallenge, AskToken, Challenge, Enrol, Token

ENVELOPE_BYTES = 1_500


@dataclass(frozen=True)
class Member:
    """An account with one device."""

    keys: DeviceKeys
    state: AccountState

    async def token(self, transport: Transport) -> str:
        challenge: Challenge = await transport.exchange(AskChallenge(self.keys.id))
        signed = login.answer(self.keys, challenge.challenge, origin=transport.origin, at=now())
        token: Token = await transport.exchange(AskToken(signed))
        return token.token


@dataclass(frozen=True)
class MadeCircle:
    """A circle and who is in it; the first member made it."""

    members: tuple[Member, ...]
    state: CircleState
    key: bytes


def now() -> int:
    return time.time_ns() // 1_000_000


async def enrol(transport: Transport, invitation: str, name: str) -> Member:
    keys = DeviceKeys.from_random(secrets.token_bytes(64))
    profile = Profile(name, "nurse", "bench")
    statement = account.create(keys, keys.device("interactive", "bench"), profile, at=now())
    await transport.exchange(Enrol(invitation.rpartition("#")[2], statement))
    return Member(keys, account.apply(None, statement))


def draft_circle(members: tuple[Member, ...]) -> tuple[dict[str, Any], dict[str, Any], MadeCircle]:
    """The two requests that make a circle of these members: create it, add the others."""
    lead, key, at = members[0], secrets.token_bytes(32), now()
    first = _entry(None, lead, at, [
        Create(secrets.token_bytes(16)),
        MemberAdd(lead.state.account, lead.state.head, "lead", ("team",), at, None, 0),
        epoch.open_operation("team", 1, key),
    ])  # fmt: skip
    begun = ledger.apply(None, first, lead.state)
    added = [
        MemberAdd(one.state.account, one.state.head, "professional", ("team",), at, None, 0)
        for one in members[1:]
    ]
    second = _entry(begun, lead, at, added)
    made = MadeCircle(members, ledger.apply(begun, second, lead.state), key)
    profile = Content(type="PROFILE", text="Bench")
    create = {
        "entry": first,
        "grants": _grants(made, members[:1]),
        "profile": _seal(MadeCircle(members, begun, key), lead, profile, kind="profile"),
    }
    add = {
        "circle": begun.circle,
        "entry": second,
        "grants": _grants(made, members[1:]),
        "profile": None,
    }
    return create, add, made


def seal_note(circle: MadeCircle, author: Member) -> bytes:
    """One note of about `ENVELOPE_BYTES`."""
    text = content.Content(type="OBS", text=secrets.token_hex(420))
    return _seal(circle, author, text, kind="post")


def _seal(circle: MadeCircle, author: Member, said: Content, *, kind: str) -> bytes:
    draft = Draft(
        circle=circle.state.circle,
        note=uuid7(now()),
        version=1,
        replaces=None,
        kind=kind,
        account=author.state.account,
        at=now(),
        ledger_seq=circle.state.seq,
        ledger_head=circle.state.head,
    )
    to = [To("team", 1, key=circle.key)]
    return envelope.seal(
        author.keys, draft, said, to=to, entropy=secrets.token_bytes(envelope.ENTROPY_SIZE)
    )


def _entry(state: CircleState | None, lead: Member, at: int, operations: list[Any]) -> bytes:
    return ledger.write_entry(
        state,
        lead.keys,
        account=lead.state.account,
        account_head=lead.state.head,
        operations=operations,
        at=at,
    )


def _grants(circle: MadeCircle, members: tuple[Member, ...]) -> list[bytes]:
    lead = circle.members[0]
    return [
        grant.seal(
            lead.keys,
            one.state.device(one.keys.id),
            circle=circle.state.circle,
            account=one.state.account,
            granter=lead.state.account,
            epochs=[("team", 1, circle.key)],
            at=now(),
        )
        for one in members
    ]

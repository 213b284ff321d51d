"""Recording: what was done or refused becomes an entry that is durable before the answer goes out.

Writes carry their entry in the same unit; reads and refusals write theirs alone. Integration into
the tree follows within a second and is not this file's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

from relais.crypto.audit_entry import AuditEntry, SubjectValue
from relais.models.ids import CircleId, Millis, uuid7
from relais.models.refusal import Refusal
from relais.server.audit.purpose import EMERGENCY, purpose_of
from relais.server.callers import Anyone, Caller
from relais.server.clock import now_ms


@dataclass(frozen=True)
class Act:
    """What somebody does. `action` is the request's name; `subject` holds ids and numbers only."""

    action: str
    circle: CircleId | None = None
    subject: Mapping[str, SubjectValue] = field(default_factory=dict)
    role: str | None = None
    """The role in the circle; without one, the roles of the account."""
    purpose: str | None = None
    """A code of HL7 v3 PurposeOfUse; without one, what was stated or is usual for the action."""


class PendingStore(Protocol):
    """Where entries wait for their place in the tree."""

    async def add(self, document: dict[str, Any]) -> None:
        """Store one, durably. Raises `Unavailable`."""


class Recorder:
    """Makes entries, and stores those that stand alone."""

    def __init__(self, pending: PendingStore) -> None:
        self._pending = pending

    async def record(self, who: Anyone, act: Act, *, refusal: Refusal | None = None) -> None:
        """Store an entry by itself: a read, or a refusal. Raises `Unavailable`: then nothing may be answered."""
        await self._pending.add(entry_of(who, act, refusal=refusal))

    async def store(self, document: dict[str, Any]) -> None:
        """Store an entry that was made. Raises `Unavailable`."""
        await self._pending.add(document)


def entry_of(
    who: Anyone, act: Act, *, refusal: Refusal | None = None, at: Millis | None = None
) -> dict[str, Any]:
    """The pending document of one act, to be stored in the unit of its write."""
    at = now_ms() if at is None else at
    caller = who if isinstance(who, Caller) else None
    role = act.role or (",".join(caller.roles) if caller else None)
    entry = AuditEntry(
        id=uuid7(at),
        at=rfc3339(at),
        action=act.action,
        outcome="refused" if refusal else "ok",
        reason=refusal.code.value if refusal else None,
        account=caller.account if caller else None,
        device=caller.device if caller else None,
        role=role,
        organisation=(caller.organisation or None) if caller else None,
        purpose=act.purpose or purpose_of(act.action, role, _stated(caller, act.circle, at)),
        on_behalf_of=_principal(caller) if caller else None,
        circle=act.circle,
        source=who.source,
        request=who.request,
        subject=_with_reason(act.subject, refusal),
    )
    return {"_id": entry.id, "at": at, "entry": entry.encode()}


def _stated(caller: Caller | None, circle: CircleId | None, at: Millis) -> str | None:
    """What was stated; for whoever was let into the circle by emergency access that, whatever they state."""
    if caller is None:
        return None
    by_emergency = circle is not None and at < caller.doors.get(circle, 0)
    return EMERGENCY if by_emergency else caller.purpose


def _principal(caller: Caller) -> str | None:
    """For whom somebody acts: as stated, such as the person replaced; a bot for its organisation."""
    if caller.on_behalf_of or "bot" not in caller.roles:
        return caller.on_behalf_of
    return caller.organisation or None


def rfc3339(at: Millis) -> str:
    """Milliseconds since 1970 as `2026-03-01T07:30:00.000Z`."""
    second, rest = divmod(at, 1000)
    return f"{_rfc3339_of(second)}.{rest:03}Z"


@lru_cache(maxsize=8)
def _rfc3339_of(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()


def _with_reason(
    subject: Mapping[str, SubjectValue], refusal: Refusal | None
) -> Mapping[str, SubjectValue]:
    """The broken rule's own word stands beside the code."""
    return {**subject, "rule": refusal.reason} if refusal and refusal.reason else subject

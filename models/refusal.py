"""Refusals: what a member may hear instead of an answer (docs/protocol.md §9)."""

from enum import StrEnum
from typing import Final

Fact = str | int | bool | None


class Code(StrEnum):
    """The one list of codes on the wire."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    STALE_EPOCH = "stale_epoch"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


HTTP_STATUS: Final = {
    Code.MALFORMED: 400,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.STALE_EPOCH: 409,
    Code.CONFLICT: 409,
    Code.TOO_LARGE: 413,
    Code.RATE_LIMITED: 429,
    Code.UNAVAILABLE: 503,
    Code.INTERNAL: 500,
}


_PASSING: Final = frozenset(
    {Code.UNAVAILABLE, Code.RATE_LIMITED, Code.UNAUTHENTICATED, Code.INTERNAL}
)


class Refusal(Exception):
    """The caller can act on this: a code and facts, never content, a key or a name."""

    def __init__(self, code: Code, **facts: Fact) -> None:
        super().__init__(code.value, facts)
        self.code = code
        self.facts: dict[str, Fact] = facts

    @property
    def reason(self) -> str | None:
        """The stable word of the broken rule, where one was."""
        reason = self.facts.get("reason")
        return reason if isinstance(reason, str) else None

    @property
    def passes(self) -> bool:
        """Whether the same request may be answered later: what it asks for was not judged."""
        return self.code in _PASSING

    def as_wire(self) -> dict[str, Fact]:
        return {"code": self.code.value, **self.facts}

    @classmethod
    def from_wire(cls, error: dict[str, Fact]) -> "Refusal":
        """Read an ``error`` map; an unknown code is read as ``internal``."""
        facts = {key: value for key, value in error.items() if key != "code"}
        known = {code.value for code in Code}
        code = error.get("code")
        return cls(Code(code) if code in known else Code.INTERNAL, **facts)

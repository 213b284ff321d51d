"""What somebody states about their own acts: the purpose of use, and whom they act for (docs/audit-log.md).

    with stating("ETREAT", on_behalf_of=account):
        async with Client.open(home) as me:
            …

It is recorded with each act, not proven, and grants nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from relais.models.ids import AccountId


@dataclass(frozen=True)
class Stated:
    """None where nothing is stated: then the purpose is what is usual for the act."""

    purpose: str | None = None
    on_behalf_of: AccountId | None = None

    @property
    def fields(self) -> dict[str, str]:
        """As they go beside the token when a socket is opened."""
        said = {"purpose": self.purpose, "on_behalf_of": self.on_behalf_of}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def headers(self) -> dict[str, str]:
        """As they go over HTTP."""
        said = {"Relais-Purpose": self.purpose, "Relais-On-Behalf-Of": self.on_behalf_of}
        return {name: value for name, value in said.items() if value is not None}


_NOTHING = Stated()
_current: ContextVar[Stated] = ContextVar("stated", default=_NOTHING)


def stated() -> Stated:
    """What this task states."""
    return _current.get()


@contextmanager
def stating(purpose: str | None = None, *, on_behalf_of: AccountId | None = None) -> Iterator[None]:
    """Whatever is connected in the body states this. `purpose`: a code of HL7 v3 PurposeOfUse that stands for care."""
    token = _current.set(Stated(purpose, on_behalf_of))
    try:
        yield
    finally:
        _current.reset(token)

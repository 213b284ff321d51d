"""What somebody states about their own acts when they connect: the purpose of use, and whom they act for.

A statement is recorded, not proven: it grants nothing.
"""

import re
from dataclasses import dataclass

from relais.models.ids import AccountId
from relais.models.refusal import Code, Refusal
from relais.server.audit.purpose import STATED

_ACCOUNT = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Stated:
    """None where nothing was stated."""

    purpose: str | None = None
    on_behalf_of: AccountId | None = None


def read_stated(purpose: object, on_behalf_of: object) -> Stated:
    """Raises ``malformed`` with the name of what is wrong."""
    if purpose is not None and (not isinstance(purpose, str) or purpose not in STATED):
        raise Refusal(Code.MALFORMED, field="purpose")
    if on_behalf_of is None:
        return Stated(purpose)
    if not isinstance(on_behalf_of, str) or not _ACCOUNT.fullmatch(on_behalf_of):
        raise Refusal(Code.MALFORMED, field="on_behalf_of")
    return Stated(purpose, on_behalf_of)

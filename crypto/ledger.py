"""A circle's ledger (docs/protocol.md §4): signed, hash-chained entries; every client checks every one.

`peek_entry` takes bytes apart, `apply` checks signature, chain and rules and gives the next state.
The rules themselves are in `ledger_rules`, what follows from a state in `ledger_state`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from relais.crypto import cose, ledger_rules
from relais.crypto.account import AccountState
from relais.crypto.cose import Signed
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger_operations import (
    OPERATION,
    Close,
    Create,
    EpochOpen,
    MemberAdd,
    MemberChange,
    MemberReadmit,
    MemberRemove,
    Operation,
)
from relais.crypto.ledger_state import (
    AudienceState,
    CircleState,
    Epoch,
    Member,
    Period,
    active_members,
    check_head,
    entitled,
    is_owed_key,
    readers,
    rotation_due,
)
from relais.crypto.structure import ID16, ID32, TIME, UINT, Structure, array, optional
from relais.models.ids import AccountId, Digest, Millis

__all__ = [
    "MOST_OPERATIONS",
    "AudienceState",
    "CircleState",
    "Close",
    "Create",
    "Entry",
    "Epoch",
    "EpochOpen",
    "Member",
    "MemberAdd",
    "MemberChange",
    "MemberReadmit",
    "MemberRemove",
    "Period",
    "active_members",
    "apply",
    "check_head",
    "check_rules",
    "entitled",
    "is_owed_key",
    "peek_entry",
    "readers",
    "replay",
    "rotation_due",
    "write_entry",
]

MOST_OPERATIONS = 100

_ENTRY = Structure(
    "Entry",
    {
        "circle": optional(ID32),
        "seq": UINT,
        "prev": optional(ID32),
        "at": TIME,
        "account": ID32,
        "device": ID16,
        "account_head": ID32,
        "operations": array(OPERATION, most=MOST_OPERATIONS, least=1),
    },
)


@dataclass(frozen=True)
class Entry(ledger_rules.Entry):
    """An entry taken apart, with the signed object it came in; not to be trusted before `apply`."""

    signed: Signed


def write_entry(
    state: CircleState | None,
    keys: DeviceKeys,
    *,
    account: AccountId,
    account_head: Digest,
    operations: Sequence[Operation],
    at: Millis,
) -> bytes:
    """The next entry of a ledger (None: entry 0 of a new one), signed by the acting device.

    It does not check the rules: apply it to one's own state before sending it.
    """
    fields = {
        "circle": state and state.circle,
        "seq": 0 if state is None else state.seq + 1,
        "prev": state and state.head,
        "at": at,
        "account": account,
        "device": keys.id,
        "account_head": account_head,
        "operations": operations,
    }
    return cose.sign(_ENTRY.encode(fields), keys=keys, context=cose.CIRCLE)


def peek_entry(data: bytes) -> Entry:
    """Take an entry apart; it trusts nothing.

    Raises ProtocolError `non-canonical`, `unknown-field`, `missing-field`, `wrong-type`,
    `unknown-operation`, `bad-signature` (signed by another device than it names).
    """
    signed = cose.peek(data)
    entry = Entry(**_ENTRY.decode(signed.payload), digest=signed.digest, signed=signed)
    if entry.device != signed.kid:
        raise ProtocolError("bad-signature")
    return entry


def apply(state: CircleState | None, entry: bytes | Entry, author: AccountState) -> CircleState:
    """Check the next entry and go on to the state after it (None: before entry 0).

    `author` is the acting account, at `account_head` or later.
    Raises ProtocolError: those of `peek_entry`; `wrong-circle`, `broken-chain`, `wrong-account`,
    `not-a-device`, `revoked-device`, `bad-signature`; and the rules' own (see `check_rules`).
    """
    read = peek_entry(entry) if isinstance(entry, bytes) else entry
    _check_place(state, read)
    _check_author(read, author)
    return ledger_rules.follow(state, read)


def check_rules(state: CircleState | None, entry: ledger_rules.Entry) -> None:
    """Rules 1 to 8 alone: neither signature nor chain.

    Raises ProtocolError `misplaced-create`, `circle-closed`, `time-went-back`, `not-a-member`,
    `not-allowed`, `already-a-member`, `bad-role`, `bad-audience`, `bad-period`, `last-lead`,
    `rotation-missing`, `wrong-epoch`; for a reset those of `account.read_resets`.
    """
    ledger_rules.follow(state, entry)


def replay(entries: Iterable[bytes], authors: Callable[[AccountId], AccountState]) -> CircleState:
    """The state after a whole ledger. `authors` finds the acting accounts' chains.

    Raises ProtocolError as `apply` does; `broken-chain` if there is no entry.
    """
    state: CircleState | None = None
    for data in entries:
        entry = peek_entry(data)
        state = apply(state, entry, authors(entry.account))
    if state is None:
        raise ProtocolError("broken-chain")
    return state


def _check_place(state: CircleState | None, entry: Entry) -> None:
    circle, place = (
        (None, (0, None)) if state is None else (state.circle, (state.seq + 1, state.head))
    )
    if entry.circle != circle:
        raise ProtocolError("wrong-circle")
    if (entry.seq, entry.prev) != place:
        raise ProtocolError("broken-chain")


def _check_author(entry: Entry, author: AccountState) -> None:
    if author.account != entry.account:
        raise ProtocolError("wrong-account")
    device = author.require_in_force_at_head(entry.device, entry.account_head)
    cose.verify(entry.signed, device.sign, context=cose.CIRCLE)

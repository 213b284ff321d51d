"""What an entry of a circle's ledger can say (docs/protocol.md §4), as values and as CBOR."""

from dataclasses import dataclass
from typing import Any, Final

from relais.crypto import suite
from relais.crypto.structure import (
    BYTES,
    ID32,
    TIME,
    UINT,
    Kind,
    Structure,
    array,
    bytes_of,
    one_of,
    optional,
    text,
)
from relais.models.ids import AccountId, Digest, Millis

MOST_AUDIENCES: Final = 8
"""An envelope names at most as many, and the circle's profile goes to all of them."""
MOST_RESETS: Final = 8
"""Of one person between two that a circle took in."""


@dataclass(frozen=True)
class Create:
    """Opens the ledger. The nonce (16 bytes) makes the circle's id its own."""

    nonce: bytes


@dataclass(frozen=True)
class MemberAdd:
    """`history` is the earliest moment whose notes the member may read: 0 all, `since` none."""

    account: AccountId
    account_head: Digest
    role: str
    audiences: tuple[str, ...]
    since: Millis
    until: Millis | None
    history: Millis


@dataclass(frozen=True)
class MemberRemove:
    account: AccountId


@dataclass(frozen=True)
class MemberChange:
    account: AccountId
    role: str
    audiences: tuple[str, ...]
    until: Millis | None


@dataclass(frozen=True)
class MemberReadmit:
    """`account` was reset: whoever stands for it now takes its place (`account.read_resets`).

    `statements` are the statements 0 since, oldest first, and prove it; `account_head` is the last account's.
    """

    account: AccountId
    account_head: Digest
    statements: tuple[bytes, ...]


@dataclass(frozen=True)
class EpochOpen:
    """`commitment` is 32 bytes, `inbox_key` an X-Wing public key of 1,216."""

    audience: str
    epoch: int
    commitment: bytes
    inbox_key: bytes


@dataclass(frozen=True)
class Close:
    pass


Operation = Create | MemberAdd | MemberRemove | MemberChange | MemberReadmit | EpochOpen | Close


def _read_kem(value: Any) -> bytes:
    public: bytes = bytes_of(suite.KEM_PUBLIC_SIZE).read(value)
    suite.check_kem_public(public)
    return public


_AUDIENCES: Final = array(text(20), most=60)
_CLASSES: Final[dict[str, type[Operation]]] = {
    "create": Create,
    "member.add": MemberAdd,
    "member.remove": MemberRemove,
    "member.change": MemberChange,
    "member.readmit": MemberReadmit,
    "epoch.open": EpochOpen,
    "close": Close,
}
_WORDS: Final = {operation: word for word, operation in _CLASSES.items()}
_TABLE: Final = one_of(
    "op",
    {
        "create": Structure("create", {"nonce": bytes_of(16)}),
        "member.add": Structure(
            "member.add",
            {
                "account": ID32,
                "account_head": ID32,
                "role": text(20),
                "audiences": _AUDIENCES,
                "since": TIME,
                "until": optional(TIME),
                "history": TIME,
            },
        ),
        "member.remove": Structure("member.remove", {"account": ID32}),
        "member.change": Structure(
            "member.change",
            {"account": ID32, "role": text(20), "audiences": _AUDIENCES, "until": optional(TIME)},
        ),
        "member.readmit": Structure(
            "member.readmit",
            {
                "account": ID32,
                "account_head": ID32,
                "statements": array(BYTES, most=MOST_RESETS, least=1),
            },
        ),
        "epoch.open": Structure(
            "epoch.open",
            {
                "audience": text(20),
                "epoch": UINT,
                "commitment": bytes_of(32),
                "inbox_key": Kind(_read_kem, lambda public: public),
            },
        ),
        "close": Structure("close", {}),
    },
)


def _read(value: Any) -> Operation:
    word, fields = _TABLE.read(value)
    return _CLASSES[word](**fields)


def _write(operation: Operation) -> Any:
    return _TABLE.write((_WORDS[type(operation)], vars(operation)))


OPERATION: Final = Kind(_read, _write)

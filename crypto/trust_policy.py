"""Whom to believe, as a file that people exchange (c2sp.org/tlog-policy).

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>…
    quorum <name>|none

Lines refer to names defined above them. Names mean nothing outside of the file.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from relais.crypto.checkpoint import Group, Policy
from relais.crypto.errors import ProtocolError
from relais.crypto.signed_note import KeyKind, SignedNoteError, VerifierKey, parse_vkey

MAX_POLICY_SIZE = 64 * 1024

_FORBIDDEN = re.compile(r"[^\t\n\x20-\x7e\x80-\U0010ffff]")
_COUNT = re.compile(r"[1-9][0-9]{0,5}")


class PolicyError(ProtocolError):
    """A policy file is not one. `line` counts from 1; None where it is about the whole file."""

    def __init__(self, reason: str, *, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class Place:
    """A key of the file, and where its holder is reached, where that is told."""

    key: VerifierKey
    url: str | None


@dataclass(frozen=True)
class TrustPolicy:
    """What a policy file says.

    Attributes:
        logs: may be none, where the reader knows the log from elsewhere.
        witnesses: all that are listed, those the quorum does not ask for too.
        quorum: the witnesses that must have cosigned.
    """

    logs: tuple[Place, ...]
    witnesses: tuple[Place, ...]
    quorum: Group

    def policy(self, known: VerifierKey | None = None) -> Policy:
        """The policy for its own logs; where it lists none, for a log known from elsewhere.

        Raises:
            PolicyError: `policy-log` (the known log is not one it lists, or there is none).
        """
        logs = tuple(place.key for place in self.logs) or ((known,) if known else ())
        if not logs or (known is not None and known not in logs):
            raise PolicyError("policy-log")
        return Policy(logs, self.quorum.members, self.quorum.least)


def parse_trust_policy(data: bytes) -> TrustPolicy:
    """Read a policy file.

    Raises:
        PolicyError: `policy-malformed` (too large, a forbidden character, an unknown line),
            `policy-key` (no key of the kind the line needs, or one that is listed already),
            `policy-name` (not defined above, defined twice, or a member twice),
            `policy-quorum` (none or two, or a group asks for more members than it has).
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise PolicyError("policy-malformed") from None
    if len(data) > MAX_POLICY_SIZE or _FORBIDDEN.search(text):
        raise PolicyError("policy-malformed")
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), 1):
        words = re.split(r"[ \t]+", line.strip(" \t"))
        if words[0] and not words[0].startswith("#"):
            reading.take(words, number)
    if reading.quorum is None:
        raise PolicyError("policy-quorum")
    return TrustPolicy(tuple(reading.logs), tuple(reading.witnesses), reading.quorum)


@dataclass
class _Reading:
    """What the lines up to here have defined."""

    logs: list[Place] = field(default_factory=list)
    witnesses: list[Place] = field(default_factory=list)
    names: dict[str, VerifierKey | Group] = field(default_factory=dict)
    grouped: set[str] = field(default_factory=set)
    quorum: Group | None = None

    def take(self, words: Sequence[str], number: int) -> None:
        verbs: dict[str, Callable[[Sequence[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        try:
            verb = verbs.get(words[0])
            if verb is None:
                raise PolicyError("policy-malformed")
            verb(words[1:])
        except PolicyError as error:
            raise PolicyError(error.reason, line=number) from None

    def _log(self, words: Sequence[str]) -> None:
        self.logs.append(self._place(words, KeyKind.ED25519))

    def _witness(self, words: Sequence[str]) -> None:
        place = self._place(words[1:], KeyKind.COSIGNATURE)
        self._define(words[0], place.key)
        self.witnesses.append(place)

    def _place(self, words: Sequence[str], kind: KeyKind) -> Place:
        if not 1 <= len(words) <= 2:
            raise PolicyError("policy-malformed")
        try:
            key = parse_vkey(words[0])
        except SignedNoteError:
            raise PolicyError("policy-key") from None
        listed = {place.key.public for place in (*self.logs, *self.witnesses)}
        if key.kind is not kind or key.public in listed:
            raise PolicyError("policy-key")
        return Place(key, words[1] if len(words) == 2 else None)

    def _group(self, words: Sequence[str]) -> None:
        if len(words) < 3:
            raise PolicyError("policy-malformed")
        name, least, *members = words
        if self.grouped.intersection(members) or len(set(members)) != len(members):
            raise PolicyError("policy-name")
        found = tuple(self._named(member) for member in members)
        self.grouped.update(members)
        self._define(name, Group(found, _least(least, len(found))))

    def _quorum(self, words: Sequence[str]) -> None:
        if len(words) != 1:
            raise PolicyError("policy-malformed")
        if self.quorum is not None:
            raise PolicyError("policy-quorum")
        if words[0] == "none":
            self.quorum = Group((), 0)
            return
        found = self._named(words[0])
        self.quorum = found if isinstance(found, Group) else Group((found,), 1)

    def _define(self, name: str, found: VerifierKey | Group) -> None:
        if name == "none" or name in self.names:
            raise PolicyError("policy-name")
        self.names[name] = found

    def _named(self, name: str) -> VerifierKey | Group:
        if name not in self.names:
            raise PolicyError("policy-name")
        return self.names[name]


def _least(word: str, size: int) -> int:
    if word in ("any", "all"):
        return 1 if word == "any" else size
    if not _COUNT.fullmatch(word):
        raise PolicyError("policy-malformed")
    if int(word) > size:
        raise PolicyError("policy-quorum")
    return int(word)

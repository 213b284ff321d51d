"""What the rules need to know beside the log: who had left which circle, who is whose colleague, what an escrow was asked."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from relais.crypto.ledger import Member
from relais.models.ids import AccountId, Millis
from relais.models.refusal import Refusal
from relais.models.store.accounts import AccountRow
from relais.server.audit.watch.seen import NOTHING, Known, Seen
from relais.server.authorize import ESCROW
from relais.server.circle_book import CircleView

LEDGER_READS = frozenset({"circle.ledger", "circle.grants"})
"""What somebody who left may still ask for."""
FOREVER: Millis = 1 << 53
ANSWERED_MS: Millis = 24 * 3_600_000
"""So long after a quorum approved an escrow's login is nothing strange: somebody is let in, or a renewal that broke off made good."""
SLACK_MS: Millis = 60_000
"""The clocks of two nodes differ by less."""


class Circles(Protocol):
    """Finds circles."""

    async def view(self, circle: str) -> CircleView:
        """Raises ``not_found``."""


class People(Protocol):
    """Finds accounts."""

    async def rows(self, accounts: Sequence[AccountId]) -> dict[AccountId, AccountRow]: ...


class Escrows(Protocol):
    """Knows what escrows were asked."""

    async def was_shared(self, account: AccountId, at: Millis) -> bool:
        """Whether guardians had parts of its key by then."""

    async def approved_at(self, account: AccountId, *, since: Millis) -> list[Millis]:
        """When quorums approved requests to it."""


class Facts:
    """Answers what is known beside each entry."""

    def __init__(self, circles: Circles, people: People, escrows: Escrows) -> None:
        self._circles = circles
        self._people = people
        self._escrows = escrows

    async def of(self, entries: Sequence[Seen]) -> dict[int, Known]:
        """By index; an entry about which nothing more is known is left out."""
        looked_up = {seen.index: _looked_up(seen) for seen in entries}
        rows = await self._people.rows(sorted({one for one in looked_up.values() if one}))
        known: dict[int, Known] = {}
        for seen in entries:
            left_at = await self._left_at(seen)
            colleague = looked_up[seen.index]
            if colleague and not _is_colleague(seen, rows.get(colleague)):
                colleague = None
            if (one := Known(left_at, colleague, await self._unasked(seen))) != NOTHING:
                known[seen.index] = one
        return known

    async def _unasked(self, seen: Seen) -> bool:
        """Whether an escrow that guardians have the key of logged in with none of its requests approved."""
        account = seen.entry.account
        if account is None or not _is_escrow_login(seen):
            return False
        if not await self._escrows.was_shared(account, seen.at):
            return False
        times = await self._escrows.approved_at(account, since=seen.at - ANSWERED_MS)
        return not any(seen.at - ANSWERED_MS <= at <= seen.at + SLACK_MS for at in times)

    async def _left_at(self, seen: Seen) -> Millis | None:
        account, circle = seen.entry.account, seen.entry.circle
        if account is None or circle is None or not _reaches(seen):
            return None
        try:
            view = await self._circles.view(circle)
        except Refusal:  # no such circle: what was asked for was made up
            return None
        member = view.state.members.get(account)
        return None if member is None else left_before(member, seen.at)


def left_before(member: Member, at: Millis) -> Millis | None:
    """When somebody had left by then; None while in the circle, and before having been in it."""
    ends = list(_periods(member))
    if any(start <= at < end for start, end in ends):
        return None
    return max((end for _, end in ends if end <= at), default=None)


def _periods(member: Member) -> Iterable[tuple[Millis, Millis]]:
    """From when until when; one that has no end lasts for ever."""
    for period in member.periods:
        ends = (end for end in (period.until, period.removed_at) if end is not None)
        yield period.since, min(ends, default=FOREVER)


def _reaches(seen: Seen) -> bool:
    refused = seen.subject.get("rule") == "not-a-member"
    return refused or (seen.ok and seen.entry.action in LEDGER_READS)


def _is_escrow_login(seen: Seen) -> bool:
    return seen.ok and seen.entry.action == "auth.token" and seen.entry.role == ESCROW


def _looked_up(seen: Seen) -> AccountId | None:
    """Whom an auditor's question was about, unless about themselves."""
    account = seen.subject.get("account")
    asks = seen.ok and seen.entry.action.startswith("audit.")
    return account if asks and isinstance(account, str) and account != seen.entry.account else None


def _is_colleague(seen: Seen, row: AccountRow | None) -> bool:
    own = (seen.entry.organisation or "").strip().casefold()
    return bool(own) and row is not None and row.organisation.strip().casefold() == own

"""Curing what is missing: grants other devices wait for, and epochs that are due (docs/protocol.md §5)."""

import logging
from dataclasses import dataclass

from relais.client import circle_state, membership, note_keys
from relais.client.errors import ClientError, ServerUnreachable
from relais.client.session import Session
from relais.crypto.errors import ProtocolError
from relais.models.ids import AccountId, CircleId, Millis
from relais.models.refusal import Refusal
from relais.models.wire import circle as wire
from relais.models.wire.circle import GetMissing, Missing

_log = logging.getLogger(__name__)


async def heal_all(session: Session) -> int:
    """Make every missing grant this device can make, in all its circles; returns how many were stored."""
    return await _heal(session, None)


async def heal_circle(session: Session, circle: CircleId) -> int:
    return await _heal(session, circle)


async def heal_own(session: Session) -> int:
    """The same in all its circles, for the devices of its own account alone, of which one may be about to go.

    So what may do by itself later is no reason to go on: raises `ServerUnreachable`, and a `Refusal` that passes.
    """
    return await _heal(session, None, only=session.identity.account)


@dataclass(frozen=True)
class Help:
    """Keys are on their way: since when, whose devices can give them, and when one of those was last there."""

    since: Millis
    names: tuple[str, ...]
    last_seen: Millis | None


async def ask_help(session: Session, circle: CircleId) -> Help | None:
    """None when this device waits for nothing in the circle. Raises `Refusal`."""
    answer: wire.Help = await session.call(wire.AskHelp(circle))
    if answer.since is None:
        return None
    await session.accounts.load(answer.accounts)
    names = tuple(session.accounts[one].profile.name for one in answer.accounts)
    return Help(answer.since, names, answer.last_seen)


async def rotate_if_due(session: Session, circle: CircleId) -> None:
    """Open the next epoch where that is due; a rival that was quicker is welcome."""
    view = await circle_state.fetch(session, circle)
    await session.accounts.load(view.state.members, fresh=True)
    if membership.due(session, view, circle_state.moment(session, view)):
        await membership.append(session, circle, membership.rotate(session))


async def _heal(session: Session, circle: CircleId | None, *, only: AccountId | None = None) -> int:
    if "bot" in session.roles:
        return 0
    answer: Missing = await session.call(GetMissing(circle))
    if only is not None:
        answer = _of_account(answer, only)
    stored = 0
    named = {row.circle for row in answer.missing} | {row.circle for row in answer.notes}
    for one in sorted(named):
        try:
            stored += await _heal_one(session, one, answer)
        except (Refusal, ProtocolError, ClientError) as error:
            if only is not None and _passes(error):
                raise
            _log.warning("circle %s not healed: %s", one[:8], error)  # and the others are
    return stored


def _passes(error: Exception) -> bool:
    return isinstance(error, ServerUnreachable) or (isinstance(error, Refusal) and error.passes)


def _of_account(missing: Missing, account: AccountId) -> Missing:
    return Missing(
        tuple(row for row in missing.missing if row.account == account),
        tuple(row for row in missing.notes if row.account == account),
    )


async def _heal_one(session: Session, circle: CircleId, missing: Missing) -> int:
    rows = [row for row in missing.missing if row.circle == circle]
    notes = [row for row in missing.notes if row.circle == circle]
    waiting = {row.account for row in rows} | {row.account for row in notes}
    await session.accounts.load(waiting, fresh=True)
    view = await circle_state.fetch(session, circle)
    wanted = (
        (row.account, row.device, row.audience, epoch) for row in rows for epoch in row.epochs
    )
    stored = await membership.heal(session, view, wanted)
    return stored + (await note_keys.give(session, view, notes) if notes else 0)

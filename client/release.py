"""The release of emergency access (docs/protocol.md §13): the guardian whose approval completes the quorum acts as the escrow,
adds the requester as any member adds anybody, and renews the escrow."""

import logging
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass

from relais.client import emergency, escrow, guarding
from relais.client.emergency import Emergency
from relais.client.errors import ClientError, GuardiansMissing, RefusedHere, ServerUnreachable
from relais.client.escrow import Sharing
from relais.client.sdk import Client
from relais.client.session import Session
from relais.crypto import emergency as answers
from relais.crypto import escrow as keys_of_escrow
from relais.crypto.device import DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.models.ids import AccountId, Digest
from relais.models.refusal import Refusal
from relais.models.wire.emergency import RequestState

_log = logging.getLogger(__name__)


class NotRenewed(ClientError):
    """They were let in, and the escrow still has its old key: approve once more, to renew it."""


@dataclass(frozen=True)
class Answered:
    """What came of an answer. ``acted``: this device let the requester in. ``waits_for``: how many more have to approve."""

    state: RequestState
    acted: bool
    waits_for: int


async def approve(session: Session, id_: Digest) -> Answered:
    """Approve; where that completes the quorum, or it is complete already, let the requester in.

    Raises `UnknownEmergency`, `NoShareHere`, `GuardiansMissing`, `NotRenewed`, `Refusal`, `ProtocolError`.
    """
    before = await emergency.found(session, id_)
    mine = before.answer_of(session.identity.account)
    if before.state != "released" and (mine is None or mine not in before.approvals):
        await emergency.answer(session, before, approved=True)
    one = await emergency.found(session, id_)
    if await _finish(session, one):
        return Answered("released", acted=True, waits_for=0)
    if one.state == "approved":  # and another guardian's device was quicker
        one = await emergency.found(session, id_)
    return Answered(one.state, acted=False, waits_for=one.waits_for)


async def finish_all(session: Session) -> None:
    """Do what this account approved and is not done: approvals of an escrow that was renewed since, a release or a renewal
    that another guardian's device did not come to the end of. What does not work is logged."""
    me = session.identity.account
    await emergency.answer_again(session)
    for one in await emergency.listed(session):
        mine = one.answer_of(me)
        if mine is None or not mine.approved:
            continue
        try:
            await _finish(session, one)
        except (Refusal, ProtocolError, ClientError) as error:
            _log.warning("request %s could not be finished here: %s", one.id[:8], error)


async def _finish(session: Session, one: Emergency) -> bool:
    """Let in whoever a quorum approved; renew an escrow that let somebody in. True where this device let somebody in."""
    if one.state == "approved":
        return await _release(session, one)
    if one.state == "released" and await _is_as_it_was(session, one):
        await _renew_again(session, one)
    return False


async def _is_as_it_was(session: Session, one: Emergency) -> bool:
    """Whether the escrow still has the device that let somebody in: whoever acted did not come to renew it."""
    now = await escrow.found(session, one.escrow.account)
    return now.statement.device == one.escrow.statement.device


async def _release(session: Session, one: Emergency) -> bool:
    """Let the requester in and renew the escrow. False where another guardian's device was quicker."""
    keys = await _put_together(session, one)
    async with AsyncExitStack() as stack:
        try:
            acting = await stack.enter_async_context(_acting(session, one, keys))
            await _let_in(Client(acting), one)
        except (Refusal, ProtocolError, RefusedHere, ServerUnreachable) as error:
            if await _was_done(session, one, error):
                return False
            raise
        await _renew(session, acting, one)
    return True


async def _was_done(session: Session, one: Emergency, error: Exception) -> bool:
    """Whether this device only came after another: refused, or cut off in the name of an escrow that was renewed."""
    is_released = (await emergency.found(session, one.id)).state == "released"
    return is_released and not (
        isinstance(error, ServerUnreachable) and await _is_as_it_was(session, one)
    )


async def _renew_again(session: Session, one: Emergency) -> None:
    keys = await _put_together(session, one)
    async with _acting(session, one, keys) as acting:
        await _renew(session, acting, one)


def _acting(
    session: Session, one: Emergency, keys: DeviceKeys
) -> AbstractAsyncContextManager[Session]:
    return escrow.acting(session.identity.origin, one.escrow.account, keys)


async def _renew(session: Session, acting: Session, one: Emergency) -> None:
    """A device that revokes itself may be cut off before it hears that it did: `session` looks then."""
    statement = one.escrow.statement
    try:
        await escrow.renew(acting, Sharing(statement.guardians, statement.quorum))
    except ServerUnreachable as error:
        if await _is_as_it_was(session, one):
            raise NotRenewed(str(error)) from error
    except (Refusal, ProtocolError, ClientError) as error:
        raise NotRenewed(str(error)) from error


async def _let_in(escrow_: Client, one: Emergency) -> None:
    """The requester reads what the escrow reads, until the time that was asked for."""
    request = one.request
    circle = await escrow_.circle(request.circle)
    member = circle.view.state.members[escrow_.account]
    await circle.add(
        request.account,
        role="professional",
        audiences=sorted(member.audiences),
        until=request.until,
    )


async def _put_together(session: Session, one: Emergency) -> DeviceKeys:
    """The keys of the escrow's device, of one's own parts and those the others sealed to this device."""
    guarded = await emergency.guarded(session, one)
    parts = dict(guarding.own_parts(session, guarded))
    approved = set[AccountId]()
    for answer in one.approvals:
        try:
            if answer.account != session.identity.account:
                parts |= answers.open_parts(answer, session.identity.keys, guarded.statement)
        except ProtocolError as error:
            _log.warning(
                "what guardian %s gave does not open: %s", answer.account[:8], error.reason
            )
        else:
            approved.add(answer.account)
    if len(approved) < guarded.statement.quorum:
        raise GuardiansMissing
    return keys_of_escrow.assemble(guarded.statement, parts)

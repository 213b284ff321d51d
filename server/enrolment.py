"""Before there is a token: invitations, enrolment, login, and a device's way into an account. HTTP only."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from relais.crypto import account as accounts
from relais.crypto.account import AccountState, AddDevice
from relais.models.ids import AccountId, DeviceId, TicketId
from relais.models.refusal import Code, Refusal
from relais.models.store.accounts import (
    AccountStore,
    AlreadyReplaced,
    InvitationSpent,
    NewAccount,
)
from relais.models.store.challenges import ChallengeStore
from relais.models.store.errors import DuplicateKey
from relais.models.store.invitations import InvitationRow, InvitationStore, invitation_key
from relais.models.store.joins import Answer, JoinStore, Offer, Request
from relais.models.wire import account as account_wire
from relais.models.wire import auth as wire
from relais.server import authorize
from relais.server.account_book import AccountBook
from relais.server.accounts import Accounts, check_resettable, invited_as, own_statement, shown_of
from relais.server.audit.ledger_heads import head_entry
from relais.server.audit.record import Act, Recorder, entry_of
from relais.server.callers import Anyone, Caller, Stranger
from relais.server.clock import now_ms
from relais.server.hub import Hub
from relais.server.identity import Claims, Holder, Identity

OFFER_MS = 600_000
WAIT_SECONDS = 25.0
LOOK_AGAIN_SECONDS = 1.0


class Doorkeeper:
    """What `identity` asks of the store."""

    def __init__(
        self,
        accounts: AccountBook,
        store: AccountStore,
        challenges: ChallengeStore,
        recorder: Recorder,
    ) -> None:
        self._accounts = accounts
        self._store = store
        self._challenges = challenges
        self._recorder = recorder

    async def holder_of(self, device: DeviceId) -> Holder | None:
        return await self._accounts.holder_of(device)

    async def spend_challenge(self, challenge: bytes, *, expires_at: int) -> bool:
        return await self._challenges.spend(challenge, expires_at=expires_at)

    async def logged_in(self, who: Anyone, claims: Claims) -> None:
        """The entry names the account and device that were just proved."""
        caller = Caller(
            account=claims.account,
            device=claims.device,
            roles=claims.roles,
            source=who.source,
            organisation=claims.organisation,
            request=who.request,
        )
        await self._recorder.record(caller, Act("auth.token"))
        await self._store.saw(claims.device, claims.account, now_ms())


@dataclass(frozen=True)
class EnrolmentParts:
    """What enrolment is served with."""

    store: AccountStore
    invitations: InvitationStore
    joins: JoinStore
    accounts: AccountBook
    recorder: Recorder
    hub: Hub


class Enrolment:
    """Invitations and new accounts."""

    def __init__(self, parts: EnrolmentParts, identity: Identity, people: Accounts) -> None:
        self._parts = parts
        self._identity = identity
        self._people = people

    def exchanges(self) -> dict[type, Any]:
        return {
            wire.AskChallenge: self.challenge,
            wire.AskToken: self.token,
            wire.LookInvitation: self.look,
            wire.Enrol: self.enrol,
        }

    async def challenge(self, who: Stranger, ask: wire.AskChallenge, host: str) -> wire.Challenge:
        return self._identity.challenge(ask)

    async def token(self, who: Stranger, ask: wire.AskToken, host: str) -> wire.Token:
        return await self._identity.token(ask, host, who)

    async def look(self, who: Stranger, ask: wire.LookInvitation, host: str) -> wire.Invitation:
        row = await self._invitation(ask.invitation)
        act = Act("auth.invitation", subject={"roles": " ".join(row.roles)})
        await self._parts.recorder.record(who, act)
        return wire.Invitation(
            roles=row.roles,
            organisation=row.organisation,
            expires_at=row.expires_at,
            now=now_ms(),
            resets=await self._reset(row.resets) if row.resets else None,
        )

    async def _reset(self, account: AccountId) -> wire.Reset:
        """What the directory shows of an account that can still be replaced. Raises ``conflict`` `superseded`."""
        row = check_resettable(await self._parts.store.row(account))
        return wire.Reset(account, row.name, row.profession, row.organisation)

    async def enrol(self, who: Stranger, ask: wire.Enrol, host: str) -> wire.Enrolled:
        """Statement 0 against an invitation, which is spent with it. The same once more gets the same answer."""
        state = accounts.apply(None, ask.statement)
        if row := await self._parts.store.row(state.account):
            await self._settle(state)  # the first time may have ended before that
            return wire.Enrolled(row.account, row.roles, now_ms())
        invitation = await self._invitation(ask.invitation)
        authorize.check_clock(state.at, now_ms())
        if state.replaces != invitation.resets:
            raise Refusal(Code.FORBIDDEN, reason="wrong-reset")
        (device,) = state.devices
        caller = Caller(
            account=state.account,
            device=device,
            roles=invitation.roles,
            source=who.source,
            organisation=state.profile.organisation,
            request=who.request,
        )
        new = NewAccount(
            invitation=invitation_key(ask.invitation),
            account=state.account,
            device=device,
            statement=ask.statement,
            shown=shown_of(state),
            roles=invitation.roles,
            at=now_ms(),
            replaces=state.replaces,
            audit=(
                entry_of(caller, Act("auth.enrol", subject=invited_as(invitation))),
                head_entry(state.account, seq=state.seq, head=state.head),
            ),
        )
        await self._store(new)
        self._parts.accounts.learn(state)
        await self._settle(state)
        return wire.Enrolled(state.account, caller.roles, now_ms())

    async def _settle(self, state: AccountState) -> None:
        """The account it replaces ends at once."""
        if state.replaces:
            await self._people.superseded(state.replaces)

    async def _store(self, new: NewAccount) -> None:
        try:
            await self._parts.store.enrol(new)
        except InvitationSpent as error:
            raise _spent() from error
        except AlreadyReplaced as error:
            raise Refusal(Code.CONFLICT, reason="superseded") from error
        except DuplicateKey as error:
            raise Refusal(Code.CONFLICT, reason="duplicate-device") from error

    async def _invitation(self, token: str) -> InvitationRow:
        row = await self._parts.invitations.find(token, now=now_ms())
        if row is None:
            raise _spent()
        return row


class Joining:
    """Offer, request, approval, answer (docs/protocol.md §3). The server sees a ticket, and no secret."""

    def __init__(self, parts: EnrolmentParts, people: Accounts) -> None:
        self._parts = parts
        self._people = people
        self._answered: defaultdict[TicketId, asyncio.Event] = defaultdict(asyncio.Event)

    def actions(self) -> dict[type, Any]:
        return {
            account_wire.OfferDevice: self.offer,
            account_wire.ApproveDevice: self.approve,
        }

    def exchanges(self) -> dict[type, Any]:
        return {
            wire.LookJoin: self.look,
            wire.RequestJoin: self.request,
            wire.WaitJoin: self.wait,
        }

    async def offer(
        self, caller: Caller, ask: account_wire.OfferDevice
    ) -> account_wire.DeviceOffered:
        offer = Offer(caller.account, caller.device, now_ms() + OFFER_MS)
        audit = entry_of(caller, Act("device.offer"), at=now_ms())
        if not await self._parts.joins.offer(ask.ticket, offer, audit=audit):
            raise Refusal(Code.CONFLICT)
        return account_wire.DeviceOffered(offer.expires_at)

    async def look(self, who: Stranger, ask: wire.LookJoin, host: str) -> wire.JoinLooked:
        offer = await self._offer(ask.ticket)
        act = Act("auth.join.look", subject={"account": offer.account})
        await self._parts.recorder.record(who, act)
        return wire.JoinLooked(offer.account, now_ms())

    async def request(self, who: Stranger, ask: wire.RequestJoin, host: str) -> wire.JoinRequested:
        """The new device's word, handed to the device that made the offer. Once; the same again is fine."""
        offer = await self._offer(ask.ticket)
        device = accounts.read_possession(ask.possession, offer.account)
        joins = self._parts.joins
        act = Act("device.request", subject={"device": device.id, "account": offer.account})
        asked = Request(ask.possession, until=offer.expires_at)
        is_first = await joins.request(ask.ticket, asked, audit=entry_of(who, act))
        if not is_first and await joins.requested(ask.ticket) != ask.possession:
            raise Refusal(Code.CONFLICT)
        event = account_wire.DeviceRequested(ask.ticket, ask.possession, ask.mac)
        await self._parts.hub.tell_device(event, offer.device)
        return wire.JoinRequested()

    async def approve(
        self, caller: Caller, ask: account_wire.ApproveDevice
    ) -> account_wire.StatementAppended:
        """The statement that adds the device that asked, by the device that offered."""
        offer = await self._offer(ask.ticket)
        if (offer.account, offer.device) != (caller.account, caller.device):
            raise Refusal(Code.FORBIDDEN, reason="wrong-device")
        statement = own_statement(caller, ask.statement)
        possession = await self._parts.joins.requested(ask.ticket)
        added = statement.operation
        if not isinstance(added, AddDevice) or added.possession != possession:
            raise Refusal(Code.MALFORMED, reason="bad-possession")
        appended = await self._people.append(caller, account_wire.AppendStatement(ask.statement))
        answer = Answer(caller.account, ask.mac)
        await self._parts.joins.answer(ask.ticket, answer, until=offer.expires_at)
        self._wake(ask.ticket)
        return appended

    async def wait(self, who: Stranger, ask: wire.WaitJoin, host: str) -> wire.JoinAnswered:
        """The account's chain once the device was approved; ``pending`` after 25 seconds without."""
        await self._offer(ask.ticket)
        try:
            answer = await self._wait(ask.ticket)
        finally:
            self._answered.pop(ask.ticket, None)  # whoever else waits looks again in a moment
        if answer is None:
            return wire.JoinAnswered(pending=True, statements=(), mac=None)
        return await self._joined(who, answer)

    async def _wait(self, ticket: TicketId) -> Answer | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_SECONDS
        while loop.time() < deadline:
            if answer := await self._parts.joins.answered(ticket):
                return answer
            await self._sleep(ticket)
        return None

    async def _joined(self, who: Stranger, answer: Answer) -> wire.JoinAnswered:
        statements = await self._parts.store.statements(answer.account)
        act = Act("auth.join.wait", subject={"account": answer.account})
        await self._parts.recorder.record(who, act)
        return wire.JoinAnswered(pending=False, statements=tuple(statements), mac=answer.mac)

    async def _sleep(self, ticket: TicketId) -> None:
        """Until this node approves, or a moment: another node may have."""
        try:
            async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                await self._answered[ticket].wait()
        except TimeoutError:
            return

    def _wake(self, ticket: TicketId) -> None:
        if event := self._answered.pop(ticket, None):
            event.set()

    async def _offer(self, ticket: TicketId) -> Offer:
        offer = await self._parts.joins.find(ticket, now=now_ms())
        if offer is None:
            raise Refusal(Code.NOT_FOUND)
        return offer


def _spent() -> Refusal:
    return Refusal(Code.NOT_FOUND, reason="invitation-spent")

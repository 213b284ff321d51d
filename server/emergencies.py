"""Emergency access: who asks to be let into a circle, and what the escrow's guardians answer (docs/protocol.md §13)."""

from typing import Any

from relais.crypto import emergency, escrow
from relais.crypto.account import AccountState
from relais.crypto.emergency import EmergencyAnswer, EmergencyRequest
from relais.crypto.errors import ProtocolError
from relais.crypto.escrow import EscrowStatement
from relais.models.ids import AccountId, CircleId, Millis
from relais.models.refusal import Code, Refusal
from relais.models.store.emergency import (
    DECLINED,
    OPEN,
    RELEASED,
    WITHDRAWN,
    AnswerRow,
    Closing,
    EmergencyRow,
    EscrowRow,
    Judged,
)
from relais.models.store.errors import DuplicateKey
from relais.models.wire import emergency as wire
from relais.server import authorize
from relais.server.audit.record import Act, entry_of
from relais.server.audit.watch import rules
from relais.server.callers import Caller
from relais.server.circle_book import CircleView
from relais.server.clock import now_ms
from relais.server.emergency_parts import EmergencyParts
from relais.server.emergency_state import APPROVED, state_of
from relais.server.escrows import sealed, sealed_rows
from relais.server.gathering import gathered
from relais.server.limits import FAILURE_COST

MOST_LISTED = 200
HOUR_MS = 3_600_000


class Emergencies:
    """Answers ``emergency.look``, ``emergency.request``, ``emergency.list``, ``emergency.answer``, ``emergency.withdraw``."""

    def __init__(self, parts: EmergencyParts) -> None:
        self._parts = parts

    def actions(self) -> dict[type, Any]:
        return {
            wire.LookEmergency: self.look,
            wire.RequestEmergency: self.request,
            wire.ListEmergencies: self.known,
            wire.AnswerEmergency: self.answer,
            wire.WithdrawEmergency: self.withdraw,
        }

    async def look(self, caller: Caller, ask: wire.LookEmergency) -> wire.EmergencyLooked:
        """Who could let the caller into a circle. Nobody learns by it whether there is such a circle."""
        authorize.may_look(caller.roles)
        self._parts.addresses.take(caller.source or caller.device)
        _, row = await self._door(caller, ask.circle)
        standing = await self._parts.store.open_of(caller.account, ask.circle)
        await self._parts.recorder.record(caller, Act("emergency.look", ask.circle))
        return wire.EmergencyLooked(row.account, row.statement, standing.id if standing else None)

    async def request(self, caller: Caller, ask: wire.RequestEmergency) -> wire.EmergencyRequested:
        """Ask. The same request again gets the same answer; another one waits until it has ended."""
        authorize.may_look(caller.roles)
        asked = await self._checked_request(caller, ask.request)
        if await self._parts.store.row(asked.id):
            return wire.EmergencyRequested(asked.id)
        view, door = await self._door(caller, asked.circle)
        authorize.may_request(view.state, caller.account, now_ms())
        if door.account != asked.escrow:
            raise Refusal(Code.NOT_FOUND)
        row = await self._new(asked, door, ask)
        subject = {"request": row.id, "account": row.escrow, "reason": asked.reason}
        act = Act("emergency.request", row.circle, subject | {"until": row.until})
        try:
            await self._parts.store.add(row, audit=entry_of(caller, act))
        except DuplicateKey as error:
            raise Refusal(Code.CONFLICT) from error
        await self._parts.tell(row, OPEN)
        return wire.EmergencyRequested(row.id)

    async def known(self, caller: Caller, ask: wire.ListEmergencies) -> wire.Emergencies:
        """What one asked, guards, or sees as a member of the circle."""
        circles = await self._parts.circles.circles_of(caller.account)
        found = await self._parts.store.concerning(caller.account, circles)
        known = await self._active_in(caller.account, {one.circle for one in found})
        concerning = [
            one.request
            for one in found
            if one.circle in known or caller.account in (one.account, *one.guardians)
        ]
        hours = rules.from_stored(await self._parts.settings.get(rules.NAME)).review_hours
        state = await self._parts.accounts.state(caller.account)
        devices = set(state.devices) if state else set()

        async def listed(row: EmergencyRow) -> wire.EmergencyRow:
            return await self._listed(row, devices, hours)

        stored = await self._parts.store.rows(concerning[:MOST_LISTED])
        rows = await gathered(listed, stored)
        act = Act("emergency.list", subject={"found": len(rows)})
        await self._parts.recorder.record(caller, act)
        return wire.Emergencies(tuple(rows))

    async def answer(self, caller: Caller, ask: wire.AnswerEmergency) -> wire.EmergencyChanged:
        """A guardian approves or declines; the last word counts, until somebody was let in."""
        said = emergency.peek_answer(ask.answer)
        row = await self._parts.store.row(said.request)
        if row is None or caller.account not in row.guardians:
            raise Refusal(Code.NOT_FOUND)
        statement, state = await self._parts.judged(row)
        authorize.may_answer(statement.guardians, row.account, caller.account)
        await self._check_answer(caller, said, statement, requester=row.account)
        given = AnswerRow(said.account, said.escrow_device, said.approved, ask.answer)
        if given in row.answers:
            return wire.EmergencyChanged(row.id, row.circle, state)
        if state not in (OPEN, APPROVED):
            raise Refusal(Code.CONFLICT, state=state)

        def judge(after: EmergencyRow) -> Judged:
            return _judged(caller, after, statement, said)

        stored = await self._parts.store.answer(row.id, given, judge)
        if stored is None:
            raise Refusal(Code.CONFLICT)
        return await self._parts.tell(stored, state_of(stored, statement, now_ms()))

    async def withdraw(self, caller: Caller, ask: wire.WithdrawEmergency) -> wire.EmergencyChanged:
        """The requester needs it no more."""
        row = await self._parts.store.row(ask.id)
        if row is None or row.account != caller.account:
            raise Refusal(Code.NOT_FOUND)
        if row.state == WITHDRAWN:
            return wire.EmergencyChanged(row.id, row.circle, WITHDRAWN)
        statement, state = await self._parts.judged(row)
        closing = Closing(WITHDRAWN, now_ms(), statement.device)
        act = Act("emergency.withdraw", row.circle, {"request": row.id})
        if not await self._parts.store.close(row.id, closing, audit=entry_of(caller, act)):
            raise Refusal(Code.CONFLICT, state=state)
        return await self._parts.tell(row, WITHDRAWN)

    async def _door(self, caller: Caller, circle: CircleId) -> tuple[CircleView, EscrowRow]:
        """A circle and its escrow; where either is missing the answer is the same, and dear."""
        try:
            view = await self._parts.book.view(circle)
            row = await self._parts.escrows.in_circle(view)
        except Refusal:
            row = None
        if row is None:
            self._parts.addresses.take(caller.source or caller.device, cost=FAILURE_COST)
            raise Refusal(Code.NOT_FOUND)
        return view, row

    async def _checked_request(self, caller: Caller, data: bytes) -> EmergencyRequest:
        asked = emergency.peek(data)
        if asked.device != caller.device:
            raise ProtocolError("wrong-device")
        emergency.verify(asked, await self._own(caller))
        authorize.check_clock(asked.at, now_ms())
        if asked.until <= now_ms():
            raise ProtocolError("bad-period")
        return asked

    async def _check_answer(
        self,
        caller: Caller,
        said: EmergencyAnswer,
        statement: EscrowStatement,
        *,
        requester: AccountId,
    ) -> None:
        """By the caller, about the escrow as it is now, with parts for other guardians alone: not for one who asks."""
        if said.device != caller.device:
            raise ProtocolError("wrong-device")
        emergency.verify_answer(said, await self._own(caller), request=said.request)
        authorize.check_clock(said.at, now_ms())
        if said.escrow_device != statement.device:
            raise Refusal(Code.CONFLICT, reason="wrong-device", device=statement.device)
        others = sorted(set(statement.guardians) - {caller.account, requester})
        states = await self._parts.accounts.states(others)
        devices = {one.id for state in states.values() for one in state.devices_in_force()}
        if not said.parts.keys() <= devices:
            raise ProtocolError("wrong-device")

    async def _own(self, caller: Caller) -> AccountState:
        state = await self._parts.accounts.state(caller.account)
        assert state is not None  # it has a token
        return state

    async def _new(
        self, asked: EmergencyRequest, door: EscrowRow, ask: wire.RequestEmergency
    ) -> EmergencyRow:
        guardians = escrow.peek(door.statement).guardians
        states = await self._parts.accounts.states(guardians)
        devices = {one.id for state in states.values() for one in state.devices_in_force()}
        return EmergencyRow(
            id=asked.id,
            circle=asked.circle,
            account=asked.account,
            escrow=asked.escrow,
            guardians=guardians,
            at=now_ms(),
            until=asked.until,
            request=ask.request,
            explained=sealed_rows(ask.explained, devices),
        )

    async def _active_in(self, account: AccountId, circles: set[CircleId]) -> set[CircleId]:
        """In which of some circles an account is an active member."""
        now = now_ms()

        async def known(circle: CircleId) -> CircleId | None:
            view = await self._parts.book.view(circle)
            return circle if account in authorize.members_now(view.state, now) else None

        return {one for one in await gathered(known, sorted(circles)) if one}

    async def _listed(self, row: EmergencyRow, devices: set[str], hours: int) -> wire.EmergencyRow:
        statement, state = await self._parts.judged(row)
        due: Millis | None = None
        if row.state == RELEASED and row.closed_at is not None:
            due = row.closed_at + hours * HOUR_MS
        return wire.EmergencyRow(
            id=row.id,
            request=row.request,
            state=state,
            statement=statement.signed.raw,
            answers=tuple(one.answer for one in row.answers),
            explained=sealed(one for one in row.explained if one.device in devices),
            review_due=due,
        )


def _judged(
    caller: Caller, after: EmergencyRow, statement: EscrowStatement, said: EmergencyAnswer
) -> Judged:
    """What an answer makes of the request, and the entry that says so."""
    now = now_ms()
    state = state_of(after, statement, now)
    subject: dict[str, Any] = {"request": after.id, "approved": said.approved, "state": state}
    act = Act("emergency.answer", after.circle, subject | {"account": after.account})
    return Judged(
        closing=Closing(DECLINED, now, statement.device) if state == DECLINED else None,
        approved_at=now if state == APPROVED else None,
        audit=entry_of(caller, act),
    )

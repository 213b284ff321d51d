"""Receipts: a device's signed word about one version, kept and shown to members and auditors."""

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import Any

from relais.crypto import envelope as envelopes
from relais.crypto import receipt as receipts
from relais.crypto.account import AccountState
from relais.crypto.envelope import Header
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import CircleState, Member
from relais.crypto.receipt import Receipt
from relais.models.ids import AccountId, CircleId, Digest, NoteId
from relais.models.refusal import Code, Refusal
from relais.models.store.notes import NoteStore
from relais.models.store.receipts import NewReceipt, NumberedReceipt, ReceiptStore
from relais.models.wire import note as wire
from relais.server import authorize, visibility
from relais.server.audit.record import Act, Recorder, entry_of
from relais.server.callers import Caller
from relais.server.circle_book import CircleBook
from relais.server.clock import now_ms
from relais.server.gathering import gathered
from relais.server.hub import Hub

MOST_AT_ONCE = 1_000
REMEMBERED = 50_000


@dataclass(frozen=True)
class ReceiptParts:
    """What receipts are served with."""

    store: ReceiptStore
    notes: NoteStore
    book: CircleBook
    recorder: Recorder
    hub: Hub


@dataclass(frozen=True)
class _Known:
    """A version a receipt can be for."""

    seq: int
    header: Header
    digest: Digest


class Receipts:
    """Answers ``receipt.post``, ``receipt.sync``, ``receipt.get``."""

    def __init__(self, parts: ReceiptParts) -> None:
        self._parts = parts
        self._versions: OrderedDict[tuple[CircleId, NoteId, int], _Known] = OrderedDict()

    def actions(self) -> dict[type, Any]:
        return {
            wire.PostReceipts: self.post,
            wire.SyncReceipts: self.sync,
            wire.GetReceipts: self.get,
        }

    async def post(self, caller: Caller, ask: wire.PostReceipts) -> wire.ReceiptsStored:
        """Store receipts; those that are there already count as not stored. One bad one refuses all."""
        view = await self._parts.book.view(ask.circle)
        member = authorize.may_read(view.state, caller.account, now_ms())
        author = view.accounts[caller.account]
        read = [_checked(caller, author, ask.circle, data) for data in ask.receipts]
        known = [await self._named(view.state, member, receipt) for receipt in read]

        async def store(receipt: Receipt) -> int | None:
            return await self._store(caller, receipt, member.role)

        numbers = await gathered(store, read)
        await self._move_on(caller, ask.circle, read, known)
        new = [
            (wire.StoredReceipt(number, receipt.signed.raw), version.header)
            for number, receipt, version in zip(numbers, read, known, strict=True)
            if number is not None
        ]
        await self._tell(view.state, new)
        return wire.ReceiptsStored(len(new))

    async def sync(self, caller: Caller, ask: wire.SyncReceipts) -> wire.Receipts:
        """Receipts that came after a number."""
        if not 1 <= ask.limit <= MOST_AT_ONCE:
            raise Refusal(Code.MALFORMED, field="limit")
        state, member = await self._may_see(caller, ask.circle)
        last = await self._parts.store.last_seq(ask.circle)
        up_to = min(last, ask.after + ask.limit)
        found = await self._parts.store.between(ask.circle, ask.after, up_to)
        subject = {"seq_from": ask.after + 1, "seq_to": up_to}
        act = Act("receipt.sync", ask.circle, subject, _role(member))
        await self._parts.recorder.record(caller, act)
        return wire.Receipts(_stored(await self._for(state, member, found)), last)

    async def get(self, caller: Caller, ask: wire.GetReceipts) -> wire.Receipts:
        """The receipts of every version of one note."""
        state, member = await self._may_see(caller, ask.circle)
        found = await self._parts.store.of_note(ask.circle, ask.note)
        act = Act("receipt.get", ask.circle, {"note": ask.note}, _role(member))
        await self._parts.recorder.record(caller, act)
        some = _stored(await self._for(state, member, found))
        return wire.Receipts(some, await self._parts.store.last_seq(ask.circle))

    async def _may_see(self, caller: Caller, circle: CircleId) -> tuple[CircleState, Member | None]:
        """The circle, and which member asks: one that may read, or none for an auditor."""
        view = await self._parts.book.view(circle)
        if "auditor" in caller.roles:
            return view.state, None
        return view.state, authorize.may_read(view.state, caller.account, now_ms())

    async def _for(
        self, state: CircleState, member: Member | None, found: list[NumberedReceipt]
    ) -> list[NumberedReceipt]:
        """Of these receipts, those for versions that are for the member; all for an auditor."""
        if member is None or visibility.reads_all(state, member):
            return found
        read = [receipts.peek(one.receipt) for one in found]
        known = [await self._version(one.circle, one.note, one.version) for one in read]
        return [
            receipt
            for receipt, version in zip(found, known, strict=True)
            if version and visibility.may_read(state, member, version.header)
        ]

    async def _named(self, state: CircleState, member: Member, receipt: Receipt) -> _Known:
        """The version a receipt names. Raises ``not_found``, ProtocolError `wrong-version`."""
        known = await self._version(receipt.circle, receipt.note, receipt.version)
        if known is None or not visibility.may_read(state, member, known.header):
            raise Refusal(Code.NOT_FOUND, note=receipt.note, version=receipt.version)
        if known.digest != receipt.envelope:
            raise ProtocolError("wrong-version")
        return known

    async def _version(self, circle: CircleId, note: NoteId, version: int) -> _Known | None:
        key = (circle, note, version)
        known = self._versions.get(key)
        if known is None:
            found = await self._parts.notes.version(*key)
            if found is None:
                return None
            header = envelopes.peek(found.envelope).header
            known = self._versions[key] = _Known(found.seq, header, found.digest)
            if len(self._versions) > REMEMBERED:
                self._versions.popitem(last=False)
        return known

    async def _store(self, caller: Caller, receipt: Receipt, role: str) -> int | None:
        subject: dict[str, Any] = {
            "note": receipt.note,
            "version": receipt.version,
            "kind": receipt.kind,
        }
        act = Act("receipt.post", receipt.circle, subject, role)
        new = NewReceipt(
            circle=receipt.circle,
            note=receipt.note,
            version=receipt.version,
            device=receipt.device,
            kind=receipt.kind,
            account=receipt.account,
            at=receipt.at,
            receipt=receipt.signed.raw,
        )
        return await self._parts.store.append(new, audit=entry_of(caller, act))

    async def _move_on(
        self, caller: Caller, circle: CircleId, read: list[Receipt], known: list[_Known]
    ) -> None:
        """The account has read up to the newest version it says it has."""
        seen = [
            version.seq
            for receipt, version in zip(read, known, strict=True)
            if receipt.kind != receipts.STORED
        ]
        if seen:
            await self._parts.notes.read_up_to(circle, caller.account, max(seen))

    async def _tell(self, state: CircleState, new: list[tuple[wire.StoredReceipt, Header]]) -> None:
        """Tell each reader of those that are for versions it may read."""
        told: dict[tuple[wire.StoredReceipt, ...], list[AccountId]] = defaultdict(list)
        for account in authorize.readers_now(state, now_ms()):
            member = state.members[account]
            some = [one for one, header in new if visibility.may_read(state, member, header)]
            told[tuple(some)].append(account)
        for these, accounts in told.items():
            if these:
                event = wire.ReceiptPosted(state.circle, these)
                await self._parts.hub.tell_accounts(event, accounts)


def _checked(caller: Caller, author: AccountState, circle: CircleId, data: bytes) -> Receipt:
    """A receipt by the calling device for this circle. Raises ProtocolError."""
    receipt = receipts.peek(data)
    if receipt.circle != circle:
        raise ProtocolError("wrong-circle")
    if receipt.account != caller.account:
        raise ProtocolError("wrong-account")
    if receipt.device != caller.device:
        raise ProtocolError("wrong-device")
    receipts.verify(receipt, author)
    authorize.check_clock(receipt.at, now_ms())
    return receipt


def _role(member: Member | None) -> str:
    return member.role if member else "auditor"


def _stored(found: list[NumberedReceipt]) -> tuple[wire.StoredReceipt, ...]:
    return tuple(wire.StoredReceipt(one.seq, one.receipt) for one in found)

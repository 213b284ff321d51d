"""Receipts: this device's signed word that it stored, read or acknowledged one version (docs/protocol.md §8)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from relais.client import circle_state
from relais.client.circle_state import CircleView
from relais.client.reading import Note
from relais.client.session import Session
from relais.crypto import receipt
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger_state import BOT
from relais.models.ids import AccountId, CircleId, Millis
from relais.models.wire.note import GetReceipts, PostReceipts, Receipts

KINDS = ("stored", "read", "acknowledged")
_AT_ONCE = 200


@dataclass(frozen=True)
class Seen:
    """The earliest time of one kind, by one account, for one version."""

    version: int
    account: AccountId
    kind: str
    at: Millis


async def give(
    session: Session,
    circle: CircleId,
    notes: Iterable[Note],
    kinds: Iterable[str],
    *,
    at: Millis | None = None,
) -> None:
    """Sign and send receipts for versions written by others, for now or for when it was.

    Sending one again changes nothing.
    """
    me, now = session.identity, session.clock.now() if at is None else at
    signed = [
        receipt.write(
            me.keys,
            circle=circle,
            note=note.note,
            version=note.version,
            envelope=note.digest,
            kind=kind,
            account=me.account,
            at=now,
        )
        for note in notes
        if note.author != me.account
        for kind in kinds
    ]
    for start in range(0, len(signed), _AT_ONCE):
        await session.call(PostReceipts(circle, tuple(signed[start : start + _AT_ONCE])))


async def of_note(session: Session, view: CircleView, versions: Iterable[Note]) -> list[Seen]:
    """Who stored, read and acknowledged which of these versions; each receipt checked against the version it names.

    Receipts of other versions, which are newer or before this member's history, are passed over.
    Raises `ProtocolError` for a receipt that does not hold, or is by somebody who never read in this circle.
    """
    with session.alarms.watching(circle=view.circle):
        return await _of_note(session, view, {note.version: note for note in versions})


async def _of_note(session: Session, view: CircleView, known: Mapping[int, Note]) -> list[Seen]:
    (note,) = {note.note for note in known.values()}
    answer: Receipts = await session.call(GetReceipts(view.circle, note))
    earliest: dict[tuple[int, AccountId, str], Millis] = {}
    for stored in answer.receipts:
        one = receipt.peek(stored.receipt)
        if (one.circle, one.note) != (view.circle, note):
            raise ProtocolError("wrong-version")
        if one.version in known:
            await _verify(session, view, one, known[one.version])
            key = (one.version, one.account, one.kind)
            earliest[key] = min(one.at, earliest.get(key, one.at))
    return [Seen(*key, at) for key, at in sorted(earliest.items())]


async def _verify(session: Session, view: CircleView, one: receipt.Receipt, version: Note) -> None:
    if one.envelope != version.digest:
        raise ProtocolError("wrong-version")
    if one.account not in view.state.members:  # it may have come since
        view.adopt(await circle_state.fetch(session, view.circle))
    member = view.state.members.get(one.account)
    if member is None or all(period.role == BOT for period in member.periods):
        raise ProtocolError("not-a-member")
    await session.accounts.load([one.account])
    try:
        receipt.verify(one, session.accounts[one.account])
    except ProtocolError as error:
        if error.reason != "not-a-device":
            raise
        await session.accounts.load([one.account], fresh=True)
        receipt.verify(one, session.accounts[one.account])

"""Handing over single versions: the notes of a history that begins in the middle of an epoch (docs/protocol.md §5)."""

from collections.abc import Iterable

from relais.client.circle_state import CircleView, moment
from relais.client.session import Session
from relais.crypto import envelope, grant, ledger
from relais.crypto.envelope import Envelope
from relais.crypto.errors import ProtocolError
from relais.crypto.grant import NoteName
from relais.models.ids import AccountId, DeviceId
from relais.models.wire.circle import GiveGrants, GrantsGiven, MissingNotes
from relais.models.wire.note import Notes, SyncCircle

_PAGE = 200
MOST_IN_A_GRANT = 500
"""So many names and keys stay under the wire's 64 KiB."""


async def give(session: Session, view: CircleView, rows: Iterable[MissingNotes]) -> int:
    """Grant the versions that devices are owed, as far as this device reads them. Returns how many grants were stored."""
    wanted = list(rows)
    found = await _envelopes(session, view, {seq for row in wanted for seq in row.seqs})
    grants: list[bytes] = []
    for row in wanted:
        member = view.state.members.get(row.account)
        device = session.accounts[row.account].devices.get(row.device)
        if member is None or not member.active(moment(session, view)):
            continue
        if device is None or device.is_revoked:
            continue
        chosen = [found[seq] for seq in row.seqs if seq in found]
        owed = [
            one
            for one in chosen
            if ledger.is_owed_key(view.state, member, _keys(one), one.header.at)
        ]
        grants += _sealed(session, view, (row.account, row.device), _names(view, owed))
    if not grants:
        return 0
    answer: GrantsGiven = await session.call(GiveGrants(view.circle, tuple(grants)))
    return answer.stored


def _keys(sealed: Envelope) -> list[tuple[str, int]]:
    return [(key.audience, key.epoch) for key in sealed.header.keys]


def _names(view: CircleView, owed: Iterable[Envelope]) -> dict[NoteName, bytes]:
    """What this device can read of it; the rest is somebody else's to give."""
    found: dict[NoteName, bytes] = {}
    for one in owed:
        try:
            key = envelope.content_key(one, view.keys)
        except ProtocolError:
            continue
        found[NoteName(one.header.note, one.header.version)] = key
    return found


def _sealed(
    session: Session, view: CircleView, to: tuple[AccountId, DeviceId], keys: dict[NoteName, bytes]
) -> Iterable[bytes]:
    account, device = to
    names = list(keys)
    for start in range(0, len(names), MOST_IN_A_GRANT):
        yield grant.seal(
            session.identity.keys,
            session.accounts[account].devices[device].device,
            circle=view.circle,
            account=account,
            granter=session.identity.account,
            notes={name: keys[name] for name in names[start : start + MOST_IN_A_GRANT]},
            at=session.clock.now(),
        )


async def _envelopes(session: Session, view: CircleView, seqs: set[int]) -> dict[int, Envelope]:
    """These versions, each signed by its author; what the server does not give, or is not authentic, is left out."""
    found: dict[int, Envelope] = {}
    left = sorted(seqs)
    while left:
        answer: Notes = await session.call(SyncCircle(view.circle, left[0] - 1, _PAGE))
        for one in answer.notes:
            if one.seq in seqs and (sealed := await _verified(session, one.envelope)):
                found[one.seq] = sealed
        reached = max((left[0], *answer.others, *(one.seq for one in answer.notes)))
        left = [seq for seq in left if seq > reached]
    return found


async def _verified(session: Session, data: bytes) -> Envelope | None:
    """None for what is not authentic: whoever reads is told, and the other versions are handed over."""
    try:
        sealed = envelope.peek(data)
        author = sealed.header.account
        await session.accounts.load([author])
        envelope.verify(sealed, session.accounts[author])
    except ProtocolError:
        return None
    return sealed

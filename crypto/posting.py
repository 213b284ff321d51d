"""Who may post (docs/protocol.md §6): a pure function of the circle's ledger and an envelope's header.

The server asks by the ledger's head and its own clock (`check_may_post`); a reader, who may meet a note
long after, by the head the author named (`check_could_post`).
"""

from relais.crypto.envelope_header import INBOX_METHOD, PROFILE, Header, SealedKey
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger_state import BOT, LEAD, CircleState, Period, check_head
from relais.models.ids import Millis


def check_may_post(state: CircleState, header: Header, *, at: Millis) -> None:
    """Check a note that arrives at `at`, by the ledger as it stands.

    Raises ProtocolError `wrong-circle`, `circle-closed`, `fork`, `rollback`, `not-a-member`,
    `not-allowed`, `wrong-method`, `key-missing`, `wrong-epoch` (not the current one).
    """
    _check_circle(state, header)
    if state.closed:
        raise ProtocolError("circle-closed")
    _check_keys(state, header, period=state.member(header.account, at).last, seq=state.seq)


def check_could_post(state: CircleState, header: Header) -> None:
    """Check a note by the ledger as its author knew it.

    Raises ProtocolError `wrong-circle`, `fork`, `rollback` (the reader's ledger ends before the
    author's: fetch first), `not-a-member`, `not-allowed`, `wrong-method`, `key-missing`, `wrong-epoch`.
    """
    _check_circle(state, header)
    member = state.members.get(header.account)
    period = member.period_after(header.ledger_seq) if member else None
    if period is None or (period.until is not None and header.at >= period.until):
        raise ProtocolError("not-a-member")
    _check_keys(state, header, period=period, seq=header.ledger_seq)


def _check_circle(state: CircleState, header: Header) -> None:
    if header.circle != state.circle:
        raise ProtocolError("wrong-circle")
    check_head(state, header.ledger_seq, header.ledger_head)


def _check_keys(state: CircleState, header: Header, *, period: Period, seq: int) -> None:
    if header.kind == PROFILE:
        _check_profile(state, header, period=period, seq=seq)
    for key in header.keys:
        audience = state.audiences.get(key.audience)
        if audience is None or audience.epoch_after(seq) != key.epoch:
            raise ProtocolError("wrong-epoch")
        _check_audience(header, key, period=period)


def _check_profile(state: CircleState, header: Header, *, period: Period, seq: int) -> None:
    """A profile: by any member but a bot, to every audience."""
    if period.role == BOT:
        raise ProtocolError("not-allowed")
    audiences = {name for name, audience in state.audiences.items() if audience.epoch_after(seq)}
    if audiences != {key.audience for key in header.keys}:
        raise ProtocolError("key-missing")


def _check_audience(header: Header, key: SealedKey, *, period: Period) -> None:
    is_inside = key.audience in period.audiences
    if not is_inside and period.role != LEAD and header.kind != PROFILE:
        raise ProtocolError("not-a-member")
    if (key.method == INBOX_METHOD) == period.reads(key.audience):
        raise ProtocolError("wrong-method")

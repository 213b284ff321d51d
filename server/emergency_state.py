"""How far a request for emergency access has come (docs/protocol.md §13): pure."""

from typing import Final

from relais.crypto.escrow import EscrowStatement
from relais.models.ids import AccountId, Millis
from relais.models.store.emergency import DECLINED, EXPIRED, OPEN, EmergencyRow
from relais.models.wire.emergency import RequestState

PATIENCE_MS: Final[Millis] = 24 * 3_600_000
"""So long guardians have to make a quorum."""
APPROVED: Final = "approved"


def approvals(row: EmergencyRow, statement: EscrowStatement) -> set[AccountId]:
    """Whose approval counts: of guardians, with parts of the escrow's device as it is now."""
    return {
        one.account
        for one in row.answers
        if one.approved
        and one.escrow_device == statement.device
        and one.account in deciding(row, statement)
    }


def deciding(row: EmergencyRow, statement: EscrowStatement) -> set[AccountId]:
    """The guardians, but for one who asks."""
    return set(statement.guardians) - {row.account}


def state_of(row: EmergencyRow, statement: EscrowStatement, now: Millis) -> RequestState:
    """`row.state` where the request is closed; else what follows from the answers and the time."""
    if row.state != OPEN:
        return row.state
    if now >= row.until:
        return EXPIRED
    if len(approvals(row, statement)) >= statement.quorum:
        return APPROVED
    if now >= row.at + PATIENCE_MS:
        return EXPIRED
    declined = {one.account for one in row.answers if not one.approved}
    left = deciding(row, statement) - declined
    return OPEN if len(left) >= statement.quorum else DECLINED

"""To what end somebody acts: codes of HL7 v3 PurposeOfUse (2.16.840.1.113883.1.11.20448), one by default for each action.

TREAT      care: notes, receipts, attachments, circles     a professional's, a coordinator's, a bot's
FAMRQT     the same by a family carer
BTG        the same by whoever was let in by emergency access ("break the glass"), until that ends
HOPERAT    administration of people
HSYSADMIN  accounts, devices and logins
HCOMPL     the audit log itself
"""

from functools import lru_cache
from typing import Final

CARE: Final = "TREAT"
FAMILY: Final = "FAMRQT"
ADMINISTRATION: Final = "HOPERAT"
SYSTEM: Final = "HSYSADMIN"
COMPLIANCE: Final = "HCOMPL"
EMERGENCY: Final = "BTG"

STATED: Final = frozenset(
    {
        *("TREAT", "ETREAT", "BTG", "CAREMGT", "PATADMIN", "PATRQT", "FAMRQT", "SUPNWK"),
        *("HQUALIMP", "PATSFTY", "HLEGAL", "TRAIN"),
    }
)
"""What a member may state instead of care. Nobody states another purpose for administration or for reading the log."""

_BY_ROOM: Final = {
    "admin": ADMINISTRATION,
    "audit": COMPLIANCE,
    "auth": SYSTEM,
    "backup": SYSTEM,
    "device": SYSTEM,
    "event": SYSTEM,
    "log": COMPLIANCE,
    "socket": SYSTEM,
}


@lru_cache(maxsize=4_096)
def purpose_of(action: str, role: str | None, stated: str | None) -> str:
    """The purpose of use of one act. `stated` counts where care would be the default."""
    if action == "account.append":
        return SYSTEM
    other = _BY_ROOM.get(action.partition(".")[0])
    return other or stated or (FAMILY if role == "carer" else CARE)

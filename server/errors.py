"""What a member hears when something was raised: always a `Refusal`."""

import logging

from relais.crypto.errors import ProtocolError
from relais.models.refusal import Code, Refusal
from relais.models.store.errors import StoreError, Unavailable

log = logging.getLogger(__name__)

FORBIDDEN_REASONS = frozenset(
    {
        *("bad-signature", "not-a-device", "revoked-device", "last-device", "bad-possession"),
        *("not-a-member", "not-allowed", "circle-closed", "last-lead", "not-the-author"),
        *("not-entitled", "wrong-account", "wrong-device"),
    }
)
CONFLICT_REASONS = frozenset({"already-a-member", "wrong-version", "fork", "duplicate-device"})


def as_refusal(error: Exception) -> Refusal:
    """Name what went wrong. A bug is logged with its trace and told as ``internal``."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, ProtocolError):
        return Refusal(_code_of(error.reason), reason=error.reason)
    if isinstance(error, Unavailable):
        return Refusal(Code.UNAVAILABLE)
    kind = "store" if isinstance(error, StoreError) else "bug"
    log.error("unexpected", exc_info=error, extra={"kind": kind})
    return Refusal(Code.INTERNAL)


def _code_of(reason: str) -> Code:
    if reason in FORBIDDEN_REASONS:
        return Code.FORBIDDEN
    return Code.CONFLICT if reason in CONFLICT_REASONS else Code.MALFORMED

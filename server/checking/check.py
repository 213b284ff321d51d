"""Whether an envelope is well-formed and signed by its device. It asks nobody and knows no ledger."""

from dataclasses import dataclass

from relais.crypto import envelope as envelopes
from relais.crypto.account import AccountState
from relais.crypto.envelope import Envelope
from relais.crypto.errors import ProtocolError


@dataclass(frozen=True)
class Checked:
    """An envelope taken apart. `signed_under`: the public key under which its signature was found good, if it was."""

    envelope: Envelope
    signed_under: bytes | None

    def verify(self, author: AccountState) -> None:
        """As `envelope.verify`; what was found good under the author's key is not computed again."""
        key = envelopes.signing_key(self.envelope, author)
        if key != self.signed_under:
            envelopes.verify_signature(self.envelope, key)


def check(data: bytes, key: bytes | None) -> Checked:
    """Take an envelope apart, and try its signature under the key that its device seems to have.

    `key`: 32 bytes (Ed25519), or None where it is not known yet. A signature that is not good under it is no error
    here: `Checked.verify` finds it again when its turn comes. Raises those of `envelope.peek`.
    """
    envelope = envelopes.peek(data)
    return Checked(envelope, key if key and _is_signed_under(envelope, key) else None)


def _is_signed_under(envelope: Envelope, key: bytes) -> bool:
    try:
        envelopes.verify_signature(envelope, key)
    except ProtocolError:
        return False
    return True

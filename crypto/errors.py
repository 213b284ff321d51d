"""What arrived is wrong: the one error `crypto/` raises about other people's bytes."""


class ProtocolError(Exception):
    """Bytes that break the protocol.

    `reason` is a stable kebab-case word ("stream-truncated"), the same in Python and
    JavaScript; it never holds a key, a name or a plaintext, so it may be logged.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

"""Sealing a version under the epochs a circle is at."""

import secrets

from relais.client.circle_state import CircleView
from relais.client.errors import Locked
from relais.client.identity import Identity
from relais.crypto import envelope
from relais.crypto.content import Content
from relais.crypto.envelope import Draft, To
from relais.crypto.errors import ProtocolError


def seal(
    identity: Identity, view: CircleView, draft: Draft, content: Content, audiences: tuple[str, ...]
) -> bytes:
    """The envelope of one version for these audiences: by epoch key where this member reads, else by inbox key.

    Raises `Locked` while a key this member reads with is on its way, `ProtocolError`.
    """
    to = [_to(identity, view, name) for name in audiences]
    entropy = secrets.token_bytes(envelope.ENTROPY_SIZE)
    return envelope.seal(identity.keys, draft, content, to=to, entropy=entropy)


def _to(identity: Identity, view: CircleView, name: str) -> To:
    audience = view.state.audiences.get(name)
    member = view.state.members.get(identity.account)
    if audience is None or member is None:
        raise ProtocolError("bad-audience" if member else "not-a-member")
    if not member.last.reads(name):
        return To(name, audience.epoch, inbox_key=audience.current.inbox_key)
    key = view.keys.get((name, audience.epoch))
    if key is None:
        raise Locked
    return To(name, audience.epoch, key=key)

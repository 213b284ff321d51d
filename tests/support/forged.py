"""Notes and signed things made by hand: well-formed, and wrong in one respect."""

from typing import Any

from scene import Scene

from relais.client import sealing
from relais.client.circle_state import CircleView
from relais.crypto import cbor, cose, envelope
from relais.crypto.content import Content
from relais.crypto.device import DeviceKeys
from relais.crypto.envelope import Draft
from relais.models.ids import uuid7

CONTENT = Content("GEN", "écrit par un test")


def draft(scene: Scene, who: str, view: CircleView, **more: Any) -> Draft:
    """A new note of somebody's; ``more`` changes what its header says."""
    client = scene.clients[who]
    now = client.session.clock.now()
    fields: dict[str, Any] = {
        "circle": view.circle,
        "note": uuid7(now),
        "version": 1,
        "replaces": None,
        "kind": "post",
        "account": client.account,
        "at": now,
        "ledger_seq": view.state.seq,
        "ledger_head": view.state.head,
    }
    return Draft(**(fields | more))


def sealed(scene: Scene, who: str, made: Draft, view: CircleView) -> bytes:
    """As somebody's own device would seal it."""
    identity = scene.clients[who].session.identity
    return sealing.seal(identity, view, made, CONTENT, ("team",))


def sealed_under(scene: Scene, who: str, made: Draft, epoch: int, key: bytes) -> bytes:
    """Under any epoch and key."""
    keys, to = scene.people[who].keys, [envelope.To("team", epoch, key=key)]
    return envelope.seal(keys, made, CONTENT, to=to, entropy=bytes(envelope.ENTROPY_SIZE))


def resigned(data: bytes, keys: DeviceKeys, context: str, *, kid: str | None = None) -> bytes:
    """The same payload, signed by other keys; ``kid``: and said to be by this device."""
    again = cose.sign(cose.peek(data).payload, keys=keys, context=context)
    if kid is None:
        return again
    parts = cbor.decode(again)
    return cbor.encode([parts[0][:5] + bytes.fromhex(kid), *parts[1:]])

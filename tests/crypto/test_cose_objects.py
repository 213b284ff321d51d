"""Every signed object of the protocol, and the ciphertext in a note, checked by an independent COSE library (pycose)."""

from typing import Any

import pytest
from care import NOTE, NOW, Circle, Person, key_of, posted, random
from pycose.keys import OKPKey, SymmetricKey
from pycose.keys.curves import Ed25519
from pycose.messages import Enc0Message, Sign1Message

from relais.crypto import (
    account,
    cbor,
    cose,
    emergency,
    envelope,
    escrow,
    grant,
    login,
    receipt,
    suite,
)

ANNE = Person("Anne")
CIRCLE = Circle(ANNE)
PHONE = ANNE.keys.device("interactive", "Anne")
ENVELOPE = posted(CIRCLE, ANNE)


def granted() -> bytes:
    said = {"circle": CIRCLE.state.circle, "account": ANNE.id, "granter": ANNE.id, "at": NOW}
    return grant.seal(ANNE.keys, PHONE, epochs=[("team", 1, key_of("team", 1))], **said)  # type: ignore[arg-type]


def received() -> bytes:
    seen = {"note": NOTE, "version": 1, "envelope": envelope.peek(ENVELOPE).digest, "kind": "read"}
    return receipt.write(
        ANNE.keys,
        circle=CIRCLE.state.circle,
        account=ANNE.id,
        at=NOW,
        **seen,  # type: ignore[arg-type]
    )


def guarded() -> bytes:
    said = {"account": ANNE.id, "quorum": 2, "guardians": ["0" * 64, "1" * 64], "at": NOW}
    return escrow.write(ANNE.keys, parts=[bytes(32)] * 2, **said)  # type: ignore[arg-type]


def asked() -> bytes:
    period = {"at": NOW, "until": NOW + 1, "reason": "vital", "explained": "0" * 64}
    return emergency.write(
        ANNE.keys,
        escrow="1" * 64,
        circle=CIRCLE.state.circle,
        account=ANNE.id,
        account_head=ANNE.state.head,
        **period,  # type: ignore[arg-type]
    )


def declined() -> bytes:
    said = {"request": "0" * 64, "account": ANNE.id, "escrow_device": "1" * 32, "at": NOW}
    return emergency.write_answer(ANNE.keys, parts=None, **said)  # type: ignore[arg-type]


OBJECTS = {
    cose.ACCOUNT: ANNE.chain[0],
    cose.DEVICE: account.possession(ANNE.keys, PHONE, ANNE.id),
    cose.CIRCLE: CIRCLE.entries[0],
    cose.GRANT: granted(),
    cose.NOTE: ENVELOPE,
    cose.RECEIPT: received(),
    cose.ESCROW: guarded(),
    cose.EMERGENCY: asked(),
    cose.ANSWER: declined(),
    cose.LOGIN: login.answer(ANNE.keys, random("c"), origin="https://relais.example", at=NOW),
}


@pytest.mark.parametrize("context", sorted(OBJECTS))
def test_pycose_verifies_each_signed_object_under_its_context_and_no_other(context: str) -> None:
    data: Any = cbor.decode(OBJECTS[context])
    message: Any = Sign1Message.from_cose_obj(data, allow_unknown_attributes=False)
    message.key = OKPKey(crv=Ed25519, x=ANNE.keys.sign_public)
    for other in OBJECTS:
        message.external_aad = other.encode()
        assert message.verify_signature() == (other == context)


def test_pycose_opens_the_content_of_a_note_with_its_key() -> None:
    read = envelope.peek(ENVELOPE)
    header, sealed = cbor.decode(read.signed.payload)
    message: Any = Enc0Message.from_cose_obj(cbor.decode(sealed), allow_unknown_attributes=False)
    content_key = random("entropy", envelope.ENTROPY_SIZE)[:32]
    message.key = SymmetricKey(k=suite.hkdf(content_key, ["relais/1 note", "encrypt"]))
    message.external_aad = header
    assert b"Bonjour" in message.decrypt()

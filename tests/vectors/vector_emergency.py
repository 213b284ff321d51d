"""emergency.json: requests to be let into a circle, the words sealed to guardians, their answers with parts."""

from collections.abc import Iterable
from typing import Any

import vector_escrow
import vector_people as people
from vector_escrow import GUARDIANS, identity, own_parts
from vector_people import CHAINS, DAY, HOUR, START, Json, keys, random

from relais.crypto import cbor, cose, emergency, escrow, suite
from relais.crypto.escrow import EscrowStatement

AT = START + 2 * DAY
WORDS = "Patient trouvé à terre, glycémie 0,4 g/l.\nJ’ai besoin de ses traitements."
SALT = random("salt", 16)
REASONS = ("vital", "night", "absence", "handover", "other")


def asked(by: str = "denis phone", **more: Any) -> bytes:
    name = by.split()[0]
    fields: dict[str, Any] = {
        "escrow": identity("escrow"),
        "circle": random("a circle").hex(),
        "account": identity(name),
        "account_head": CHAINS[name].known().head,
        "at": AT,
        "until": AT + 12 * HOUR,
        "reason": "vital",
        "explained": emergency.explained(emergency.explain(WORDS, SALT)),
    }
    return emergency.write(keys(by), **{**fields, **more})


def statement() -> EscrowStatement:
    return escrow.peek(vector_escrow.stated("escrow one", GUARDIANS, 2))


def parts_for(request: str, by: str) -> dict[str, bytes]:
    """A guardian's parts, sealed to the others' devices."""
    own = own_parts(statement(), "escrow one", by)
    others = {name: device for name, device in GUARDIANS.items() if name != by}
    sealed = {}
    for label in others.values():
        public = keys(label).device("interactive", "")
        given = emergency.seal_parts(keys(GUARDIANS[by]), public, own, request=request)
        sealed[public.id] = given
    return sealed


def answered(by: str, request: str, **more: Any) -> bytes:
    fields: dict[str, Any] = {
        "request": request,
        "account": identity(by),
        "escrow_device": statement().device,
        "parts": parts_for(request, by),
        "at": AT + HOUR,
    }
    return emergency.write_answer(keys(GUARDIANS[by]), **{**fields, **more})


def build() -> Json:
    request = asked()
    named = emergency.peek(request).id
    return {
        "description": "Emergency access (docs/protocol.md §13). `good` are requests; the first one's words are sealed "
        "to each guardian, and `answers` answer it. With its own share each guardian of `released` has all parts. In `bad`: a "
        "`request`, or the words `sealed` with it, or an `answer`, or the parts in it as the device of `opens` finds them.",
        "devices": people.devices_json(
            *GUARDIANS.values(), "anne laptop", "denis phone", "eve phone"
        ),
        "chains": people.chains_json("escrow", *GUARDIANS, "anne later", "denis", "eve"),
        "statement": statement().signed.raw.hex(),
        "good": list(_requests()),
        "answers": list(_answers(named)),
        "bad": [
            *_bad_requests(request),
            *_bad_words(request),
            *_bad_answers(named),
            *_bad_parts(named),
        ],
    }


def _requests() -> Iterable[Json]:
    plaintext = emergency.explain(WORDS, SALT)
    for reason in REASONS:
        yield _request(f"for {reason}", asked(reason=reason), plaintext)
    longest = asked(until=AT + 72 * HOUR)
    yield _request("as long as can be", longest, plaintext)
    nothing = emergency.explain("", SALT)
    yield _request("without words", asked(explained=emergency.explained(nothing)), nothing)


def _request(name: str, data: bytes, plaintext: bytes) -> Json:
    read = emergency.peek(data)
    again = people.as_json(read)
    again.pop("signed")
    sealed = {
        label: emergency.seal_words(
            plaintext,
            keys(label).device("interactive", ""),
            circle=read.circle,
            requester=read.device,
        ).hex()
        for label in GUARDIANS.values()
    }
    return {
        "name": name,
        "by": "denis phone",
        "again": again,
        "request": data.hex(),
        "id": read.id,
        "text": cbor.decode(plaintext)["text"],
        "salt": SALT.hex(),
        "plaintext": plaintext.hex(),
        "sealed": sealed,
    }


def _answers(request: str) -> Iterable[Json]:
    yield _answer("anne approves", "anne", answered("anne", request))
    yield _answer("bruno approves", "bruno", answered("bruno", request))
    yield _answer("claire declines", "claire", answered("claire", request, parts=None))


def _answer(name: str, by: str, data: bytes) -> Json:
    read = emergency.peek_answer(data)
    again = people.as_json(read)
    again.pop("signed")
    return {
        "name": name,
        "by": GUARDIANS[by],
        "again": again,
        "answer": data.hex(),
        "held": list(statement().held(read.account)),
        "own": people.as_json(own_parts(statement(), "escrow one", by)),
    }


def _bad_requests(first: bytes) -> Iterable[Json]:
    def refused(name: str, reason: str, data: bytes) -> Json:
        return {"name": name, "reason": reason, "request": data.hex()}

    def again(label: str = "denis phone", **changes: Any) -> bytes:
        return people.resigned(first, label, lambda p: p.update(changes), context=cose.EMERGENCY)

    context = cose.EMERGENCY
    for defect in people.form_defects(first, "denis phone", context=context, field="until"):
        yield refused(*defect)
    yield refused("for a reason of no list", "unknown-reason", again(reason="curiosity"))
    yield refused("that ends as it begins", "bad-period", again(until=AT))
    yield refused("that ends before", "bad-period", again(until=AT - 1))
    yield refused("a moment longer than 72 h", "bad-period", again(until=AT + 72 * HOUR + 1))
    yield refused("a reason of 21 letters", "wrong-type", again(reason="v" * 21))
    yield refused("for another account", "wrong-account", again(account=random("account")))
    yield refused("under a head that is none", "wrong-account", again(account_head=random("head")))
    stranger = keys("eve phone")
    yield refused(
        "by a device of nobody",
        "not-a-device",
        again("eve phone", device=bytes.fromhex(stranger.id)),
    )
    late = asked("anne laptop", at=START + 20 * DAY + 1, until=START + 21 * DAY)
    yield refused("by a device revoked before", "revoked-device", late)


def _bad_words(first: bytes) -> Iterable[Json]:
    read = emergency.peek(first)
    phone = keys("anne phone").device("interactive", "")

    def refused(name: str, reason: str, sealed: bytes, device: str = "anne phone") -> Json:
        return {
            "name": name,
            "reason": reason,
            "request": first.hex(),
            "sealed": sealed.hex(),
            "opens": device,
        }

    def words(text: str, **more: str) -> bytes:
        where = {"circle": read.circle, "requester": read.device, **more}
        return emergency.seal_words(emergency.explain(text, SALT), phone, **where)

    good = words(WORDS)
    yield refused("words for another device", "cannot-open", good, "anne laptop")
    yield refused("words with a flipped bit", "cannot-open", people.flipped(good, place=-1))
    yield refused(
        "words of another circle", "cannot-open", words(WORDS, circle=random("other").hex())
    )
    yield refused(
        "words of another device", "cannot-open", words(WORDS, requester=keys("eve phone").id)
    )
    yield refused("other words", "wrong-words", words("Tout va bien."))
    info: suite.Info = ["relais/1 explained"]
    info += [bytes.fromhex(one) for one in (read.circle, read.device, phone.id)]
    yield refused("no words", "wrong-words", suite.seal_to(phone.kem, b"\xff", info=info))


def _bad_answers(request: str) -> Iterable[Json]:
    first = answered("anne", request)

    def refused(name: str, reason: str, data: bytes, chain: str = "anne") -> Json:
        return {"name": name, "reason": reason, "chain": chain, "answer": data.hex()}

    def again(label: str = "anne phone", **changes: Any) -> bytes:
        return people.resigned(first, label, lambda p: p.update(changes), context=cose.ANSWER)

    for defect in people.form_defects(first, "anne phone", context=cose.ANSWER, field="request"):
        yield refused(*defect)
    one = people.payload_of(first)["parts"][0]
    yield refused("to another request", "wrong-request", again(request=random("request")))
    yield refused("for another account", "wrong-account", again(account=random("account")))
    yield refused("judged by another account", "wrong-account", first, "bruno")
    yield refused("declined with parts", "wrong-share", again(approved=False))
    yield refused("approved without parts", "wrong-share", again(parts=[]))
    yield refused("two for one device", "wrong-share", again(parts=[one, one]))
    yield refused("an unknown field in a part", "unknown-field", again(parts=[{**one, "x": 1}]))
    yield refused("sealed that is no bytes", "wrong-type", again(parts=[{**one, "sealed": 1}]))
    yield refused(
        "sealed to 225 devices", "wrong-type", again(parts=[{**one, "sealed": b""}] * 225)
    )
    stranger = keys("eve phone")
    yield refused(
        "by a device of nobody",
        "not-a-device",
        again("eve phone", device=bytes.fromhex(stranger.id)),
    )
    laptop = keys("anne laptop")
    late = again("anne laptop", device=bytes.fromhex(laptop.id), at=START + 20 * DAY + 1)
    yield refused("by a device revoked before", "revoked-device", late, "anne later")


def _bad_parts(request: str) -> Iterable[Json]:
    def refused(name: str, reason: str, data: bytes, device: str = "bruno phone") -> Json:
        return {"name": name, "reason": reason, "answer": data.hex(), "opens": device}

    mine = parts_for(request, "anne")
    bruno = keys("bruno phone").device("interactive", "")
    another = parts_for(random("another request").hex(), "anne")
    others = own_parts(statement(), "escrow one", "claire")
    false = emergency.seal_parts(keys("anne phone"), bruno, others, request=request)
    flipped = people.flipped(mine[bruno.id], place=-1)
    yield refused(
        "nothing for this device", "parts-missing", answered("anne", request), "anne laptop"
    )
    yield refused(
        "of another device of the escrow",
        "wrong-device",
        answered("anne", request, escrow_device=keys("escrow two").id),
    )
    yield refused(
        "parts sealed for another request", "cannot-open", answered("anne", request, parts=another)
    )
    yield refused(
        "parts with a flipped bit",
        "cannot-open",
        answered("anne", request, parts={**mine, bruno.id: flipped}),
    )
    yield refused(
        "the parts of another guardian",
        "wrong-share",
        answered("anne", request, parts={**mine, bruno.id: false}),
    )
    eve = emergency.write_answer(
        keys("eve phone"),
        request=request,
        account=identity("eve"),
        escrow_device=statement().device,
        parts={bruno.id: emergency.seal_parts(keys("eve phone"), bruno, others, request=request)},
        at=AT + HOUR,
    )
    yield refused("from somebody who guards nothing", "not-a-guardian", eve)

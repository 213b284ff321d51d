"""Emergency access: what a requester asks, what guardians answer, and what of it is refused."""

from itertools import combinations

import pytest
from protocol_vectors import FILES, Json, cases, chain, device_keys, refused

from relais.crypto import emergency, escrow
from relais.crypto.emergency import EmergencyAnswer
from relais.crypto.escrow import EscrowStatement

FILE = FILES["emergency"]
BY_DEVICE = {"anne phone": "anne", "bruno phone": "bruno", "claire phone": "claire"}


def statement() -> EscrowStatement:
    return escrow.peek(bytes.fromhex(FILE["statement"]))


def answer(case: Json) -> EmergencyAnswer:
    return emergency.peek_answer(bytes.fromhex(case["answer"]))


@cases("emergency", "good")
def test_a_request_is_written_and_verified_as_the_vector_says(case: Json) -> None:
    keys, again = device_keys("emergency", case["by"]), dict(case["again"])
    read = emergency.peek(bytes.fromhex(case["request"]))
    emergency.verify(read, chain("emergency", "denis"))
    assert (read.id, again.pop("device")) == (case["id"], keys.id)
    assert emergency.write(keys, **again).hex() == case["request"]


@cases("emergency", "good")
def test_each_guardian_reads_the_words_that_the_request_names(case: Json) -> None:
    request = emergency.peek(bytes.fromhex(case["request"]))
    salt, plaintext = bytes.fromhex(case["salt"]), bytes.fromhex(case["plaintext"])
    assert emergency.explain(case["text"], salt) == plaintext
    assert emergency.explained(plaintext) == request.explained
    for label, sealed in case["sealed"].items():
        keys = device_keys("emergency", label)
        assert emergency.open_words(bytes.fromhex(sealed), keys, request) == case["text"]


@cases("emergency", "answers")
def test_an_answer_is_written_and_verified_as_the_vector_says(case: Json) -> None:
    again, read = dict(case["again"]), answer(case)
    emergency.verify_answer(
        read, chain("emergency", BY_DEVICE[case["by"]]), request=FILE["good"][0]["id"]
    )
    again.pop("device")
    approved = again.pop("approved")
    parts = {to: bytes.fromhex(sealed) for to, sealed in again.pop("parts").items()}
    keys = device_keys("emergency", case["by"])
    written = emergency.write_answer(keys, parts=parts if approved else None, **again)
    assert written.hex() == case["answer"]


def test_with_its_own_share_a_guardian_of_a_quorum_has_the_key_of_the_escrow() -> None:
    approving = [case for case in FILE["answers"] if answer(case).approved]
    assert len(approving) == statement().quorum
    for given, taken in (approving, approving[::-1]):
        keys = device_keys("emergency", taken["by"])
        own = dict(zip(taken["held"], map(bytes.fromhex, taken["own"]), strict=True))
        others = emergency.open_parts(answer(given), keys, statement())
        assert list(others) == given["held"]
        assert escrow.assemble(statement(), {**own, **others}).id == statement().device
        refused("parts-missing", lambda own=own: escrow.assemble(statement(), own))  # type: ignore[misc]


def test_words_open_with_the_device_they_were_sealed_to() -> None:
    request = emergency.peek(bytes.fromhex(FILE["good"][0]["request"]))
    keys, plaintext = device_keys("emergency", "anne laptop"), FILE["good"][0]["plaintext"]
    where = {"circle": request.circle, "requester": request.device}
    device = keys.device("interactive", "")
    sealed = emergency.seal_words(bytes.fromhex(plaintext), device, **where)
    assert emergency.open_words(sealed, keys, request) == FILE["good"][0]["text"]
    phone = device_keys("emergency", "anne phone")
    refused("cannot-open", lambda: emergency.open_words(sealed, phone, request))


def test_parts_are_sealed_for_one_request() -> None:
    given = FILE["answers"][0]
    keys, to = device_keys("emergency", given["by"]), device_keys("emergency", "bruno phone")
    own = list(map(bytes.fromhex, given["own"]))

    def answered(request: str) -> EmergencyAnswer:
        sealed = emergency.seal_parts(keys, to.device("interactive", ""), own, request="0" * 64)
        said = {"account": given["again"]["account"], "escrow_device": statement().device, "at": 1}
        return emergency.peek_answer(
            emergency.write_answer(keys, request=request, parts={to.id: sealed}, **said)
        )

    assert list(emergency.open_parts(answered("0" * 64), to, statement()).values()) == own
    refused("cannot-open", lambda: emergency.open_parts(answered("1" * 64), to, statement()))


def test_parts_sealed_to_one_guardian_open_for_no_other() -> None:
    for one, other in combinations(FILE["answers"][0]["again"]["parts"].items(), 2):
        assert one != other
    keys = device_keys("emergency", "denis phone")
    refused(
        "parts-missing",
        lambda: emergency.open_parts(answer(FILE["answers"][0]), keys, statement()),
    )


@cases("emergency", "bad")
def test_what_is_wrong_with_an_emergency_is_refused_by_name(case: Json) -> None:
    refused(case["reason"], lambda: read(case))


def read(case: Json) -> object:
    if "sealed" in case:
        request = emergency.peek(bytes.fromhex(case["request"]))
        keys = device_keys("emergency", case["opens"])
        return emergency.open_words(bytes.fromhex(case["sealed"]), keys, request)
    if "request" in case:
        request = emergency.peek(bytes.fromhex(case["request"]))
        names = {chain("emergency", name).account: name for name in ("anne later", "denis")}
        return emergency.verify(request, chain("emergency", names.get(request.account, "denis")))
    if "opens" in case:
        keys = device_keys("emergency", case["opens"])
        return emergency.open_parts(answer(case), keys, statement())
    judge = chain("emergency", case["chain"])
    return emergency.verify_answer(answer(case), judge, request=FILE["good"][0]["id"])


@pytest.mark.parametrize(
    ("reason", "until", "word"),
    [("curiosity", 2, "unknown-reason"), ("vital", 1, "bad-period")],
)
def test_no_request_is_written_that_would_be_refused(reason: str, until: int, word: str) -> None:
    keys, said = device_keys("emergency", "denis phone"), dict(FILE["good"][0]["again"])
    said = {name: value for name, value in said.items() if name not in ("device", "id")}
    emergency.write(keys, **said)
    refused(
        word, lambda: emergency.write(keys, **{**said, "reason": reason, "at": 1, "until": until})
    )

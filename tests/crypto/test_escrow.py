"""Escrows: how a seed is split, who has it together, and what of it is refused."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protocol_vectors import FILES, Json, cases, chain, device_keys, refused, unhexed

from relais.crypto import account, escrow
from relais.crypto.device import DeviceKeys
from relais.crypto.escrow import EscrowStatement


def held_together(case: Json, names: tuple[str, ...]) -> dict[int, bytes]:
    """The parts of some guardians, as the share of each one's first device has them."""
    statement = escrow.peek(bytes.fromhex(case["statement"]))
    found: dict[int, bytes] = {}
    for share in case["shares"]:
        if share["guardian"] in names:
            keys, sealed = device_keys("escrow", share["device"]), bytes.fromhex(share["sealed"])
            own = escrow.open_share(sealed, keys, statement, guardian=share["guardian"])
            assert list(own) == share["held"]
            found |= own
    return found


@cases("escrow", "splits")
def test_a_seed_is_split_as_the_vector_says(case: Json) -> None:
    seed, parts = bytes.fromhex(case["seed"]), unhexed(case["parts"])
    assert escrow.part_count(case["guardians"], case["quorum"]) == len(parts)
    assert list(escrow.split(seed, unhexed(case["random"]))) == parts
    keys = escrow.keys_of(seed)
    assert (keys.sign_seed.hex(), keys.kem_seed.hex()) == (case["sign_seed"], case["kem_seed"])
    assert keys.id == case["device"]


@cases("escrow", "splits")
def test_any_quorum_holds_all_parts_and_any_fewer_lack_one(case: Json) -> None:
    every = set(range(len(case["parts"])))
    for some in combinations(case["held"], case["quorum"]):
        assert set().union(*some) == every
    for some in combinations(case["held"], case["quorum"] - 1):
        assert len(every - set().union(*some)) == 1


@cases("escrow", "good")
def test_a_statement_is_written_as_the_vector_says(case: Json) -> None:
    keys = escrow.keys_of(bytes.fromhex(case["seed"]))
    data = escrow.write(keys, parts=unhexed(case["parts"]), **case["again"])
    assert data.hex() == case["statement"]


@cases("escrow", "good")
def test_a_statement_verifies_by_the_chain_of_the_escrow(case: Json) -> None:
    statement = escrow.peek(bytes.fromhex(case["statement"]))
    state = chain("escrow", case["chain"])
    escrow.verify(statement, state, past=True)
    if case.get("past"):
        refused("wrong-device", lambda: escrow.verify(statement, state))
    else:
        escrow.verify(statement, state)


@cases("escrow", "good")
def test_any_quorum_of_guardians_has_the_key_of_the_escrow_and_no_fewer(case: Json) -> None:
    statement = escrow.peek(bytes.fromhex(case["statement"]))
    wanted = escrow.keys_of(bytes.fromhex(case["seed"]))
    for some in combinations(statement.guardians, statement.quorum):
        assert escrow.assemble(statement, held_together(case, some)) == wanted
    for some in combinations(statement.guardians, statement.quorum - 1):
        parts = held_together(case, some)
        refused("parts-missing", lambda parts=parts: escrow.assemble(statement, parts))  # type: ignore[misc]


def test_a_statement_about_a_coming_device_verifies_by_what_that_device_says() -> None:
    (case,) = (one for one in FILES["escrow"]["good"] if "possession" in one)
    statement = escrow.peek(bytes.fromhex(case["statement"]))
    coming = account.read_possession(bytes.fromhex(case["possession"]), statement.account)
    escrow.verify_by(statement, coming)
    other = chain("escrow", "anne").devices_in_force()[0]
    refused("wrong-device", lambda: escrow.verify_by(statement, other))
    before = chain("escrow", "escrow")
    refused("wrong-device", lambda: escrow.verify(statement, before))


def test_a_share_opens_with_the_device_it_was_sealed_to() -> None:
    keys, anne = device_keys("escrow", "anne laptop"), chain("escrow", "anne").account
    own = held_together(FILES["escrow"]["good"][0], (anne,))
    sealed = escrow.seal_share(keys.device("interactive", ""), list(own.values()), first())
    assert escrow.open_share(sealed, keys, first(), guardian=anne) == own
    phone = device_keys("escrow", "anne phone")
    refused("cannot-open", lambda: escrow.open_share(sealed, phone, first(), guardian=anne))


def test_only_guardians_hold_parts() -> None:
    statement = first()
    anne, eve = (chain("escrow", name).account for name in ("anne", "eve"))
    assert len(statement.held(anne)) == 2
    refused("not-a-guardian", lambda: statement.held(eve))


@cases("escrow", "bad")
def test_what_is_wrong_with_an_escrow_is_refused_by_name(case: Json) -> None:
    refused(case["reason"], lambda: read(case))


def read(case: Json) -> object:
    data = bytes.fromhex(case["statement"])
    if "sealed" in case:
        keys = device_keys("escrow", case["device"])
        statement = escrow.peek(data)
        sealed = bytes.fromhex(case["sealed"])
        return escrow.open_share(sealed, keys, statement, guardian=case["guardian"])
    if "parts" in case:
        parts = {int(number): bytes.fromhex(part) for number, part in case["parts"].items()}
        return escrow.assemble(escrow.peek(data), parts)
    return escrow.verify(escrow.peek(data), chain("escrow", case["chain"]))


@pytest.mark.parametrize(("guardians", "quorum"), [(1, 1), (2, 1), (2, 3), (8, 2), (0, 0)])
def test_no_seed_is_split_for_such_a_quorum(guardians: int, quorum: int) -> None:
    assert escrow.part_count(7, 7) == 7
    refused("bad-quorum", lambda: escrow.part_count(guardians, quorum))


def test_no_statement_is_written_that_would_be_refused() -> None:
    keys, named = DeviceKeys.from_random(bytes(64)), ["0" * 64, "1" * 64]
    said = {"account": "2" * 64, "quorum": 2, "parts": [bytes(32)] * 2, "at": 1}
    escrow.peek(escrow.write(keys, guardians=named, **said))  # type: ignore[arg-type]
    refused("bad-quorum", lambda: escrow.write(keys, guardians=named[::-1], **said))  # type: ignore[arg-type]


def test_a_part_has_32_bytes() -> None:
    assert len(escrow.split(bytes(32), [bytes(32)])) == 2
    with pytest.raises(ValueError, match="32 bytes"):
        escrow.split(bytes(32), [bytes(31)])


@given(
    seed=st.binary(min_size=32, max_size=32),
    other=st.binary(min_size=32, max_size=32),
    random=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=6),
)
def test_without_one_part_every_seed_is_as_likely(
    seed: bytes, other: bytes, random: list[bytes]
) -> None:
    parts = escrow.split(seed, random)
    for lacking in range(len(parts)):
        known = [part for place, part in enumerate(parts) if place != lacking]
        fitting = escrow.split(other, known)[-1]  # the one part that would make it the other seed
        assert escrow.split(bytes(32), [*known, fitting])[-1] == other


def first() -> EscrowStatement:
    return escrow.peek(bytes.fromhex(FILES["escrow"]["good"][0]["statement"]))

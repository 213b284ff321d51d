from collections.abc import Callable

import pytest
from care import NOW, Circle, Person, adds, key_of, opens, random, refused
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import grant, suite
from relais.crypto.device import BOT, DeviceKeys
from relais.crypto.errors import ProtocolError
from relais.crypto.ledger import MemberRemove

ANNE, BRUNO, EVE, LAB = Person("anne"), Person("bruno"), Person("eve"), Person("lab", kind=BOT)


def circle() -> Circle:
    made = Circle(ANNE, ("team", "family"))
    return made.then(ANNE, adds(BRUNO, "professional"), adds(LAB, "bot"))


def granted(
    circle: Circle, by: Person, to: DeviceKeys, *names: tuple[str, int], at: int = NOW
) -> bytes:
    return grant.seal(
        by.keys,
        to.device("interactive", ""),
        circle=circle.state.circle,
        account=BRUNO.id,
        granter=by.id,
        epochs=[(audience, number, key_of(audience, number)) for audience, number in names],
        at=at,
    )


def test_a_grant_opens_for_its_device_and_no_other() -> None:
    made = circle()
    data = granted(made, ANNE, BRUNO.keys, ("team", 1), ("family", 1))
    keys = grant.open_grant(data, BRUNO.keys, made.state, ANNE.state)
    assert keys == {("team", 1): key_of("team", 1), ("family", 1): key_of("family", 1)}
    refused("wrong-device", lambda: grant.open_grant(data, EVE.keys, made.state, ANNE.state))


def test_a_thief_who_renames_a_grant_cannot_open_it() -> None:
    made = circle()
    data = granted(made, ANNE, BRUNO.keys, ("team", 1))
    impostor = DeviceKeys(EVE.keys.sign_seed, EVE.keys.kem_seed)
    impostor.__dict__["id"] = BRUNO.keys.id
    refused("cannot-open", lambda: grant.open_grant(data, impostor, made.state, ANNE.state))


def test_a_grant_says_for_whom_it_is_before_it_is_trusted() -> None:
    read = grant.peek(granted(circle(), ANNE, BRUNO.keys, ("team", 1)))
    assert (read.account, read.device) == (BRUNO.id, BRUNO.keys.id)
    assert (read.granter, read.granter_device) == (ANNE.id, ANNE.keys.id)
    assert (read.keys, read.at) == ((("team", 1),), NOW)
    assert read.digest == read.signed.digest


def test_who_was_a_reader_once_may_hand_on_what_it_holds() -> None:
    made = circle()
    data = granted(made, BRUNO, BRUNO.keys, ("team", 1))
    made.then(ANNE, MemberRemove(BRUNO.id), opens("team", 2))
    assert grant.open_grant(data, BRUNO.keys, made.state, BRUNO.state)
    foreign = granted(made, BRUNO, BRUNO.keys, ("family", 1))
    refused("not-entitled", lambda: grant.open_grant(foreign, BRUNO.keys, made.state, BRUNO.state))


@pytest.mark.parametrize("who", [EVE, LAB])
def test_who_never_was_a_reader_grants_nothing(who: Person) -> None:
    made = circle()
    data = granted(made, who, BRUNO.keys, ("team", 1))
    refused("not-entitled", lambda: grant.open_grant(data, BRUNO.keys, made.state, who.state))
    good = granted(made, ANNE, BRUNO.keys, ("team", 1))
    assert grant.open_grant(good, BRUNO.keys, made.state, ANNE.state)


def test_a_grant_is_checked_by_the_chain_of_its_granter() -> None:
    data = granted(circle(), ANNE, BRUNO.keys, ("team", 1))
    grant.verify(grant.peek(data), ANNE.state)
    refused("wrong-account", lambda: grant.verify(grant.peek(data), BRUNO.state))


def test_a_device_revoked_before_it_granted_is_refused_and_one_revoked_since_is_not() -> None:
    anne = Person("anne of two phones")
    phone = anne.join("second phone")
    made = Circle(anne).then(anne, adds(BRUNO, "professional"))
    owner = Person("anne of two phones")
    owner.keys = phone
    early = granted(made, owner, BRUNO.keys, ("team", 1), at=NOW)
    late = granted(made, owner, BRUNO.keys, ("team", 1), at=NOW + 2)
    anne.lose(phone, at=NOW + 1)
    assert grant.open_grant(early, BRUNO.keys, made.state, anne.state)
    refused("revoked-device", lambda: grant.open_grant(late, BRUNO.keys, made.state, anne.state))


def test_a_thousand_keys_fit_and_one_more_does_not() -> None:
    many = [("team", 1, key_of("team", 1))] * 1001
    device = BRUNO.keys.device("interactive", "")
    made = circle()

    def sealed(count: int) -> bytes:
        return grant.seal(
            ANNE.keys,
            device,
            circle=made.state.circle,
            account=BRUNO.id,
            granter=ANNE.id,
            epochs=many[:count],
            at=NOW,
        )

    data = sealed(1000)
    assert len(data) <= 65_536
    assert len(grant.peek(data).keys) == 1000
    refused("wrong-type", lambda: sealed(1001))
    refused("wrong-type", lambda: sealed(0))


def test_a_key_that_is_no_bytes_is_a_wrong_key() -> None:
    made = circle()
    data = grant.seal(
        ANNE.keys,
        BRUNO.keys.device("interactive", ""),
        circle=made.state.circle,
        account=BRUNO.id,
        granter=ANNE.id,
        epochs=[("team", 1, "text")],  # type: ignore[list-item]
        at=NOW,
    )
    refused("wrong-key", lambda: grant.open_grant(data, BRUNO.keys, made.state, ANNE.state))


def test_a_seal_around_what_is_no_cbor_holds_a_wrong_key(monkeypatch: pytest.MonkeyPatch) -> None:
    made = circle()
    with monkeypatch.context() as patch:
        patch.setattr(grant.suite, "seal_to", _sealing(suite.seal_to, b"\xff"))
        data = granted(made, ANNE, BRUNO.keys, ("team", 1))
    refused("wrong-key", lambda: grant.open_grant(data, BRUNO.keys, made.state, ANNE.state))


def _sealing(seal_to: Callable[..., bytes], other: bytes) -> Callable[..., bytes]:
    """Seals something else than it is given."""
    return lambda kem, _, *, info: seal_to(kem, other, info=info)


DATA = granted(circle(), ANNE, BRUNO.keys, ("team", 1))


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_grant_with_any_byte_changed_is_refused(place: int, flip: int) -> None:
    changed = bytearray(DATA)
    changed[place] ^= flip
    with pytest.raises(ProtocolError):
        grant.open_grant(bytes(changed), BRUNO.keys, circle().state, ANNE.state)


def test_a_made_up_key_never_passes_for_an_epochs_key() -> None:
    made = circle()
    data = grant.seal(
        ANNE.keys,
        BRUNO.keys.device("interactive", ""),
        circle=made.state.circle,
        account=BRUNO.id,
        granter=ANNE.id,
        epochs=[("team", 1, random("made up"))],
        at=NOW,
    )
    refused("wrong-key", lambda: grant.open_grant(data, BRUNO.keys, made.state, ANNE.state))


def test_a_single_version_is_handed_over_by_its_own_key() -> None:
    made, name = circle(), grant.NoteName("01990000-0000-7000-8000-000000000001", 2)
    data = grant.seal(
        ANNE.keys,
        BRUNO.keys.device("interactive", ""),
        circle=made.state.circle,
        account=BRUNO.id,
        granter=ANNE.id,
        notes={name: random("content key")},
        at=NOW,
    )
    assert grant.peek(data).keys == (name,)
    opened = grant.open_grant(data, BRUNO.keys, made.state, ANNE.state)
    assert opened == {name: random("content key")}

import pytest
from care import DAY, NOW, Person, device_keys, refused
from hypothesis import given, settings
from hypothesis import strategies as st

from relais.crypto import account
from relais.crypto.account import AccountState, Profile
from relais.crypto.device import BOT, INTERACTIVE, RECOVERY, DeviceKeys
from relais.crypto.errors import ProtocolError


def test_an_account_is_named_by_its_first_statement() -> None:
    anne = Person("anne")
    assert anne.state.account == account.account_id(anne.chain[0]) == anne.state.head
    assert anne.state.profile == Profile("anne", "", "")


def test_an_account_that_replaces_another_says_so() -> None:
    old, keys = Person("old"), device_keys("new")
    device = keys.device(INTERACTIVE, "new")
    statement = account.create(keys, device, Profile("n", "", ""), at=NOW, replaces=old.id)
    assert account.replay([statement]).replaces == old.id
    assert old.state.replaces is None


def test_a_joined_device_is_in_force_until_it_is_revoked() -> None:
    anne = Person("anne")
    laptop = anne.join("laptop")
    assert [device.label for device in anne.state.devices_in_force()] == ["anne", "laptop"]
    anne.lose(laptop, at=NOW)
    state = anne.state
    assert [device.label for device in state.devices_in_force()] == ["anne"]
    assert not state.in_force(laptop.id)
    assert state.in_force(laptop.id, at=NOW)
    assert not state.in_force(laptop.id, at=NOW + 1)
    assert not state.in_force(device_keys("stranger").id, at=NOW)


def test_a_device_is_asked_for_with_the_reason_it_is_refused_for() -> None:
    anne = Person("anne")
    laptop = anne.join("laptop")
    assert anne.state.require_in_force(laptop.id).sign == laptop.sign_public
    anne.lose(laptop, at=NOW)
    assert anne.state.device(laptop.id).sign == laptop.sign_public
    assert anne.state.require_in_force(laptop.id, at=NOW).id == laptop.id
    refused("revoked-device", lambda: anne.state.require_in_force(laptop.id))
    refused("not-a-device", lambda: anne.state.require_in_force(device_keys("stranger").id))
    refused("not-a-device", lambda: anne.state.device(device_keys("stranger").id))


def test_a_device_is_judged_by_the_head_it_knew() -> None:
    anne = Person("anne")
    before = anne.state.head
    laptop = anne.join("laptop")
    joined = anne.state.head
    anne.lose(laptop, at=NOW)
    state = anne.state
    assert state.require_in_force_at_head(laptop.id, joined).id == laptop.id
    refused("not-a-device", lambda: state.require_in_force_at_head(laptop.id, before))
    refused("revoked-device", lambda: state.require_in_force_at_head(laptop.id, state.head))
    refused("wrong-account", lambda: state.require_in_force_at_head(laptop.id, "00" * 32))
    stranger = device_keys("stranger").id
    refused("not-a-device", lambda: state.require_in_force_at_head(stranger, joined))


def test_a_device_can_be_renamed_and_a_profile_changed() -> None:
    anne, profile = Person("anne"), Profile("Anne Morel", "IPA", "Maison")
    renamed = account.rename_device(anne.state, anne.keys, anne.keys.id, label="Neuf", at=NOW)
    state = account.apply(anne.state, renamed)
    state = account.apply(state, account.change_profile(state, anne.keys, profile, at=NOW))
    assert state.device(anne.keys.id).label == "Neuf"
    assert state.profile == profile
    assert state.seq == 2


def test_a_kit_lets_a_new_device_in_when_all_others_are_gone() -> None:
    anne = Person("anne")
    kit = anne.join("kit", kind=RECOVERY)
    phone = device_keys("new phone")
    joined = account.possession(phone, phone.device(INTERACTIVE, "new phone"), anne.id)
    anne.chain.append(account.add_device(anne.state, kit, joined, at=NOW))
    anne.chain.append(account.revoke_device(anne.state, phone, anne.keys.id, at=NOW))
    assert {d.label for d in anne.state.devices_in_force()} == {"kit", "new phone"}


def test_a_possession_is_read_for_its_own_account_only() -> None:
    anne, bruno, phone = Person("anne"), Person("bruno"), device_keys("phone")
    joined = account.possession(phone, phone.device(INTERACTIVE, "phone"), anne.id)
    assert account.read_possession(joined, anne.id).id == phone.id
    refused("bad-possession", lambda: account.read_possession(joined, bruno.id))
    refused("bad-possession", lambda: account.add_device(bruno.state, bruno.keys, joined, at=NOW))


def test_a_bot_adds_a_bot_and_nobody_else() -> None:
    lab = Person("lab", kind=BOT)
    lab.join("spare", kind=BOT)
    assert len(lab.state.devices_in_force()) == 2
    lab.join("person")
    refused("not-allowed", lambda: lab.state)


def test_no_statement_is_no_account() -> None:
    refused("broken-chain", lambda: account.replay([]))


def test_two_statements_for_one_place_cannot_both_follow() -> None:
    anne = Person("anne")
    first = account.change_profile(anne.state, anne.keys, Profile("a", "", ""), at=NOW)
    second = account.change_profile(anne.state, anne.keys, Profile("b", "", ""), at=NOW)
    after = account.apply(anne.state, first)
    refused("broken-chain", lambda: account.apply(after, second))


@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from([0, 1]))
def test_a_chain_with_any_byte_changed_is_refused(place: int, flip: int, which: int) -> None:
    anne = _two_statements()
    changed = bytearray(anne.chain[which])
    changed[place % len(changed)] ^= flip
    chain = [*anne.chain]
    chain[which] = bytes(changed)
    with pytest.raises(ProtocolError):
        account.replay(chain)


def _two_statements() -> Person:
    anne = Person("anne")
    anne.join("laptop")
    return anne


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "revoke"]), st.integers(0, 5), st.integers(0, 5)), max_size=12
)
KINDS = [INTERACTIVE, INTERACTIVE, RECOVERY, BOT, INTERACTIVE, RECOVERY]


@settings(max_examples=40)
@given(STEPS)
def test_however_devices_come_and_go_one_that_may_act_remains(
    steps: list[tuple[str, int, int]],
) -> None:
    anne = Person("anne")
    pool = [device_keys(f"device {number}") for number in range(6)]
    everybody = [anne.keys, *pool]
    state = anne.state
    for number, (step, by, which) in enumerate(steps):
        before = state
        state = _stepped(state, (step, everybody[by], pool[which]), KINDS[which], NOW + number)
        assert set(before.devices) <= set(state.devices)
        assert state.devices_in_force()
        assert all(
            not before.devices[d].is_revoked or state.devices[d].is_revoked for d in before.devices
        )


def _stepped(
    state: AccountState, step: tuple[str, DeviceKeys, DeviceKeys], kind: str, at: int
) -> AccountState:
    what, by, which = step
    try:
        if what == "revoke":
            statement = account.revoke_device(state, by, which.id, at=at)
        else:
            joined = account.possession(which, which.device(kind, ""), state.account)
            statement = account.add_device(state, by, joined, at=at)
        return account.apply(state, statement)
    except ProtocolError:
        return state


def test_a_day_is_not_lost_between_two_statements() -> None:
    anne = Person("anne")
    late = account.change_profile(anne.state, anne.keys, Profile("a", "", ""), at=NOW - DAY)
    early = account.change_profile(anne.state, anne.keys, Profile("a", "", ""), at=NOW - DAY - 1)
    assert account.apply(anne.state, late).seq == 1
    refused("time-went-back", lambda: account.apply(anne.state, early))

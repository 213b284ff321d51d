"""Safety numbers: what changes them, and what does not."""

from care import NOW, Person, device_keys
from protocol_vectors import Json, cases, chain, refused

from relais.crypto import account, safety
from relais.crypto.account import Profile
from relais.crypto.device import INTERACTIVE


@cases("safety", "good")
def test_two_accounts_have_the_number_of_the_vector_whoever_asks(case: Json) -> None:
    one, other = chain("safety", case["one"]), chain("safety", case["other"])
    assert safety.number(one, other) == safety.number(other, one) == case["number"]
    assert safety.half(one) == case["half"]
    assert case["half"] in case["number"]
    assert safety.grouped(case["number"]) == case["grouped"]
    assert safety.qr_text(case["number"]) == case["qr"]


@cases("safety", "good")
def test_a_number_is_read_scanned_or_however_typed(case: Json) -> None:
    for text in (case["qr"], case["number"], *case["typed"]):
        assert safety.is_same(safety.read(text), case["number"])


@cases("safety", "bad")
def test_what_is_no_number_of_two_people_is_refused(case: Json) -> None:
    if "text" in case:
        refused(case["reason"], lambda: safety.read(case["text"]))
    else:
        one, other = chain("safety", case["one"]), chain("safety", case["other"])
        refused(case["reason"], lambda: safety.number(one, other))


def test_a_device_that_comes_or_goes_changes_the_half_and_a_name_does_not() -> None:
    bruno = Person("bruno")
    alone = safety.half(bruno.state)
    laptop = bruno.join("laptop")
    assert safety.half(bruno.state) != alone
    bruno.lose(laptop, at=NOW)
    assert safety.half(bruno.state) == alone
    called = Profile("Bruno P.", "", "")
    bruno.chain.append(account.change_profile(bruno.state, bruno.keys, called, at=NOW))
    assert safety.half(bruno.state) == alone


def test_an_account_that_bears_the_same_name_has_another_number() -> None:
    anne, bruno = Person("anne").state, Person("bruno").state
    keys = device_keys("somebody in between")
    statement = account.create(keys, keys.device(INTERACTIVE, ""), bruno.profile, at=NOW)
    false = account.replay([statement])
    assert not safety.is_same(safety.number(anne, false), safety.number(anne, bruno))

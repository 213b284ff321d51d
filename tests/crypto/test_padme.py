import pytest
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto.padme import padme

lengths = st.integers(min_value=0, max_value=2**60)


@given(lengths)
def test_padding_never_shortens_and_costs_at_most_twelve_percent(length: int) -> None:
    assert length <= padme(length) <= length * 1.12 + 1


@given(lengths)
def test_a_padded_length_is_its_own_padding(length: int) -> None:
    assert padme(padme(length)) == padme(length)


@given(lengths, lengths)
def test_a_longer_file_is_never_padded_to_less(one: int, other: int) -> None:
    assert (one <= other) <= (padme(one) <= padme(other))


def test_lengths_of_one_kind_of_file_share_few_padded_lengths() -> None:
    assert len({padme(length) for length in range(2**20, 2**21)}) == 32 + 1


def test_a_negative_length_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="not negative"):
        padme(-1)

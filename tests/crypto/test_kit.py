import pytest
from care import refused
from hypothesis import given
from hypothesis import strategies as st

from relais.crypto import kit

SEEDS = st.binary(min_size=32, max_size=32)


@given(SEEDS, st.sampled_from(sorted(kit.LANGUAGES)))
def test_a_seed_comes_back_from_its_words(seed: bytes, language: str) -> None:
    words = kit.words(seed, language)
    assert len(words) == 24
    assert kit.seed_of(words) == kit.seed_of(" ".join(words).upper()) == seed


@given(SEEDS)
def test_words_are_read_without_their_accents(seed: bytes) -> None:
    plain = " ".join(kit.bare(word) for word in kit.words(seed, "fr"))
    assert plain.isascii()
    assert kit.seed_of(plain) == seed


@given(SEEDS)
def test_a_seed_comes_back_from_its_qr_code(seed: bytes) -> None:
    assert kit.seed_of_qr(kit.qr_text(seed)) == seed


@pytest.mark.parametrize(
    "text", ["", "relais-kit:1:", "relais-kit:1:é", "relais-kit:1:" + "A" * 44]
)
def test_a_code_that_is_no_kit_is_refused(text: str) -> None:
    refused("bad-kit", lambda: kit.seed_of_qr(text))


def test_a_code_with_loose_bits_at_its_end_is_refused() -> None:
    text = kit.qr_text(bytes(32))
    assert text.endswith("A")
    refused("bad-kit", lambda: kit.seed_of_qr(text[:-1] + "B"))


def test_a_seed_of_another_length_is_a_bug() -> None:
    for action in (kit.qr_text, lambda seed: kit.words(seed, "en")):
        with pytest.raises(ValueError, match="32 bytes"):
            action(bytes(31))


def test_two_seeds_make_two_devices() -> None:
    first, second = kit.keys_of(bytes(32)), kit.keys_of(b"\1" * 32)
    assert len({first.sign_seed, first.kem_seed, second.sign_seed, second.kem_seed}) == 4
    assert first.id != second.id

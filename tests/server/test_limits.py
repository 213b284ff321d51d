"""Token buckets, against a clock that stands still until it is told."""

import pytest

from relais.models.refusal import Code, Refusal
from relais.server import limits
from relais.server.limits import RateLimit


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_the_next_is_told_how_long_to_wait() -> None:
    clock = Clock()
    limit = RateLimit(2.0, 3, clock=clock)
    for _ in range(3):
        limit.take("a")
    with pytest.raises(Refusal) as caught:
        limit.take("a")
    assert caught.value.code is Code.RATE_LIMITED
    assert caught.value.facts == {"retry_ms": 501}


def test_time_fills_the_bucket_again_and_no_fuller() -> None:
    clock = Clock()
    limit = RateLimit(2.0, 3, clock=clock)
    for _ in range(3):
        limit.take("a")
    clock.now = 0.5
    limit.take("a")
    with pytest.raises(Refusal):
        limit.take("a")
    clock.now = 1_000.0
    for _ in range(3):
        limit.take("a")
    with pytest.raises(Refusal):
        limit.take("a")


def test_one_key_does_not_spend_what_another_has() -> None:
    limit = RateLimit(1.0, 1, clock=Clock())
    limit.take("a")
    limit.take("b")
    with pytest.raises(Refusal):
        limit.take("a")


def test_what_is_refused_costs_nothing() -> None:
    clock = Clock()
    limit = RateLimit(1.0, 5, clock=clock)
    with pytest.raises(Refusal):
        limit.take("a", cost=6.0)
    limit.take("a", cost=5.0)


def test_memory_is_bounded_and_forgets_the_idlest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 2)
    limit = RateLimit(1.0, 1, clock=Clock())
    for key in ("a", "b", "c"):
        limit.take(key)
    with pytest.raises(Refusal):
        limit.take("c")
    limit.take("a")  # forgotten, and so full again

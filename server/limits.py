"""Rate limits: token buckets in memory, one per device or address and node."""

import time
from collections import OrderedDict
from collections.abc import Callable

from relais.models.refusal import Code, Refusal

MOST_BUCKETS = 50_000
FAILURE_COST = 10.0
"""What a refusal costs somebody unknown: each is recorded, so a flood must run dry soon."""


class RateLimit:
    """At most `burst` at once and `rate` per second, for each key by itself.

    `clock` answers seconds and never goes back. The buckets that were idle longest are forgotten
    beyond `MOST_BUCKETS`: a forgotten one was full again, unless more keys are active than that.
    """

    def __init__(
        self, rate: float, burst: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, *, cost: float = 1.0) -> None:
        """Spend `cost` of this key's bucket. Raises `Refusal` ``rate_limited`` {retry_ms}."""
        now = self._clock()
        left, seen = self._buckets.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - seen) * self._rate)
        enough = left >= cost
        self._buckets[key] = (left - cost if enough else left, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if not enough:
            wait = (cost - left) / self._rate
            raise Refusal(Code.RATE_LIMITED, retry_ms=int(wait * 1000) + 1)

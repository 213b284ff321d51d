"""What the operator sees: Prometheus metrics of this node, by event and outcome, never by person."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass
class Outcome:
    """How a request ended: ``ok`` or the refusal's code."""

    code: str = "ok"


class Metrics:
    """One registry a node, so that several nodes can live in one process (tests)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.sockets = Gauge("relais_sockets", "Open sockets", registry=self.registry)
        self.requests = Counter(
            "relais_requests", "Requests answered", ["event", "outcome"], registry=self.registry
        )
        self.unopenable = Gauge(
            "relais_notes_unopenable",
            "Keys that entitled devices were not granted, of epochs and of single versions",
            registry=self.registry,
        )
        self.checked = Counter(
            "relais_envelopes_checked",
            "Envelopes checked by the server's process, and by the one beside it",
            ["where"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "relais_request_seconds",
            "Time to answer",
            ["event"],
            buckets=SECONDS,
            registry=self.registry,
        )
        # As many as there are events and codes; looking one up by its labels costs more than counting.
        self._requests_of = cache(self.requests.labels)
        self._seconds_of = cache(self.seconds.labels)

    @contextmanager
    def timed(self, event: str) -> Iterator[Outcome]:
        """Count and time one request."""
        outcome = Outcome()
        began = time.perf_counter()
        try:
            yield outcome
        finally:
            self._seconds_of(event).observe(time.perf_counter() - began)
            self._requests_of(event, outcome.code).inc()

    def text(self) -> bytes:
        """The exposition format, text version 0.0.4."""
        return generate_latest(self.registry)

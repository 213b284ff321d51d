"""The console's commands about retention, beside a running server: each leaves its entry."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from running_relay import RunningRelay


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRelay]:
    running = RunningRelay(tmp_path_factory.mktemp("relay")).start()
    try:
        yield running
    finally:
        running.close()


def told(relay: RunningRelay, *words: str) -> Any:
    return json.loads(relay.command("audit", *words, "--json"))


def test_periods_holds_and_sweeps_are_set_and_recorded(relay: RunningRelay) -> None:
    assert told(relay, "retention") == {"days": {}, "holds": []}
    told(relay, "retention", "--days", "365")
    told(relay, "retention", "--organisation", "Hôpital", "--days", "1825")
    hold = told(relay, "hold", "--circle", "ab" * 32, "--since", "2026-01-01T00:00:00+00:00")[
        "hold"
    ]
    held = told(relay, "retention")
    assert held["days"] == {"": 365, "Hôpital": 1825}
    assert [(one["id"], one["circle"], one["since"]) for one in held["holds"]] == [
        (hold, "ab" * 32, 1_767_225_600_000)
    ]
    relay.command("audit", "release", hold)
    told(relay, "retention", "--organisation", "Hôpital", "--forever")
    assert told(relay, "retention") == {"days": {"": 365}, "holds": []}
    assert told(relay, "prune") == {"named": 0, "pruned": 0}
    for bad in (["hold"], ["release", "nothing"], ["retention", "--days", "3"]):
        with pytest.raises(AssertionError):
            relay.command("audit", *bad)
    with relay.database() as database:
        names = ("audit_log", "audit_pending")
        entries = [json.loads(one["entry"]) for name in names for one in database[name].find()]
    found = sorted(one["action"] for one in entries if one["source"] == "console")
    assert found == ["audit.hold", "audit.release", *["audit.retention"] * 3]

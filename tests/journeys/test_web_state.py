"""The web client below its views (web_client/journeys), under Node.js against a real relay."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from running_relay import RunningRelay

WEB_CLIENT = Path(__file__).parents[2] / "web_client"
JOURNEYS = sorted(path.name for path in (WEB_CLIENT / "journeys").glob("*.journey.js"))


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_journey_of_the_web_client_ends_well(relay: RunningRelay, journey: str) -> None:
    node = shutil.which("node")
    assert node, "these tests run the web client's code: install Node.js 20 or newer"
    told = {
        "RELAIS_TEST_ORIGIN": relay.origin,
        "RELAIS_TEST_INVITATION": relay.invite("administrator"),
    }
    ran = subprocess.run(
        [node, "--test", f"journeys/{journey}"],
        cwd=WEB_CLIENT,
        env=os.environ | told,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_there_are_journeys() -> None:
    assert len(JOURNEYS) >= 4

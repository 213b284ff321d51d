"""docs/audit-log.md names every action that the server can put into the log, and no other."""

import re
from pathlib import Path

from relais.models.wire import EXCHANGES, REQUESTS

ROOT = Path(__file__).parents[3]
RECORDED = "## What is recorded"


def _documented() -> set[str]:
    text = (ROOT / "docs" / "audit-log.md").read_text("utf-8")
    section = text.split(RECORDED)[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    refused = section.split("Only ever refused:")[1].split(". ")[0]
    return set(re.findall(r"`([a-z]+(?:\.[a-z]+)+)`", " ".join(rows) + refused))


def _possible() -> set[str]:
    """The names of requests, which refusals go by, and those written out in the source."""
    requests = {kind.EVENT for kind in list[type](REQUESTS)}  # type: ignore[attr-defined]
    exchanges = {kind.PATH.strip("/").replace("/", ".") for kind in list[type](EXCHANGES)}  # type: ignore[attr-defined]
    source = "".join(path.read_text("utf-8") for path in (ROOT / "server").rglob("*.py"))
    acts = set(re.findall(r'Act\(\s*"([a-z.]+)"', source))
    routes = set(re.findall(r'"((?:blob|log)\.[a-z]+)"', source))
    return requests | exchanges | acts | routes | {"socket.connect", "event.unknown"}


def test_every_action_of_the_log_is_documented_and_nothing_else() -> None:
    assert _documented() == _possible()

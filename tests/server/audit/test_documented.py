"""docs/audit-log.md names every action that the server can put into the log, and no other."""

import re

from audit_actions import ROOT, documented

from relais.crypto.ledger_heads import ACTION
from relais.crypto.pruning import ACTION as PRUNE
from relais.models.wire import EXCHANGES, REQUESTS


def _possible() -> set[str]:
    """The names of requests, which refusals go by, and those written out in the source."""
    requests = {kind.EVENT for kind in list[type](REQUESTS)}  # type: ignore[attr-defined]
    exchanges = {kind.PATH.strip("/").replace("/", ".") for kind in list[type](EXCHANGES)}  # type: ignore[attr-defined]
    source = "".join(path.read_text("utf-8") for path in (ROOT / "server").rglob("*.py"))
    acts = set(re.findall(r'Act\(\s*"([a-z.]+)"', source))
    routes = set(re.findall(r'"((?:blob|log)\.[a-z]+)"', source))
    return requests | exchanges | acts | routes | {"socket.connect", "event.unknown", ACTION, PRUNE}


def test_every_action_of_the_log_is_documented_and_nothing_else() -> None:
    assert documented() == _possible()

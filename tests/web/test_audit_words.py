"""What the server logs has a name in the auditor's page."""

import re
from pathlib import Path

from relais.models.wire import EXCHANGES, REQUESTS

ROOT = Path(__file__).parents[2]
WORDS = (ROOT / "web_client" / "src" / "views" / "audit-words.js").read_text()


def logged() -> set[str]:
    """Actions named by the server's own code, and the requests, which are logged by their names."""
    sources = [path.read_text() for path in (ROOT / "server").rglob("*.py")]
    named = {word for source in sources for word in re.findall(r'\bAct\(\s*"([a-z.]+)"', source)}
    requests = {kind.EVENT for kind in REQUESTS}
    return named | requests | {kind.PATH.strip("/").replace("/", ".") for kind in EXCHANGES}


def test_every_action_the_server_logs_is_offered_by_the_auditors_filter() -> None:
    offered = set(re.findall(r'"([a-z]+\.[a-z.]+)"', WORDS))
    assert len(logged()) > 30
    assert logged() - offered == set()

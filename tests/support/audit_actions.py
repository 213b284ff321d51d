"""The actions that docs/audit-log.md says are recorded."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORDED = "## What is recorded"


def documented() -> set[str]:
    text = (ROOT / "docs" / "audit-log.md").read_text("utf-8")
    section = text.split(RECORDED)[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    refused = section.split("Only ever refused:")[1].split(". ")[0]
    return set(re.findall(r"`([a-z]+(?:\.[a-z]+)+)`", " ".join(rows) + refused))

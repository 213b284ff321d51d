"""Every reason docs/protocol.md names is raised by `crypto/` and has a vector or a test beside its good twin."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def documented() -> set[str]:
    """The words in rules and in lists of reasons."""
    text = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
    parts = re.findall(r"(?:[Rr]easons[^:`]*:|missing fields, and)(.*?)\n\n", text, re.DOTALL)
    parts += re.findall(r"\(`[^()]*\)", text)
    words = {word for part in parts for word in re.findall(r"`([a-z]+(?:-[a-z]+)+|fork)`", part)}
    return words | {"fork", "rollback"}


def raised() -> set[str]:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "crypto").glob("*.py"))
    return set(re.findall(r'"([a-z]+(?:-[a-z]+)*)"', code))


def in_vectors() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests/vectors").glob("*.json")]
    return {word for text in texts for word in re.findall(r'"reason": ?"([a-z-]+)"', text)}


def test_every_documented_reason_is_raised() -> None:
    assert len(documented()) > 40
    assert documented() - raised() == set()


def test_every_documented_reason_has_a_vector() -> None:
    assert documented() - in_vectors() == set()


def test_every_bad_vector_gives_its_reason() -> None:
    for path in (ROOT / "tests/vectors").glob("*.json"):
        bad = json.loads(path.read_text(encoding="utf-8")).get("bad", [])
        assert all(case.get("reason") or case.get("error") for case in bad), path.name

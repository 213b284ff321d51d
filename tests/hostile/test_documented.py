"""The threat model names the test that shows each defence, and the audit entry of each attack: every one of them exists."""

import re
from pathlib import Path

import pytest
from audit_actions import documented

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:tests|web_client/test)/[\w./*-]+)(?:::([^`]+))?`")
TEXT = (ROOT / "docs" / "threat-model.md").read_text()
SHOWN = NAMED.findall(TEXT)
ATTACKS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.split("## A server that lies")[1].split("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| attack")
]
ACTION = re.compile(r"`([a-z]+(?:\.[a-z]+)+)`")
REPORTED = re.compile(r"`alarm\.report` `([a-z-]+)`")


def test_every_attack_of_a_lying_server_names_its_test() -> None:
    assert len([name for _, name in SHOWN if name]) > 20


@pytest.mark.parametrize(("path", "name"), sorted(set(SHOWN)))
def test_a_test_that_the_threat_model_names_exists(path: str, name: str) -> None:
    files = sorted(ROOT.glob(path))
    assert files, path
    if name:
        declared = f'test("{name}",' if path.endswith(".js") else f"def {name}("
        assert declared in files[0].read_text()


@pytest.mark.parametrize("row", ATTACKS, ids=[row[0] for row in ATTACKS])
def test_every_attack_of_a_lying_server_has_its_audit_entry_or_says_why_none(
    row: list[str],
) -> None:
    _, _, entry, python, browser = row
    actions = set(ACTION.findall(entry))
    assert actions or "none, because" in entry
    assert actions <= documented()
    for cell, asks in ((python, "noted("), (browser, "told(")):
        sources = [source(*named) for named in NAMED.findall(cell)]
        for word in REPORTED.findall(entry):
            shown = [one for one in sources if f'"{word}"' in one and asks in one]
            assert shown, f"no test of {cell} shows that {word} is reported"
        if entry.startswith("`circle.unopenable`"):
            assert any("unopenable" in one for one in sources), cell
    for part in entry.split("; "):
        if " refused, " in part:
            (named,) = NAMED.findall(part)
            assert is_logged(*named), f"{part}: is each refusal there an entry?"


def source(path: str, name: str) -> str:
    """The text of a test, or of its whole file where none is named."""
    text = min(ROOT.glob(path)).read_text()
    if not name:
        return text
    declared, following = (
        (f'test("{name}",', '\ntest("') if path.endswith(".js") else (f"def {name}(", "\n\n\n")
    )
    return text.split(declared)[1].split(following)[0]


def is_logged(path: str, name: str) -> bool:
    """Whether it runs where each refusal is compared with the log (`Scene.unharmed`)."""
    text = (ROOT / path).read_text()
    return 'usefixtures("unharmed")' in text or "scene.unharmed()" in source(path, name)

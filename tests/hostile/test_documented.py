"""The threat model names the test that shows each defence: every one of them exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:tests|web_client/test)/[\w./*-]+)(?:::([^`]+))?`")
SHOWN = NAMED.findall((ROOT / "docs" / "threat-model.md").read_text())


def test_every_attack_of_a_lying_server_names_its_test() -> None:
    assert len([name for _, name in SHOWN if name]) > 20


@pytest.mark.parametrize(("path", "name"), sorted(set(SHOWN)))
def test_a_test_that_the_threat_model_names_exists(path: str, name: str) -> None:
    files = sorted(ROOT.glob(path))
    assert files, path
    if name:
        declared = f'test("{name}",' if path.endswith(".js") else f"def {name}("
        assert declared in files[0].read_text()

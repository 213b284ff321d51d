"""The web client's types and checks of the wire are those of models/wire."""

from pathlib import Path

import pytest

from relais.models.wire import REQUESTS, typescript

CORE = Path(__file__).parents[2] / "web_client" / "src" / "core"


@pytest.mark.parametrize("name", sorted(typescript.files()))
def test_the_generated_files_are_those_in_the_tree(name: str) -> None:
    generated = typescript.files()[name]
    assert (CORE / name).read_text(encoding="utf-8") == generated, (
        "run: python -m relais.models.wire.typescript web_client/src/core"
    )


def test_every_request_has_its_types_and_the_check_of_its_answer() -> None:
    files = typescript.files()
    for request, answer in REQUESTS.items():
        pair = f"request: {request.__name__}; answer: {answer.__name__}"
        assert f'"{request.EVENT}": {{ {pair} }};' in files["wire.d.ts"]
        assert f'"{request.EVENT}": {answer.__name__},' in files["wire-shapes.js"]

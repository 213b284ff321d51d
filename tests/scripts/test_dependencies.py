"""What the rooms import is what the package asks for: neither more nor less."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
UNDER_SOCKETIO = {"aiohttp", "msgpack", "redis"}  # python-socketio imports them when told to


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    return {canonical(Requirement(text).name) for text in requirements}


BASE = names(PROJECT["dependencies"])
SERVER = BASE | names(EXTRAS["server"])
OPTIONAL = names(EXTRAS["heif"] + EXTRAS["cluster"])
DISTRIBUTIONS = packages_distributions()


def imported(room: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file of a room with each top-level name that it imports."""
    for file in sorted(room.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                yield from ((file, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield file, node.module.split(".")[0]


def needed(room: str) -> dict[str, Path]:
    """Return each distribution that a room imports from, with one file that does."""
    own = sys.stdlib_module_names | {"relais", "_winapi"}
    return {
        canonical(DISTRIBUTIONS[name][0]) if name in DISTRIBUTIONS else name: file
        for file, name in imported(ROOT / room)
        if name not in own
    }


def is_store(file: Path) -> bool:
    return ROOT / "models" / "store" in file.parents


@pytest.mark.parametrize("room", ["crypto", "client", "models"])
def test_what_a_member_imports_is_asked_for_by_the_package_alone(room: str) -> None:
    outside_store = {name: file for name, file in needed(room).items() if not is_store(file)}
    assert {n: f for n, f in outside_store.items() if n not in BASE | OPTIONAL} == {}


@pytest.mark.parametrize("room", ["server", "models"])
def test_what_the_server_imports_is_asked_for_by_its_extra(room: str) -> None:
    assert {n: f for n, f in needed(room).items() if n not in SERVER | OPTIONAL} == {}


def test_nothing_is_asked_for_that_no_room_imports() -> None:
    used = {name for room in ("models", "crypto", "server", "client") for name in needed(room)}
    assert (SERVER | OPTIONAL) - used - UNDER_SOCKETIO == set()


def test_the_embedded_database_is_never_imported() -> None:
    used = {name for room in ("models", "crypto", "server", "client") for name in needed(room)}
    assert "secantusdb" not in used

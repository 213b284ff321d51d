"""The locks: complete, hashed, and silent about where packages come from."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
NPM_LOCK: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "web_client" / "package-lock.json").read_text()
)["packages"]


def locked(name: str) -> dict[str, str]:
    """Return version by package of one lock."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", text, re.MULTILINE))


def named(requirements: list[str]) -> list[Requirement]:
    return [Requirement(text) for text in requirements]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_place_that_packages_come_from(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|\sfile:", text)
    assert text.startswith("#")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_of_a_lock_has_a_hash(lock: Path) -> None:
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    entries = text.replace("\\\n", " ").strip().splitlines()
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("runtime", PROJECT["project"]["dependencies"]),
        ("runtime", EXTRAS["server"] + EXTRAS["heif"]),
        ("cluster", EXTRAS["cluster"]),
        ("embedded", EXTRAS["embedded"]),
        ("dev", PROJECT["dependency-groups"]["dev"]),
        ("build", PROJECT["dependency-groups"]["build"]),
        ("node", PROJECT["dependency-groups"]["node"]),
        ("uv", PROJECT["dependency-groups"]["uv"]),
    ],
)
def test_a_lock_satisfies_what_the_package_asks_for(lock: str, requirements: list[str]) -> None:
    versions = locked(lock)
    for wanted in named(requirements):
        assert wanted.specifier.contains(versions[wanted.name], prereleases=True), wanted


def test_the_tools_lock_holds_the_runtime_at_the_same_versions() -> None:
    assert (locked("runtime") | locked("build")).items() <= locked("dev").items()


def test_redis_is_installed_only_where_it_is_used_for_it_is_loaded_wherever_it_is() -> None:
    assert "redis" in locked("cluster")
    assert "redis" not in locked("runtime") | locked("dev")


def test_the_embedded_database_is_locked_without_what_it_does_not_need_to_start() -> None:
    assert set(locked("embedded")) == {"secantusdb"}
    assert "secantusdb" not in locked("runtime") | locked("dev")


def test_the_web_lock_names_no_place_that_packages_come_from() -> None:
    assert [name for name, entry in NPM_LOCK.items() if "resolved" in entry] == []


def test_what_the_web_client_is_made_of_is_locked_by_its_hash() -> None:
    shipped = {name: entry for name, entry in NPM_LOCK.items() if name and not entry.get("dev")}
    assert shipped
    assert [name for name, entry in shipped.items() if "integrity" not in entry] == []


def test_the_web_lock_holds_every_optional_build_that_it_names() -> None:
    wanted = {
        f"node_modules/{name}"
        for entry in NPM_LOCK.values()
        for name in entry.get("optionalDependencies", {})
    }
    assert wanted
    assert wanted <= set(NPM_LOCK)

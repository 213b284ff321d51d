import json
from pathlib import Path
from typing import Any

import _npm_lock
import pytest


def lock(*names: str, version: str = "1.0.0") -> dict[str, Any]:
    holder = {
        "version": "1.0.0",
        "dev": True,
        "optionalDependencies": dict.fromkeys(names, version),
    }
    return {"packages": {"": {"name": "x"}, "node_modules/tool": holder}}


@pytest.mark.parametrize(
    ("name", "platform"),
    [
        ("@tool/binding-linux-x64-musl", {"os": ["linux"], "cpu": ["x64"], "libc": ["musl"]}),
        ("@tool/binding-linux-arm64-gnu", {"os": ["linux"], "cpu": ["arm64"], "libc": ["glibc"]}),
        ("@tool/binding-linux-arm-gnueabihf", {"os": ["linux"], "cpu": ["arm"]}),
        ("@tool/darwin-arm64", {"os": ["darwin"], "cpu": ["arm64"]}),
        ("@tool/binding-win32-ia32-msvc", {"os": ["win32"], "cpu": ["ia32"]}),
    ],
)
def test_a_binary_package_says_its_platform_in_its_name(
    name: str, platform: dict[str, list[str]]
) -> None:
    assert _npm_lock.platform_of(name) == platform


def test_a_name_without_a_platform_is_refused() -> None:
    with pytest.raises(ValueError, match="no platform"):
        _npm_lock.platform_of("@tool/plugin-linux")


def test_a_build_that_the_registry_did_not_have_is_locked_by_version_and_platform() -> None:
    given = lock("@tool/darwin-x64")
    assert _npm_lock.complete(given) == ["@tool/darwin-x64"]
    assert given["packages"]["node_modules/@tool/darwin-x64"] == {
        "version": "1.0.0",
        "os": ["darwin"],
        "cpu": ["x64"],
        "optional": True,
        "dev": True,
    }


def test_a_build_that_is_locked_already_keeps_its_hash() -> None:
    given = lock("@tool/darwin-x64")
    held = {"version": "1.0.0", "integrity": "sha512-x"}
    given["packages"]["node_modules/@tool/darwin-x64"] = held
    assert _npm_lock.complete(given) == []
    assert given["packages"]["node_modules/@tool/darwin-x64"] is held


def test_an_optional_package_of_any_version_is_refused() -> None:
    with pytest.raises(ValueError, match="no exact version"):
        _npm_lock.complete(lock("@tool/darwin-x64", version="^1.0.0"))


def test_addresses_are_forgotten_and_hashes_kept(tmp_path: Path) -> None:
    given = lock()
    given["packages"]["node_modules/tool"] |= {"resolved": "somewhere", "integrity": "sha512-x"}
    path = tmp_path / "package-lock.json"
    path.write_text(json.dumps(given))
    _npm_lock.tidy(path)
    entry = json.loads(path.read_text())["packages"]["node_modules/tool"]
    assert "resolved" not in entry
    assert entry["integrity"] == "sha512-x"

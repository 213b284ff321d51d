"""``python -m bench [--only PART]… [--notes N]``: measure, print, and keep the result with the machine's description."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import browser, machine, members, parts

Part = Callable[[parts.Setting], Awaitable[dict[str, Any]]]
PARTS: dict[str, Part] = {
    "notes": parts.notes,
    "pages": parts.pages,
    "logins": parts.logins,
    "idle": parts.idle,
}
ALONE: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
    "member": members.in_python,
    "browser": browser.in_chromium,
}
"""What needs no relay."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure this machine.")
    parser.add_argument(
        "--only", action="append", choices=[*PARTS, *ALONE], help="one part; may be repeated"
    )
    parser.add_argument("--circles", type=int, default=20)
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--notes", type=int, default=60, help="per member")
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    uvloop.run(_run(parser.parse_args()))


async def _run(given: argparse.Namespace) -> None:
    result: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": machine.describe(),
    }
    asked = given.only or [*ALONE, *PARTS]
    for name in asked:
        if name in ALONE:
            await _measure(name, ALONE[name](), result)
    if not set(asked) <= set(ALONE):
        with tempfile.TemporaryDirectory(prefix="relais-bench-") as folder:
            async with parts.setting(
                Path(folder), given.circles, given.members, given.notes
            ) as setting:
                for name in asked:
                    if name in PARTS:
                        await _measure(name, PARTS[name](setting), result)
    given.output.mkdir(exist_ok=True)
    (given.output / "latest.json").write_text(json.dumps(result, indent=2) + "\n")


async def _measure(name: str, part: Awaitable[dict[str, Any]], result: dict[str, Any]) -> None:
    print(f"measuring {name} …", flush=True)
    result[name] = await part
    print(json.dumps(result[name], indent=2), flush=True)


if __name__ == "__main__":
    main()

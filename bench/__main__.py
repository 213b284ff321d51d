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

from bench import machine, parts

Part = Callable[[parts.Setting], Awaitable[dict[str, Any]]]
PARTS: dict[str, Part] = {
    "notes": parts.notes,
    "pages": parts.pages,
    "logins": parts.logins,
    "idle": parts.idle,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure this machine.")
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be repeated")
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
    with tempfile.TemporaryDirectory(prefix="relais-bench-") as folder:
        async with parts.setting(
            Path(folder), given.circles, given.members, given.notes
        ) as setting:
            for name in given.only or PARTS:
                print(f"measuring {name} …", flush=True)
                result[name] = await PARTS[name](setting)
                print(json.dumps(result[name], indent=2), flush=True)
    given.output.mkdir(exist_ok=True)
    (given.output / "latest.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

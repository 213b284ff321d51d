"""``python -m relais.client.territory --origin URL --home DIR``: build the territory once, then keep its doors open.

Reads one line from standard input: an invitation for the administrator, or nothing if the server is not new.
Prints one JSON object a line: ``{"progress": …}``, ``{"person": …, "name": …, "profession": …, "link": …}``, ``{"ready": true}``.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Any

from relais.client.territory import links
from relais.client.territory.build import Builder
from relais.client.territory.papers import drawn
from relais.client.territory.people import ADMINISTRATOR, SHOWN
from relais.client.territory.scenes import scenes

_DONE = "built"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m relais.client.territory")
    parser.add_argument("--origin", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--empty", action="store_true", help="the administrator only")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    asyncio.run(_run(given.origin, given.home, empty=given.empty))


async def _run(origin: str, folder: Path, *, empty: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        await _build_once(origin, folder, empty=empty)
        people = (ADMINISTRATOR,) if empty else SHOWN
        doors = await links.open_doors(stack, folder, origin, people)
        for door in doors:
            person = door.person
            _say(
                person=person.key,
                name=person.name,
                profession=person.profession,
                link=door.offered.link,
            )
        _say(ready=True)
        keeping = asyncio.create_task(links.keep_open(doors))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        keeping.cancel()
        stopping.cancel()
        await asyncio.gather(keeping, stopping, return_exceptions=True)


async def _build_once(origin: str, folder: Path, *, empty: bool) -> None:
    """The mark is written last: a build that was cut short is noticed and named, not mended."""
    mark = folder / _DONE
    if mark.exists():
        return
    invitation = sys.stdin.readline().strip()
    if (folder / ADMINISTRATOR.key).exists() or not invitation:
        sys.exit(f"{folder} holds half a territory: remove the demo's folder and start again")
    builder = Builder(folder, origin, lambda text: _say(progress=text))
    await builder.build(invitation, [] if empty else scenes(drawn(date.today())), alone=empty)
    mark.touch()


def _say(**facts: Any) -> None:
    print(json.dumps(facts, ensure_ascii=False), flush=True)


main()

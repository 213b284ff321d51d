"""``python -m relais.client.territory --home DIR``: build the territory once, then keep its doors open.

Reads one line from standard input: ``{"origin": URL, "invitation": URL}``, the latter for the administrator, and empty if the
server is not new.
Prints one JSON object a line: ``{"progress": …}``, ``{"person": …, "name": …, "profession": …, "link": …}``, ``{"ready": true}``.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Coroutine
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
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--empty", action="store_true", help="the administrator only")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    told = sys.stdin.readline()
    if told:  # else the server ended before it was ready
        asyncio.run(_run(json.loads(told), given.home, empty=given.empty))


async def _run(told: dict[str, str], folder: Path, *, empty: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        await _build_once(told, folder, empty=empty)
        people = (ADMINISTRATOR,) if empty else SHOWN
        doors = await links.open_doors(stack, folder, told["origin"], people)
        for door in doors:
            _say_door(door)
        _say(ready=True)
        await _until(stop, links.keep_open(doors))


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Work until told to stop; what goes wrong with it is raised."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait({working})


async def _build_once(told: dict[str, str], folder: Path, *, empty: bool) -> None:
    """The mark is written last: a build that was cut short is noticed and named, not mended."""
    mark = folder / _DONE
    if mark.exists():
        return
    if (folder / ADMINISTRATOR.key).exists() or not told["invitation"]:
        sys.exit(f"{folder} holds half a territory: remove the demo's folder and start again")
    builder = Builder(folder, told["origin"], lambda text: _say(progress=text))
    acted = [] if empty else scenes(drawn(date.today()))
    await builder.build(told["invitation"], acted, alone=empty)
    mark.touch()


def _say_door(door: links.Door) -> None:
    person = door.person
    link = door.offered.link
    _say(person=person.key, name=person.name, profession=person.profession, link=link)


def _say(**facts: Any) -> None:
    print(json.dumps(facts, ensure_ascii=False), flush=True)


main()

"""What was written is never lost and never doubled: a killed program, a relay that is away, an answer that is lost."""

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from command_line import CommandLine
from patience import PATIENCE
from PIL import Image
from running_relay import RunningRelay

PATIENT = ("--name", "Odette Verdier", "--sex", "F", "--born", "1938-04-17", "--place", "Saulieu")


@pytest.fixture(scope="module")
def own_relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRelay]:
    """One that these tests may stop."""
    running = RunningRelay(tmp_path_factory.mktemp("relay")).start()
    try:
        yield running
    finally:
        running.close()
    assert running.errors() == []


@pytest.fixture(scope="module")
def nurse(own_relay: RunningRelay, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    made = CommandLine(tmp_path_factory.mktemp("nurse") / "home")
    made.run("enrol", own_relay.invite("professional"), "--name", "Nadia", "--profession", "nurse")
    return made


@pytest.fixture
def circle(nurse: CommandLine) -> str:
    made: str = nurse.json("circle", "new", *PATIENT)["circle"]
    return made


def picture(path: Path) -> Path:
    image = Image.effect_noise((600, 400), 80).convert("RGB")
    data = io.BytesIO()
    image.save(data, "JPEG")
    path.write_bytes(data.getvalue())
    return path


def timeline(nurse: CommandLine, circle: str) -> list[dict[str, Any]]:
    return nurse.run("notes", circle, "--no-receipts").lines


def waiting(nurse: CommandLine) -> list[Path]:
    return sorted((nurse.home / "outbox").glob("*.relais"))


def await_that(condition: Any, what: str) -> None:
    """Look until it holds; fails after a minute."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_a_note_written_while_the_relay_is_away_is_kept_and_goes_out_with_the_next(
    own_relay: RunningRelay, nurse: CommandLine, circle: str, tmp_path: Path
) -> None:
    own_relay.stop()
    photo = str(picture(tmp_path / "plaie.jpg"))
    away = nurse.run("post", circle, "--text", "écrite hors ligne", "--attach", photo, code=5)
    again = nurse.run("post", circle, "--text", "la deuxième", code=5)
    kept = away.json
    assert set(kept) == {"circle", "note", "version", "seq", "at", "queued"}
    assert (kept["queued"], kept["seq"], kept["version"]) == (True, None, 1)
    assert nurse.run("notes", circle, code=5).error["code"] == "server-unreachable"
    assert len(waiting(nurse)) == 2

    own_relay.start()
    nurse.run("post", circle, "--text", "en ligne")

    lines = timeline(nurse, circle)
    assert [(one["seq"], one["text"]) for one in lines] == [
        (1, "écrite hors ligne"),
        (2, "la deuxième"),
        (3, "en ligne"),
    ]
    assert [one["note"] for one in lines][:2] == [kept["note"], again.json["note"]]
    (attachment,) = lines[0]["attachments"]
    target = tmp_path / "back.jpg"
    nurse.run("fetch", circle, kept["note"], attachment["id"], "-o", str(target))
    assert target.stat().st_size == attachment["size"]
    assert waiting(nurse) == []
    assert list((nurse.home / "blobs").iterdir()) == []


def test_a_program_killed_after_keeping_and_before_sending_is_followed_by_exactly_one_note(
    own_relay: RunningRelay, nurse: CommandLine, circle: str
) -> None:
    os.kill(own_relay.pid, signal.SIGSTOP)  # it takes the connection and answers nothing
    try:
        with nurse.started("post", circle, "--text", "coupée en plein vol") as posting:
            await_that(lambda: waiting(nurse), "the note was never kept")
            posting.kill()
            posting.wait()
    finally:
        os.kill(own_relay.pid, signal.SIGCONT)
    assert timeline(nurse, circle) == []

    nurse.run("post", circle, "--text", "la suivante")

    texts = [one["text"] for one in timeline(nurse, circle)]
    assert texts == ["coupée en plein vol", "la suivante"]
    assert waiting(nurse) == []


DIES_UNHEARD = """
import asyncio, os, sys
from pathlib import Path
from relais.client import posting
from relais.client.home import Home
from relais.client.sdk import Client

async def main(folder, circle):
    async with Client.open(Home.open(Path(folder))) as me:
        await (await me.circle(circle)).post("stockée, jamais confirmée")

posting._done = lambda home, waiting: os.kill(os.getpid(), 9)  # the answer is here, the outbox not yet empty
asyncio.run(main(*sys.argv[1:]))
"""


DIES_UPLOADING = """
import asyncio, os, sys
from pathlib import Path
from relais.client import blobs
from relais.client.home import Home
from relais.client.sdk import Client, File

async def main(folder, circle, plan):
    async with Client.open(Home.open(Path(folder))) as me:
        await (await me.circle(circle)).post("gros plan", attachments=[File.read(Path(plan))])

sent, send = [], blobs._send_piece

async def dies_after_two(*piece):
    sent.append(await send(*piece))
    if len(sent) == 2:
        os.kill(os.getpid(), 9)
    return sent[-1]

blobs._send_piece = dies_after_two
asyncio.run(main(*sys.argv[1:]))
"""


def died(program: str, member: CommandLine, *arguments: object) -> None:
    """Run a program of a member's, which kills itself."""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(member.home), *map(str, arguments)],
        env={**os.environ, "RELAIS_PASSPHRASE": "cheval pile agrafe"},
        check=False,
        timeout=PATIENCE,
    )
    assert ended.returncode == -signal.SIGKILL


def test_a_program_killed_between_the_answer_and_its_outbox_sends_again_and_nothing_is_doubled(
    nurse: CommandLine, circle: str
) -> None:
    died(DIES_UNHEARD, nurse, circle)
    assert len(waiting(nurse)) == 1
    assert [one["text"] for one in timeline(nurse, circle)] == ["stockée, jamais confirmée"]

    nurse.run("post", circle, "--text", "la suivante")

    texts = [one["text"] for one in timeline(nurse, circle)]
    assert texts == ["stockée, jamais confirmée", "la suivante"]
    assert waiting(nurse) == []


def test_a_note_the_server_refuses_for_good_leaves_the_outbox(
    nurse: CommandLine, circle: str
) -> None:
    nurse.run("circle", "close", circle)

    refused = nurse.run("post", circle, "--text", "trop tard", code=3)

    assert refused.error == {"code": "forbidden", "reason": "circle-closed"}
    assert waiting(nurse) == []


def test_an_upload_that_was_cut_goes_on_where_it_stopped(
    own_relay: RunningRelay, nurse: CommandLine, circle: str, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.pdf"
    plan.write_bytes(b"%PDF-1.7\n" + os.urandom(8_000_000))
    start = _patches(own_relay)
    died(DIES_UPLOADING, nurse, circle, plan)
    assert len(waiting(nurse)) == 1
    assert _patches(own_relay) == start + 2, "the upload was cut in the middle"

    nurse.run("post", circle, "--text", "après")

    first = timeline(nurse, circle)[0]
    target = tmp_path / "back.pdf"
    nurse.run("fetch", circle, first["note"], "plan.pdf", "-o", str(target))
    assert target.read_bytes() == plan.read_bytes()
    assert _patches(own_relay) == start + 8, "8 MiB in pieces of one, none of them sent twice"


async def _metrics(relay: RunningRelay) -> str:
    async with aiohttp.ClientSession() as http, http.get(relay.origin + "/metrics") as answer:
        return await answer.text()


def _patches(relay: RunningRelay) -> int:
    """How many pieces the relay has taken in, by its own count."""
    rows = re.findall(
        r'^relais_requests_total\{event="blob.upload",outcome="ok"\} (\S+)$',
        asyncio.run(_metrics(relay)),
        re.MULTILINE,
    )
    return sum(int(float(row)) for row in rows)

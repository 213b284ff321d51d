"""The demonstration's first minute, from an installed package: it starts, serves, stops, twice.

    python scripts/first_minute.py FOLDER/WITH/relais-server

Standard library only: nothing of the project is imported, and no folder of it is needed.
"""

import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

PEOPLE = 6  # nurse, GP, pharmacist, hospital coordinator, auditor, administrator
STARTS = ("first", "second")
PATIENCE = 120.0  # seconds, for any one thing on a busy machine; what it took is told
LINK = re.compile(r"https?://\S+")
OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Demonstration:
    """A running ``relais-server demo`` and what it has printed so far."""

    def __init__(self, program: Path, data: Path) -> None:
        command = [str(program), "demo", "--port", "0", "--data", str(data)]
        self.process = subprocess.Popen(
            command,
            cwd=data.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed: list[str] = []
        self._silent = False  # its output has ended
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            print(f"  {line}", end="", flush=True)
            with self._news:
                self.printed.append(line)
                self._news.notify_all()
        with self._news:
            self._silent = True
            self._news.notify_all()

    def links(self) -> list[str]:
        return list(dict.fromkeys(LINK.findall("".join(self.printed))))

    def wait_for_links(self, count: int) -> list[str]:
        """Return the links once ``count`` are printed; raises where it ends or takes longer."""
        with self._news:
            self._news.wait_for(lambda: len(self.links()) >= count or self._silent, PATIENCE)
        if len(self.links()) < count:
            why = "it ended" if self._silent else f"{PATIENCE:.0f} s have passed"
            raise AssertionError(f"{why} with {len(self.links())} of {count} links printed")
        return self.links()

    def interrupt(self) -> int:
        """Stop it as Ctrl-C does; returns its exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def fetch(url: str) -> bytes:
    with OPEN(url, timeout=PATIENCE) as answer:
        assert answer.status == 200, f"{url}: {answer.status}"
        return bytes(answer.read())


def check_page(origin: str) -> None:
    """The page is there, and so is every script and style it names."""
    page = fetch(f"{origin}/").decode()
    assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert any(asset.endswith(".js") for asset in assets), "the page names no script"
    for asset in assets:
        assert fetch(origin + asset), f"{asset} is empty"


def serve_and_stop(demonstration: Demonstration) -> float:
    """See it print its links, serve, and end cleanly; returns how long the links took."""
    began = time.monotonic()
    links = demonstration.wait_for_links(PEOPLE)
    took = time.monotonic() - began
    parts = urlsplit(links[0])
    origin = f"{parts.scheme}://{parts.netloc}"
    assert fetch(f"{origin}/healthz"), "/healthz is empty"
    check_page(origin)
    code = demonstration.interrupt()
    assert code == 0, f"it ended with {code} after Ctrl-C"
    trace = [line for line in demonstration.printed if "Traceback" in line]
    assert not trace, "it printed a trace"
    return took


def main(program: Path, folder: Path) -> None:
    for start in STARTS:
        print(f"{start} start", flush=True)
        demonstration = Demonstration(program, folder / "data")
        try:
            took = serve_and_stop(demonstration)
        finally:
            demonstration.kill()
        print(f"{start} start: {took:.1f} s to the links, served, ended cleanly", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(sys.argv[1]).absolute(), Path(name))

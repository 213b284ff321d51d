"""What a result was measured on, and how much processor time a process took."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def describe() -> dict[str, str | int]:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in _lines("/proc/cpuinfo")
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = next(
        (line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0"
    )
    return {
        "processor": model,
        "cores": os.cpu_count() or 0,
        "memory_gib": round(int(memory) / 2**20),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


@dataclass(frozen=True)
class Usage:
    """Processor seconds and resident bytes of a process and its children."""

    cpu: float
    resident: int


def usage(pid: int) -> Usage:
    """Of a process and everything below it."""
    pids = [pid, *_descendants(pid)]
    return Usage(sum(map(_cpu, pids)), sum(map(_resident, pids)))


def own_usage(pid: int) -> Usage:
    """Of one process alone."""
    return Usage(_cpu(pid), _resident(pid))


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident(pid: int) -> int:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()

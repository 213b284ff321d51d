"""Run a command that must not outlive the process that started it. A program of its own, never imported.

    python -I -S guard.py exec PARENT COMMAND…     Linux: ask the kernel for SIGTERM at the parent's death, then become COMMAND
    python -I -S guard.py watch PARENT COMMAND…    elsewhere: stay beside COMMAND and end it when standard input closes

Doing this in a small program, and not between fork and exec of a process with threads, keeps the parent free of
deadlocks and works under any event loop.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
PATIENCE = 20.0  # seconds a command gets to end by itself


def become(parent: int, command: list[str]) -> int:
    """Replace this process by `command`, which gets SIGTERM when the parent's thread that started us ends."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it died before the kernel was asked
        return 1
    os.execv(command[0], command)


def watch(command: list[str]) -> int:
    """Run `command` until it ends or standard input does, whichever comes first; answer its exit code."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())

    def until_parent_is_gone() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            continue
        child.terminate()
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()

    threading.Thread(target=until_parent_is_gone, daemon=True).start()
    return child.wait()


def main() -> int:
    mode, parent, *command = sys.argv[1:]
    os.umask(0o077)  # the database makes its folders readable by all
    return become(int(parent), command) if mode == "exec" else watch(command)


if __name__ == "__main__":
    sys.exit(main())

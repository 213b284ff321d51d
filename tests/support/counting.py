"""What another process does to a member's folder. Here, and not in its test: a process that is begun anew imports it."""

from pathlib import Path

from relais.client.home import Home


def count_up(path: str, key: bytes) -> None:
    """Twenty updates of one file, each by what the one before left."""
    home = Home(Path(path), key)
    for _ in range(20):
        home.update("count", lambda value: (value or 0) + 1)

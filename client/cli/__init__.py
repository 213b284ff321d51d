"""``relais``: the member's command line. ``main`` is the console script."""

from relais.client.cli.run import main

__all__ = ["main"]

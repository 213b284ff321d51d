"""Import every module of the installed rooms that are named, to show that nothing is missing.

python scripts/import_rooms.py client crypto models --without relais.models.store
"""

import argparse
import importlib
import pkgutil


def modules(room: str, without: list[str]) -> list[str]:
    """Return the full names of a room's modules, but for those under ``without``."""
    name = f"relais.{room}"
    package = importlib.import_module(name)
    found = pkgutil.walk_packages(package.__path__, f"{name}.", onerror=lambda _: None)
    left = tuple(f"{name}." for name in without)
    return [
        module.name
        for module in found
        if not f"{module.name}.".startswith(left) and not module.name.endswith(".__main__")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", nargs="+")
    parser.add_argument("--without", action="append", default=[])
    given = parser.parse_args()
    names = [name for room in given.rooms for name in modules(room, given.without)]
    for name in names:
        importlib.import_module(name)
    print(f"{len(names)} modules imported")


if __name__ == "__main__":
    main()

"""Build hook: name the rooms ``relais.*`` and bundle the web client into the package."""

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent / "scripts"))
import _web_bundle

LINKS = {
    "models": "models",
    "crypto": "crypto",
    "server": "server",
    "client": "client",
    "verifier": "verifier",
    "web_client": "web_client/dist",
}


class RelaisBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs for the wheel, the source distribution and the editable install alike."""

    def dependencies(self) -> list[str]:
        """Ask for Node as a wheel only where a bundle is due and the machine has no Node."""
        client = Path(self.root) / "web_client"
        if _web_bundle.is_built(client) or _web_bundle.machine_has_node():
            return []
        return [_web_bundle.NODE_REQUIREMENT]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if not _web_bundle.is_built(root / "web_client"):
            _web_bundle.build(root / "web_client")
        if version == "editable":
            link_rooms(root)


def link_rooms(root: Path) -> None:
    """Make ``.editable/relais/<name>`` lead to each room, for the editable install.

    hatchling cannot rename a folder there (pfmoore/editables#20), and type checkers
    run no import hooks; a folder of links on ``sys.path`` serves both.
    """
    namespace = root / ".editable" / "relais"
    namespace.mkdir(parents=True, exist_ok=True)
    for name, target in LINKS.items():
        link = namespace / name
        if not os.path.lexists(link):
            link_folder(link, root / target)


def link_folder(link: Path, target: Path) -> None:
    """Link to a folder: relative where symbolic links are free, a junction on Windows."""
    if sys.platform == "win32":
        import _winapi

        _winapi.CreateJunction(str(target), str(link))
    else:
        link.symlink_to(os.path.relpath(target, link.parent), target_is_directory=True)

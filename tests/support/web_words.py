"""What the web client says, from its own catalogues: journeys look for words by their key, in any language."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import _web_bundle

WEB_CLIENT = Path(__file__).parents[2] / "web_client"
READ = """
const [first, inside] = [["fr", "en"], ["fr-inside", "en-inside"]].map((names) => names.map((name) => import(`./src/i18n/${name}.js`)));
const [{ fr }, { en }] = await Promise.all(first);
const [{ frInside }, { enInside }] = await Promise.all(inside);
console.log(JSON.stringify({ fr: { ...fr, ...frInside }, en: { ...en, ...enInside } }));
"""


@cache
def catalogues() -> dict[str, dict[str, str | dict[str, str]]]:
    """Both catalogues, as the bundle has them."""
    told = subprocess.run(
        [_web_bundle.node(), "--input-type=module", "--eval", READ],
        cwd=WEB_CLIENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    read: dict[str, dict[str, str | dict[str, str]]] = json.loads(told.stdout)
    return read


class Words:
    """The texts of one language; Playwright takes the spaces of French typography for plain ones."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self._catalogue = catalogues()[locale[:2]]

    def __call__(self, key: str, **holes: str | int) -> str:
        """The text for `key` with its {holes} filled; `count` chooses the plural."""
        text = self._catalogue[key]
        if isinstance(text, dict):
            text = text["one" if self._is_one(int(holes["count"])) else "other"]
        return re.sub(r"\{(\w+)\}", lambda hole: str(holes[hole[1]]), text)

    def _is_one(self, count: int) -> bool:
        return count == 1 or (count == 0 and self.locale.startswith("fr"))

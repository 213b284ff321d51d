"""What a browser keeps of the web client, looked into and taken away by a test."""

import asyncio
import json
from typing import Any

from patience import PATIENCE
from web_window import Window

OPEN = """
const opened = await new Promise((resolve, reject) => {
  const request = indexedDB.open("relais");
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const stores = (names, mode) => opened.transaction(names, mode);
const settled = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
"""
EVERYTHING = """
const found = [];
const look = (value) => {
  if (value instanceof CryptoKey) found.push([value.algorithm.name, value.extractable, ...value.usages]);
  else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && !(value instanceof Blob)) Object.values(value).forEach(look);
};
for (const name of opened.objectStoreNames) look(await settled(stores([name], "readonly").objectStore(name).getAll()));
"""


async def _run(window: Window, body: str) -> Any:
    return await window.page.evaluate(
        f"(async () => {{ {OPEN} try {{ {body} }} finally {{ opened.close(); }} }})()"
    )


async def clear(window: Window, *names: str) -> None:
    """Take everything out of these stores, as a browser in need of space might."""
    given = json.dumps(names)
    await _run(
        window,
        f"""const all = stores({given}, "readwrite");
        await Promise.all({given}.map((name) => settled(all.objectStore(name).clear())));""",
    )


async def take_first(window: Window, name: str) -> None:
    """Take a single row out of this store: the first."""
    await _run(
        window,
        f"""const store = stores(["{name}"], "readwrite").objectStore("{name}");
        await settled(store.delete((await settled(store.getAllKeys()))[0]));""",
    )


async def count(window: Window, name: str) -> int:
    counted = f'return await settled(stores(["{name}"], "readonly").objectStore("{name}").count());'
    return int(await _run(window, counted))


async def until_count(window: Window, name: str, number: int) -> None:
    """Wait until so many are kept, which is a moment after they are shown."""
    async with asyncio.timeout(PATIENCE):
        while await count(window, name) != number:
            await window.page.wait_for_timeout(20)


async def change(window: Window, key: str, changes: dict[str, Any]) -> None:
    """Put other fields into one of the values."""
    await _run(
        window,
        f"""const values = stores(["values"], "readwrite").objectStore("values");
        const before = await settled(values.get({json.dumps(key)}));
        await settled(values.put({{ ...before, ...{json.dumps(changes)} }}, {json.dumps(key)}));""",
    )


async def crypto_keys(window: Window) -> list[list[Any]]:
    """Every key that stands in the database as one: its algorithm, may it be exported, what it may do."""
    return list(await _run(window, EVERYTHING + "return found;"))


async def delete_database(window: Window) -> None:
    """As when somebody clears the site's data: open pages are told and let go."""
    await window.page.evaluate('void indexedDB.deleteDatabase("relais")')

"""The web client's files and their headers, operations, and errors in one shape."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from members import House

from relais.server.site import content_policy

PAGE = "<!doctype html><title>Relais</title>" + "x" * 500


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built web client, small."""
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "icons").mkdir()
    (web / "index.html").write_text(PAGE)
    (web / "assets" / "main-AB12CD34.js").write_text("export const a = 1;\n" * 50)
    (web / "sw.js").write_text("self.skipWaiting();")
    (web / "manifest.webmanifest").write_text("{}")
    (web / "icons" / "relais-192.png").write_bytes(b"\x89PNG")
    (tmp_path / "secret.js").write_text("no")
    return web


@pytest.fixture
async def served(build: Any, folder: Path) -> AsyncIterator[tuple[House, aiohttp.ClientSession]]:
    async with build(web=folder) as house:
        plain = {"Accept-Encoding": "identity"}
        async with aiohttp.ClientSession(
            house.node.origin, auto_decompress=False, headers=plain
        ) as session:
            yield house, session


Served = tuple[House, aiohttp.ClientSession]


@pytest.mark.parametrize("path", ["/", "/enrol", "/join", "/restore", "/circle/abc", "/circle/a/b"])
async def test_every_page_of_the_application_is_the_one_page(served: Served, path: str) -> None:
    async with served[1].get(path) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        assert await response.text() == PAGE
        assert response.headers["Cache-Control"] == "no-cache"


async def test_the_page_lets_nothing_in_and_tells_nobody(served: Served) -> None:
    async with served[1].get("/") as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    for rule in (
        "default-src 'none'",
        "script-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert rule in policy.split("; ")
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Server" not in headers
    assert "Strict-Transport-Security" not in headers


def test_a_host_that_is_none_gets_no_place_in_the_policy() -> None:
    assert "wss://relais.example:8443" in content_policy("relais.example:8443")
    assert "evil" not in content_policy("x; script-src evil")


async def test_behind_tls_browsers_are_told_to_stay_there(build: Any, folder: Path) -> None:
    async with build(web=folder, origin="https://relais.example") as house:
        url = f"http://127.0.0.1:{house.node.port}/"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.headers["Strict-Transport-Security"].startswith("max-age=63072000")


async def test_hashed_files_are_kept_for_ever_and_others_asked_for_again(served: Served) -> None:
    expected = {
        "/assets/main-AB12CD34.js": ("public, max-age=31536000, immutable", "text/javascript"),
        "/sw.js": ("no-cache", "text/javascript"),
        "/manifest.webmanifest": ("no-cache", "application/manifest+json"),
        "/icons/relais-192.png": ("no-cache", "image/png"),
    }
    for path, (caching, kind) in expected.items():
        async with served[1].get(path) as response:
            assert (response.headers["Cache-Control"], response.content_type) == (caching, kind)


async def test_scripts_are_sent_packed_to_whoever_unpacks(served: Served) -> None:
    path = "/assets/main-AB12CD34.js"
    async with served[1].get(path, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        packed = await response.read()
    async with served[1].get(path, headers={"Accept-Encoding": "identity"}) as response:
        assert "Content-Encoding" not in response.headers
        assert gzip.decompress(packed) == await response.read()


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/nowhere", "/../secret.js", "/assets/..%2f..%2fsecret.js"]
)
async def test_what_is_not_there_is_not_found_in_the_one_shape_of_errors(
    served: Served, path: str
) -> None:
    async with served[1].get(path) as response:
        assert response.status == 404
        assert await response.json() == {"error": {"code": "not_found"}}


async def test_a_page_built_again_is_served_without_a_restart(served: Served, folder: Path) -> None:
    page = folder / "index.html"
    page.write_text("new")
    os.utime(page, ns=(1, 1))
    async with served[1].get("/") as response:
        assert await response.text() == "new"


async def test_operations(house: House) -> None:
    nurse = await house.person("Nadia")
    await nurse.on.raw("nonsense", {})
    async with aiohttp.ClientSession(house.node.origin) as session:
        async with session.get("/healthz") as response:
            assert response.status == 200
        async with session.get("/readyz") as response:
            assert response.status == 200
        async with session.get("/metrics") as response:
            text = await response.text()
    assert "relais_sockets 1.0" in text
    assert 'relais_requests_total{event="unknown",outcome="malformed"} 1.0' in text
    assert nurse.id not in text


async def test_a_node_that_stops_says_it_is_not_ready(house: House) -> None:
    house.node.draining = True
    async with aiohttp.ClientSession(house.node.origin) as session:
        async with session.get("/readyz") as response:
            assert response.status == 503
        async with session.get("/healthz") as response:
            assert response.status == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"device": 5}', b'{"device": "x"}', b"[" * 100_000]
)
async def test_a_body_that_is_none_is_malformed(house: House, body: bytes) -> None:
    async with aiohttp.ClientSession(house.node.origin) as session:
        async with session.post("/auth/challenge", data=body) as response:
            assert response.status == 400
            assert (await response.json())["error"]["code"] == "malformed"
        good = {"device": "0" * 32}
        async with session.post("/auth/challenge", json=good) as response:
            assert response.status == 200
            assert response.headers["Cache-Control"] == "no-store"


async def test_answers_about_keys_are_not_kept_by_anybody(house: House) -> None:
    async with aiohttp.ClientSession(house.node.origin) as session:
        ask = {"invitation": "x" * 32}
        async with session.post("/auth/invitation", json=ask) as response:
            assert (response.status, response.headers["Cache-Control"]) == (404, "no-store")


async def test_a_proxy_is_believed_only_where_it_is_said_to_be_there(build: Any) -> None:
    for trusted, source in ((True, "203.0.113.7"), (False, "127.0.0.1")):
        async with build(trust_proxy=trusted) as house:
            async with aiohttp.ClientSession(house.node.origin) as session:
                headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
                ask = {"invitation": f"{source}-invitation"}
                async with session.post("/auth/invitation", json=ask, headers=headers):
                    await asyncio.sleep(0)
            sources = {e["source"] for e in await house.audit() if e["action"] == "auth.invitation"}
            assert source in sources

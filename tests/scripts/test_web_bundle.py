"""The web client's build, run for real on a copy."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import _web_bundle
import pytest

CLIENT = Path(__file__).parents[2] / "web_client"
MADE_OF = ("package.json", "package-lock.json", "build.mjs", "src/index.html", "src/style.css")


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A web client of two pages, one of them loaded when needed, with the real build."""
    copy = tmp_path / "web_client"
    for folder in ("src/icons", "src/worker"):
        shutil.copytree(CLIENT / folder, copy / folder)
    for name in (*MADE_OF, "src/manifest.webmanifest"):
        shutil.copy(CLIENT / name, copy / name)
    (copy / "src/style.css").write_text("body { margin: 0 }")
    (copy / "src/main.js").write_text('import("./rare.js").then(({ rare }) => rare());')
    (copy / "src/rare.js").write_text('export const rare = () => document.title = "rare page";')
    os.symlink(CLIENT / "node_modules", copy / "node_modules", target_is_directory=True)
    return copy


def build(client: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_web_bundle.node(), "build.mjs"], cwd=client, capture_output=True, text=True, check=False
    )


def test_the_page_names_its_script_and_style_by_their_contents(client: Path) -> None:
    assert build(client).returncode == 0
    page = (client / "dist/index.html").read_text()
    named = dict(re.findall(r'(?:src|href)="/(assets/[^"]+)" integrity="sha384-([^"]+)"', page))
    assert {Path(name).suffix for name in named} == {".js", ".css"}
    for name, integrity in named.items():
        content = (client / "dist" / name).read_bytes()
        assert base64.b64encode(hashlib.sha384(content).digest()).decode() == integrity


def test_a_rare_page_is_no_part_of_the_first_script(client: Path) -> None:
    assert build(client).returncode == 0
    with_it = [p for p in (client / "dist/assets").glob("*.js") if "rare page" in p.read_text()]
    assert len(with_it) == 1
    assert with_it[0].name not in (client / "dist/index.html").read_text()


def test_the_service_worker_knows_every_file_and_changes_with_each(client: Path) -> None:
    assert build(client).returncode == 0
    dist = client / "dist"
    first = (dist / "sw.js").read_text()
    files = {f"/{p.relative_to(dist).as_posix()}" for p in dist.rglob("*") if p.is_file()}
    shell = json.loads(re.findall(r"\[\"/.*?\]", first)[0])
    assert set(shell) == files - {"/index.html", "/sw.js"} | {"/"}
    (client / "src/rare.js").write_text('export const rare = () => document.title = "other";')
    assert build(client).returncode == 0
    assert (dist / "sw.js").read_text() != first


def test_a_first_view_that_is_too_heavy_is_not_built(client: Path) -> None:
    noise = base64.b64encode(os.urandom(150_000)).decode()
    (client / "src/main.js").write_text(f"document.title = {json.dumps(noise)};")
    done = build(client)
    assert done.returncode != 0
    assert "the limit is 120000" in done.stderr
    assert not (client / "dist").exists()


def test_the_same_weight_is_let_through_on_a_page_that_loads_when_needed(client: Path) -> None:
    noise = base64.b64encode(os.urandom(150_000)).decode()
    (client / "src/rare.js").write_text(
        f"export const rare = () => document.title = {json.dumps(noise)};"
    )
    assert build(client).returncode == 0


def test_a_page_without_the_place_for_its_script_is_not_built(client: Path) -> None:
    (client / "src/index.html").write_text("<!doctype html><title>x</title>")
    done = build(client)
    assert done.returncode != 0
    assert "src/index.html must hold" in done.stderr


def test_a_bundle_is_stale_as_soon_as_one_of_its_sources_changes(client: Path) -> None:
    assert not _web_bundle.is_built(client)
    assert build(client).returncode == 0
    (client / "dist" / _web_bundle.STAMP).write_text(_web_bundle.inputs_digest(client))
    assert _web_bundle.is_built(client)
    (client / "src/rare.js").write_text("export const rare = () => 1;")
    assert not _web_bundle.is_built(client)


def test_renaming_a_source_makes_the_bundle_stale(client: Path) -> None:
    before = _web_bundle.inputs_digest(client)
    (client / "src/rare.js").rename(client / "src/seldom.js")
    assert _web_bundle.inputs_digest(client) != before

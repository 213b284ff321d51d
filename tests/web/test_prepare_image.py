"""Pictures made ready by the web client, in a real browser, judged by Pillow."""

import base64
import io
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image, ImageDraw, PngImagePlugin
from pillow_heif import register_heif_opener
from playwright.async_api import Error, Page, async_playwright

pytestmark = pytest.mark.browser

SOURCES = Path(__file__).parents[2] / "web_client" / "src"
STORED_AS = {  # how the pixels of an upright picture lie in a file of each orientation
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
CORNERS = {"red": (0, 0), "lime": (1, 0), "blue": (0, 1), "yellow": (1, 1)}
CANVASES = {
    "offscreen": "(width, height) => new OffscreenCanvas(width, height)",
    "element": "(width, height) => Object.assign(document.createElement('canvas'), {width, height})",
}
PREPARE = """
async ({ file, keepOriginal, canvas }) => {
  const { prepareAttachment } = await import("/state/prepare-image.js");
  const bytes = Uint8Array.from(atob(file), (one) => one.charCodeAt(0));
  const text = (data) => btoa(Array.from(data, (one) => String.fromCharCode(one)).join(""));
  const made = await prepareAttachment(new Blob([bytes]), { createCanvas: CREATE_CANVAS, keepOriginal });
  return {
    ...made,
    data: text(new Uint8Array(await made.data.arrayBuffer())),
    thumbnail: made.thumbnail && text(made.thumbnail),
  };
}
"""
register_heif_opener()


@dataclass(frozen=True)
class Prepared:
    data: bytes
    media_type: str
    size: tuple[int, int]
    thumbnail: bytes


async def blank(request: web.Request) -> web.Response:
    return web.Response(text="<!doctype html>", content_type="text/html")


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page with nothing on it, from a server of the client's own modules on loopback."""
    app = web.Application()
    app.router.add_get("/", blank)
    app.router.add_static("/", SOURCES)
    browser_path = os.environ.get("RELAIS_TEST_BROWSER", "/usr/bin/chromium")
    async with TestServer(app) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox"]
        )
        page = await browser.new_page()
        await page.goto(str(server.make_url("/")))
        yield page
        await browser.close()


async def prepare(
    page: Page, data: bytes, *, keep_original: bool = False, canvas: str = "offscreen"
) -> Prepared:
    script = PREPARE.replace("CREATE_CANVAS", CANVASES[canvas])
    file = base64.b64encode(data).decode()
    made = await page.evaluate(script, {"file": file, "keepOriginal": keep_original})
    return Prepared(
        data=base64.b64decode(made["data"]),
        media_type=made["mediaType"],
        size=(made["width"], made["height"]),
        thumbnail=base64.b64decode(made["thumbnail"]),
    )


def upright(width: int = 120, height: int = 80) -> Image.Image:
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for colour, (x, y) in CORNERS.items():
        left, top = x * width // 2, y * height // 2
        draw.rectangle((left, top, left + width // 2, top + height // 2), fill=colour)
    return picture


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    pixels = random.Random(1).randbytes(width * height * len(mode))
    return Image.frombytes(mode, (width, height), pixels)


def written(picture: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def photo(orientation: int, kind: str = "JPEG") -> bytes:
    """A photograph as a telephone keeps it: turned, and with where and with what it was taken."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x0110] = "SECRETCAMERA"
    block.get_ifd(0x8825).update({1: "N", 2: (47.0, 19.0, 18.0), 3: "E", 4: (5.0, 2.0, 29.0)})
    turn = STORED_AS[orientation]
    stored = upright() if turn is None else upright().transpose(turn)
    return written(stored, kind, exif=block.tobytes())


def assert_upright(data: bytes) -> None:
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    for colour, (x, y) in CORNERS.items():
        got = picture.getpixel(
            (picture.width * (1 + 2 * x) // 4, picture.height * (1 + 2 * y) // 4)
        )
        wanted = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
        assert isinstance(got, tuple)
        assert isinstance(wanted, tuple)
        assert all(abs(a - b) < 40 for a, b in zip(got, wanted, strict=True)), (colour, got)


def assert_nothing_but_pixels(data: bytes) -> None:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    assert not picture.getexif()
    assert not picture.info.keys() & {"exif", "comment", "xmp", "photoshop", "XML:com.adobe.xmp"}
    assert not getattr(picture, "text", {})
    assert b"SECRETCAMERA" not in data
    assert b"Exif" not in data


@pytest.mark.parametrize("canvas", CANVASES)
async def test_a_turned_photograph_with_gps_comes_out_upright_and_without_metadata(
    page: Page, canvas: str
) -> None:
    for orientation in STORED_AS:
        data = photo(orientation)
        assert b"SECRETCAMERA" in data
        made = await prepare(page, data, canvas=canvas)
        assert (made.media_type, made.size) == ("image/jpeg", (120, 80))
        for picture in (made.data, made.thumbnail):
            assert_upright(picture)
            assert_nothing_but_pixels(picture)


async def test_a_png_with_text_keeps_its_pixels_and_loses_its_text(page: Page) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SECRETCAMERA")
    made = await prepare(page, written(upright(), "PNG", pnginfo=text))
    assert made.media_type == "image/png"
    assert Image.open(io.BytesIO(made.data)).convert("RGB").tobytes() == upright().tobytes()
    assert_nothing_but_pixels(made.data)


async def test_transparency_stays_and_a_photograph_saved_as_png_becomes_a_jpeg(page: Page) -> None:
    assert (await prepare(page, written(noise(64, 64), "PNG"))).media_type == "image/jpeg"
    see_through = noise(64, 64)
    see_through.putalpha(noise(64, 64, "L"))
    for kind in ("PNG", "WEBP"):
        made = await prepare(page, written(see_through, kind))
        assert made.media_type == "image/png"
        low, high = Image.open(io.BytesIO(made.data)).getchannel("A").getextrema()
        assert (low, high) == (0, 255)


async def test_the_longest_side_is_limited_and_the_thumbnail_small(page: Page) -> None:
    made = await prepare(page, written(upright(3000, 2000), "JPEG"))
    assert made.size == (2560, 1707) == Image.open(io.BytesIO(made.data)).size
    assert Image.open(io.BytesIO(made.thumbnail)).size == (320, 213)
    made = await prepare(page, written(noise(900, 900), "JPEG", quality=95))
    assert made.size == (900, 900)
    assert len(made.thumbnail) <= 20 * 1024


async def test_an_animation_gives_its_first_frame(page: Page) -> None:
    frames = [Image.new("RGB", (120, 80), colour) for colour in ("black", "white")]
    data = written(upright(), "WEBP", save_all=True, append_images=frames, lossless=True)
    made = await prepare(page, data)
    assert_upright(made.data)


async def test_the_original_is_kept_to_the_byte_only_if_asked_for(page: Page) -> None:
    data = photo(6)
    made = await prepare(page, data, keep_original=True)
    assert (made.data, made.media_type, made.size) == (data, "image/jpeg", (120, 80))
    assert_upright(made.thumbnail)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (photo(1, "HEIF"), "heic-unsupported"),
        (written(noise(200, 200), "PNG")[:1000], "broken-image"),
        (photo(1)[:200], "broken-image"),
        (written(noise(200, 200), "JPEG")[:9000], "broken-image"),
        (written(noise(200, 200), "WEBP")[:9000], "broken-image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported-file"),
    ],
    ids=["heic", "cut png", "cut jpeg", "half a jpeg", "half a webp", "svg"],
)
async def test_what_the_browser_cannot_open_is_refused_by_name(
    page: Page, data: bytes, reason: str
) -> None:
    with pytest.raises(Error, match=f"AttachmentError: {reason}"):
        await prepare(page, data)

import io
import random
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin
from pillow_heif import register_heif_opener

from relais.client import images
from relais.client.attachment_types import BrokenImage, HeicUnsupported, TooManyPixels
from relais.client.errors import ClientError, TooLarge, UnsupportedFile
from relais.client.images import PreparedDocument, PreparedImage, prepare_attachment, prepare_image

ORIENTATION, GPS_BLOCK, CAMERA = 0x0112, 0x8825, 0x0110
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
SECRETS = (b"SECRETCAMERA", b"secret-comment", b"Dijon", b"xmpmeta", b"Exif", b"Photoshop")
CORRUPT = "ignore::UserWarning:PIL"  # Pillow says so when EXIF is damaged, and goes on
register_heif_opener()


def upright(width: int = 120, height: int = 80) -> Image.Image:
    """A picture that shows how it is turned: another colour in each corner."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for colour, (x, y) in CORNERS.items():
        left, top = x * width // 2, y * height // 2
        draw.rectangle((left, top, left + width // 2, top + height // 2), fill=colour)
    return picture


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(
        mode, (width, height), random.Random(1).randbytes(width * height * channels)
    )


def exif(orientation: int = 1) -> bytes:
    block = Image.Exif()
    block[ORIENTATION] = orientation
    block[CAMERA] = "SECRETCAMERA"
    block.get_ifd(GPS_BLOCK).update({1: "N", 2: (47.0, 19.0, 18.0), 3: "E", 4: (5.0, 2.0, 29.0)})
    return block.tobytes()


def written(picture: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def photo(orientation: int = 1, kind: str = "JPEG", **options: Any) -> bytes:
    turn = STORED_AS[orientation]
    stored = upright() if turn is None else upright().transpose(turn)
    return written(stored, kind, exif=exif(orientation), **options)


def seen(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def assert_upright(data: bytes) -> None:
    picture = seen(data).convert("RGB")
    for colour, (x, y) in CORNERS.items():
        point = (picture.width * (1 + 2 * x) // 4, picture.height * (1 + 2 * y) // 4)
        got, wanted = picture.getpixel(point), Image.new("RGB", (1, 1), colour).getpixel((0, 0))
        assert isinstance(got, tuple)
        assert isinstance(wanted, tuple)
        assert all(abs(a - b) < 40 for a, b in zip(got, wanted, strict=True)), (colour, got)


def assert_nothing_but_pixels(data: bytes) -> None:
    picture = seen(data)
    assert not picture.getexif()
    assert not picture.info.keys() & {
        "exif",
        "icc_profile",
        "comment",
        "xmp",
        "photoshop",
        "XML:com.adobe.xmp",
    }
    assert not getattr(picture, "text", {})
    assert not [secret for secret in SECRETS if secret in data]


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_of_any_orientation_comes_out_upright(orientation: int, kind: str) -> None:
    prepared = prepare_image(photo(orientation, kind))
    assert (prepared.width, prepared.height) == (120, 80) == seen(prepared.data).size
    assert_upright(prepared.data)
    assert_upright(prepared.thumbnail)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_heic_picture_comes_out_as_an_upright_jpeg(orientation: int) -> None:
    prepared = prepare_image(photo(orientation, "HEIF"))
    assert prepared.media_type == "image/jpeg"
    assert_upright(prepared.data)
    assert_nothing_but_pixels(prepared.data)


def png_with_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "secret-comment")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>Dijon</x:xmpmeta>")
    text.add_text("Author", "secret-comment" * 9, zip=True)
    return written(upright(), "PNG", pnginfo=text, exif=exif())


def jpeg_with_iptc() -> bytes:
    block = b"\x1c\x02\x5a\x00\x05Dijon"
    resource = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + len(block).to_bytes(4, "big") + block
    segment = b"\xff\xed" + (len(resource) + 2).to_bytes(2, "big") + resource
    plain = written(upright(), "JPEG")
    return plain[:2] + segment + plain[2:]


LOADED: dict[str, Callable[[], bytes]] = {
    "jpeg with EXIF and GPS": photo,
    "jpeg with a comment": lambda: photo(comment=b"secret-comment"),
    "jpeg with XMP": lambda: photo(xmp=b"<x:xmpmeta>Dijon</x:xmpmeta>"),
    "jpeg with IPTC": jpeg_with_iptc,
    "jpeg with a profile": lambda: photo(icc_profile=profile("sRGB")),
    "png with text": png_with_text,
    "png with a profile": lambda: photo(kind="PNG", icc_profile=profile("sRGB")),
    "webp with everything": lambda: photo(
        kind="WEBP", xmp=b"<x:xmpmeta>Dijon</x:xmpmeta>", icc_profile=profile("sRGB")
    ),
    "two pictures in one jpeg": lambda: photo(
        kind="MPO", save_all=True, append_images=[upright()], comment=b"secret-comment"
    ),
}


def profile(name: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LOADED)
def test_no_metadata_survives(name: str) -> None:
    data = LOADED[name]()
    assert any(secret in data for secret in SECRETS) or b"acsp" in data, "the test's own picture"
    prepared = prepare_image(data)
    assert_nothing_but_pixels(prepared.data)
    assert_nothing_but_pixels(prepared.thumbnail)
    assert_upright(prepared.data)


def test_the_original_is_kept_to_the_byte_only_if_asked_for() -> None:
    data = photo(6)
    kept = prepare_image(data, keep_original=True)
    assert (kept.data, kept.media_type) == (data, "image/jpeg")
    assert (kept.width, kept.height) == (120, 80)
    assert_upright(kept.thumbnail)
    assert_nothing_but_pixels(kept.thumbnail)
    assert prepare_image(data).data != data


def test_colours_of_another_profile_become_srgb() -> None:
    swapped = bytearray(profile("sRGB"))  # a profile whose red and blue primaries changed places
    red, blue = swapped.index(b"rXYZ"), swapped.index(b"bXYZ")
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    red_jpeg = written(Image.new("RGB", (64, 64), "red"), "JPEG", icc_profile=bytes(swapped))
    r, _, b = seen(prepare_image(red_jpeg).data).getpixel((32, 32))  # type: ignore[misc]
    assert (r < 60, b > 200) == (True, True)
    plain = written(Image.new("RGB", (64, 64), "red"), "JPEG")
    r, _, b = seen(prepare_image(plain).data).getpixel((32, 32))  # type: ignore[misc]
    assert (r > 200, b < 60) == (True, True)


@pytest.mark.parametrize("icc", [b"no profile", profile("LAB"), profile("sRGB")[:200]])
def test_a_useless_profile_is_left_out_and_the_picture_kept(icc: bytes) -> None:
    prepared = prepare_image(photo(icc_profile=icc))
    assert_upright(prepared.data)
    assert_nothing_but_pixels(prepared.data)


@pytest.mark.filterwarnings(CORRUPT)
def test_a_mangled_exif_block_is_left_out_and_the_picture_kept() -> None:
    data = written(upright(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert_upright(prepare_image(data).data)
    assert_upright(prepare_image(written(upright(), "JPEG", exif=b"Exif\0\0nonsense")).data)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_keeps_a_picture_png(kind: str) -> None:
    picture = noise(64, 64, "RGBA")
    prepared = prepare_image(written(picture, kind, lossless=True))
    assert prepared.media_type == "image/png"
    assert seen(prepared.data).getchannel("A").tobytes() == picture.getchannel("A").tobytes()
    assert seen(prepared.thumbnail).mode == "RGB"


def test_few_colours_keep_a_png_exact_and_many_make_it_a_jpeg() -> None:
    drawing = prepare_image(written(upright(), "PNG"))
    assert drawing.media_type == "image/png"
    assert seen(drawing.data).tobytes() == upright().tobytes()
    assert prepare_image(written(noise(64, 64), "PNG")).media_type == "image/jpeg"
    opaque = noise(64, 64)
    opaque.putalpha(255)
    assert prepare_image(written(opaque, "PNG")).media_type == "image/jpeg"
    assert prepare_image(written(upright(), "JPEG")).media_type == "image/jpeg"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "RGB", "RGBA"])
def test_a_png_of_any_mode_keeps_its_shades(mode: str) -> None:
    if mode == "I;16":
        picture = Image.new("I;16", (64, 64), 0x8000)
    else:
        grey = Image.new("L", (64, 64), 0x80)
        picture = grey.convert(mode, dither=Image.Dither.NONE)
    pixel = seen(prepare_image(written(picture, "PNG")).data).convert("L").tobytes()[0]
    assert abs(pixel - (255 if mode == "1" else 0x80)) <= 2


def test_a_palette_with_a_transparent_colour_stays_transparent() -> None:
    picture = upright().quantize(8)
    data = written(picture, "PNG", transparency=picture.getpixel((1, 1)))
    prepared = prepare_image(data)
    assert seen(prepared.data).getchannel("A").getextrema() == (0, 255)


def test_a_jpeg_for_the_press_becomes_rgb() -> None:
    prepared = prepare_image(written(upright().convert("CMYK"), "JPEG"))
    assert seen(prepared.data).mode == "RGB"
    assert_upright(prepared.data)


@pytest.mark.parametrize("size", [(5000, 3000), (3000, 5000), (2561, 10), (1, 4000)])
def test_the_longest_side_is_limited_in_proportion(size: tuple[int, int]) -> None:
    prepared = prepare_image(written(upright(*size), "JPEG"))
    assert max(prepared.width, prepared.height) == 2560
    assert abs(min(prepared.width, prepared.height) - 2560 * min(size) / max(size)) < 1
    assert seen(prepared.data).size == (prepared.width, prepared.height)


def test_a_small_picture_is_not_enlarged_and_another_limit_is_kept() -> None:
    assert prepare_image(written(upright(2560, 100), "JPEG")).width == 2560
    assert prepare_image(written(upright(30, 20), "JPEG")).width == 30
    assert prepare_image(written(upright(300, 200), "JPEG"), max_side=100).width == 100


@pytest.mark.parametrize(
    "picture", [upright(1, 1), upright(4000, 3000), noise(1500, 1500), noise(900, 9)]
)
def test_a_thumbnail_is_a_small_jpeg_whatever_the_picture(picture: Image.Image) -> None:
    thumbnail = prepare_image(written(picture, "JPEG", quality=95)).thumbnail
    assert len(thumbnail) <= 20 * 1024
    assert max(seen(thumbnail).size) <= 320
    assert seen(thumbnail).format == "JPEG"


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_an_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (120, 80), colour) for colour in ("black", "white")]
    data = written(upright(), kind, save_all=True, append_images=frames, lossless=True)
    prepared = prepare_image(data)
    assert_upright(prepared.data)
    assert getattr(seen(prepared.data), "n_frames", 1) == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_file_cut_short_is_a_broken_image_and_the_whole_one_is_not(kind: str) -> None:
    data = written(noise(200, 200), kind)
    assert prepare_image(data).width == 200
    for kept in (16, len(data) // 2, len(data) - len(data) // 8):
        with pytest.raises(BrokenImage):
            prepare_image(data[:kept])


@pytest.mark.filterwarnings(CORRUPT)
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "HEIF"]), st.data())
def test_a_damaged_file_gives_a_picture_or_a_named_error(kind: str, data: st.DataObject) -> None:
    damaged = bytearray(photo(6, kind))
    for at in data.draw(st.lists(st.integers(16, len(damaged) - 1), min_size=1, max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))
    prepared = outcome(bytes(damaged))
    if isinstance(prepared, PreparedImage):
        assert seen(prepared.data).size == (prepared.width, prepared.height)
        assert_nothing_but_pixels(prepared.data)
    else:
        assert prepared in {"broken-image", "too-many-pixels", "unsupported-file"}


def outcome(data: bytes) -> PreparedImage | str:
    try:
        return prepare_image(data)
    except ClientError as error:
        return error.reason


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it has so many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        )

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    body = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("side", [8001, 9600, 20_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_before_it_goes_off(side: int) -> None:
    with pytest.raises(TooManyPixels):
        prepare_image(png_bomb(side, side))


def test_a_small_file_may_have_as_many_pixels_as_a_telephones_camera() -> None:
    prepared = prepare_image(written(Image.new("L", (8000, 6000), 80), "JPEG"))
    assert (prepared.width, prepared.height) == (2560, 1920)


def test_a_text_bomb_in_a_png_is_refused() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a" * 2**24, zip=True)
    with pytest.raises(BrokenImage):
        prepare_image(written(upright(), "PNG", pnginfo=text))


def test_a_transparent_picture_too_large_as_png_becomes_a_jpeg(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = written(noise(100, 100, "RGBA"), "PNG")
    assert prepare_image(data).media_type == "image/png"
    monkeypatch.setattr(images, "MAX_ATTACHMENT_SIZE", 20_000)
    assert prepare_image(data).media_type == "image/jpeg"


def test_without_the_decoder_heic_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    data = photo(kind="HEIF")
    assert isinstance(prepare_attachment(data), PreparedImage)
    monkeypatch.setattr(images, "find_spec", lambda name: None)
    with pytest.raises(HeicUnsupported) as caught:
        prepare_attachment(data)
    assert caught.value.reason == "heic-unsupported"


def test_a_pdf_passes_as_it_is_and_is_no_picture() -> None:
    data = b"%PDF-1.7\n" + bytes(range(256))
    assert prepare_attachment(data) == PreparedDocument(data=data, media_type="application/pdf")
    with pytest.raises(UnsupportedFile):
        prepare_image(data)


def test_a_file_over_the_limit_is_refused_and_one_at_it_is_not() -> None:
    limit = 25 * 1024 * 1024
    assert prepare_attachment(b"%PDF-".ljust(limit))
    with pytest.raises(TooLarge):
        prepare_attachment(b"%PDF-".ljust(limit + 1))
    assert prepare_image(written(upright(), "JPEG").ljust(limit, b"\0"))
    with pytest.raises(TooLarge):
        prepare_image(written(upright(), "JPEG").ljust(limit + 1, b"\0"))

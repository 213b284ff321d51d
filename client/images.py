"""Pictures made ready for a note: upright, in sRGB, of a sensible size, and nothing but pixels.

A camera writes where and when a picture was taken, by which telephone, and a second,
uncropped copy of it. So the file is never edited, which keeps whatever an editor does not
know: its pixels are decoded, and written into a new file.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from PIL import Image, ImageCms

from relais.client.attachment_types import (
    HEIC,
    IMAGE_TYPES,
    JPEG,
    MAX_ATTACHMENT_SIZE,
    PNG,
    WEBP,
    BrokenImage,
    HeicUnsupported,
    TooManyPixels,
    check_attachment,
)
from relais.client.errors import UnsupportedFile

MAX_SIDE = 2560
MAX_PIXELS = 64_000_000
"""Pixels we are ready to decode: 192 MB of memory, and more than any telephone's camera gives."""
THUMBNAIL_SIDE = 320
THUMBNAIL_SIZE = 20 * 1024
THUMBNAIL_TYPE = JPEG
JPEG_QUALITY = 85

_FORMATS = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP", HEIC: "HEIF"}
_ORIENTATION = 0x0112
_UPRIGHT = {  # CIPA DC-008 (EXIF 2.32) §4.6.4 A: what undoes each orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MANGLED = (SyntaxError, ValueError, TypeError, LookupError, OSError, struct.error)
_FEW_COLOURS = 256
_SAMPLE_SIDE = 512


@dataclass(frozen=True)
class PreparedImage:
    """A picture ready to be sealed: its file and media type, its size in pixels as seen
    upright, and a JPEG thumbnail of at most THUMBNAIL_SIZE bytes and THUMBNAIL_SIDE pixels."""

    data: bytes
    media_type: str
    width: int
    height: int
    thumbnail: bytes


@dataclass(frozen=True)
class PreparedDocument:
    """A document ready to be sealed: its bytes are those of the file."""

    data: bytes
    media_type: str


def prepare_attachment(
    data: bytes, *, keep_original: bool = False
) -> PreparedImage | PreparedDocument:
    """Make any accepted file ready: pictures as `prepare_image` does, a PDF as it is.

    Raises what `prepare_image` raises.
    """
    media_type = check_attachment(data)
    if media_type in IMAGE_TYPES:
        return prepare_image(data, keep_original=keep_original)
    return PreparedDocument(data=data, media_type=media_type)


def prepare_image(
    data: bytes, *, keep_original: bool = False, max_side: int = MAX_SIDE
) -> PreparedImage:
    """Decode a JPEG, PNG, WebP or HEIC picture (an animation's first frame) and write it anew.

    The longest side is at most `max_side` pixels. The result is JPEG, or PNG where a PNG or
    WebP has transparency or few colours (a drawing, a screenshot). `keep_original` keeps the
    file itself, **with its metadata**; the sizes and the thumbnail are still those of the
    picture seen upright.
    Raises UnsupportedFile, TooLarge, BrokenImage, TooManyPixels, HeicUnsupported.
    """
    media_type = check_attachment(data)
    if media_type not in IMAGE_TYPES:
        raise UnsupportedFile
    picture, is_graphic = _decoded(data, media_type, max_side)
    kept = (data, media_type) if keep_original else _encoded(picture, is_graphic=is_graphic)
    return PreparedImage(
        *kept, width=picture.width, height=picture.height, thumbnail=_thumbnail(picture)
    )


def _decoded(data: bytes, media_type: str, max_side: int) -> tuple[Image.Image, bool]:
    """The picture upright, in sRGB, as RGB or RGBA, without any metadata; and whether to keep it PNG."""
    if media_type == HEIC:
        _open_heic()
    try:
        with Image.open(io.BytesIO(data), formats=[_FORMATS[media_type]]) as source:
            if source.width * source.height > MAX_PIXELS:
                raise TooManyPixels
            source.draft(None, _fitted(source.size, max_side))  # JPEG decodes straight to a half
            source.load()
            return _normalised(source, media_type, max_side)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels from error
    except TooManyPixels:
        raise
    except Exception as error:  # decoders name no closed list of what damaged files raise
        raise BrokenImage from error


def _normalised(source: Image.Image, media_type: str, max_side: int) -> tuple[Image.Image, bool]:
    may_stay = media_type in (PNG, WEBP)
    upright = _upright(source)
    alpha = _alpha(upright) if may_stay else None
    is_graphic = may_stay and (alpha is not None or _has_few_colours(upright))
    size = _fitted(upright.size, max_side)
    picture = _in_srgb(_opaque(upright, size), source.info.get("icc_profile"))
    if alpha is not None:
        picture.putalpha(alpha.resize(size, Image.Resampling.LANCZOS))
    picture.info = {}  # savers copy comments and profiles from here
    return picture, is_graphic


def _open_heic() -> None:
    if find_spec("pillow_heif") is None:
        raise HeicUnsupported
    from pillow_heif import register_heif_opener

    register_heif_opener()


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except _MANGLED:  # then it says nothing; the pixels are good all the same
        orientation = 1
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    """`size` in pixels, shrunk in proportion so that neither side exceeds `side`."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _alpha(image: Image.Image) -> Image.Image | None:
    """The transparency, if any pixel is other than opaque."""
    if not image.has_transparency_data:
        return None
    alpha = image.convert("RGBA").getchannel("A")
    return alpha if alpha.getextrema() != (255, 255) else None


def _has_few_colours(image: Image.Image) -> bool:
    sample = image.resize(_fitted(image.size, _SAMPLE_SIDE), Image.Resampling.NEAREST)
    return sample.convert("RGB").getcolors(_FEW_COLOURS) is not None


def _opaque(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Without transparency, 8 bits a channel, resized; in the colours of the file's own profile."""
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would clip, not scale
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode == "LA":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            return image.convert("RGB")  # a damaged profile, or for other colours than these
        if converted is not None:
            return converted
    return image.convert("RGB")


def _encoded(picture: Image.Image, *, is_graphic: bool) -> tuple[bytes, str]:
    if is_graphic:
        target = io.BytesIO()
        picture.save(target, "PNG", optimize=True)
        if target.tell() <= MAX_ATTACHMENT_SIZE:
            return target.getvalue(), PNG
    return _jpeg(picture, quality=JPEG_QUALITY), JPEG


def _thumbnail(picture: Image.Image) -> bytes:
    return next(jpeg for jpeg in _thumbnails(picture) if len(jpeg) <= THUMBNAIL_SIZE)


def _thumbnails(picture: Image.Image) -> Iterator[bytes]:
    """Ever smaller files; the last is within THUMBNAIL_SIZE even for noise."""
    for side in (THUMBNAIL_SIDE, THUMBNAIL_SIDE * 3 // 4, THUMBNAIL_SIDE // 2):
        size = _fitted(picture.size, side)
        small = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        for quality in (75, 60, 45, 30):
            yield _jpeg(small, quality=quality)


def _jpeg(picture: Image.Image, *, quality: int) -> bytes:
    target = io.BytesIO()
    _on_white(picture).save(target, "JPEG", quality=quality, optimize=True)
    return target.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white

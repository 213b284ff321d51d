import io

import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from relais.client.attachment_types import ACCEPTED_TYPES, sniff_media_type
from relais.client.errors import UnsupportedFile

register_heif_opener()


def brands(major: bytes, *compatible: bytes, size: int | None = None) -> bytes:
    length = 16 + 4 * len(compatible) if size is None else size
    return length.to_bytes(4, "big") + b"ftyp" + major + bytes(4) + b"".join(compatible)


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("HEIF", "image/heic")],
)
def test_a_real_picture_is_told_by_its_first_64_bytes(kind: str, media_type: str) -> None:
    target = io.BytesIO()
    Image.new("RGB", (64, 64)).save(target, kind)
    assert sniff_media_type(target.getvalue()[:64]) == media_type
    assert media_type in ACCEPTED_TYPES


@pytest.mark.parametrize(
    "head",
    [
        brands(b"heic"),
        brands(b"heix", b"mif1"),
        brands(b"mif1", b"miaf", b"heic"),
        brands(b"msf1", b"hevc"),
    ],
)
def test_each_way_a_heic_file_may_begin_is_known(head: bytes) -> None:
    assert sniff_media_type(head) == "image/heic"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"%PDF",
        b"\n%PDF-1.7",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><script>",
        b"MZ\x90\x00",
        b"PK\x03\x04",
        b"\xff\xd8",
        b"\x89PNG\r\n",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"RIFF",
        brands(b"avif", b"mif1"),
        brands(b"mif1", b"avif"),
        brands(b"mif1", b"avif", b"heic", size=20),
        brands(b"isom", b"heic"),
        b"\x00\x00\x00\x18ftyp",
    ],
)
def test_anything_else_is_refused_whatever_its_name(head: bytes) -> None:
    with pytest.raises(UnsupportedFile):
        sniff_media_type(head)

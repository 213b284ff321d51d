"""What may be attached to a note, told by its first bytes and never by its name."""

from relais.client.errors import ClientError, TooLarge, UnsupportedFile

MAX_ATTACHMENT_SIZE = 25 * 1024 * 1024
"""Bytes of one attachment, before sealing."""

JPEG, PNG, WEBP, HEIC = "image/jpeg", "image/png", "image/webp", "image/heic"
PDF = "application/pdf"
IMAGE_TYPES = (JPEG, PNG, WEBP, HEIC)
ACCEPTED_TYPES = (*IMAGE_TYPES, PDF)

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_SIGNATURES = ((b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG), (b"%PDF-", PDF))


class BrokenImage(ClientError):
    """This picture is cut short or damaged: take it or export it again."""


class TooManyPixels(ClientError):
    """This picture has more pixels than can be opened safely: export it smaller."""


class HeicUnsupported(ClientError):
    """HEIC pictures can't be opened here: install `relais[heif]`, or export the picture as JPEG."""


def sniff_media_type(data: bytes) -> str:
    """The accepted media type `data` begins like; its first 64 bytes are enough.

    Says nothing of what follows: a file may begin well and be broken.
    Raises UnsupportedFile.
    """
    for signature, media_type in _SIGNATURES:
        if data.startswith(signature):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp" and _is_heic(data):
        return HEIC
    raise UnsupportedFile


def check_attachment(data: bytes) -> str:
    """The media type of a file that may be attached.

    Raises UnsupportedFile or TooLarge.
    """
    if len(data) > MAX_ATTACHMENT_SIZE:
        raise TooLarge
    return sniff_media_type(data)


def _is_heic(data: bytes) -> bool:
    """ISO/IEC 14496-12 §4.3: the major brand, or with the neutral `mif1`/`msf1` a compatible one."""
    if data[8:12] in _HEIC_BRANDS:
        return True
    if data[8:12] not in (b"mif1", b"msf1"):
        return False
    end = min(int.from_bytes(data[:4], "big"), 64)
    return any(data[i : i + 4] in _HEIC_BRANDS for i in range(16, end, 4))

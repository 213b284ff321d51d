"""Files as a telephone makes them."""

import io

from PIL import Image
from playwright.async_api import FilePayload


def payload(name: str, media_type: str, data: bytes) -> FilePayload:
    """A file as somebody chooses it in a page."""
    return {"name": name, "mimeType": media_type, "buffer": data}


def photograph() -> bytes:
    """1,200 × 800 pixels held sideways: red on the sensor's left; with a maker's name and a place in its metadata."""
    image = Image.new("RGB", (1200, 800), "blue")
    image.paste("red", (0, 0, 600, 800))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    exif[0x010F] = "Fictive Cameras"
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (47.0, 16.0, 51.0), "E", (4.0, 14.0, 2.0)
    data = io.BytesIO()
    image.save(data, "JPEG", exif=exif, quality=92)
    return data.getvalue()


def pdf(size: int) -> bytes:
    """One blank page of about this many bytes."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (size, bytes(range(33, 97)) * (size // 64)),
    ]
    out = io.BytesIO(b"%PDF-1.7\n")
    out.seek(0, io.SEEK_END)
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(
        b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % one for one in places)
    )
    out.write(b"trailer\n<< /Root 1 0 R /Size 5 >>\nstartxref\n%d\n%%%%EOF\n" % start)
    return out.getvalue()

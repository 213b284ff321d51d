"""content.json: what notes say, and the padding around it."""

from collections.abc import Iterable
from typing import Any

import vector_people as people
from vector_people import Json, random

from relais.crypto import cbor, content
from relais.crypto.content import Attachment, Content, Form


def _contents() -> Iterable[tuple[str, Content]]:
    picture = Attachment(
        id="0199612c-1c00-7000-8000-0000000000a1",
        blob=random("blob").hex(),
        key=random("file key"),
        name="plaie.jpg",
        media_type="image/jpeg",
        size=123_456,
        sha256=random("plain").hex(),
        width=1200,
        height=900,
        thumbnail=random("thumbnail", 64),
    )
    letter = Attachment(
        id="0199612c-1c00-7000-8000-0000000000a2",
        blob=random("blob 2").hex(),
        key=random("file key 2"),
        name="courrier – été.pdf",
        media_type="application/pdf",
        size=0,
        sha256=random("plain 2").hex(),
    )
    yield "plain text", Content("GEN", "Pansement refait ce matin.")
    yield "empty text", Content("OBS", "")
    yield (
        "form",
        Content(
            "OBS",
            "TA 12/8",
            form=Form("relais/vitals/1", {"bp": [12, 8], "pain": "3.5", "at": None, "ok": True}),
        ),
    )
    yield "attachments", Content("INTERV", "Photo\tjointe\n", attachments=(picture, letter))
    yield (
        "reply in a broadcast",
        Content(
            "DEM-AVIS",
            "Avis ?",
            reply_to="0199612c-1c00-7000-8000-000000000001",
            broadcast="0199612c-1c00-7000-8000-0000000000b1",
        ),
    )
    yield "longest text", Content("INST", "é" * 20_000)
    yield "deepest form", Content("OBS", "", form=Form("x", _nested(8)))


def _nested(depth: int) -> Any:
    value: Any = {"end": 1}
    for _ in range(depth - 1):
        value = {"in": value}
    return value


def build() -> Json:
    good = [
        {
            "name": name,
            "content": people.as_json(one),
            "cbor": content.encode(one).hex(),
            "padded": content.pad(content.encode(one)).hex()[:600],
            "padded_length": len(content.pad(content.encode(one))),
        }
        for name, one in _contents()
    ]
    plain = cbor.decode(content.encode(Content("GEN", "x")))
    form = {"schema": "x", "data": {}}

    def changed(**changes: Any) -> str:
        return cbor.encode({**plain, **changes}).hex()

    bad = [
        ("unknown type", "wrong-type", changed(type="NOTE")),
        ("text of 20,001", "wrong-type", changed(text="x" * 20_001)),
        ("text with a bell", "wrong-type", changed(text="\a")),
        ("unknown field", "unknown-field", changed(more=1)),
        ("form with an unknown field", "unknown-field", changed(form={**form, "x": 1})),
        ("form data is an array", "wrong-type", changed(form={**form, "data": []})),
        ("form data nested 9 deep", "wrong-type", changed(form={**form, "data": _nested(9)})),
        (
            "form data with integer keys",
            "wrong-type",
            changed(form={**form, "data": {"a": [{1: 2}]}}),
        ),
        ("21 attachments", "wrong-type", changed(attachments=[1] * 21)),
        ("reply to 15 bytes", "wrong-type", changed(reply_to=bytes(15))),
        (
            "form missing",
            "missing-field",
            cbor.encode({k: v for k, v in plain.items() if k != "form"}).hex(),
        ),
    ]
    padded = content.pad(b"content")
    bad_padding = {
        "padding not zero": padded[:-1] + b"\1",
        "shorter than 256": padded[:-1],
        "longer than Padmé says": padded + bytes(1),
        "length beyond the end": (1000).to_bytes(4, "big") + padded[4:],
        "length cuts the content": (3).to_bytes(4, "big") + padded[4:],
        "no length": b"\0\0",
        "empty": b"",
    }
    return {
        "description": "Contents and their padding (docs/protocol.md §6). `padded` is cut to its first 300 bytes. "
        "In a bad one either the `cbor` is refused, or the `padded` plaintext.",
        "good": good,
        "bad": [{"name": n, "reason": r, "cbor": data} for n, r, data in bad]
        + [{"name": n, "reason": "bad-padding", "padded": d.hex()} for n, d in bad_padding.items()],
    }

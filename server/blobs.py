"""Attachments: ciphertext that comes in pieces, is checked by its hash, and goes to members of a circle it is in.

HEAD  /blobs/{sha256}              → 200 Upload-Offset · 404 nothing yet
PATCH /blobs/{sha256}?size=N       Upload-Offset: n, up to 1 MiB → 204 Upload-Offset · 409 the right one · 422 wrong hash
GET   /blobs/{sha256}?circle=ID    Range → 200 or 206
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from relais.crypto.audit_entry import SubjectValue
from relais.models.ids import BlobId, CircleId
from relais.models.refusal import Code, Refusal
from relais.models.store.blobs import BlobStore
from relais.models.store.errors import BlobHash, BlobOffset, BlobSize, BlobUnknown
from relais.server import authorize
from relais.server.audit.record import Act, Recorder
from relais.server.callers import Caller
from relais.server.circle_book import CircleBook
from relais.server.clock import now_ms
from relais.server.http import Gate, Handler, guarded, refused

PATCH_BYTES = 1_048_576
WRONG_HASH = Refusal(Code.MALFORMED, reason="wrong-hash")
ID = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """What notes need of attachments: that they are there, and who may fetch them."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store

    async def link(self, circle: CircleId, blobs: Sequence[BlobId]) -> None:
        """Let a circle's members fetch these. Raises ``not_found`` when one was not uploaded."""
        try:
            await self._store.add_references(circle, blobs)
        except BlobUnknown as error:
            raise Refusal(Code.NOT_FOUND, reason="blob-missing") from error


@dataclass(frozen=True)
class BlobParts:
    """What the blob routes are served with. `most`: bytes of one blob."""

    store: BlobStore
    book: CircleBook
    recorder: Recorder
    gate: Gate
    most: int


class BlobRoutes:
    """The three routes above."""

    def __init__(self, parts: BlobParts) -> None:
        self._parts = parts

    def add_routes(self, app: web.Application) -> None:
        path = "/blobs/{blob}"
        app.router.add_head(path, self._guarded("blob.offset", self._head))
        app.router.add_patch(path, self._guarded("blob.upload", self._patch))
        app.router.add_get(path, self._guarded("blob.read", self._get), allow_head=False)

    def _guarded(self, action: str, handler: Handler) -> Handler:
        return guarded(self._parts.gate, lambda request: _act(action, request), handler)

    async def _head(self, request: web.Request) -> web.StreamResponse:
        caller = await self._parts.gate.caller(request)
        blob, store = _blob(request), self._parts.store
        offset = await store.offset(blob, owner=caller.account)
        if offset:
            offset = await self._reached(caller, blob, offset) or None
        if offset is None:
            return web.Response(status=404, headers={"Cache-Control": "no-store"})
        return _at(offset, 200)

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        caller, blob = await self._parts.gate.caller(request), _blob(request)
        size = _number(request.query.get("size"), "size")
        offset = _number(request.headers.get("Upload-Offset"), "Upload-Offset")
        if not 1 <= size <= self._parts.most:
            raise Refusal(Code.TOO_LARGE, most=self._parts.most)
        chunk = await _body(request)
        if not chunk:
            raise Refusal(Code.MALFORMED, field="body")
        try:
            return await self._take_in(caller, blob, size=size, offset=offset, chunk=chunk)
        except BlobOffset as error:
            stands = await self._reached(caller, blob, error.offset)
            refusal = Refusal(Code.CONFLICT, offset=stands)
            await self._parts.recorder.record(caller, _act("blob.upload", request), refusal=refusal)
            return _at(stands, 409)
        except BlobSize as error:
            raise Refusal(Code.CONFLICT, field="size") from error
        except BlobUnknown as error:
            raise Refusal(Code.CONFLICT, field="Upload-Offset") from error

    async def _take_in(
        self, caller: Caller, blob: BlobId, *, size: int, offset: int, chunk: bytes
    ) -> web.StreamResponse:
        """Nothing is begun for a piece that does not fit: a refused one leaves no trace."""
        store = self._parts.store
        stands = await store.offset(blob, owner=caller.account) or 0
        if stands != offset:
            raise BlobOffset(stands)
        if offset + len(chunk) > size:
            raise BlobSize(size)
        await store.begin(blob, size, owner=caller.account)
        after = await store.write(blob, offset, chunk, owner=caller.account)
        if after < size:
            return _at(after, 204)
        return _at(after, 204) if await self._finish(caller, blob, size) else _wrong_hash()

    async def _reached(self, caller: Caller, blob: BlobId, offset: int) -> int:
        """Where an upload stands, as it may be told: whoever hears that all of it is there posts a note that names it.

        So what is complete becomes a blob first, also where another request of theirs is about to see to that.
        """
        if not offset or await self._parts.store.size(blob) is not None:
            return offset
        try:
            return offset if await self._finish(caller, blob, offset) else 0
        except BlobOffset:  # not complete
            return offset
        except BlobUnknown:  # discarded meanwhile
            return 0

    async def _finish(self, caller: Caller, blob: BlobId, size: int) -> bool:
        """Make a complete upload a blob once its entry is durable; False when its bytes were not those of the blob."""
        act = Act("blob.upload", subject={"blob": blob, "size": size})
        recorder = self._parts.recorder

        async def verified() -> None:
            await recorder.record(caller, act)

        try:
            await self._parts.store.finish(blob, owner=caller.account, verified=verified)
        except BlobHash:
            await recorder.record(caller, act, refusal=WRONG_HASH)
            return False
        return True

    async def _get(self, request: web.Request) -> web.StreamResponse:
        caller, blob = await self._parts.gate.caller(request), _blob(request)
        circle = request.query.get("circle", "")
        if not ID.fullmatch(circle):
            raise Refusal(Code.MALFORMED, field="circle")
        view = await self._parts.book.view(circle)
        member = authorize.may_read(view.state, caller.account, now_ms())
        size = await self._parts.store.size(blob)
        if size is None or not await self._parts.store.is_referenced(blob, circle):
            raise Refusal(Code.NOT_FOUND, blob=blob)
        start, end = _range(request, size)
        subject: dict[str, SubjectValue] = {"blob": blob, "from": start, "to": end - 1}
        act = Act("blob.read", circle, subject, member.role)
        await self._parts.recorder.record(caller, act)
        return await self._send(request, blob, start=start, end=end, size=size)

    async def _send(
        self, request: web.Request, blob: BlobId, *, start: int, end: int, size: int
    ) -> web.StreamResponse:
        part = request.headers.get("Range") is not None
        response = web.StreamResponse(status=206 if part else 200)
        response.content_type = "application/octet-stream"
        response.content_length = end - start
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        if part:
            response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        await response.prepare(request)
        async for piece in self._parts.store.read(blob, start, end):
            await response.write(piece)
        await response.write_eof()
        return response


def _wrong_hash() -> web.Response:
    response = refused(WRONG_HASH)
    response.set_status(422)
    return response


def _act(action: str, request: web.Request) -> Act:
    circle, blob = request.query.get("circle", ""), request.match_info["blob"]
    subject = {"blob": blob} if ID.fullmatch(blob) else {}
    return Act(action, circle if ID.fullmatch(circle) else None, subject)


def _blob(request: web.Request) -> BlobId:
    blob = request.match_info["blob"]
    if not ID.fullmatch(blob):
        raise Refusal(Code.MALFORMED, field="blob")
    return blob


def _number(text: str | None, field: str) -> int:
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise Refusal(Code.MALFORMED, field=field)
    return int(text)


async def _body(request: web.Request) -> bytes:
    try:
        chunk = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise Refusal(Code.TOO_LARGE, most=PATCH_BYTES) from error
    if len(chunk) > PATCH_BYTES:
        raise Refusal(Code.TOO_LARGE, most=PATCH_BYTES)
    return chunk


def _at(offset: int, status: int) -> web.Response:
    headers = {"Upload-Offset": str(offset), "Cache-Control": "no-store"}
    if status != 409:
        return web.Response(status=status, headers=headers)
    response = refused(Refusal(Code.CONFLICT, offset=offset))
    response.headers.update(headers)
    return response


def _range(request: web.Request, size: int) -> tuple[int, int]:
    """First byte and one past the last. Raises ``malformed`` for a range outside the blob."""
    try:
        asked = request.http_range
    except ValueError as error:
        raise Refusal(Code.MALFORMED, field="Range") from error
    start, end, _ = slice(asked.start, asked.stop).indices(size)
    if start >= end:
        raise Refusal(Code.MALFORMED, field="Range", size=size)
    return start, end

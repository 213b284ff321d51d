"""Ciphertext blobs over HTTP: resumable upload, download (docs/protocol.md §9)."""

from collections.abc import Callable
from http import HTTPStatus

import aiohttp

from relais.client.errors import BadAnswer, ServerUnreachable
from relais.client.session import Session
from relais.crypto import stream
from relais.models.ids import BlobId, CircleId
from relais.models.refusal import Code, Refusal

PIECE_SIZE = 1024 * 1024
Progress = Callable[[int, int], None]
"""Told (bytes done, bytes in all) after every piece."""


def silent(_done: int, _total: int) -> None:
    """For whoever shows no progress."""


async def upload(
    session: Session, blob: BlobId, data: bytes, *, progress: Progress = silent
) -> None:
    """Send what the server does not have yet, from where it stopped. Raises `Refusal`, `ServerUnreachable`."""
    offset = await _offset(session, blob)
    progress(offset, len(data))
    while offset < len(data):
        offset = await _send_piece(session, blob, data, offset)
        progress(offset, len(data))


async def download(
    session: Session, circle: CircleId, blob: BlobId, *, size: int, progress: Progress = silent
) -> bytes:
    """The ciphertext of an attachment of at most ``size`` bytes, its hash checked.

    Raises `Refusal`, `ServerUnreachable`, `BadAnswer`.
    """
    received = bytearray()
    try:
        async with session.transport.http.get(
            _url(session, blob), params={"circle": circle}, headers=_bearer(session)
        ) as answer:
            await _raise_refusal(answer)
            async for piece in answer.content.iter_chunked(PIECE_SIZE):
                received += piece
                if len(received) > size:
                    raise BadAnswer("blob too long")
                progress(len(received), size)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ServerUnreachable from error
    if stream.blob_id([bytes(received)]) != blob:
        raise BadAnswer("blob differs")
    return bytes(received)


async def _offset(session: Session, blob: BlobId) -> int:
    try:
        async with session.transport.http.head(
            _url(session, blob), headers=_bearer(session)
        ) as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                return 0
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise Refusal(_code_of(answer.status))
            return int(answer.headers["Upload-Offset"])
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ServerUnreachable from error


async def _send_piece(session: Session, blob: BlobId, data: bytes, offset: int) -> int:
    headers = {**_bearer(session), "Upload-Offset": str(offset)}
    piece = data[offset : offset + PIECE_SIZE]
    try:
        async with session.transport.http.patch(
            _url(session, blob), params={"size": str(len(data))}, headers=headers, data=piece
        ) as answer:
            if answer.status != HTTPStatus.CONFLICT or "Upload-Offset" not in answer.headers:
                await _raise_refusal(answer)
            return int(answer.headers["Upload-Offset"])
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ServerUnreachable from error


async def _raise_refusal(answer: aiohttp.ClientResponse) -> None:
    if answer.status < HTTPStatus.BAD_REQUEST:
        return
    try:
        body = await answer.json(content_type=None)
    except ValueError:
        raise Refusal(_code_of(answer.status)) from None
    raise Refusal.from_wire(body["error"] if isinstance(body, dict) and "error" in body else {})


def _code_of(status: int) -> Code:
    known = {401: Code.UNAUTHENTICATED, 403: Code.FORBIDDEN, 404: Code.NOT_FOUND}
    return known.get(status, Code.UNAVAILABLE)


def _url(session: Session, blob: BlobId) -> str:
    return f"{session.identity.origin}/blobs/{blob}"


def _bearer(session: Session) -> dict[str, str]:
    return {"Authorization": f"Bearer {session.token}"}

"""Files on their way into a note and out of it: prepared, sealed, kept until sent, opened, checked."""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from relais.client import blobs
from relais.client.errors import BadAnswer
from relais.client.home import Home, write_atomically
from relais.client.images import PreparedImage, prepare_attachment
from relais.client.session import Session
from relais.crypto import stream
from relais.crypto.content import Attachment
from relais.crypto.errors import ProtocolError
from relais.models.ids import BlobId, CircleId, Millis, uuid7


@dataclass(frozen=True)
class File:
    """What somebody wants to attach."""

    name: str
    data: bytes
    keep_original: bool = False

    @classmethod
    def read(cls, path: Path) -> "File":
        return cls(path.name, path.read_bytes())


def seal(home: Home, file: File, *, at: Millis) -> Attachment:
    """Prepare and seal a file; its ciphertext waits in the folder until it is uploaded.

    Raises `UnsupportedFile`, `TooLarge`, `BrokenImage` and the like.
    """
    prepared = prepare_attachment(file.data, keep_original=file.keep_original)
    picture = prepared if isinstance(prepared, PreparedImage) else None
    key = secrets.token_bytes(32)
    sealed = stream.seal_bytes(key, prepared.data)
    blob = stream.blob_id([sealed])
    _keep(home, blob, sealed)
    return Attachment(
        id=uuid7(at),
        blob=blob,
        key=key,
        name=file.name[:200],
        media_type=prepared.media_type,
        size=len(prepared.data),
        sha256=hashlib.sha256(prepared.data).hexdigest(),
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        thumbnail=picture.thumbnail if picture else None,
    )


async def fetch(
    session: Session,
    circle: CircleId,
    attachment: Attachment,
    *,
    progress: blobs.Progress = blobs.silent,
) -> bytes:
    """The file as its author sealed it. Raises `BadAnswer`, `Refusal`, `ServerUnreachable`."""
    size = stream.sealed_size(attachment.size)
    sealed = await blobs.download(session, circle, attachment.blob, size=size, progress=progress)
    try:
        data = stream.open_bytes(attachment.key, sealed, size=attachment.size)
    except ProtocolError as error:
        raise BadAnswer(error.reason) from error
    if hashlib.sha256(data).hexdigest() != attachment.sha256:
        raise BadAnswer("attachment differs")
    return data


async def upload_kept(
    session: Session, blob: BlobId, *, progress: blobs.Progress = blobs.silent
) -> None:
    """Send a blob that waits in the folder, if it still does."""
    path = _path(session.home, blob)
    if path.exists():
        await blobs.upload(session, blob, path.read_bytes(), progress=progress)


def forget(home: Home, blob: BlobId) -> None:
    _path(home, blob).unlink(missing_ok=True)


def _keep(home: Home, blob: BlobId, sealed: bytes) -> None:
    path = _path(home, blob)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_atomically(path, sealed)


def _path(home: Home, blob: BlobId) -> Path:
    return home.path / "blobs" / blob

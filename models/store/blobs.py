"""Ciphertext blobs in GridFS (bucket `blobs`), named after the SHA-256 of their bytes, in lowercase hex.

    offset = await blobs.begin(blob, size, owner=account)      0, or where an earlier try ended, or the size if it is there
    offset = await blobs.write(blob, offset, chunk, owner=account)
    await blobs.finish(blob, owner=account)                    the hash is checked: what is wrong is discarded
    await blobs.add_references(circle, [blob])                 from then on it stays
    async for part in blobs.read(blob, start, end): …

Uploads belong to an owner, so that nobody can spoil another's. Two uploads of one owner at once may overlap: whole chunks are
inserted and never changed, what is less than a chunk stands in the upload's own document, and that moves on by
compare-and-set on its `offset`. What was taken in survives a restart.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bson import ObjectId

from relais.models.store.database import Database, Document
from relais.models.store.errors import (
    BlobHash,
    BlobOffset,
    BlobSize,
    BlobUnknown,
    DuplicateKey,
    Unavailable,
)

CHUNK = 256 * 1024  # bytes of a GridFS chunk
AT_ONCE = 4  # chunks read or written in one round trip

# Beside numbers of bytes, `offset` of an upload says who works on it: only one of finish and sweep may.
PUBLISHING = -1  # its hash is right, and it becomes a blob
DYING = -2  # its chunks are being removed


@dataclass(frozen=True)
class _Upload:
    """An upload as it stands: whole chunks up to `offset - len(tail)`, then `tail`."""

    id: ObjectId
    blob: str
    owner: str
    size: int
    offset: int
    tail: bytes

    @classmethod
    def of(cls, found: Document) -> "_Upload":
        names = ("blob", "owner", "size", "offset")
        return cls(
            id=found["_id"], tail=bytes(found["tail"]), **{name: found[name] for name in names}
        )

    @property
    def reached(self) -> int:
        """Bytes taken in."""
        return self.size if self.offset == PUBLISHING else self.offset

    @property
    def whole_chunks(self) -> int:
        return (self.offset - len(self.tail)) // CHUNK


class BlobStore:
    """Blobs of one database."""

    def __init__(self, database: Database) -> None:
        self._files = database.collection("blobs.files")
        self._chunks = database.collection("blobs.chunks")
        self._uploads = database.collection("blob_uploads")
        self._references = database.collection("blob_references")

    async def size(self, blob: str) -> int | None:
        """Length of a finished blob in bytes, or None."""
        found = await self._file(blob)
        return int(found["length"]) if found else None

    async def begin(self, blob: str, size: int, *, owner: str) -> int:
        """Start or resume an upload of `size` bytes (1 or more); answers the offset to go on from.

        Answers `size` when the blob is already there. Raises `BlobSize` if it was announced with another size.
        """
        if size < 1:
            raise ValueError("a blob holds at least one byte")
        stored = await self.size(blob)
        if stored is None:
            return await self._begin_upload(blob, size, owner)
        if stored != size:
            raise BlobSize(stored)
        return size

    async def offset(self, blob: str, *, owner: str) -> int | None:
        """Where an upload stands, the size of a finished blob, or None when there is nothing yet."""
        stored = await self.size(blob)
        if stored is not None:
            return stored
        upload = await self._upload(blob, owner)
        return upload.reached if upload else None

    async def write(self, blob: str, offset: int, chunk: bytes, *, owner: str) -> int:
        """Take in bytes that start at `offset`; answers the new offset, once they are durable. Any length will do.

        Raises `BlobUnknown` without `begin`, `BlobOffset` (with the right one) if the upload stands elsewhere, `BlobSize`
        if there are more than announced.
        """
        upload = await self._upload(blob, owner)
        if upload is None:
            stored = await self.size(blob)
            raise BlobUnknown("no such upload") if stored is None else BlobOffset(stored)
        if offset != upload.reached:
            raise BlobOffset(upload.reached)
        if offset + len(chunk) > upload.size:
            raise BlobSize(upload.size)
        return await self._take_in(upload, chunk) if chunk else offset

    async def finish(
        self, blob: str, *, owner: str, verified: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Check the hash of a complete upload, and make it a blob. May be repeated.

        `verified` is awaited when the bytes are known to be right, before anybody can read them; what it raises leaves
        the upload as it is.
        Raises `BlobUnknown`, `BlobOffset` if bytes are missing, `BlobHash` if they are not those of this blob: they are gone.
        """
        upload = await self._upload(blob, owner)
        if await self.size(blob) is not None:
            await _told(verified)
            if upload:  # another owner brought the same blob
                await self._remove(upload.id)
            return
        if upload is None:
            raise BlobUnknown("no such upload")
        if upload.reached != upload.size:
            raise BlobOffset(upload.offset)
        if upload.offset != PUBLISHING:
            await self._verify(upload)
        await _told(verified)
        await self._publish(upload.id)
        if await self.size(blob) is None:
            raise BlobUnknown("the upload was discarded")

    async def read(self, blob: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Bytes from `start` to before `end` (to the end if None), in parts. Raises `BlobUnknown` at the first part."""
        found = await self._file(blob)
        if found is None:
            raise BlobUnknown("no such blob")
        end = min(found["length"], found["length"] if end is None else end)
        if start < end:
            async for part in self._range(found["_id"], start, end):
                yield part

    async def add_references(self, circle: str, blobs: Iterable[str]) -> None:
        """Let `circle` read these blobs, which then stay. May be repeated. Raises `BlobUnknown` if one is not there."""
        for blob in dict.fromkeys(blobs):
            if not await self._files.update(
                {"filename": blob}, {"$set": {"metadata.referenced": True}}
            ):
                raise BlobUnknown("a blob is not there")
            try:
                await self._references.insert({"blob": blob, "circle": circle})
            except DuplicateKey:
                continue  # the circle has it already

    async def is_referenced(self, blob: str, circle: str) -> bool:
        """Whether a note of `circle` points to this blob: only then may its members read it."""
        found = await self._references.find_one({"blob": blob, "circle": circle}, fields=["blob"])
        return found is not None

    async def sweep(self, older_than: datetime) -> int:
        """Remove uploads and unreferenced blobs untouched since `older_than` (UTC); answers how many."""
        stale = await self._uploads.find({"touched": {"$lt": older_than}})
        swept = [await self._sweep_upload(_Upload.of(found)) for found in stale]
        unwanted = {"metadata.referenced": False, "uploadDate": {"$lt": older_than}}
        swept += [await self._sweep_file(file) for file in await self._files.find(unwanted)]
        return sum(swept)

    async def _file(self, blob: str) -> Document | None:
        return await self._files.find_one({"filename": blob}, fields=["length"])

    async def _upload(self, blob: str, owner: str) -> _Upload | None:
        found = await self._uploads.find_one({"blob": blob, "owner": owner})
        if found and found["offset"] == DYING:
            raise Unavailable("the upload is being removed")
        return _Upload.of(found) if found else None

    async def _claim(self, upload: _Upload, state: int) -> bool:
        """Take an upload out of the hands of writers, if it still stands where it stood."""
        stood = {"blob": upload.blob, "owner": upload.owner, "offset": upload.offset}
        change = {"offset": state, "touched": datetime.now(UTC)}
        return await self._uploads.update(stood, {"$set": change})

    async def _begin_upload(self, blob: str, size: int, owner: str) -> int:
        fresh = {"blob": blob, "owner": owner, "size": size, "offset": 0, "tail": b""}
        try:
            await self._uploads.insert({**fresh, "touched": datetime.now(UTC)})
        except DuplicateKey:
            upload = await self._upload(blob, owner)
            if upload is None:  # it was finished or discarded at this moment
                return await self.begin(blob, size, owner=owner)
            if upload.size != size:
                raise BlobSize(upload.size) from None
            return upload.reached
        return 0

    async def _take_in(self, upload: _Upload, chunk: bytes) -> int:
        """Store the chunks that are whole now, then move the upload on, if it still stands where it stood."""
        data, number, offset = upload.tail + chunk, upload.whole_chunks, upload.offset + len(chunk)
        whole = len(data) if offset == upload.size else len(data) - len(data) % CHUNK
        await self._insert_chunks(upload.id, number, data[:whole])
        stood = {"blob": upload.blob, "owner": upload.owner, "offset": upload.offset}
        change = {"offset": offset, "tail": data[whole:], "touched": datetime.now(UTC)}
        if not await self._uploads.update(stood, {"$set": change}):
            if await self._uploads.find_one({"_id": upload.id}, fields=["offset"]) is None:
                await self._remove(upload.id)  # it was removed before these chunks came
            now = await self.offset(upload.blob, owner=upload.owner)
            if now is None:
                raise BlobUnknown("the upload was discarded")
            raise BlobOffset(now)
        return offset

    async def _insert_chunks(self, file: ObjectId, first: int, data: bytes) -> None:
        pieces = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
        documents: list[Document] = [
            {"files_id": file, "n": first + i, "data": piece} for i, piece in enumerate(pieces)
        ]
        while documents:
            batch, documents = documents[:AT_ONCE], documents[AT_ONCE:]
            try:
                await self._chunks.insert_many(batch)
            except DuplicateKey as error:
                # An earlier attempt, or one beside this one, put it there: for one blob the same bytes. If not, the
                # hash will tell; changing it could spoil what was verified meanwhile.
                documents = batch[error.index + 1 :] + documents

    async def _hash(self, upload: _Upload) -> str:
        digest = hashlib.sha256()
        async for part in self._range(upload.id, 0, upload.size):
            digest.update(part)
        return digest.hexdigest()

    async def _verify(self, upload: _Upload) -> None:
        right = await self._hash(upload) == upload.blob
        if not await self._claim(upload, PUBLISHING if right else DYING):
            return  # another request is as far
        if not right:
            await self._remove(upload.id)
            raise BlobHash("the bytes are not those of this blob")

    async def _publish(self, upload: ObjectId) -> None:
        """Make a verified upload a blob. May be repeated, and by several at once."""
        found = await self._uploads.find_one({"_id": upload})
        if found is None or found["offset"] != PUBLISHING:
            return
        file: Document = {"_id": upload, "filename": found["blob"], "length": found["size"]}
        file |= {"chunkSize": CHUNK, "uploadDate": datetime.now(UTC)}
        try:
            await self._files.insert({**file, "metadata": {"referenced": False}})
        except DuplicateKey:
            if await self._files.find_one({"_id": upload}, fields=["length"]) is None:
                await self._chunks.delete_many(
                    {"files_id": upload}
                )  # another owner brought the same blob
        await self._uploads.delete({"_id": upload})

    async def _sweep_upload(self, upload: _Upload) -> bool:
        """Remove an abandoned upload; finish one that was verified: as a blob that nobody references it goes later."""
        if upload.offset == PUBLISHING:
            await self._publish(upload.id)
            return False
        if upload.offset != DYING and not await self._claim(upload, DYING):
            return False
        await self._remove(upload.id)
        return True

    async def _sweep_file(self, file: Document) -> bool:
        """Remove an unreferenced blob: note it as a dying upload first, so that no crash leaves chunks unnamed."""
        dying = {"blob": file["filename"], "owner": f"sweep:{file['_id']}", "size": file["length"]}
        dying |= {"offset": DYING, "tail": b"", "touched": datetime.fromtimestamp(0, UTC)}
        await self._uploads.update({"_id": file["_id"]}, {"$set": dying}, upsert=True)
        unreferenced = {"filename": file["filename"], "metadata.referenced": False}
        removed = await self._files.delete(unreferenced)
        await self._remove(file["_id"])
        return removed

    async def _remove(self, upload: ObjectId) -> None:
        """Remove an upload's chunks unless they are a blob's, then the upload, which names them until they are gone."""
        if await self._files.find_one({"_id": upload}, fields=["length"]) is None:
            await self._chunks.delete_many({"files_id": upload})
        await self._uploads.delete({"_id": upload})

    async def _range(self, file: ObjectId, start: int, end: int) -> AsyncIterator[bytes]:
        first, last = start // CHUNK, (end - 1) // CHUNK
        for low in range(first, last + 1, AT_ONCE):
            high = min(low + AT_ONCE - 1, last)
            wanted = {"files_id": file, "n": {"$gte": low, "$lte": high}}
            chunks = await self._chunks.find(wanted, sort=[("n", 1)], fields=["n", "data"])
            if [chunk["n"] for chunk in chunks] != list(range(low, high + 1)):
                raise BlobUnknown("the blob was removed")
            data = b"".join(chunk["data"] for chunk in chunks)
            yield data[max(0, start - low * CHUNK) : end - low * CHUNK]


async def _told(verified: Callable[[], Awaitable[None]] | None) -> None:
    if verified is not None:
        await verified()

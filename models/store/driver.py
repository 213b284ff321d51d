"""Where the driver's ways are put right: its errors get the store's names, and a cancellation that it loses is heeded."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WTimeoutError,
)

from relais.models.store.errors import DocumentRefused, DuplicateKey, StoreError, Unavailable


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into the store's. A driver's error that is a bug of ours passes unchanged."""
    try:
        yield
    except TimeoutError as error:
        raise Unavailable("no answer in time") from error
    except PyMongoError as error:
        known = translate(error)
        if known is None:
            raise
        raise known from error


@contextmanager
def heeded() -> Iterator[None]:
    """Pass a cancellation on that the driver lost: up to Python 3.11 its `asyncio.wait_for` forgets one that comes just
    when the wait ends. A task would never end, a timeout never strike."""
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    yield
    if task and task.cancelling() > before:
        raise asyncio.CancelledError


def translate(error: PyMongoError) -> StoreError | None:
    """The store's name for an error of the driver, or None when it has none."""
    match error:
        case BulkWriteError(details={"writeErrors": [first, *_]}):
            return _write_failure(first)
        case BulkWriteError() | WriteConcernError() | WTimeoutError() | ConnectionFailure():
            return Unavailable(type(error).__name__)
        case OperationFailure():
            if known := _write_failure({"code": error.code, **(error.details or {})}):
                return known
    transient = (
        "TransientTransactionError",
        "UnknownTransactionCommitResult",
        "RetryableWriteError",
    )
    return Unavailable(type(error).__name__) if any(map(error.has_error_label, transient)) else None


def _write_failure(details: Mapping[str, Any]) -> StoreError | None:
    index = details.get("index", 0)
    match details.get("code"):
        case 11000:
            return DuplicateKey(tuple(details.get("keyPattern") or ()), index=index)
        case 121:
            return DocumentRefused("the collection's validator refused a document", index=index)
    return None

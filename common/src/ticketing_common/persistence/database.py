"""The service's own MongoDB database."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pymongo
from beanie import Document, init_beanie
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

TIMEOUT_SECONDS = 10
"""Time limit of one call, or of one transaction with its retries."""
TRANSIENT_ERROR_LABELS = (
    "TransientTransactionError",
    "RetryableWriteError",
    "UnknownTransactionCommitResult",
)
"""MongoDB's labels of errors that pass without intervention."""
OPERATOR_ERROR_CODES = {
    13,  # Unauthorized
    18,  # AuthenticationFailed: the password is being rotated
    211,  # KeyNotFound: a member that just started has not read the set's keys yet
    262,  # ExceededTimeLimit
    14031,  # OutOfDiskSpace
}
"""MongoDB's codes of errors that an operator resolves: the write itself is not at fault."""

CommitCallback = Callable[[Any], None]


@dataclass
class _Connection:
    database: AsyncDatabase[dict[str, Any]]
    commit_callbacks: dict[str, list[CommitCallback]] = field(
        default_factory=lambda: defaultdict(list)
    )


_connection: _Connection | None = None


def _current() -> _Connection:
    if _connection is None:
        raise RuntimeError("No database is open: `async with connected(...)` comes first")
    return _connection


def is_open() -> bool:
    """Return whether this process has a database, inside `connected`."""
    return _connection is not None


def database() -> AsyncDatabase[dict[str, Any]]:
    """Return the database of this process. Raises RuntimeError outside `connected`."""
    return _current().database


@asynccontextmanager
async def connected(uri: str, documents: Sequence[type[Document]]) -> AsyncIterator[None]:
    """Keep the database at `uri` open, with the collections and indexes of the documents."""
    global _connection
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        uri,
        tz_aware=True,
        # No write concern here: MongoDB's default is a journaled majority, and PyMongo would send
        # the client's inside transactions of a bound session, which the server refuses.
        serverSelectionTimeoutMS=TIMEOUT_SECONDS * 1000,
        connectTimeoutMS=5_000,
        timeoutMS=TIMEOUT_SECONDS * 1000,
        maxPoolSize=50,
        waitQueueTimeoutMS=5_000,
    )
    previous = _connection
    try:
        _connection = _Connection(client.get_default_database())
        await init_beanie(database=_connection.database, document_models=list(documents))
        yield
    finally:
        _connection = previous
        await client.close()


def on_commit(topic: str, callback: CommitCallback) -> Callable[[], None]:
    """Call `callback` with each value that this process commits under a topic.

    The values come from `transaction.notify_after_commit`. Returns a function that unsubscribes.
    """
    callbacks = _current().commit_callbacks[topic]
    callbacks.append(callback)
    return lambda: callbacks.remove(callback)


def notify_committed(topic: str, value: object) -> None:
    """Call the callbacks of a topic."""
    for callback in list(_current().commit_callbacks[topic]):
        callback(value)


def is_unavailable(error: PyMongoError) -> bool:
    """Return whether the database could not be reached or used; the operation is not at fault."""
    return (
        isinstance(error, ConnectionFailure)
        or error.timeout
        or any(map(error.has_error_label, TRANSIENT_ERROR_LABELS))
        or (isinstance(error, OperationFailure) and error.code in OPERATOR_ERROR_CODES)
    )


async def is_writable() -> bool:
    """Return whether the database accepts writes now."""
    try:
        with pymongo.timeout(2):
            hello = await database().command("hello")
    except (PyMongoError, RuntimeError):
        return False
    return bool(hello.get("isWritablePrimary"))

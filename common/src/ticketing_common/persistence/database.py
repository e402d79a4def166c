"""The service's own MongoDB."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pymongo
from beanie import Document, init_beanie
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

CALL_SECONDS = 10
"""What one call, or one transaction with its reruns, may take."""
PASSING = ("TransientTransactionError", "RetryableWriteError", "UnknownTransactionCommitResult")
"""MongoDB's labels of errors that end by themselves."""
NOT_THE_WRITES_FAULT = {
    13,  # Unauthorized
    18,  # AuthenticationFailed: its password is being changed
    211,  # KeyNotFound: a member that has just started has not read the set's keys yet
    262,  # ExceededTimeLimit
    14031,  # OutOfDiskSpace
}
"""MongoDB's codes of errors that an operator ends."""

_open: AsyncDatabase[dict[str, Any]] | None = None


def database() -> AsyncDatabase[dict[str, Any]]:
    """The database of this process. Raises RuntimeError before `connected`."""
    if _open is None:
        raise RuntimeError("No database is open: `async with connected(...)` comes first")
    return _open


@asynccontextmanager
async def connected(uri: str, documents: Sequence[type[Document]]) -> AsyncIterator[None]:
    """Keep the database of `uri` open, with the documents' collections and indexes made."""
    global _open
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        uri,
        tz_aware=True,
        # No write concern: MongoDB's own is the majority's journals, and PyMongo would send a
        # client's inside a transaction of a bound session, where none may stand.
        serverSelectionTimeoutMS=CALL_SECONDS * 1000,
        connectTimeoutMS=5_000,
        timeoutMS=CALL_SECONDS * 1000,
        maxPoolSize=50,
        waitQueueTimeoutMS=5_000,
    )
    before = _open
    try:
        _open = client.get_default_database()
        await init_beanie(database=_open, document_models=list(documents))
        yield
    finally:
        _open = before
        await client.close()


def is_unavailable(error: PyMongoError) -> bool:
    """Whether an error says that the database is out of reach, not that a write was wrong."""
    return (
        isinstance(error, ConnectionFailure)
        or error.timeout
        or any(map(error.has_error_label, PASSING))
        or (isinstance(error, OperationFailure) and error.code in NOT_THE_WRITES_FAULT)
    )


async def answers() -> bool:
    """Whether the database can be written to now."""
    try:
        with pymongo.timeout(2):
            hello = await database().command("hello")
    except (PyMongoError, RuntimeError):
        return False
    return bool(hello.get("isWritablePrimary"))

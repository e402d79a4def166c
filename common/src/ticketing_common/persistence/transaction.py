"""The unit of work: one MongoDB transaction around everything that a function does."""

import functools
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from ticketing_common.errors import Conflict
from ticketing_common.persistence.database import TIMEOUT_SECONDS, database, notify_committed

P = ParamSpec("P")
T = TypeVar("T")

WRITE_CONFLICT = 112


class Transaction:
    """The running transaction."""

    def __init__(self) -> None:
        self.after_commit: list[Callable[[], None]] = []
        """Called after the commit. A crash can prevent a call, so it must only save time."""


_current: ContextVar[Transaction | None] = ContextVar("transaction", default=None)


def current_transaction() -> Transaction:
    """Return the running transaction. Raises RuntimeError outside of one."""
    transaction = _current.get()
    if transaction is None:
        raise RuntimeError("This needs a transaction: decorate the caller with @transactional")
    return transaction


def notify_after_commit(topic: str, value: object = None) -> None:
    """Call the `database.on_commit` callbacks of a topic once the transaction has committed."""
    current_transaction().after_commit.append(lambda: notify_committed(topic, value))


def transactional(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Run an async function in one MongoDB transaction that commits before it returns.

    The session is ambient: all MongoDB operations inside, through beanie or PyMongo, belong to it.
    A call inside another transactional function joins its transaction. An exception aborts it.

    A write conflict reruns the function, with backoff and for a bounded time. So it may only change
    documents and the outbox, and must not use `asyncio.gather`.

    Raises: Conflict if the conflicts do not end in that time.
    """

    @functools.wraps(function)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        if _current.get() is not None:
            return await function(*args, **kwargs)
        return await _run(functools.partial(function, *args, **kwargs))

    return wrapper


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    transaction = Transaction()
    conflicted = False

    async def attempt(session: AsyncClientSession) -> T:
        nonlocal transaction, conflicted
        transaction = Transaction()
        token = _current.set(transaction)
        try:
            async with session.bind(end_session=False):
                result = await work()
        except OperationFailure as error:
            conflicted = conflicted or error.code == WRITE_CONFLICT
            raise
        finally:
            _current.reset(token)
        conflicted = False
        return result

    async with database().client.start_session() as session:
        try:
            with pymongo.timeout(TIMEOUT_SECONDS):
                result = await session.with_transaction(
                    attempt,
                    read_concern=ReadConcern("snapshot"),
                    write_concern=WriteConcern("majority", j=True),
                )
        except PyMongoError as error:
            if conflicted and error.timeout:  # PyMongo reports the timeout, not its cause
                raise Conflict from error
            raise
    for callback in transaction.after_commit:
        callback()
    return result

"""One transaction for all that runs inside."""

import functools
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from ticketing_common.errors import Conflict
from ticketing_common.persistence.database import CALL_SECONDS, database

P = ParamSpec("P")
T = TypeVar("T")

WRITE_CONFLICT = 112


class Transaction:
    """The one that runs."""

    def __init__(self) -> None:
        self.after_commit: list[Callable[[], None]] = []
        """Called once the commit is certain. A call that is lost must do no harm."""


Hook = Callable[[Callable[..., Any], object], Awaitable[None]]

last_write: ContextVar[Hook | None] = ContextVar("last_write", default=None)
"""Called inside each transaction, last, with the transactional function and what it returned."""

_current: ContextVar[Transaction | None] = ContextVar("transaction", default=None)


def current_transaction() -> Transaction:
    """The transaction that runs. Raises RuntimeError outside of one."""
    transaction = _current.get()
    if transaction is None:
        raise RuntimeError("This needs a transaction: decorate the caller with @transactional")
    return transaction


def transactional(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Run all of an async function in one MongoDB transaction, committed before it returns.

    The session is ambient: whatever reads or writes MongoDB inside, through beanie or pymongo,
    belongs to it. Inside another transactional function it joins that one's transaction. What it
    raises aborts everything. A conflict with another transaction reruns it, after growing pauses
    and for a bounded time, and so it may touch nothing but documents and the outbox, and may not
    `gather`.

    Raises Conflict where others kept changing the same documents all that time.
    """

    @functools.wraps(function)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        if _current.get() is not None:
            return await function(*args, **kwargs)
        return await _run(functools.partial(function, *args, **kwargs), wrapper)

    return wrapper


async def _run(work: Callable[[], Awaitable[T]], function: Callable[..., Any]) -> T:
    transaction = Transaction()
    conflicted = False

    async def attempt(session: AsyncClientSession) -> T:
        nonlocal transaction, conflicted
        transaction = Transaction()
        token = _current.set(transaction)
        try:
            async with session.bind(end_session=False):
                result = await work()
                if (hook := last_write.get()) is not None:
                    await hook(function, result)
        except OperationFailure as error:
            conflicted = conflicted or error.code == WRITE_CONFLICT
            raise
        finally:
            _current.reset(token)
        conflicted = False
        return result

    async with database().client.start_session() as session:
        try:
            with pymongo.timeout(CALL_SECONDS):
                result = await session.with_transaction(
                    attempt,
                    read_concern=ReadConcern("snapshot"),
                    write_concern=WriteConcern("majority", j=True),
                )
        except PyMongoError as error:
            if conflicted and error.timeout:  # PyMongo tells of the time that is over, not of why
                raise Conflict from error
            raise
    for announce in transaction.after_commit:
        announce()
    return result

"""Control of the threads that hash passwords."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from auth import passwords


@asynccontextmanager
async def block_password_pool() -> AsyncIterator[None]:
    """Let no password be hashed or verified until the block ends."""
    end = threading.Event()
    for _ in range(passwords.THREADS):
        passwords._pool.submit(end.wait)
    try:
        yield
    finally:
        end.set()


async def has_pending_passwords(count: int) -> bool:
    """Return whether exactly this many passwords wait."""
    return passwords._queue.in_progress + passwords._queue.waiting == count

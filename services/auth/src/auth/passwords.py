"""Argon2id password hashes, computed in threads beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from passlib.hash import argon2

from ticketing_common.errors import Unavailable

T = TypeVar("T")

MAX_PENDING = 40
"""Hashes that may be in progress or waiting. The last one waits for about a second."""

# A hash costs tens of milliseconds and 19 MiB on purpose, so two threads are enough.
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
# OWASP's minimum parameters for Argon2id.
_scheme = argon2.using(type="ID", memory_cost=19_456, time_cost=2, parallelism=1)
_DUMMY_HASH = _scheme.hash("dummy")
_pending = 0


class TooManySignIns(Unavailable):
    """Too many passwords are being checked. Try again after `Retry-After` seconds."""

    code = "too_many_sign_ins"
    message = "Too many people are signing in right now. Try again soon."


async def hash_password(password: str) -> str:
    """Return the hash to store for a password. Raises: TooManySignIns."""
    return await _run_in_pool(_scheme.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Return whether the password has this hash.

    Without a hash the result is False, after the same time: the response time of a sign-in must not
    reveal whether there is an account. Raises: TooManySignIns.
    """
    matches = await _run_in_pool(_scheme.verify, password, password_hash or _DUMMY_HASH)
    return matches and password_hash is not None


async def _run_in_pool(function: Callable[..., T], *args: str) -> T:
    global _pending
    if _pending >= MAX_PENDING:
        raise TooManySignIns
    _pending += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, function, *args)
    finally:
        _pending -= 1
